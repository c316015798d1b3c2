"""The graph loses nothing and counts nothing twice, whatever breaks in between."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfctl.errors import StoreError
from sfctl.graph.stage import GraphStage
from sfctl.model.evidence import SCHEMA, Evidence
from sfctl.model.graph import SIGNATURES_PER_DATASET, Elements
from tests.unit.graph.stores import NOW, Stores, deployment, event, gate, spec

ORDERS, CURATED = "urn:dp:shop:orders", "urn:dp:shop:curated"
FAILURE = f"MISSING_FIELD:customer:{ORDERS}"


def _count(stores: Stores, failure: str = FAILURE) -> int:
    node = stores.graph.node(failure)
    assert node is not None
    return int(node.props["occurrence_count"])


def _day() -> list[Evidence]:
    return [
        deployment("08:00:00", "v1"),
        *(gate(f"09:00:{i:02}", result="PASS", version="v1") for i in range(3)),
        deployment("10:00:00", "v2", previous="v1"),
        *(gate(f"10:00:{i:02}", version="v2") for i in range(10)),
        spec("curate", [ORDERS], [CURATED]),
        *(gate(f"11:00:{i:02}", dataset=CURATED, run_id="run-1") for i in range(5)),
    ]


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(cuts=st.lists(st.integers(1, 21), max_size=4), limit=st.integers(1, 30))
def test_how_the_log_is_cut_does_not_show(
    cuts: list[int], limit: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder, events = tmp_path_factory.mktemp("cuts"), _day()
    whole = Stores(folder / "a").fold(events)
    pieces = Stores(folder / "b")
    places = [0, *sorted(set(cuts)), len(events)]
    for start, end in itertools.pairwise(places):
        pieces.fold(events[start:end], limit=limit)
    assert pieces.graph.export() == whole.graph.export()
    assert _count(pieces) == 10


class Breaking:
    """A graph that does not answer at its n-th upsert."""

    def __init__(self, stores: Stores, at: int) -> None:
        self._graph = stores.graph
        self._left = at

    def upsert(self, elements: Elements, now: Any) -> int:
        self._left -= 1
        if self._left == 0:
            raise StoreError("the graph does not answer")
        return self._graph.upsert(elements, now)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._graph, name)


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_graph_that_breaks_loses_no_event(at: int, tmp_path: Path) -> None:
    whole = Stores(tmp_path / "a").fold(_day())
    stores = Stores(tmp_path / "b")
    stores.bus.publish(_day())
    broken: Any = Breaking(stores, at)
    with pytest.raises(StoreError):
        GraphStage(stores.bus, stores.state, broken).advance(NOW)
    stores.fold([])
    assert stores.graph.export() == whole.graph.export()


def test_a_kill_between_graph_and_state_counts_nothing_twice(tmp_path: Path) -> None:
    stores = Stores(tmp_path)
    stores.bus.publish(_day())

    class Killed:
        def __getattr__(self, name: str) -> Any:
            return getattr(stores.state, name)

        def transact(self, writes: Any) -> None:
            raise StoreError("killed")

    state: Any = Killed()
    with pytest.raises(StoreError):
        GraphStage(stores.bus, state, stores.graph).advance(NOW)
    stores.fold([])
    assert _count(stores) == 10


def test_what_cannot_be_drawn_is_a_dead_letter_and_the_rest_goes_on(tmp_path: Path) -> None:
    poison = Evidence(
        schema=SCHEMA,
        evidence_id="evd-poison",
        kind="LineageSpec",
        timestamp="2024-01-15T09:00:00.000Z",
        payload={"declares": {"services": 7}},
    )
    stores = Stores(tmp_path)
    stores.bus.publish([poison, gate("10:00:00")])
    progress = stores.stage().advance(NOW)
    assert (progress.events, progress.dead) == (2, 1)
    letters = stores.bus.dead_letters()
    assert [each.reason for each in letters] == ["NOT_DRAWN"]
    assert "evd-poison" in letters[0].detail
    assert _count(stores) == 1


def test_one_runs_failures_told_three_times_are_counted_once(tmp_path: Path) -> None:
    told = {"rows_failed": 5, "signatures": {"MISSING_FIELD:customer": 5}}
    stores = Stores(tmp_path).fold(
        [
            *(gate(f"10:00:0{i}", run_id="run-1") for i in range(5)),
            gate("10:01:00", run_id="run-1", **told),
            gate("10:02:00", run_id="run-2", signatures={"MISSING_FIELD:customer": 7}),
        ]
    )  # fmt: skip
    assert stores.edge("urn:run:run-1", "ENCOUNTERED", FAILURE)["count"] == 5
    assert stores.edge("urn:run:run-2", "ENCOUNTERED", FAILURE)["count"] == 7
    assert _count(stores) == 12


def test_an_amendment_stands_in_place_of_what_it_amends(tmp_path: Path) -> None:
    first = {"evidence_id": "evd-01HQXY8MNP4QR7ST9VW2XYZ456", "run_id": "run-1"}
    stores = Stores(tmp_path).fold(
        [
            gate("10:00:00", **first, signatures={"MISSING_FIELD:customer": 5}),
            gate("10:00:00", **first, revision=1, signatures={"MISSING_FIELD:customer": 9}),
        ]
    )
    assert _count(stores) == 9


def test_signatures_beyond_the_cap_share_one(tmp_path: Path) -> None:
    many = {f"UNKNOWN_ENUM:kind:v{i:05}": 1 for i in range(SIGNATURES_PER_DATASET + 50)}
    stores = Stores(tmp_path).fold([gate("10:00:00", run_id="run-1", signatures=many)])
    nodes = stores.graph.nodes("FailureSignature", limit=10_000)
    assert len(nodes) == SIGNATURES_PER_DATASET + 1
    assert _count(stores, f"UNKNOWN_ENUM:kind:*:{ORDERS}") == 50


def test_records_files_and_partitions_make_no_nodes(tmp_path: Path) -> None:
    def write(day: int) -> Evidence:
        return event(
            {
                "eventType": "COMPLETE",
                "eventTime": f"2024-01-{day:02}T00:00:00Z",
                "run": {"runId": "run-1"},
                "job": {"namespace": "spark", "name": "daily"},
                "outputs": [{"namespace": "s3://lake", "name": f"orders/dt=2024-01-{day:02}"}],
            }
        )

    stores = Stores(tmp_path).fold(write(day) for day in range(1, 29))
    assert {node.id for node in stores.graph.export().nodes} == {
        "dataset:s3://lake/orders",
        "job:spark/daily",
        "urn:run:run-1",
    }


@pytest.mark.parametrize("number", [1, 1000])
def test_words_of_an_exception_make_one_signature(number: int, tmp_path: Path) -> None:
    def failed(i: int) -> Evidence:
        return event(
            {
                "kind": "JobRunFailed",
                "timestamp": "2024-01-15T10:00:00Z",
                "job_urn": "urn:job:daily",
                "run_id": f"run-{i % 7}",
                "failure_reason": "java.lang.NullPointerException: Cannot invoke "
                f"Order.total{i}() because local{i} is null at com.shop.Totals.sum(Totals.java:9)",
                "seq": i,
            }
        )

    stores = Stores(tmp_path).fold(failed(i) for i in range(number))
    (node,) = stores.graph.nodes("FailureSignature")
    assert node.props["reason_code"] == "NULL_REF:Totals"

"""Which deployment brought a failure, and which only came before it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfctl.model import topology
from sfctl.model.manifest import DatasetEntry, Manifest, TargetEntry
from tests.unit.graph.stores import Stores, deployment, gate, spec

ORDERS, CURATED = "urn:dp:shop:orders", "urn:dp:shop:curated"
FAILURE = f"MISSING_FIELD:customer:{ORDERS}"
NEW, OLD = "urn:deployment:shop-svc:v2", "urn:deployment:shop-svc:v1"


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    return Stores(tmp_path)


def test_the_version_that_shows_it_first_introduced_it(stores: Stores) -> None:
    stores.fold(
        [
            deployment("08:00:00", "v1"),
            gate("08:30:00", result="PASS", version="v1"),
            deployment("10:00:00", "v2", previous="v1"),
            gate("10:00:17", version="v2"),
        ]
    )
    assert stores.edge(NEW, "INTRODUCED", FAILURE)["seconds"] == 17
    assert not stores.graph.edges(OLD, "out", ["INTRODUCED", "PRECEDED"])


def test_what_the_version_before_showed_too_is_not_its_doing(stores: Stores) -> None:
    stores.fold(
        [
            deployment("08:00:00", "v1"),
            gate("08:30:00", version="v1"),
            deployment("10:00:00", "v2", previous="v1"),
            gate("10:00:17", version="v2"),
        ]
    )
    assert stores.has(OLD, "INTRODUCED", FAILURE)
    assert not stores.graph.edges(NEW, "out", ["INTRODUCED", "PRECEDED"])


def test_a_deployment_told_of_late_is_found(stores: Stores) -> None:
    stores.fold([gate("10:00:17", version="v2")])
    assert not stores.graph.edges(FAILURE, "in", ["INTRODUCED"])
    stores.fold([deployment("10:00:00", "v2", previous="v1")])
    assert stores.edge(NEW, "INTRODUCED", FAILURE)["basis"] == "version"


def test_without_versions_time_and_producer_tell(stores: Stores) -> None:
    stores.fold([deployment("08:00:00", "v1"), deployment("10:00:00", "v2"), gate("10:05:00")])
    assert stores.edge(NEW, "INTRODUCED", FAILURE)["basis"] == "producer"
    assert stores.edge(OLD, "PRECEDED", FAILURE)["seconds"] == 7500


def test_a_deployment_after_the_first_failure_is_innocent(stores: Stores) -> None:
    stores.fold([gate("09:00:00"), deployment("10:00:00", "v2"), gate("10:05:00")])
    assert not stores.graph.edges(NEW, "out", ["INTRODUCED", "PRECEDED"])


def test_what_went_elsewhere_neither_brought_it_nor_hides_what_did(stores: Stores) -> None:
    declared = topology.to_event(
        Manifest(
            "shop",
            TargetEntry("prod", "prod", "lake"),
            {ORDERS: DatasetEntry("orders", ORDERS, "shop", 1)},
            compiled_at="2024-01-01T00:00:00.000Z",
            digest="sha256:1",
        )
    )
    stores.fold(
        [
            declared,
            deployment("09:00:00", "v2"),
            deployment("09:50:00", "v3", environment="staging"),
            deployment("09:55:00", "v2", environment="staging"),
            gate("10:05:00"),
        ]
    )
    assert stores.edge(NEW, "INTRODUCED", FAILURE)["seconds"] == 3900
    known = stores.graph.node(NEW)
    assert known is not None
    assert known.props["environment"] == "prod"
    for name in ("v2@staging", "v3@staging"):
        elsewhere = f"urn:deployment:shop-svc:{name}"
        assert stores.has("urn:service:shop-svc", "DEPLOYED", elsewhere) or stores.has(
            "urn:job:shop-svc", "DEPLOYED", elsewhere
        )
        assert not stores.graph.edges(elsewhere, "out", ["INTRODUCED", "PRECEDED"])


def test_an_unrelated_service_gets_nothing(stores: Stores) -> None:
    stores.fold([deployment("09:59:00", "v9", service="mail-svc"), gate("10:05:00")])
    assert not stores.graph.edges("urn:deployment:mail-svc:v9", "out")


def test_a_service_upstream_is_found_along_lineage(stores: Stores) -> None:
    stores.fold(
        [
            spec("urn:service:shop-svc", [], [ORDERS]),
            deployment("09:00:00", "v2"),
            gate("10:00:00", dataset=CURATED, producer="UNKNOWN", run_id="run-1"),
        ]
    )
    failure = f"MISSING_FIELD:customer:{CURATED}"
    assert not stores.graph.edges(failure, "in", ["INTRODUCED"])
    stores.fold([spec("curate", [ORDERS], [CURATED])])
    assert stores.edge(NEW, "INTRODUCED", failure)["basis"] == "lineage"


def test_the_same_text_elsewhere_is_linked_along_lineage_only(stores: Stores) -> None:
    stores.fold(
        [
            spec("curate", [ORDERS], [CURATED]),
            gate("09:00:00", version="v2"),
            gate("10:00:00", dataset=CURATED, run_id="run-1"),
            gate("10:00:00", dataset="urn:dp:shop:apart", run_id="run-2"),
        ]
    )
    assert stores.edge(ORDERS, "INTRODUCED_DRIFT", f"MISSING_FIELD:customer:{CURATED}")["hops"] == 1
    apart = stores.graph.edges("MISSING_FIELD:customer:urn:dp:shop:apart", "in")
    assert {edge.label for edge in apart} <= {"ENCOUNTERED", "PRODUCED_DRIFT"}


def test_a_commit_joins_who_moves_data_with_what_was_deployed(stores: Stores) -> None:
    stores.fold([deployment("10:00:00", "v2")])
    stores.fold([spec("curate", [ORDERS], [CURATED], commit="c0ffeev2")])
    assert stores.edge("urn:job:curate", "DEPLOYED", NEW)["commit"] == "c0ffeev2"
    node = stores.graph.node(NEW)
    assert node is not None
    assert node.props["service"] == "shop-svc"
    assert node.props["deployed_at"] == "2024-01-15T10:00:00.000Z"
    assert node.props["environment"] == "prod"

"""Exactly once, whatever is killed and however the log is cut; the same log, the same incidents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfctl.errors import StoreError
from sfctl.incidents import outbox, store
from sfctl.incidents.document import document
from sfctl.model import codec
from tests.incident_rig import NINE, World, at, bad, deployment, event, good, project

STORY = (
    project({"a:t": 1, "a:u": 2, "b:v": 1}),
    deployment("orders-svc", "v3", 0),
    bad("a:t", 5, "MISSING_FIELD:x"),
    bad("b:v", 6, "MISSING_FIELD:x"),
    bad("a:u", 7, "RANGE_VIOLATION:n", engine="dq", run="r"),
    good("a:t", 10),
    bad("a:u", 12, "RANGE_VIOLATION:n", engine="dq", run="r2"),
    good("b:v", 15),
    bad("a:t", 20, "MISSING_FIELD:x"),
    good("a:u", 25, engine="dq"),
)


def told(world: World, *, batch: int = 500) -> list[dict[str, Any]]:
    """Play the story and return the incidents in full."""
    world.introduced("orders-svc", "v3", "MISSING_FIELD:x", "a:t", "b:v")
    world.publish(*STORY)
    world.stage.batch = batch
    world.advance()
    return [document(each) for each in world.incidents]


def test_the_same_log_gives_the_same_incidents_however_it_is_cut(tmp_path: Path) -> None:
    seen = []
    for batch in (1, 2, 3, 500):
        world = World(tmp_path / str(batch))
        seen.append(codec.encode(told(world, batch=batch)))
        world.close()
    assert len(set(seen)) == 1
    assert b"INC-2" in seen[0]


@settings(max_examples=8, deadline=None)
@given(cut=st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_reading_as_the_log_grows_is_reading_it_at_once(
    cut: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    whole = World(tmp_path_factory.mktemp("whole"))
    parts = World(tmp_path_factory.mktemp("parts"))
    expected = told(whole)
    parts.introduced("orders-svc", "v3", "MISSING_FIELD:x", "a:t", "b:v")
    done = 0
    for size in (*cut, len(STORY)):
        parts.publish(*STORY[done : done + size])
        done += size
        parts.advance()
    assert [document(each) for each in parts.incidents] == expected
    whole.close()
    parts.close()


class Killed(Exception):
    """The process ended here."""


@pytest.mark.parametrize("where", ["graph", "state", "bus"])
@pytest.mark.parametrize("after", [True, False])
def test_a_kill_at_any_step_loses_nothing_and_doubles_nothing(
    tmp_path: Path, where: str, after: bool
) -> None:
    plain = World(tmp_path / "plain")
    expected = told(plain, batch=2)
    elements = plain.graph.export()
    plain.close()
    world = World(tmp_path / "killed", batch=2)
    world.introduced("orders-svc", "v3", "MISSING_FIELD:x", "a:t", "b:v")
    world.publish(*STORY)
    for stop in range(20):
        crashing = World(tmp_path / "killed", batch=2)
        store_of, name = {
            "graph": (crashing.graph, "upsert"),
            "state": (crashing.state, "transact"),
            "bus": (crashing.bus, "commit"),
        }[where]
        real, calls = getattr(store_of, name), iter(range(100))

        def dies(
            *given: Any, _real: Any = real, _calls: Any = calls, _stop: int = stop % 3, **more: Any
        ) -> Any:
            if next(_calls) != _stop:
                return _real(*given, **more)
            if after:
                _real(*given, **more)
            raise Killed

        setattr(crashing.stage, where, _Wrapped(store_of, name, dies))
        try:
            crashing.advance()
        except Killed:
            crashing.close()
            continue
        crashing.close()
        break
    world.advance()
    assert [document(each) for each in world.incidents] == expected
    assert world.graph.export() == elements
    world.close()


class _Wrapped:
    """A store of which one method ends the process; everything else is the store itself."""

    def __init__(self, store_of: Any, name: str, dies: Any) -> None:
        self._store, self._name, self._dies = store_of, name, dies

    def __getattr__(self, name: str) -> Any:
        return self._dies if name == self._name else getattr(self._store, name)


def test_reading_the_log_again_changes_nothing(world: World) -> None:
    first = told(world)
    notices = world.state.query(outbox.TABLE)
    item = world.state.get("consumer_offsets", "signal_engines.incidents")
    assert item is not None
    world.state.delete("consumer_offsets", "signal_engines.incidents")
    again = World(world.root)
    again.advance()
    mine = [document(each) for each in again.incidents]
    assert [each["incident_id"] for each in mine] == [each["incident_id"] for each in first]
    assert [each["symptoms"] for each in mine] == [each["symptoms"] for each in first]
    assert world.state.query(outbox.TABLE) == notices
    again.close()


def test_the_graph_shows_each_incident_with_its_signals(world: World) -> None:
    told(world)
    first = world.incidents[0]
    edges = world.graph.edges(first.incident_id, "in", ("TRIGGERED",))
    assert {edge.source for edge in edges} == {each.signal_id for each in first.symptoms}
    node = world.graph.node(first.incident_id)
    assert node is not None
    assert (node.label, node.props["status"]) == ("Incident", "OPEN")
    assert {first.incident_id, first.suspected_deployment} <= store.cited_nodes(world.state)


def test_what_is_no_signal_is_a_dead_letter_and_the_rest_goes_on(world: World) -> None:
    broken = {
        "kind": "SIGNAL", "evidence_id": "sig-1", "dataset_urn": "urn:dp:a:t",
        "signal_type": "DQ_BREACH", "state": "PURPLE", "timestamp": at(1),
    }  # fmt: skip
    world.bus.publish([event(broken)])
    world.publish(bad("a:t", 5))
    progress = world.stage.advance(NINE)
    assert (progress.dead, progress.events, len(world.incidents)) == (1, 2, 1)
    assert world.bus.dead_letters()[0].reason == "NOT_A_SIGNAL"


def test_a_store_that_does_not_answer_leaves_everything_as_it_was(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.publish(*STORY)
    world.graph.close()
    (tmp_path / ".sfctl" / "graph.db").write_bytes(b"no database" * 1000)
    for leftover in (tmp_path / ".sfctl").glob("graph.db-*"):
        leftover.unlink()
    with pytest.raises(StoreError):
        world.advance()
    assert world.incidents == []
    assert world.state.query("consumer_offsets") == []
    world.close()

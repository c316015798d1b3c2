"""A kept answer is never stale; what people say is kept, counted and confirms later cases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from sfctl.model.explanation import Explanation, Timings
from sfctl.model.graph import Elements, Node
from sfctl.rca import feedback
from sfctl.rca.cache import explained
from tests.unit.rca.world import NOW, World, contract_break, deployment


@pytest.fixture
def asked(world: World) -> str:
    return contract_break(world)


def ask(world: World, subject: str, later: timedelta = timedelta()) -> Explanation:
    return explained(subject, world.graph, world.state, world.bus, now=NOW + later)


def test_the_second_answer_is_kept_and_the_same(world: World, asked: str) -> None:
    first, second = ask(world, asked), ask(world, asked, timedelta(minutes=59))
    assert (first.timings.cached, second.timings.cached) == (False, True)
    assert replace(first, timings=Timings()) == replace(second, timings=Timings())


def test_an_hour_later_it_is_asked_anew(world: World, asked: str) -> None:
    ask(world, asked)
    assert not ask(world, asked, timedelta(hours=1)).timings.cached


def test_a_change_of_the_graph_drops_it(world: World, asked: str) -> None:
    ask(world, asked)
    world.graph.upsert(Elements((Node("urn:dashboard:new", "Dashboard"),)), NOW)
    assert not ask(world, asked).timings.cached


def test_new_evidence_drops_it(world: World, asked: str) -> None:
    ask(world, asked)
    world.publish(deployment("orders-svc", "v3.18", "v3.17", "2024-01-15T10:30:00Z"))
    assert not ask(world, asked).timings.cached


def test_a_change_of_the_incident_drops_it(world: World, asked: str) -> None:
    ask(world, asked)
    item = world.state.query("incidents")[0]
    world.state.put("incidents", item.key, {**item.value, "status": "ACKNOWLEDGED"})
    again = ask(world, asked)
    assert not again.timings.cached
    assert again.status == "ACKNOWLEDGED"


def test_what_was_said_is_kept_once_a_person_and_counted(world: World, asked: str) -> None:
    told = ask(world, asked)
    feedback.record(world.state, told, "up", "", "ann", NOW)
    feedback.record(world.state, told, "down", "it was the proxy", "bob", NOW)
    feedback.record(world.state, told, "down", "on second thought", "ann", NOW)
    kept = feedback.everything(world.state)
    assert [(e["by"], e["verdict"]) for e in kept] == [("ann", "down"), ("bob", "down")]
    assert kept[0]["cause_ref"] == "urn:deployment:orders-svc:v3.17"
    assert kept[0]["factors"]["version_match"] == 1.0


def test_an_answer_confirms_other_cases_and_not_itself(world: World, asked: str) -> None:
    told = ask(world, asked)
    feedback.record(world.state, told, "up", "", "ann", NOW)
    assert ask(world, asked).root_cause.confidence == told.root_cause.confidence
    signal = "sig-01HQXZ2NPQ5RS8TU0VW3XYZ789"
    confirmed = ask(world, signal).root_cause
    factor = next(f for f in confirmed.factors if f.name == "confirmed_before")
    assert factor.value == 1.0
    assert confirmed.confidence > told.root_cause.confidence

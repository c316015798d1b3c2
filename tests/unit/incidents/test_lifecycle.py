"""OPEN → ACKNOWLEDGED → RESOLVED and back: by itself, by hand, with its history."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sfctl.incidents import lifecycle
from sfctl.incidents.seen import Seen
from sfctl.incidents.severity import severity_of
from sfctl.model.incident import Incident, Symptom
from sfctl.model.signal import State
from tests.incident_rig import World, at, bad, event, good, project


@pytest.mark.parametrize(
    ("state", "tier", "severity"),
    [
        ("CRITICAL", 1, "SEV-1"),
        ("CRITICAL", 2, "SEV-2"),
        ("CRITICAL", 3, "SEV-3"),
        ("WARNING", 1, "SEV-3"),
        ("WARNING", 2, None),
        ("WARNING", 3, None),
        ("UNKNOWN", 1, None),
        ("OK", 1, None),
    ],
)
def test_severity_is_state_times_tier(state: State, tier: int, severity: str | None) -> None:
    assert severity_of(state, tier) == severity


def test_a_warning_below_tier_one_is_a_signal_only(world: World) -> None:
    world.publish(project({"a:t": 2, "b:u": 1}))
    world.publish(bad("a:t", 5, state="WARNING"), bad("b:u", 5, state="WARNING"))
    world.advance()
    assert world.one().dataset_urn == "urn:dp:b:u"
    assert world.one().severity == "SEV-3"


def test_a_worse_symptom_raises_the_severity_and_a_better_one_does_not_lower_it(
    world: World,
) -> None:
    world.publish(project({"a:t": 1}))
    for minute, state in ((5, "WARNING"), (10, "CRITICAL"), (15, "WARNING")):
        world.publish(bad("a:t", minute, state=state))
    world.advance()
    assert world.one().severity == "SEV-1"
    assert world.one().complaints == {"urn:dp:a:t|contract": "WARNING"}


def test_it_resolves_when_every_engine_that_complained_is_content(world: World) -> None:
    world.publish(bad("a:t", 5, run="r"), bad("a:t", 5, "X:y", engine="freshness", run="r"))
    world.publish(good("a:t", 10))
    world.advance()
    assert world.one().status == "OPEN"
    world.publish(good("a:t", 12, engine="freshness"))
    world.advance()
    incident = world.one()
    assert (incident.status, incident.resolved_at) == ("RESOLVED", at(12))
    assert [change.status for change in incident.history] == ["OPEN", "RESOLVED"]


def test_an_ok_about_something_else_or_from_before_settles_nothing(world: World) -> None:
    world.publish(
        bad("a:t", 20), good("a:t", 10), good("a:other", 30), good("a:t", 30, engine="dq")
    )
    world.advance()
    assert world.one().status == "OPEN"


def test_it_reopens_with_its_identity_when_the_cause_comes_back(world: World) -> None:
    world.publish(bad("a:t", 5), good("a:t", 10), bad("a:t", 15))
    world.advance()
    incident = world.one()
    assert (incident.incident_id, incident.status, incident.resolved_at) == ("INC-1", "OPEN", "")
    assert [change.status for change in incident.history] == ["OPEN", "RESOLVED", "OPEN"]
    assert incident.created_at == at(5)


def test_half_a_year_later_the_same_cause_is_a_new_incident(world: World) -> None:
    year = 365 * 24 * 60
    world.publish(bad("a:t", 5), good("a:t", 10), bad("a:t", year))
    world.advance(year)
    assert [(each.incident_id, each.status) for each in world.incidents] == [
        ("INC-1", "RESOLVED"),
        ("INC-2", "OPEN"),
    ]


def test_an_amendment_replaces_what_it_amends_and_may_take_it_back(world: World) -> None:
    first = bad("a:t", 5, run="r")
    world.publish(
        first, replace(first, revision=1, metrics={"evidence_count": 200, "fail_count": 1})
    )
    world.advance()
    incident = world.one()
    assert [each.revision for each in incident.symptoms] == [1]
    assert incident.evidence_summary["failure_rate"] == "0.5%"
    world.publish(replace(first, revision=2, state="OK", top_failures=()))
    world.advance()
    assert world.one().status == "RESOLVED"


def test_late_news_of_a_closed_window_do_not_reopen(world: World) -> None:
    world.publish(bad("a:t", 5), good("a:t", 10), bad("a:t", 7))
    world.advance()
    assert world.one().status == "RESOLVED"


def test_a_quarantine_nobody_else_speaks_for_opens_and_a_passing_gate_ends_it(
    world: World,
) -> None:
    held = {
        "kind": "QUARANTINE", "dataset_urn": "ds://a/t", "run_id": "r1", "gate": "DQ",
        "result": "FAIL", "action": "divert", "rows": 3, "timestamp": at(5),
        "failure_signature": "RANGE_VIOLATION:n",
    }  # fmt: skip
    within = {**held, "run_id": "r0", "result": "PASS", "timestamp": at(4)}
    world.publish(project({"a:t": 1}), event(within), event(held))
    world.advance()
    incident = world.one()
    assert (incident.severity, incident.title) == ("SEV-3", "Quarantine - a:t - RANGE_VIOLATION:n")
    passing = {
        "kind": "GATE", "dataset_urn": "urn:dp:a:t", "timestamp": at(9),
        "validation": {"result": "PASS", "gates": [{"gate": "DQ", "result": "PASS"}]},
    }  # fmt: skip
    world.publish(event({**passing, "run_id": "r1", "evidence_id": "evd-same-run"}))
    world.advance()
    assert world.one().status == "OPEN"
    world.publish(event({**passing, "run_id": "r2", "evidence_id": "evd-next-run"}))
    world.advance()
    assert world.one().status == "RESOLVED"


@pytest.mark.parametrize(("level", "count", "alerts"), [("G0", 0, True), ("G1", 1, False)])
def test_enforcement_quietens_what_gates_say(
    world: World, level: str, count: int, alerts: bool
) -> None:
    world.publish(project({"a:t": 1}, level=level))
    world.publish(bad("a:t", 5))
    world.advance()
    assert len(world.incidents) == count
    assert all(each.alerts == alerts for each in world.incidents)
    world.publish(bad("a:t", 6, "JOB_ERROR:X", engine="freshness"))
    world.advance()
    assert [each.alerts for each in world.incidents][count:] == ([True] if level == "G1" else [])


def test_an_engine_is_known_by_what_it_says_whatever_it_calls_itself(world: World) -> None:
    held = {
        "kind": "QUARANTINE", "dataset_urn": "ds://a/t", "run_id": "r", "gate": "DQ",
        "result": "FAIL", "action": "block", "rows": 3, "timestamp": at(4),
        "failure_signature": "MISSING_FIELD:x",
    }  # fmt: skip
    signal = replace(bad("a:t", 5, "NULL_VIOLATION:x", run="r"), engine="contract_compliance")
    world.publish(event(held), bad("a:t", 5, "UPDATE:x", engine="freshness", run="r"), signal)
    world.publish(replace(good("a:t", 9), engine="contract_compliance"))
    world.advance()
    incident = world.one()
    assert incident.signal_id == signal.signal_id
    assert incident.complaints == {
        "urn:dp:a:t|contract": "OK",
        "urn:dp:a:t|freshness": "CRITICAL",
        "urn:dp:a:t|quarantine": "OK",
    }


def symptom(number: int, state: str, minute: int) -> Seen:
    mark = Symptom(
        f"sig-{number}", "DQ_BREACH", f"urn:dp:a:t{number % 3}", state, at(minute), engine="dq"
    )
    return Seen(symptom=mark, severity="SEV-1" if state == "CRITICAL" else None)


steps = st.lists(
    st.tuples(
        st.sampled_from(["bad", "warning", "good", "ack", "resolve", "false"]), st.integers(0, 8)
    ),
    max_size=40,
)


@given(steps)
def test_whatever_happens_the_incident_stays_one(taken: list[tuple[str, int]]) -> None:
    incident = lifecycle.opened(symptom(0, "CRITICAL", 0), "INC-1", "k")
    for minute, (step, number) in enumerate(taken, 1):
        before = incident
        incident = moved(incident, step, number, minute)
        assert (incident.incident_id, incident.cause_key, incident.created_at) == (
            before.incident_id,
            before.cause_key,
            before.created_at,
        )
        assert incident.history[: len(before.history)] == before.history
        assert incident.history[-1].status == incident.status
        assert bool(incident.resolved_at) == (incident.status == "RESOLVED")
        assert incident.severity <= before.severity
        assert set(before.datasets) <= set(incident.datasets)
        assert not incident.false_positive or incident.status == "RESOLVED"
        ids = [each.signal_id for each in incident.symptoms]
        assert len(ids) == len(set(ids))
        assert moved(incident, step, number, minute) == incident


def moved(incident: Incident, step: str, number: int, minute: int) -> Incident:
    match step:
        case "bad" | "warning":
            state = "CRITICAL" if step == "bad" else "WARNING"
            return lifecycle.shown(incident, symptom(number + 10 * minute, state, minute), "x")
        case "good":
            return lifecycle.heard_good(incident, f"urn:dp:a:t{number % 3}|dq", at(minute))
        case "ack":
            return lifecycle.acknowledged(incident, at(minute), "ann")
        case _:
            return lifecycle.resolved(incident, at(minute), "ann", false_positive=step == "false")

"""A feed's deployment renames a column: nothing is published, readers keep what was certified."""

from __future__ import annotations

from typing import Any

import pytest

from sfctl.model.explanation import Explanation
from sfctl.model.graph import Edge, Elements, Node
from sfctl.model.signal import Failure
from tests.unit.rca.world import NOW, World, breach, deployment

FLIGHTS, FEED, JOB, RUN = "urn:dp:ops:flights", "urn:dp:feed:departures", "urn:job:daily", "r8"
GOOD, BAD = "2013-01-07T10:05:00.000Z", "2013-01-08T10:05:00.000Z"


def event(kind: str, run: str, at: str, stage: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": kind, "evidence_id": f"evd-{run}-{kind}-{stage}-{more.get('action', '')}",
        "timestamp": at, "started_at": at, "logical_date": at[:10], "dataset_urn": FLIGHTS,
        "stage": stage, "job_urn": JOB, "run_id": run, **more,
    }  # fmt: skip


def gate(result: str, **details: Any) -> dict[str, Any]:
    codes = [] if result == "PASS" else ["MISSING_FIELD:dest"]
    block = {"gate": "G3_SCHEMA", "result": result, "details": details}
    return {
        "result": result, "gates": [block | ({"reason_code": codes[0]} if codes else {})],
        "failed_gates": ["G3_SCHEMA"] if codes else [], "reason_codes": codes,
    }  # fmt: skip


@pytest.fixture
def told(world: World) -> Explanation:
    edges = (
        Edge("urn:service:feed", FEED, "OWNS"),
        Edge(FEED, FLIGHTS, "FEEDS"),
        Edge(FLIGHTS, "urn:dashboard:board", "FEEDS"),
    )
    nodes = (Node(FLIGHTS, "Dataset", {"tier": 1}), Node(FEED, "Dataset"),
             Node("urn:dashboard:board", "Dashboard", {"tier": 1}))  # fmt: skip
    world.graph.upsert(Elements(nodes, edges), NOW)
    renamed = [
        {"change": "removed", "field": "dest", "from": "STRING", "to": None},
        {"change": "possible_rename", "field": "dest", "from": "dest", "to": "destination"},
    ]
    certified = {"certified_version": 4, "generation": 1}
    world.publish(
        deployment("feed", "v5.2", "v5.1", "2013-01-07T22:40:00Z"),
        event("GATE", "r7", GOOD, "bronze", validation=gate("PASS")),
        event("CERTIFICATION", "r7", GOOD, "gold", certification_status="CERTIFIED", version=4,
              validation={"result": "PASS", "gates": []}, **certified),
        event("GATE", RUN, BAD, "bronze", validation=gate("FAIL", changes=renamed),
              signatures={"MISSING_FIELD:dest": 1, "NULL_VIOLATION:dest": 911},
              rows_evaluated=911, rows_failed=911),
        event("QUARANTINE", RUN, BAD, "bronze", action="block", gate="G3_SCHEMA", result="FAIL",
              failure_signature="MISSING_FIELD:dest", rows=911),
        event("CERTIFICATION", RUN, BAD, "bronze", certification_status="HELD_AT_PREVIOUS",
              validation={"result": "FAIL", "gates": [], "reason_codes": ["BRONZE_BLOCKED"]},
              **certified),
    )  # fmt: skip
    world.signal(
        breach("breach", "CONTRACT_BREACH", FLIGHTS, BAD,
               [Failure("NULL_VIOLATION:dest", 911), Failure("MISSING_FIELD:dest", 1)],
               stage="bronze", run_id=RUN, engine="contract", job_urn=JOB,
               metrics={"records_processed": 911, "records_failed": 911})
    )  # fmt: skip
    world.fold()
    return world.explain(FLIGHTS)


def test_the_deployment_and_the_new_name_are_told(told: Explanation) -> None:
    cause = told.root_cause
    assert (cause.ref, cause.level) == ("urn:deployment:feed:v5.2", "MEDIUM")
    assert "most likely" in cause.statement
    assert "`dest` is missing, possibly renamed to `destination`" in cause.statement
    said = [claim.text for claim in told.evidence_chain]
    assert "Column `dest` may have been renamed to `destination`." in said
    assert "911 rows wait in quarantine." in said
    share = next(f for f in cause.factors if f.name == "share_explained")
    assert share.value == 1.0


def test_what_readers_have_is_told_with_its_age(told: Explanation) -> None:
    (claim,) = told.readers
    assert "still have certified version 4 of 2013-01-07 10:05:00, 24 hours old" in claim.text
    assert len(claim.refs) == 2


def test_the_commands_for_the_rows_and_the_run_are_given(told: Explanation) -> None:
    commands = [action.command for action in told.actions]
    assert told.actions[0].text == "Roll feed back to v5.1"
    for verb in ("show", "replay", "discard"):
        assert any(c.startswith(f"sfctl quarantine {verb} {FLIGHTS} --run {RUN}") for c in commands)
    assert "sfctl run daily --date 2013-01-08" in commands


def test_rows_that_were_discarded_are_not_asked_for_again(told: Explanation, world: World) -> None:
    assert told.impairment.quarantined == 911
    world.publish(
        event("QUARANTINE", "by-hand", "2013-01-08T11:00:00.000Z", "bronze", action="discard",
              held_run_id=RUN, gate="G3_SCHEMA", result="FAIL", rows=911,
              failure_signature="MISSING_FIELD:dest")
    )  # fmt: skip
    again = world.explain(FLIGHTS)
    assert again.impairment.quarantined == 0
    assert not any("wait in quarantine" in claim.text for claim in again.evidence_chain)
    assert not any("quarantine" in action.command for action in again.actions)


def test_a_deployment_since_is_looked_at_before_rolling_back(
    told: Explanation, world: World
) -> None:
    assert told.root_cause.kind == "DEPLOYMENT"
    world.publish(deployment("feed", "v5.2.1", "v5.2", "2013-01-08T10:40:00Z"))
    world.fold()
    first = world.explain(FLIGHTS).actions[0].text
    assert first.startswith("feed v5.2.1 is live since")
    assert "v5.1" in first

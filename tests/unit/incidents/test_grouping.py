"""One cause is one incident; equal text alone never groups."""

from __future__ import annotations

from typing import Any

from sfctl.incidents import store
from tests.incident_rig import World, at, bad, deployment, event, good, project

SIGNATURE = "MISSING_FIELD:customer_id"
FIVE = [f"{team}:{name}" for team, name in zip("abcde", ["v", "w", "x", "y", "z"], strict=True)]


def test_five_datasets_that_one_deployment_broke_are_one_incident(world: World) -> None:
    world.publish(project(dict.fromkeys(FIVE, 1)), deployment("orders-svc", "v3.17", 0))
    world.introduced("orders-svc", "v3.17", SIGNATURE, *FIVE)
    world.publish(*(bad(name, 5 + n) for n, name in enumerate(FIVE)))
    world.advance()
    incident = world.one()
    assert incident.incident_id == "INC-1"
    assert incident.datasets == tuple(f"urn:dp:{name}" for name in FIVE)
    assert incident.suspected_deployment == "urn:deployment:orders-svc:v3.17"
    assert incident.suspected_producer["version"] == "v3.17"
    assert incident.symptoms[-1].because == "deployment urn:deployment:orders-svc:v3.17"


def test_five_datasets_of_one_producer_version_are_one_incident(world: World) -> None:
    world.publish(
        *(bad(name, 5 + n, producer="orders-svc", version="v3") for n, name in enumerate(FIVE))
    )
    world.advance()
    assert len(world.one().datasets) == 5


def test_unrelated_datasets_with_equal_text_stay_apart(world: World) -> None:
    world.publish(project(dict.fromkeys(FIVE, 1)))
    world.publish(*(bad(name, 5 + n) for n, name in enumerate(FIVE)))
    world.publish(bad("a:other", 6, producer="UNKNOWN"))
    world.advance()
    assert [incident.incident_id for incident in world.incidents] == [
        f"INC-{n}" for n in range(1, 7)
    ]
    assert all(not incident.related for incident in world.incidents[:5])


def test_equal_text_along_lineage_is_one_incident_and_other_text_related(world: World) -> None:
    world.feeds("a:raw", "a:silver", "b:gold")
    world.publish(bad("a:raw", 5), bad("b:gold", 9), bad("a:silver", 9, "RANGE_VIOLATION:total"))
    world.advance()
    first, second = world.incidents
    assert first.datasets == ("urn:dp:a:raw", "urn:dp:b:gold")
    assert first.symptoms[1].because == "same signature 2 hops along lineage"
    assert second.related == ("INC-1",)


def test_more_than_five_hops_away_is_elsewhere(world: World) -> None:
    world.feeds(*(f"a:t{n}" for n in range(8)))
    world.publish(bad("a:t0", 5), bad("a:t5", 6), bad("a:t7", 66))
    world.advance()
    assert [len(incident.datasets) for incident in world.incidents] == [3]
    world.publish(bad("b:u0", 70))
    world.feeds(*(f"b:u{n}" for n in range(8)))
    world.publish(bad("b:u6", 71))
    world.advance()
    assert [len(incident.datasets) for incident in world.incidents] == [3, 1, 1]


def test_all_signals_of_a_run_about_a_dataset_are_one_incident(world: World) -> None:
    world.publish(
        bad("a:t", 5, run="r1"),
        bad("a:t", 5, "UNKNOWN_ENUM:kind:X", engine="drift", state="WARNING", run="r1"),
        bad("a:t", 5, "RANGE_VIOLATION:total", engine="dq", run="r1"),
        bad("a:other", 5, "RANGE_VIOLATION:n", engine="dq", run="r1"),
    )
    world.advance()
    first, second = world.incidents
    assert len(first.symptoms) == 3
    assert second.related == ()
    assert first.title == "Contract Violation - a:t - MISSING_FIELD:customer_id"


def test_two_deployments_are_two_incidents_even_for_one_dataset(world: World) -> None:
    world.publish(deployment("orders-svc", "v1", 0), deployment("carts-svc", "v9", 1))
    world.introduced("orders-svc", "v1", "MISSING_FIELD:a", "a:t")
    world.introduced("carts-svc", "v9", "MISSING_FIELD:b", "a:t")
    world.publish(
        bad("a:t", 5, "MISSING_FIELD:a", run="r"),
        bad("a:t", 5, "MISSING_FIELD:b", run="r", engine="dq"),
    )
    world.advance()
    assert [incident.failure_signature for incident in world.incidents] == [
        "MISSING_FIELD:a",
        "MISSING_FIELD:b",
    ]


def test_who_reads_a_bad_version_belongs_to_it(world: World) -> None:
    run = {"run_id": "up", "job_urn": "urn:job:up", "runtime_type": "python"}
    wrote: dict[str, Any] = {
        "kind": "DatasetWriteCommitted",
        "dataset_urn": "urn:dp:a:t",
        "stage": "gold",
    }
    read = {"kind": "DatasetRead", "dataset_urn": "urn:dp:a:t", "stage": "gold", "timestamp": at(6)}
    wrote |= {"stage": "gold", "commit_version": 7, "rows_written": 1, "timestamp": at(1)}
    world.publish(event({**wrote, **run}))
    for name, version in (("down", 7), ("other", 6)):
        mine = {"run_id": name, "job_urn": f"urn:job:{name}", "runtime_type": "python"}
        world.publish(event({**read, **mine, "version": version, "rows_read": 1}))
    world.publish(
        bad("a:t", 5, run="up"),
        bad("b:u", 9, "RANGE_VIOLATION:n", engine="dq", run="down"),
        bad("c:u", 9, "RANGE_VIOLATION:m", engine="dq", run="other"),
    )
    world.advance()
    first, second = world.incidents
    assert first.datasets == ("urn:dp:a:t", "urn:dp:b:u")
    assert first.symptoms[1].because == "its run read urn:dp:a:t#gold@7"
    assert second.datasets == ("urn:dp:c:u",)


def test_the_job_that_a_gate_stopped_belongs_to_the_gates_incident(world: World) -> None:
    held = {
        "kind": "QUARANTINE", "dataset_urn": "urn:dp:a:t", "stage": "bronze", "run_id": "r",
        "gate": "G3_SCHEMA", "result": "FAIL", "action": "block", "rows": 911,
        "failure_signature": "MISSING_FIELD:dest", "timestamp": at(1),
    }  # fmt: skip
    stopped = "JOB_ERROR:PublishBlocked:main"
    world.publish(event(held))
    world.publish(
        bad("a:u", 2, stopped, engine="freshness", run="r"),
        bad("a:t", 2, stopped, engine="freshness", run="r"),
        bad("a:t", 2, "NULL_VIOLATION:dest", run="r"),
    )
    world.advance()
    incident = world.one()
    assert incident.title == "Contract Violation - a:t - NULL_VIOLATION:dest"
    assert incident.datasets == ("urn:dp:a:t", "urn:dp:a:u")
    assert incident.signal_id.startswith("sig-")
    assert "blocked urn:dp:a:t" in incident.symptoms[1].because


def test_a_deployment_that_comes_late_makes_two_incidents_one(world: World) -> None:
    world.publish(bad("a:t", 5), bad("b:u", 6))
    world.advance()
    first, _ = world.incidents
    world.introduced("orders-svc", "v3", SIGNATURE, "a:t", "b:u")
    world.publish(deployment("orders-svc", "v3", 0))
    world.advance()
    incident = world.one()
    assert (incident.incident_id, incident.cause_key) == ("INC-1", first.cause_key)
    assert incident.datasets == ("urn:dp:a:t", "urn:dp:b:u")
    assert incident.history[-1].note.startswith("INC-2 is now INC-1")
    found = store.find(world.state, "INC-2")
    assert found is not None
    assert found.incident_id == "INC-1"
    node = world.graph.node("INC-2")
    assert node is not None
    assert node.props["merged_into"] == "INC-1"
    world.publish(good("b:u", 20), good("a:t", 20))
    world.publish(bad("b:u", 30))
    world.advance()
    assert world.one().status == "OPEN"


def test_what_waits_for_a_broken_input_belongs_to_it_and_what_breaks_itself_does_not(
    world: World,
) -> None:
    world.feeds("a:raw", "a:silver", "b:gold")
    world.publish(
        bad("a:raw", 5),
        bad("b:gold", 60, "", engine="freshness"),
        bad(
            "a:silver",
            61,
            "",
            engine="freshness",
            reason="JOB_FAILED",
            details={"failure_reason": "JOB_ERROR:ValueError:main"},
        ),
    )
    world.advance()
    first, second = world.incidents
    assert first.datasets == ("urn:dp:a:raw", "urn:dp:b:gold")
    assert first.symptoms[1].because == "waits for urn:dp:a:raw"
    assert second.title == "Job Failed - a:silver - JOB_ERROR:ValueError:main"


def test_a_third_incident_merged_by_way_of_the_second_is_found_by_its_alias(world: World) -> None:
    world.publish(bad("a:t", 5), bad("b:u", 6), bad("c:v", 7))
    world.advance()
    world.introduced("svc", "v2", SIGNATURE, "b:u", "c:v")
    world.publish(deployment("svc", "v2", 1))
    world.advance()
    assert [each.incident_id for each in world.incidents] == ["INC-1", "INC-2"]
    world.introduced("svc", "v1", SIGNATURE, "a:t")
    world.publish(deployment("svc", "v1", 0))
    world.advance()
    for alias, now in (("INC-1", "INC-1"), ("INC-2", "INC-2"), ("INC-3", "INC-2")):
        found = store.find(world.state, alias)
        assert found is not None
        assert found.incident_id == now

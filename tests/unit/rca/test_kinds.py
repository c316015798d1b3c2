"""Each kind of cause on a small graph, and what keeps a look-alike from being taken for it."""

from __future__ import annotations

from typing import Any

import pytest

from sfctl.model.explanation import Explanation
from sfctl.model.graph import Edge, Elements, Node, run_id, signature_id
from sfctl.model.signal import Failure
from tests.unit.rca.world import NOW, World, breach, deployment

DATA, ABOVE, JOB = "urn:dp:shop:orders", "urn:dp:shop:raw", "urn:job:daily"
GOOD, BAD = "2024-01-14T02:00:00.000Z", "2024-01-15T02:00:00.000Z"
FAILURE = "RANGE_VIOLATION:total"


def lineage(*more: Edge) -> Elements:
    """Return two datasets, the job between them, and other edges."""
    ids = {end for edge in more for end in (edge.source, edge.target)}
    return Elements(
        (
            Node(DATA, "Dataset", {"tier": 1}), Node(ABOVE, "Dataset", {"tier": 2}),
            Node(JOB, "Job", {"name": "daily"}),
            *(Node(id, "") for id in sorted(ids - {DATA, ABOVE, JOB})),
        ),
        (
            Edge(ABOVE, DATA, "FEEDS", {"confidence": "HIGH"}), Edge(JOB, ABOVE, "READS"),
            Edge(JOB, DATA, "WRITES"), *more,
        ),
    )  # fmt: skip


def judged(
    run: str, at: str, *, failure: str = "", gate: str = "DQ", **more: Any
) -> dict[str, Any]:
    """Return how a gate judged a run of the job."""
    result = "FAIL" if failure else "PASS"
    more.setdefault("stage", "gold")
    return {
        "kind": "GATE",
        "evidence_id": f"evd-{run}-{gate}-{more['stage']}",
        "timestamp": at,
        "started_at": at,
        "dataset_urn": DATA,
        "job_urn": JOB,
        "run_id": run,
        "producer": {"id": JOB, "confidence": "HIGH", "version": "", "run_id": run},
        "validation": {
            "result": result,
            "gates": [{"gate": gate, "result": result, "reason_code": failure}],
            "failed_gates": [gate] if failure else [],
            "reason_codes": [failure] if failure else [],
        },
        "rows_evaluated": 100,
        "rows_failed": 7 if failure else 0,
        **({"signatures": {failure: 7}} if failure else {}),
        **more,
    }


def ended(run: str, at: str, reason: str = "", **more: Any) -> dict[str, Any]:
    """Return how a run of the job ended."""
    how = {"failure_reason": reason, "stack_trace": [{"file": "daily.py", "line": 17}]}
    return {
        "kind": "JobRunFailed" if reason else "JobRunCompleted",
        "evidence_id": f"evd-{run}-end",
        "timestamp": at,
        "started_at": at,
        "job_urn": JOB,
        "run_id": run,
        "duration": 1.0,
        **(how if reason else {"rows_written": 100}),
        **more,
    }


def refused(world: World, id: str = "dq", **more: Any) -> None:
    """Say that a run breached quality."""
    metrics = {"records_processed": 100, "records_failed": 7}
    world.signal(
        breach(id, "DQ_BREACH", DATA, BAD, [Failure(FAILURE, 7)], run_id="r2", engine="dq",
               metrics=metrics, job_urn=JOB, evidence_refs=("evd-r2-DQ-gold",), **more)
    )  # fmt: skip


def cause_of(world: World, subject: str = DATA) -> Explanation:
    """Return the answer once everything is folded."""
    world.fold()
    return world.explain(subject)


def test_a_policy_that_changed_while_the_schema_did_not(world: World) -> None:
    world.graph.upsert(lineage(), NOW)
    world.publish(
        judged("r1", GOOD, policy_digest="sha256:old", schema_fingerprint="sha256:same"),
        judged("r2", BAD, failure=FAILURE, policy_digest="sha256:new",
               schema_fingerprint="sha256:same"),
    )  # fmt: skip
    refused(world)
    cause = cause_of(world).root_cause
    assert (cause.kind, cause.ref) == ("POLICY_CHANGE", DATA)
    assert "old" in cause.statement
    assert "new" in cause.statement
    assert {"evd-r1-DQ-gold", "evd-r2-DQ-gold"} <= set(cause.refs)


def test_a_policy_that_changed_with_the_schema_is_not_blamed(world: World) -> None:
    world.graph.upsert(lineage(), NOW)
    world.publish(
        judged("r1", GOOD, policy_digest="sha256:old", schema_fingerprint="sha256:one"),
        judged("r2", BAD, failure=FAILURE, policy_digest="sha256:new",
               schema_fingerprint="sha256:two"),
    )  # fmt: skip
    refused(world)
    told = cause_of(world)
    assert told.root_cause.kind == "UNKNOWN"
    assert any(h.kind == "POLICY_CHANGE" and "schema" in h.ruled_out for h in told.hypotheses)


def test_code_that_changed(world: World) -> None:
    world.graph.upsert(lineage(), NOW)
    world.publish(
        judged("r1", GOOD, code_ref="aaa1111"), ended("r1", GOOD, code_ref="aaa1111"),
        judged("r2", BAD, failure=FAILURE, code_ref="bbb2222"),
    )  # fmt: skip
    refused(world)
    cause = cause_of(world).root_cause
    assert (cause.kind, cause.ref) == ("CODE_CHANGE", JOB)
    assert "aaa1111" in cause.statement
    assert "bbb2222" in cause.statement


def test_code_that_changed_is_cleared_when_the_failure_was_upstream_before(world: World) -> None:
    early = signature_id(FAILURE, ABOVE)
    world.graph.upsert(lineage(), NOW)
    world.graph.upsert(
        Elements((Node(early, "FailureSignature", {
            "reason_code": FAILURE, "dataset_urn": ABOVE, "first_seen": "2024-01-14T20:00:00.000Z",
            "first_evidence": "evd-early",
        }),)), NOW,
    )  # fmt: skip
    world.publish(
        judged("r1", GOOD, code_ref="aaa1111"), ended("r1", GOOD, code_ref="aaa1111"),
        judged("r2", BAD, failure=FAILURE, code_ref="bbb2222"),
    )  # fmt: skip
    refused(world)
    cause = cause_of(world).root_cause
    assert (cause.kind, cause.ref) == ("UPSTREAM_DATA", ABOVE)


def test_a_run_that_failed_by_its_own_error(world: World) -> None:
    world.graph.upsert(lineage(), NOW)
    world.publish(ended("r1", GOOD), ended("r2", BAD, "JOB_ERROR:KeyError:main"))
    world.signal(
        breach("late", "FRESHNESS_BREACH", DATA, BAD, reason="JOB_FAILED", run_id="r2",
               engine="freshness", job_urn=JOB)
    )  # fmt: skip
    cause = cause_of(world).root_cause
    assert (cause.kind, cause.ref, cause.level) == ("JOB_FAILURE", run_id("r2"), "HIGH")
    assert "KeyError" in cause.statement
    assert "daily.py:17" in cause.statement


def test_a_run_that_failed_by_its_own_error_is_not_laid_to_a_service_upstream(
    world: World,
) -> None:
    world.graph.upsert(lineage(Edge("urn:service:feed", ABOVE, "OWNS")), NOW)
    world.publish(
        deployment("feed", "v2", "v1", "2024-01-14T22:00:00Z"),
        ended("r1", GOOD), ended("r2", BAD, "JOB_ERROR:MemoryError:main"),
    )  # fmt: skip
    world.signal(
        breach("late", "FRESHNESS_BREACH", DATA, BAD, reason="JOB_FAILED", run_id="r2",
               engine="freshness", job_urn=JOB)
    )  # fmt: skip
    assert cause_of(world).root_cause.kind == "JOB_FAILURE"


def test_a_run_that_a_gate_stopped_did_not_fail_by_itself(world: World) -> None:
    world.graph.upsert(lineage(Edge("urn:service:feed", ABOVE, "OWNS")), NOW)
    world.publish(
        deployment("feed", "v2", "v1", "2024-01-14T22:00:00Z"),
        judged("r1", GOOD),
        judged("r2", BAD, failure=FAILURE),
        ended("r2", BAD, "JOB_ERROR:PublishBlocked:main"),
    )
    refused(world)
    told = cause_of(world)
    assert told.root_cause.ref == "urn:deployment:feed:v2"
    assert told.root_cause.level == "MEDIUM"
    assert "most likely" in told.root_cause.statement
    blocked = next(h for h in told.hypotheses if h.kind == "JOB_FAILURE")
    assert "a gate stopped it" in blocked.ruled_out


@pytest.mark.parametrize(
    ("reason", "kind"), [("JOB_NOT_TRIGGERED", "NOT_TRIGGERED"), ("JOB_RUNNING_SLOW", "SLOW")]
)
def test_a_job_that_was_not_started_or_is_slow(world: World, reason: str, kind: str) -> None:
    world.graph.upsert(lineage(), NOW)
    world.signal(
        breach("late", "FRESHNESS_BREACH", DATA, BAD, reason=reason, engine="freshness",
               job_urn=JOB)
    )  # fmt: skip
    cause = cause_of(world).root_cause
    assert (cause.kind, cause.ref) == (kind, JOB)
    assert cause.level == "HIGH"


def test_what_is_late_upstream_makes_this_late(world: World) -> None:
    world.graph.upsert(lineage(), NOW)
    world.signal(
        breach("above", "FRESHNESS_BREACH", ABOVE, "2024-01-15T01:00:00.000Z", engine="freshness",
               reason="STALE"),
        breach("here", "FRESHNESS_BREACH", DATA, BAD, engine="freshness", reason="STALE"),
    )  # fmt: skip
    cause = cause_of(world).root_cause
    assert (cause.kind, cause.ref) == ("UPSTREAM_LATE", ABOVE)
    assert "sig-above" in cause.refs


def test_a_bad_version_that_the_run_read(world: World) -> None:
    world.graph.upsert(
        lineage(Edge(run_id("r2"), ABOVE, "READ_FROM", {"version": 7}),
                Edge(JOB, run_id("r2"), "EXECUTED")), NOW,
    )  # fmt: skip
    world.signal(
        breach("above", "VOLUME_ANOMALY", ABOVE, "2024-01-15T01:00:00.000Z", engine="volume",
               reason="VOLUME_DROP"),
        breach("here", "VOLUME_ANOMALY", DATA, BAD, engine="volume", reason="VOLUME_DROP",
               run_id="r2"),
    )  # fmt: skip
    told = cause_of(world)
    assert (told.root_cause.kind, told.root_cause.ref) == ("UPSTREAM_DATA", ABOVE)
    assert "version 7" in told.root_cause.statement
    assert told.actions[0].command == f"sfctl rca {ABOVE}"


def test_trouble_of_another_kind_upstream_is_not_blamed(world: World) -> None:
    world.graph.upsert(lineage(), NOW)
    world.publish(judged("r1", GOOD), judged("r2", BAD, failure=FAILURE))
    world.signal(
        breach("above", "CONTRACT_BREACH", ABOVE, "2024-01-15T01:00:00.000Z",
               [Failure("INVALID_FORMAT:email", 3)], engine="contract"),
    )  # fmt: skip
    refused(world)
    told = cause_of(world)
    assert told.root_cause.kind == "UNKNOWN"
    assert any("another one" in h.ruled_out for h in told.hypotheses)


def test_gates_that_were_switched_off_and_evidence_that_is_missing(world: World) -> None:
    world.graph.upsert(lineage(), NOW)
    off = judged("r2", BAD)
    off["validation"] = {
        "result": "SKIP", "gates": [{"gate": "DQ", "result": "SKIP", "reason_code": "KILL_SWITCH"}],
        "failed_gates": [], "reason_codes": ["KILL_SWITCH"],
    }  # fmt: skip
    world.publish(off)
    world.signal(
        breach("gap", "EVIDENCE_INCOMPLETE", DATA, BAD, run_id="r2", engine="completeness")
    )
    told = cause_of(world)
    assert (told.root_cause.kind, told.root_cause.ref) == ("INFRASTRUCTURE", run_id("r2"))
    assert any(a.command == "sfctl switch status" for a in told.actions)


def test_the_first_failing_stage_clears_the_source(world: World) -> None:
    world.graph.upsert(lineage(), NOW)
    world.publish(
        judged("r2", BAD, gate="G3_SCHEMA", stage="bronze"),
        judged("r2", BAD, gate="DQ", stage="silver", failure=FAILURE),
    )
    refused(world)
    told = cause_of(world)
    said = [claim.text for claim in told.evidence_chain]
    assert any("failed first at silver; bronze passed" in text for text in said)
    assert any("Shape and origin of the source are not at fault" in text for text in said)


SOURCE = "urn:deployment:feed:v2"


def sourced(world: World, *events: dict[str, Any], basis: str = "lineage", **props: str) -> None:
    """Lay out a service upstream whose deployment an edge leads from to the failure at silver."""
    world.graph.upsert(
        Elements(
            (
                Node(SOURCE, "Deployment", {
                    "service": "feed", "version": "v2",
                    "deployed_at": "2024-01-15T01:00:00.000Z", **props,
                }),
            ),
        ),
        NOW,
    )  # fmt: skip
    world.publish(*events)
    refused(world)
    world.fold()
    drawn = Edge(SOURCE, signature_id(FAILURE, DATA), "INTRODUCED", {"basis": basis})
    owned = Edge("urn:service:feed", ABOVE, "OWNS")
    world.graph.upsert(lineage(drawn, owned, Edge("urn:service:feed", SOURCE, "DEPLOYED")), NOW)


def arrived_good() -> list[dict[str, Any]]:
    """Return a good run, and one that passed bronze and failed at silver."""
    return [
        judged("r1", GOOD, stage="silver"),
        judged("r2", BAD, gate="G3_SCHEMA", stage="bronze"),
        judged("r2", BAD, gate="DQ", stage="silver", failure=FAILURE),
    ]


def test_a_source_tied_by_lineage_and_time_alone_is_cleared_by_bronze(world: World) -> None:
    sourced(world, *arrived_good())
    told = world.explain(DATA)
    cause = told.root_cause
    assert (cause.kind, cause.ref) == ("UNKNOWN", "")
    blamed = next(h for h in told.hypotheses if h.ref == SOURCE)
    assert "lineage and time alone" in blamed.ruled_out
    assert "bronze passed: it judges shape and origin" in blamed.ruled_out
    assert any("before silver: bronze vouches for shape" in each for each in cause.missing)
    assert any("code of the job" in each for each in cause.missing)
    assert not any(action.command.startswith("sfctl run") for action in told.actions)


def test_a_source_that_evidence_names_is_not_cleared_by_bronze(world: World) -> None:
    good, bronze, silver = arrived_good()
    silver["producer"] = {"id": "feed", "version": "v2", "confidence": "HIGH"}
    sourced(world, good, bronze, silver, basis="version")
    assert world.explain(DATA).root_cause.ref == SOURCE


def test_a_source_is_not_cleared_where_bronze_failed(world: World) -> None:
    sourced(world, judged("r1", GOOD, stage="bronze"), judged("r2", BAD, stage="bronze",
            failure=FAILURE))  # fmt: skip
    assert world.explain(DATA).root_cause.ref == SOURCE


def test_no_name_is_capitalised_where_a_sentence_begins_with_it(world: World) -> None:
    sourced(world, judged("r1", GOOD, stage="bronze"), judged("r2", BAD, stage="bronze",
            failure=FAILURE))  # fmt: skip
    told = world.explain(DATA)
    said = [claim.text for claim in told.evidence_chain]
    assert any(text.startswith("The service feed produces shop:raw") for text in said)
    for text in (*said, told.narrative, *(action.text for action in told.actions)):
        assert not {"Feed", "Shop:raw", "Shop:orders", "Daily"} & set(text.split()), text


def test_a_source_is_not_cleared_where_it_showed_the_failure_itself(world: World) -> None:
    world.graph.upsert(
        Elements((
            Node(signature_id(FAILURE, ABOVE), "FailureSignature", {
                "reason_code": FAILURE, "dataset_urn": ABOVE,
                "first_seen": "2024-01-15T01:30:00.000Z",
            }),
        )), NOW,
    )  # fmt: skip
    sourced(world, *arrived_good())
    told = world.explain(DATA)
    assert told.root_cause.kind != "UNKNOWN"
    assert not any("vouches" in h.ruled_out or "judges shape" in h.ruled_out
                   for h in told.hypotheses)  # fmt: skip


@pytest.mark.parametrize(
    ("deployed_to", "data_of", "blamed"),
    [
        ("staging", "prod", False),
        ("Stage", "production", False),
        ("prod", "prod", True),
        ("production", "dev", True),
        ("", "prod", True),
        ("staging", "", True),
        ("staging", "stage", True),
    ],
)
def test_what_went_to_another_environment_is_not_blamed(
    world: World, deployed_to: str, data_of: str, blamed: bool
) -> None:
    world.graph.upsert(Elements((Node(DATA, "Dataset", {"environment": data_of}),)), NOW)
    failed = judged("r2", BAD, stage="bronze", failure=FAILURE)
    sourced(world, judged("r1", GOOD, stage="bronze"), failed, environment=deployed_to)
    told = world.explain(DATA)
    assert (told.root_cause.ref == SOURCE) is blamed
    assert any("and this data is of" in h.ruled_out for h in told.hypotheses) is not blamed


def test_two_deployments_that_fit_equally_are_told_apart_by_nothing(world: World) -> None:
    services = ("urn:service:one", "urn:service:two")
    edges = [Edge(service, ABOVE, "OWNS") for service in services]
    signature = signature_id(FAILURE, DATA)
    for service in ("one", "two"):
        id = f"urn:deployment:{service}:v2"
        edges += [Edge(f"urn:service:{service}", id, "DEPLOYED"), Edge(id, signature, "PRECEDED")]
    world.publish(judged("r1", GOOD), judged("r2", BAD, failure=FAILURE))
    refused(world)
    world.fold()
    world.graph.upsert(lineage(*edges), NOW)
    world.graph.upsert(
        Elements(tuple(
            Node(f"urn:deployment:{s}:v2", "Deployment", {
                "service": s, "version": "v2", "deployed_at": "2024-01-14T22:00:00.000Z"})
            for s in ("one", "two")
        )), NOW,
    )  # fmt: skip
    cause = world.explain(DATA).root_cause
    assert cause.kind == "DEPLOYMENT"
    assert cause.level == "LOW"
    assert "nothing on record tells them apart" in cause.statement


def test_who_reads_a_column_that_is_gone(world: World) -> None:
    column = f"urn:col:{DATA}#total"
    readers = {"urn:job:a": "HIGH", "urn:job:b": "MEDIUM", "urn:job:c": "LOW"}
    edges = [Edge(j, column, "READS_COL", {"confidence": sure}) for j, sure in readers.items()]
    world.graph.upsert(lineage(*edges), NOW)
    world.publish(judged("r2", BAD, failure="MISSING_FIELD:total", gate="G3_SCHEMA"))
    world.signal(
        breach("gone", "CONTRACT_BREACH", DATA, BAD, [Failure("MISSING_FIELD:total", 7)],
               run_id="r2", engine="contract")
    )  # fmt: skip
    told = cause_of(world)
    assert [(i.ref, i.confidence) for i in told.column_readers] == list(readers.items())


def test_an_unsure_edge_makes_the_reach_unsure(world: World) -> None:
    board = "urn:dashboard:board"
    world.graph.upsert(lineage(Edge(DATA, board, "FEEDS", {"confidence": "LOW"})), NOW)
    world.publish(judged("r2", BAD, failure=FAILURE))
    refused(world)
    reach = {i.ref: i.confidence for i in cause_of(world).blast_radius}
    assert reach[board] == "LOW"

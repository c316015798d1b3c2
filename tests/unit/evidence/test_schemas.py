"""The published schemas are what the code does, and never break a reader."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource

import sfctl
from sfctl.evidence import codec, schemas
from sfctl.model import decisions, evidence, facts
from sfctl.model.run import RunContext
from sfctl.model.verdict import GateResult

FOLDER = Path(sfctl.__file__).parent / "schemas" / "events"
GOLDEN = Path(__file__).parents[2] / "golden"
REGISTRY: Registry[Any] = Registry().with_resources(
    (schema["$id"], Resource.from_contents(schema)) for schema in schemas.build().values()
)
AT = datetime(2024, 1, 15, tzinfo=UTC)
RUN = RunContext(run_id="r", job="j", started_at="2024-01-15T00:00:00Z")


def check(name: str, document: Any) -> None:
    jsonschema.Draft202012Validator(schemas.build()[name], registry=REGISTRY).validate(document)


def emitted() -> Iterator[evidence.Evidence]:
    yield facts.gate_event(
        RUN, AT, GateResult(gate="DQ", result="ERROR"), dataset_urn="ds://a/b", stage="silver"
    )
    yield facts.job_started(RUN, AT)
    yield facts.job_completed(RUN, AT, duration=1)
    yield facts.job_failed(RUN, AT, failure_reason="JOB_ERROR:KeyError")
    yield facts.dataset_read(RUN, AT, dataset_urn="ds://a/b")
    yield facts.write_committed(
        RUN, AT, dataset_urn="ds://a/b", stage="gold", commit_version=1, rows_written=0
    )
    yield facts.heartbeat(RUN, AT, beat=1, elapsed=60)
    yield facts.sdk_degraded(RUN, AT, where="gates", error="OSError")
    yield facts.certification(
        RUN, AT, dataset_urn="ds://a/b", status="CERTIFIED", version=1, certified_version=1
    )
    yield facts.quarantine(
        RUN,
        AT,
        dataset_urn="ds://a/b",
        gate="DQ",
        failure_signature="X:a",
        quarantine_table="q.b",
        rows=1,
        certified_view_status="CERTIFIED",
        previous_certified_version="v1",
    )
    yield facts.pii(RUN, AT, action="mask", dataset_urn="ds://a/b")
    yield decisions.kill_switch(AT, scope="fleet", state="off", reason="x", actor="y")
    yield decisions.config(AT, manifest_digest="sha256:0", project="p")


@pytest.mark.parametrize("name", schemas.build())
def test_the_files_are_what_the_code_builds(name: str) -> None:
    assert (FOLDER / name).read_text() == schemas.text(schemas.build()[name])
    jsonschema.Draft202012Validator.check_schema(schemas.build()[name])


def test_nothing_else_is_published() -> None:
    assert {path.name for path in FOLDER.iterdir()} == schemas.build().keys()


@pytest.mark.parametrize("event", list(emitted()), ids=lambda event: event.kind)
def test_what_we_emit_validates(event: evidence.Evidence) -> None:
    check("evidence-3.json", evidence.to_plain(event))


@pytest.mark.parametrize(
    "path", sorted((GOLDEN / "samples").glob("*.json")), ids=lambda path: path.stem
)
def test_what_we_accept_validates(path: Path) -> None:
    document = json.loads(path.read_text())
    check("evidence-3-accept.json", document)
    if "signal_type" in document:
        check("signal-1.json", document)
    if "event_type" in document:
        check("raw-event-envelope-1.json", document)


def test_stream_evidence_is_accepted_and_validates() -> None:
    document = json.loads((GOLDEN / "samples" / "s1_evidence_contract_fail.json").read_text())
    document["stream"] = {
        "topology_id": "enrichment-stream",
        "window": {"type": "TUMBLING", "start": "2024-01-15T09:55:00Z"},
        "late_data": False,
    }
    check("stream-evidence-1.json", document)
    taken = codec.accept(document, AT)
    assert isinstance(taken, codec.Accepted)
    assert taken.event.stream == document["stream"]
    with pytest.raises(jsonschema.ValidationError):
        check("stream-evidence-1.json", {**document, "stream": {"late_data": "yes"}})


COUNTERS = {
    "kind": "COUNTERS",
    "timestamp": "2024-01-15T10:00:00.000Z",
    "dataset_urn": "urn:dp:orders:created",
    "producer": {"id": "orders-svc", "version": "v3.17"},
    "validation": {"result": "FAIL", "gates": [], "reason_codes": ["MISSING_FIELD:customer_id"]},
    "window": {"start": "2024-01-15T09:55:00Z", "end": "2024-01-15T10:00:00Z"},
    "counts": {"pass": 127, "warn": 0, "fail": 1120},
    "signatures": {"MISSING_FIELD:customer_id": 1120},
    "first_seen": {"MISSING_FIELD:customer_id": "2024-01-15T09:58:02.312Z"},
}


def test_counters_are_accepted_as_they_are_published() -> None:
    check("evidence-3-accept.json", COUNTERS)
    taken = codec.accept(dict(COUNTERS), AT)
    assert isinstance(taken, codec.Accepted)
    check("evidence-3.json", evidence.to_plain(taken.event))
    assert taken.event.payload["counts"] == COUNTERS["counts"]


@pytest.mark.parametrize(
    "wrong", [{"counts": {"pass": -1}}, {"counts": {"good": 1}}, {"window": {}}]
)
def test_the_strict_schema_refuses_counters_that_count_otherwise(wrong: dict[str, Any]) -> None:
    taken = codec.accept(dict(COUNTERS), AT)
    assert isinstance(taken, codec.Accepted)
    with pytest.raises(jsonschema.ValidationError):
        check("evidence-3.json", evidence.to_plain(taken.event) | wrong)


@pytest.mark.parametrize("missing", ["evidence_id", "kind", "timestamp", "schema", "validation"])
def test_the_strict_schema_refuses_what_lacks_a_field(missing: str) -> None:
    document = evidence.to_plain(next(emitted()))
    del document[missing]
    with pytest.raises(jsonschema.ValidationError):
        check("evidence-3.json", document)


def test_evidence_has_not_broken_its_readers_since_it_was_first_published() -> None:
    first = json.loads((GOLDEN / "schemas" / "evidence-3.json").read_text())
    assert schemas.breaking_changes(first, schemas.evidence()) == []


def test_breaking_changes_are_found() -> None:
    before = schemas.evidence()
    after = copy.deepcopy(before)
    del after["properties"]["producer"]["properties"]["version"]
    after["properties"]["attempt"]["type"] = "string"
    after["required"].append("run_id")
    after["properties"]["brand_new"] = {"type": "string"}
    assert schemas.breaking_changes(before, after) == [
        "producer.version was removed",
        "attempt changed its type from integer to string",
        "run_id became required",
    ]

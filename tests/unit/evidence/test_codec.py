"""What is accepted, by which leniency, and what becomes a dead letter."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfctl.evidence import codec, leniency
from sfctl.evidence.codec import Accepted
from sfctl.evidence.port import DeadLetter
from sfctl.model import evidence
from sfctl.model.evidence import SCHEMA, Evidence

NOW = datetime(2024, 2, 1, tzinfo=UTC)
SAMPLES = Path(__file__).parents[2] / "golden" / "samples"
GATE: dict[str, Any] = {
    "schema": SCHEMA,
    "evidence_id": "evd-01HM68X04F30MNZ0WQ1HKPQ37K",
    "kind": "GATE",
    "timestamp": "2024-01-15T09:58:02.312Z",
    "dataset_urn": "urn:dp:orders:created",
    "source": {"ordinal": 0},
    "validation": {
        "result": "PASS",
        "gates": [{"gate": "DQ", "result": "PASS"}],
        "failed_gates": [],
        "reason_codes": [],
    },
}
FORGIVEN = {
    "deployment": (),
    "lineage_spec": (),
    "openlineage_silver_complete": (),
    "quarantine": ("no_kind", "no_schema", "time_form", "dataset_spelling", "no_id"),
    "s1_evidence_contract_fail": ("no_kind", "no_schema"),
    "s1_raw_order": ("raw_envelope",),
    "s1_signal_contract_breach": (),
    "s2_evidence_batch_fail": (
        "no_kind",
        "no_schema",
        "gate_alias",
        "no_gates",
        "context_elsewhere",
    ),
    "s2_evidence_enum_warn": ("no_kind", "no_schema", "no_summary"),
    "s2_openlineage_bronze_complete": (),
    "s2_openlineage_complete": (),
    "s2_openlineage_start": (),
    "s2_raw_order": ("raw_envelope",),
    "s2_signal_dq_breach": (),
    "s2_signal_drift": (),
}


def sample(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text())
    return document


def take(document: dict[str, Any]) -> Accepted:
    taken = codec.accept(document, NOW)
    assert isinstance(taken, Accepted), taken
    return taken


def refuse(document: dict[str, Any]) -> DeadLetter:
    letter = codec.accept(document, NOW, origin="x.jsonl")
    assert isinstance(letter, DeadLetter)
    assert letter.origin == "x.jsonl"
    return letter


def test_every_sample_has_its_expectation() -> None:
    assert {path.stem for path in SAMPLES.glob("*.json")} == FORGIVEN.keys()


@pytest.mark.parametrize("name", FORGIVEN)
def test_printed_samples_are_accepted_as_they_stand(name: str) -> None:
    taken = codec.accept_line((SAMPLES / f"{name}.json").read_bytes(), NOW)
    assert isinstance(taken, Accepted)
    assert taken.leniencies == FORGIVEN[name]
    again = codec.accept_line(evidence.encode(taken.event), NOW)
    assert again == Accepted(taken.event)


def test_the_batch_sample_keeps_what_it_said() -> None:
    event = take(sample("s2_evidence_batch_fail")).event
    assert event.validation["failed_gates"] == ["G4_CONTRACT"]
    assert event.validation["gates"] == [{"gate": "G4_CONTRACT", "result": "FAIL"}]
    assert event.reason_codes == ("UNKNOWN_ENUM:discount_type:FLASH_SALE",)
    assert event.run_id == "spark-orders-silver-20240115-020005"
    assert event.dag_run_id == "scheduled__2024-01-15T02:00:00+00:00"
    assert event.runtime_type == "spark"
    assert event.source["source_record_id"] == "*"


def test_row_references_are_hashed_where_a_key_is_given() -> None:
    taken = codec.accept(
        sample("s2_evidence_batch_fail"), NOW, hash_row=lambda text: f"h{len(text)}"
    )
    assert isinstance(taken, Accepted)
    assert taken.event.source["source_record_id"] == "h19"


def test_openlineage_keeps_the_run_name_and_gets_a_uuid() -> None:
    event = take(sample("s2_openlineage_complete")).event
    assert event.run_id == "spark-orders-silver-20240115-020005"
    assert event.payload["run_uuid"] == "8e46043a-a31d-503b-8596-a3df08057159"
    assert event.dag_run_id == "scheduled__2024-01-15T02:00:00+00:00"
    assert event.job_urn == "job:spark/orders_silver_transform"
    assert event.dataset_urn == "dataset:delta://unity-catalog/sales.orders_silver"
    facets = event.payload["openlineage"]["run"]["facets"]
    assert facets["observability_evidence"]["summary"]["records_failed"] == 380


def test_a_real_uuid_is_not_replaced() -> None:
    document = sample("s2_openlineage_start")
    document["run"]["runId"] = "0190c1a4-2f6e-7d3a-9c1b-8f3f5a2b1c00"
    assert "run_uuid" not in take(document).event.payload


def test_a_raw_envelope_leaves_only_field_names() -> None:
    event = take(sample("s1_raw_order")).event
    assert event.dataset_urn == "urn:dp:orders:created"
    assert event.producer == {"id": "orders-svc", "confidence": "LOW", "version": "v3.17"}
    assert event.payload == {"field_names": ["created_at", "currency", "order_id", "total_amount"]}
    assert event.otel == {"trace_id": "ab91f3c2d4e5f6a7b8c9d0e1f2a3b4c5"}
    assert b"ORD-2024" not in evidence.encode(event)


def test_a_raw_envelope_without_a_field_fails_naming_it() -> None:
    document = sample("s1_raw_order")
    del document["payload"]
    event = take(document).event
    assert (event.result, event.reason_codes) == ("FAIL", ("MISSING_FIELD:payload",))
    assert refuse({**document, "event_type": "?"}).reason == "NO_DATASET"


def test_a_spec_without_a_time_is_one_event_whenever_it_comes() -> None:
    first = take(sample("lineage_spec")).event
    later = codec.accept(sample("lineage_spec"), datetime(2025, 1, 1, tzinfo=UTC))
    assert isinstance(later, Accepted)
    assert later.event.evidence_id == first.evidence_id
    assert evidence.fingerprint(later.event) == evidence.fingerprint(first)
    dated = take({**sample("lineage_spec"), "timestamp": "2024-01-15T00:00:00Z"}).event
    assert "undated" not in dated.payload


def test_a_deployment_names_service_version_and_commit() -> None:
    event = take(sample("deployment")).event
    assert event.code_ref == "9f31c2d"
    assert event.producer == {"id": "orders-svc", "confidence": "HIGH", "version": "v3.17"}
    assert event.timestamp == "2024-01-15T09:57:45.000Z"
    other = take({**sample("deployment"), "deployed_at": "2024-01-16T09:57:45Z"}).event
    assert other.evidence_id != event.evidence_id


@pytest.mark.parametrize(
    ("change", "name", "field", "value"),
    [
        ({"kind": None}, "no_kind", "kind", "GATE"),
        ({"schema": "urn:schema:evidence:2"}, "no_schema", "schema", SCHEMA),
        (
            {"timestamp": "2024-01-15T10:58:02.312+01:00"},
            "time_form",
            "timestamp",
            GATE["timestamp"],
        ),
        ({"timestamp": 1705312682312}, "time_form", "timestamp", GATE["timestamp"]),
        ({"timestamp": 1705312682}, "time_form", "timestamp", "2024-01-15T09:58:02.000Z"),
        ({"producer": "orders-svc"}, "producer_name", "producer", {"id": "orders-svc"}),
        (
            {"dataset_urn": "ds://orders/created"},
            "dataset_spelling",
            "dataset_urn",
            GATE["dataset_urn"],
        ),
        ({"dataset_urn": "urn:dp:orders:created#gold"}, "dataset_spelling", "stage", "gold"),
        (
            {"otel": {"trace_id": "XYZ", "span_id": "a" * 16}},
            "bad_trace",
            "otel",
            {"span_id": "a" * 16},
        ),
        ({"attempt": "2"}, "wrong_type", "attempt", 2),
        ({"producer": {"id": "x", "run_id": "r9"}}, "context_elsewhere", "run_id", "r9"),
    ],
)
def test_leniencies(change: dict[str, Any], name: str, field: str, value: Any) -> None:
    document = {k: v for k, v in {**GATE, **change}.items() if v is not None}
    taken = take(document)
    assert taken.leniencies == (name,)
    assert getattr(taken.event, field) == value


def test_an_id_is_made_from_the_content() -> None:
    document = {k: v for k, v in GATE.items() if k != "evidence_id"}
    taken = take(document)
    assert taken.leniencies == ("no_id",)
    assert taken.event.evidence_id == take(document).event.evidence_id
    assert taken.event.evidence_id != take({**document, "x": 1}).event.evidence_id


def test_a_flat_result_is_a_gate() -> None:
    document = {
        "dataset_urn": "urn:dp:orders:silver",
        "result": "FAIL",
        "reason_code": "UNKNOWN_ENUM:discount_type:FLASH_SALE",
        "timestamp": "2024-01-15T02:05:30Z",
        "producer": "spark:orders_silver_transform",
    }
    event = take(document).event
    assert event.validation["reason_codes"] == ["UNKNOWN_ENUM:discount_type:FLASH_SALE"]
    assert event.result == "FAIL"


def test_a_field_that_cannot_be_read_is_set_apart() -> None:
    event = take({**GATE, "attempt": "many", "otel": "x"}).event
    assert event.attempt == 0
    assert event.payload["unreadable"] == {"attempt": "many", "otel": "x"}


@pytest.mark.parametrize("short", ["CONTRACT", "G4", "contract", "G4_CONTRACT"])
def test_gates_go_by_several_names(short: str) -> None:
    document = {**GATE, "validation": {"gates": [{"gate": short, "result": "FAIL"}]}}
    event = take(document).event
    assert event.validation["failed_gates"] == ["G4_CONTRACT"]
    assert event.result == "FAIL"


def test_unknown_fields_pass_through() -> None:
    taken = take({**GATE, "brand_new": {"deep": [1, None]}})
    assert taken.leniencies == ()
    assert taken.event.payload == {"brand_new": {"deep": [1, None]}}


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({}, "NO_KIND"),
        ({**GATE, "kind": "Pod"}, "NO_KIND"),
        ({"dataset_urn": "urn:dp:a:b", "timestamp": "2024-01-15T00:00:00Z"}, "NO_KIND"),
        ({**GATE, "timestamp": "yesterday"}, "NO_TIME"),
        ({**GATE, "timestamp": None}, "NO_TIME"),
        ({**GATE, "timestamp": True}, "NO_TIME"),
        ({**GATE, "timestamp": 1e300}, "NO_TIME"),
        ({**GATE, "dataset_urn": ""}, "NO_DATASET"),
        ({"kind": "HEARTBEAT", "timestamp": "2024-01-15T00:00:00Z"}, "NO_DATASET"),
        ({"eventType": "START", "eventTime": "2024-01-15T00:00:00Z", "run": {}}, "NO_DATASET"),
    ],
)
def test_dead_letters_are_only_what_cannot_be_placed(document: Any, reason: str) -> None:
    assert refuse(document).reason == reason


def test_what_is_no_json_object_is_a_dead_letter_without_its_values() -> None:
    for line in (b"[1]", b"\xff\xfe", b"{'a': 'jane@example.com'}"):
        letter = codec.accept_line(line, NOW)
        assert isinstance(letter, DeadLetter)
        assert letter.reason == "NOT_JSON"
        assert "jane" not in letter.body


@pytest.mark.parametrize("depth", [300, 900, 100_000])
def test_nesting_has_an_end(depth: int) -> None:
    line = json.dumps(GATE)[:-1] + ', "x": ' + "[" * depth + "]" * depth + "}"
    taken = codec.accept_line(line, NOW)
    if isinstance(taken, DeadLetter):
        assert (taken.reason, taken.detail) == ("NOT_JSON", "nested too deeply")
    else:
        assert evidence.decode(evidence.encode(taken.event)) == taken.event


def test_numbers_of_any_size_pass_through() -> None:
    for number in (2**63, 2**70, -(2**70), 1e300):
        assert take({**GATE, "n": number}).event.payload == {"n": number}


def test_a_dead_letter_says_no_value_either() -> None:
    letter = refuse({**GATE, "kind": "jane@example.com", "message": "for 'Jane Doe'"})
    assert letter.detail == "unknown kind <email>"
    assert "Jane" not in letter.body


def test_kinds_are_told_whatever_their_case() -> None:
    taken = take({**GATE, "kind": "gate"})
    assert (taken.event.kind, taken.leniencies) == ("GATE", ("no_kind",))


def test_the_list_of_leniencies_is_closed_and_each_says_what_it_forgives() -> None:
    assert len({rule.__name__ for rule in leniency.LENIENCIES}) == len(leniency.LENIENCIES)
    assert all(rule.__doc__ for rule in leniency.LENIENCIES)


def test_documents_are_not_changed_by_reading_them() -> None:
    document = sample("s2_evidence_batch_fail")
    take(document)
    assert document == sample("s2_evidence_batch_fail")


names = st.sampled_from(
    [
        *sorted(evidence.FIELDS),
        *("payload", "eventType", "eventTime", "run", "job", "inputs", "outputs", "signal_type"),
        *("signal_id", "quarantine_table", "event_type", "event_id", "metadata", "window"),
        *("result", "reason_code", "gates", "failed_gates", "reason_codes", "signatures", "facets"),
        *("parent", "name", "namespace", "runId", "stack_trace", "message", "deployed_at", "x"),
    ]
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "GATE", "OpenLineage", "FAIL", "2024-01-15T00:00:00Z", "ds://a/b", "x"])
    | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
shapes = st.sampled_from(
    [
        {},
        {"kind": "GATE", "timestamp": "2024-01-15T00:00:00Z", "dataset_urn": "ds://a/b"},
        {"eventType": "START", "eventTime": "2024-01-15T00:00:00Z"},
        {"kind": "LineageSpec"},
        {"kind": "DeploymentEvent", "timestamp": "2024-01-15T00:00:00Z"},
        {"signal_type": "DQ_BREACH", "timestamp": "2024-01-15T00:00:00Z"},
        {"event_type": "a.b.v1", "timestamp": "2024-01-15T00:00:00Z"},
    ]
)


@settings(max_examples=300, deadline=None)
@given(shapes, st.dictionaries(names, values, max_size=8))
def test_anything_is_an_event_that_can_be_read_again_or_a_dead_letter(
    shape: dict[str, Any], document: dict[str, Any]
) -> None:
    taken = codec.accept({**document, **shape}, NOW)
    if isinstance(taken, Accepted):
        body = evidence.encode(taken.event)
        assert evidence.decode(body) == taken.event
        again = codec.accept_line(body, NOW)
        assert isinstance(again, Accepted)
        assert again.event.evidence_id == taken.event.evidence_id
        assert taken.event.key is not None
        assert (taken.event.result, taken.event.gates, taken.event.reason_codes) is not None


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"schema": "urn:schema:evidence:2"}, "schema"),
        ({"evidence_id": "evd-short"}, "evidence_id"),
        ({"kind": "Pod"}, "kind Pod"),
        ({"timestamp": "2024-01-15T09:58:02Z"}, "timestamp"),
        ({"dataset_urn": "ds://orders/created"}, "not canonical"),
        ({"dataset_urn": ""}, "neither dataset"),
        ({"validation": {}}, "needs validation"),
        ({"source": {}}, "needs source"),
        ({"validation": {"result": "OK", "gates": [{"gate": "G9", "result": "?"}]}}, "gate G9"),
    ],
)
def test_the_strict_profile(change: dict[str, Any], problem: str) -> None:
    assert codec.problems(evidence.from_plain(GATE)) == []
    assert problem in " ".join(codec.problems(evidence.from_plain({**GATE, **change})))


def test_a_payload_may_not_repeat_the_envelope() -> None:
    event = Evidence(
        schema=SCHEMA,
        evidence_id=GATE["evidence_id"],
        kind="CONFIG",
        timestamp=GATE["timestamp"],
        payload={"run_id": "x"},
    )
    assert codec.problems(event) == ["payload repeats run_id"]

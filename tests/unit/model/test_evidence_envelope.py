"""The envelope is flat on the wire and keeps what it does not know."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfctl.model import evidence
from sfctl.model.evidence import SCHEMA, Evidence

MINIMAL = {
    "schema": SCHEMA,
    "evidence_id": "evd-1",
    "kind": "GATE",
    "timestamp": "2024-01-15T02:00:00.000Z",
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
unknown = st.dictionaries(st.text().filter(lambda name: name not in evidence.FIELDS), json_values)


def event(**fields: Any) -> Evidence:
    return evidence.from_plain({**MINIMAL, **fields})


@given(unknown)
def test_unknown_fields_go_out_as_they_came_in(fields: dict[str, Any]) -> None:
    document = {**MINIMAL, "run_id": "r", **fields}
    read = evidence.decode(json.dumps(document))
    assert json.loads(evidence.encode(read)) == document
    assert evidence.decode(evidence.encode(read)) == read


def test_a_field_called_payload_is_kept_too() -> None:
    document = {**MINIMAL, "payload": {"a": 1}, "b": 2}
    assert json.loads(evidence.encode(evidence.from_plain(document))) == document


def test_the_fingerprint_ignores_the_order_of_fields() -> None:
    one, other = event(b=1, a=2), event(a=2, b=1)
    assert evidence.fingerprint(one) == evidence.fingerprint(other)
    assert evidence.fingerprint(one) != evidence.fingerprint(event(a=2, b=3))


def test_the_time_of_an_undated_fact_is_no_content() -> None:
    one = event(undated=True)
    other = msgspec.structs.replace(one, timestamp="2025-01-01T00:00:00.000Z")
    assert evidence.fingerprint(one) == evidence.fingerprint(other)


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"dataset_urn": "urn:dp:a:b", "job_urn": "urn:job:j"}, "external:urn:dp:a:b"),
        (
            {"kind": "HEARTBEAT", "dataset_urn": "urn:dp:a:b", "job_urn": "urn:job:j"},
            "external:urn:job:j",
        ),
        ({"runtime_type": "spark", "dataset_urn": "urn:dp:a:b"}, "spark:urn:dp:a:b"),
        ({"job_urn": "urn:job:j"}, "external:urn:job:j"),
        ({}, ""),
    ],
)
def test_the_key_names_runtime_and_subject(fields: dict[str, Any], key: str) -> None:
    assert event(**fields).key == key


def test_verdicts_are_read_from_the_validation_block() -> None:
    judged = event(
        validation={"result": "FAIL", "gates": [{"gate": "DQ"}], "reason_codes": ["X:a"]}
    )
    assert (judged.result, judged.reason_codes) == ("FAIL", ("X:a",))
    assert judged.gates == ({"gate": "DQ"},)
    assert (event().result, event().gates, event().reason_codes) == ("", (), ())


def test_what_is_no_event_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        evidence.decode(b'{"kind": "GATE"}')
    with pytest.raises(msgspec.DecodeError):
        evidence.decode(b"{")

"""What is new on a dataset, told once, with what was before and where it came from."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from sfctl.engines import drift
from sfctl.model import topology
from sfctl.model.evidence import Evidence
from sfctl.model.manifest import DatasetEntry, Manifest, TargetEntry
from sfctl.model.signal import Signal
from tests.unit.engines.judged import ORDERS, Cells, gate, in_batches, record, standing

LATER = "2024-06-01T00:00:00Z"
ENUM = "UNKNOWN_ENUM:kind:sale"
RENAME = [
    {"change": "removed", "field": "dest", "from": "STRING", "to": None},
    {"change": "possible_rename", "field": "dest", "from": "dest", "to": "destination"},
    {"change": "added", "field": "destination", "from": None, "to": "STRING"},
    {"change": "added", "field": "note", "from": None, "to": "STRING"},
    {"change": "widened", "field": "n", "from": "INT32", "to": "INT64"},
]


def enum(day: float, code: str = ENUM, **more: Any) -> Evidence:
    return gate(day, "DQ", "FAIL", failed=3, signatures={code: 3}, **more)


def said(*events: Evidence) -> list[Signal]:
    return Cells(drift.ENGINE).fold(*events).tick(LATER)


def renamed(day: float, **more: Any) -> Evidence:
    signatures = {"MISSING_FIELD:dest": 1, "NULL_VIOLATION:dest": 100}
    return gate(day, "G3_SCHEMA", "FAIL", failed=100, signatures=signatures, stage="bronze",
                mode=more.pop("mode", "compatible"), changes=RENAME, **more)  # fmt: skip


def test_a_new_value_is_told_once_and_again_after_thirty_quiet_days() -> None:
    assert len(said(enum(0))) == 1
    days = [s.run_id for s in said(enum(0), enum(1), enum(29), enum(61)) if s.state != "OK"]
    assert days == ["run-0", "run-61"]


def test_a_warning_is_remembered_and_raises_nothing() -> None:
    warn = gate(0, "DQ", "WARN", signatures={ENUM: 2})
    assert said(warn) == []
    (signal,) = said(warn, enum(1))
    assert signal.details["first_seen"] == "2024-01-15T02:05:00.000Z"
    assert signal.run_id == "run-1"


def test_a_rule_that_only_warns_beside_one_that_fails_raises_nothing() -> None:
    event = gate(0, "DQ", "FAIL", failed=1, signatures={ENUM: 1, "RANGE_VIOLATION:n": 1})
    soft = {"id": "n", "status": "warn", "signature": "RANGE_VIOLATION:n"}
    event.payload["rules"] = [soft]
    (signal,) = said(event)
    assert [each.signature for each in signal.top_failures] == [ENUM]


def test_a_renamed_column_is_one_signal_with_both_runs_and_fingerprints() -> None:
    good = gate(0, "G3_SCHEMA", stage="bronze", fingerprint="sha256:a")
    later = gate(1, "DQ", "FAIL", failed=9, signatures={"NULL_VIOLATION:dest": 9}, stage="silver")
    (signal,) = said(later, renamed(1, fingerprint="sha256:b"), good)
    assert (signal.state, signal.reason, signal.stage) == ("CRITICAL", "FIELD_RENAMED", "bronze")
    details = dict(signal.details)
    assert details.pop("changes") == [
        {"drift_type": "FIELD_RENAMED", "field": "dest", "from": "dest", "to": "destination"}
    ]
    assert details == {
        "drift_type": "FIELD_RENAMED",
        "field": "dest",
        "old": "dest",
        "new": "destination",
        "first_seen": "2024-01-16T02:05:00.000Z",
        "first_bad_run": "run-1",
        "first_bad_fingerprint": "sha256:b",
        "last_good_run": "run-0",
        "last_good_fingerprint": "sha256:a",
    }
    assert [each.signature for each in signal.top_failures] == ["MISSING_FIELD:dest"]


def test_in_strict_mode_every_change_breaks() -> None:
    (signal,) = said(renamed(0, mode="strict"))
    kinds = [each["drift_type"] for each in signal.details["changes"]]
    assert kinds == ["FIELD_RENAMED", "TYPE_CHANGE", "FIELD_ADDED"]


def test_a_retyped_column_has_both_types() -> None:
    code = "TYPE_MISMATCH:amount:DOUBLE\u2192STRING"
    (signal,) = said(gate(0, "G3_SCHEMA", "FAIL", failed=9, signatures={code: 1}))
    told = {name: signal.details[name] for name in ("drift_type", "field", "old", "new")}
    assert told == {"drift_type": "TYPE_CHANGE", "field": "amount", "old": "DOUBLE",
                    "new": "STRING"}  # fmt: skip


def test_a_schema_that_fails_without_a_word_is_told_as_well() -> None:
    (signal,) = said(gate(0, "G3_SCHEMA", "FAIL"))
    assert (signal.state, signal.reason) == ("CRITICAL", "SCHEMA_CHANGE")


def test_values_missing_under_a_whole_schema_are_no_drift() -> None:
    lost = gate(0, "G4_CONTRACT", "FAIL", failed=5, signatures={"MISSING_FIELD:dest": 5})
    assert said(gate(0, "G3_SCHEMA"), lost) == []
    assert len(said(lost)) == 1


def test_personal_data_found_is_no_failure() -> None:
    assert said(gate(0, "G5_PII", "PASS", signatures={"PII_DETECTED:mail:EMAIL": 5})) == []


def test_the_next_good_run_ends_it() -> None:
    cells = Cells(drift.ENGINE).fold(enum(0))
    cells.tick("2024-01-15T12:00:00Z")
    assert [each.state for each in drift.ENGINE.status(cells.cell())] == ["WARNING"]
    cells.fold(enum(1)).tick("2024-01-16T12:00:00Z")
    assert [each.state for each in drift.ENGINE.status(cells.cell())] == ["WARNING"]
    (end,) = cells.fold(gate(2)).tick("2024-01-17T12:00:00Z")
    assert (end.state, end.previous_state, end.run_id) == ("OK", "WARNING", "run-2")
    (word,) = drift.ENGINE.status(cells.cell())
    assert (word.state, word.breach_start) == ("OK", "")


def test_new_values_of_a_field_are_one_signal() -> None:
    codes = {f"UNKNOWN_ENUM:kind:{name}": n for name, n in (("a", 1), ("b", 5))}
    (signal,) = said(gate(0, "DQ", "FAIL", failed=6, signatures=codes))
    assert signal.details["new_value"] == "b"
    assert signal.details["new_values"] == ["b", "a"]
    assert [each.count for each in signal.top_failures] == [5, 1]


def test_expected_values_come_from_the_configuration() -> None:
    entry = DatasetEntry("orders", ORDERS, accepted_values={"kind": ("web", "shop")})
    target = TargetEntry("dev", "dev", "lake")
    manifest = Manifest("p", target, {ORDERS: entry}, compiled_at="2024-01-01T00:00:00Z")
    (signal,) = said(enum(0), topology.to_event(manifest))
    assert signal.details["expected_values"] == ["web", "shop"]


def test_the_failing_rule_tells_the_expected_values_where_it_can() -> None:
    event = record(1, "2024-01-15T02:00:00Z", "FAIL", ENUM, run="r")
    rule = {"field": "kind", "constraint": "accepted_values", "expected": ["x"]}
    event.validation["gates"][0]["details"] = {"violated_rule": rule}
    (signal,) = said(event)
    assert signal.details["expected_values"] == ["x"]


def test_a_sighting_upstream_is_found_along_the_lineage() -> None:
    raw, middle = "urn:dp:shop:raw", "urn:dp:shop:middle"
    seen = replace(record(1, "2024-01-14T14:30:00Z", "WARN", ENUM), dataset_urn=raw)
    elsewhere = replace(record(2, "2024-01-01T00:00:00Z", "WARN", ENUM), dataset_urn="urn:dp:a:b")
    between = replace(gate(-1), dataset_urn=middle, lineage={"upstream_urns": [f"{raw}#gold"]})
    failing = replace(enum(0), lineage={"upstream_dataset": f"{middle}#silver"})
    (signal,) = [s for s in said(failing, elsewhere, between, seen) if s.state != "OK"]
    assert signal.details["first_seen_in_source"] == "2024-01-14T14:30:00.000Z"
    assert signal.details["upstream_dataset"] == f"{middle}#silver"


def test_a_stream_is_told_by_its_window() -> None:
    cells = Cells(drift.ENGINE).fold(record(1, "2024-01-15T02:01:00Z", "FAIL", ENUM))
    assert cells.tick("2024-01-15T02:04:59Z") == []
    (signal,) = cells.tick("2024-01-15T02:05:00Z")
    assert signal.window.type == "TUMBLING_5MIN"
    assert cells.fold(record(2, "2024-01-15T02:06:00Z", "FAIL", ENUM)).tick(LATER) == []
    (end,) = cells.fold(record(3, "2024-01-15T02:11:00Z")).tick(LATER)
    assert end.state == "OK"


def test_what_was_long_ago_is_still_known() -> None:
    cells = Cells(drift.ENGINE).fold(enum(0))
    cells.tick(LATER)
    for number in range(100):
        cells.fold(gate(number / 10 + 1, run=f"r{number}"))
        cells.tick(LATER)
    assert len(cells.cell().showings) <= drift.KEPT
    cells.fold(enum(20))
    assert [each.state for each in cells.tick(LATER) if each.state != "OK"] == []


@pytest.mark.parametrize("late", [enum(0), renamed(0)])
def test_an_older_sighting_that_comes_late_takes_the_newer_back(late: Evidence) -> None:
    again = enum(1) if late.payload["signatures"].get(ENUM) else renamed(1)
    cells = in_batches(drift.ENGINE, [again, late], [1], LATER)
    assert [each["run_id"] for each in standing(cells.said)] == ["run-0"]


EVENTS = [
    enum(0), enum(1), gate(1, "G3_SCHEMA", stage="bronze", fingerprint="sha256:a"),
    renamed(2, fingerprint="sha256:b"), gate(2, "DQ", "FAIL", failed=1,
    signatures={"NULL_VIOLATION:dest": 1}, stage="silver"), gate(3), enum(40),
    gate(40, "G4_CONTRACT", "WARN", signatures={"RANGE_VIOLATION:n": 1}),
    enum(41, "RANGE_VIOLATION:n"), record(7, "2024-01-16T02:01:00Z", "FAIL", ENUM, run="run-1"),
    record(8, "2024-03-01T02:01:00Z", "FAIL", "INVALID_FORMAT:mail"),
]  # fmt: skip


@settings(deadline=None)
@given(
    st.permutations([*EVENTS, *EVENTS[:4]]), st.sets(st.integers(1, len(EVENTS) + 3), max_size=4)
)
def test_no_order_cut_or_repetition_changes_what_stands(
    events: list[Evidence], cuts: set[int]
) -> None:
    whole = in_batches(drift.ENGINE, EVENTS, (), LATER)
    other = in_batches(drift.ENGINE, events, cuts, LATER)
    assert standing(other.said) == standing(whole.said)
    assert len(standing(whole.said)) == 5


def test_signals_carry_times_of_the_data() -> None:
    (signal,) = said(enum(0))
    assert signal.window.start == "2024-01-15T02:00:00.000Z"
    assert signal.timestamp == signal.window.end == "2024-01-15T02:05:00.000Z"

"""Shares of records that pass: windows and runs, exact counts, amendments, and what is new."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from sfctl.engines import contract, dq, span
from sfctl.engines.compliance import KEPT_RUNS
from sfctl.model import facts, topology
from sfctl.model.evidence import Evidence
from sfctl.model.manifest import DatasetEntry, Manifest, TargetEntry
from sfctl.model.run import RunContext
from tests.unit.engines.judged import ORDERS, Cells, counters, gate, in_batches, record, standing

LATER = "2024-06-01T00:00:00Z"
LOST = "MISSING_FIELD:id"
OPEN, ENDED, CLOSED = "2024-01-15T10:01:00Z", "2024-01-15T10:05:00Z", "2024-01-15T10:07:00Z"


def window(good: int, bad: int, first: int = 0, at: str = OPEN) -> list[Evidence]:
    return [record(first + n, at) for n in range(good)] + [
        record(first + good + n, at, "FAIL", LOST) for n in range(bad)
    ]


def config(slo: dict[str, object]) -> Evidence:
    entry = DatasetEntry("orders", ORDERS, slo=slo)
    target = TargetEntry("dev", "dev", "lake")
    return topology.to_event(
        Manifest("p", target, {ORDERS: entry}, compiled_at="2024-01-01T00:00:00Z")
    )


def counted(signal: Any) -> tuple[int, int]:
    return signal.metrics["evidence_count"], signal.metrics["fail_count"]


def test_a_window_is_judged_at_its_end_and_amended_once_two_minutes_later() -> None:
    cells = Cells(contract.ENGINE).fold(*window(5, 5))
    assert cells.tick("2024-01-15T10:04:59Z") == []
    (signal,) = cells.tick(ENDED)
    assert (signal.state, counted(signal), signal.revision) == ("CRITICAL", (10, 5), 0)
    assert cells.tick("2024-01-15T10:06:00Z") == []
    cells.fold(*window(0, 10, first=10))
    (amended,) = cells.tick(CLOSED)
    assert (amended.signal_id, amended.revision) == (signal.signal_id, 1)
    assert counted(amended) == (20, 15)


def test_what_comes_after_the_amendment_is_only_counted() -> None:
    cells = Cells(contract.ENGINE).fold(*window(1, 9))
    cells.tick(ENDED)
    cells.tick("2024-01-15T10:07:01Z")
    assert cells.fold(*window(0, 3, first=50)).tick(LATER) == []
    late = "2024-01-15T10:31:00Z"
    cells.tick("2024-01-15T10:30:00Z")
    cells.fold(*window(9, 1, first=90, at="2024-01-15T10:31:00Z"))
    (signal,) = cells.tick("2024-01-15T10:35:00Z")
    assert (signal.metrics["late"], signal.window.start) == (3, f"{late[:14]}30:00.000Z")


def test_an_event_says_itself_that_it_came_late() -> None:
    heard = {"processing_time": "2024-01-15T10:20:00Z"}
    cells = Cells(contract.ENGINE).fold(record(1, OPEN, "FAIL", LOST, stream=heard))
    assert cells.tick(LATER) == []
    assert cells.cell().late == 1


def test_counters_stand_for_their_producers_records() -> None:
    others = [replace(e, producer={"id": "other"}) for e in window(3, 1, first=100)]
    events = [*window(2, 4), *others, counters(1, "2024-01-15T10:00:00Z", 96, 104, LOST)]
    (signal,) = Cells(contract.ENGINE).fold(*events).tick(ENDED)
    assert counted(signal) == (204, 105)
    (top,) = signal.top_failures
    assert (top.count, top.producer) == (105, "orders-svc")
    assert top.first_seen == signal.details["breach_start"] == "2024-01-15T10:01:00.000Z"


def test_counters_alone_date_a_failure_by_what_they_say() -> None:
    event = counters(1, "2024-01-15T10:00:00Z", 1, 9, LOST)
    event.payload["first_seen"] = {LOST: "2024-01-15T10:02:03.000Z"}
    (signal,) = Cells(contract.ENGINE).fold(event).tick(ENDED)
    assert signal.top_failures[0].first_seen == "2024-01-15T10:02:03.000Z"


def test_counters_of_a_wrong_form_count_nothing() -> None:
    event = counters(1, "2024-01-15T10:00:00Z", 1, 9, LOST)
    event.payload["counts"] = {"pass": "many", "fail": -3}
    assert Cells(contract.ENGINE).fold(event).tick(ENDED) == []


def test_a_breach_that_goes_on_is_repeated_every_twelve_windows() -> None:
    cells = Cells(contract.ENGINE)
    told = []
    for minute in range(0, 130, 5):
        at = f"2024-01-15T{10 + minute // 60}:{minute % 60:02}:00Z"
        cells.fold(*window(1, 9, first=minute * 10, at=at))
        told += [each.window.start[11:16] for each in cells.tick(at.replace(":00Z", ":59Z"))]
    assert told == ["10:00", "11:00", "12:00"]


def test_a_change_of_state_or_of_the_top_failure_is_told_at_once() -> None:
    cells = Cells(contract.ENGINE).fold(*window(1, 9))
    cells.tick(ENDED)
    other = [record(200 + n, "2024-01-15T10:06:00Z", "FAIL", "INVALID_FORMAT:m") for n in range(9)]
    (second,) = cells.fold(*other).tick("2024-01-15T10:10:00Z")
    assert second.signature == "INVALID_FORMAT:m"
    (end,) = cells.fold(*window(9, 0, 400, "2024-01-15T10:11:00Z")).tick("2024-01-15T10:15:00Z")
    assert (end.state, end.previous_state) == ("OK", "CRITICAL")


@pytest.mark.parametrize(
    ("slo", "state"),
    [
        ({"contract": {"threshold": 0.5}}, "OK"),
        ({"contract": {"slo": 0.99, "warning_threshold": 0.6}}, "WARNING"),
        ({"contract": 0.7}, "OK"),
        ({"contract": 0.75}, "CRITICAL"),
        ({"contract": {"threshold": "much"}}, "CRITICAL"),
        ({}, "CRITICAL"),
    ],
)
def test_the_configuration_sets_the_objective(slo: dict[str, object], state: str) -> None:
    cells = Cells(contract.ENGINE).fold(*window(7, 3), config(slo))
    cells.tick(ENDED)
    assert [each.state for each in contract.ENGINE.status(cells.cell())] == [state]


def test_a_higher_revision_replaces_and_a_lower_is_ignored() -> None:
    first = gate(0, "DQ", "FAIL", failed=50, signatures={"RANGE_VIOLATION:n": 50})
    better = gate(0, "DQ", failed=0, revision=1)
    assert first.evidence_id == better.evidence_id
    cells = Cells(dq.ENGINE).fold(first)
    (signal,) = cells.tick(LATER)
    (amended,) = cells.fold(better, first).tick(LATER)
    assert (signal.state, amended.state, amended.revision) == ("CRITICAL", "OK", 1)
    assert amended.signal_id == signal.signal_id


def test_each_stage_is_told_by_its_gate_else_by_its_write_and_the_worst_speaks() -> None:
    run = RunContext("run-0", "nightly", started_at="2024-01-15T02:00:00Z")
    wrote = facts.write_committed(
        run, gate_time(), dataset_urn=ORDERS, stage="gold", commit_version=1, rows_written=10,
        rows_good=10, rows_bad=90,
    )  # fmt: skip
    silver = gate(0, "DQ", "FAIL", failed=50, stage="silver", signatures={"RANGE_VIOLATION:n": 50})
    (signal,) = Cells(dq.ENGINE).fold(silver, wrote).tick(LATER)
    assert (signal.stage, signal.metrics["records_failed"]) == ("gold", 90)
    told = gate(0, "DQ", stage="gold")
    (signal,) = Cells(dq.ENGINE).fold(silver, wrote, told).tick(LATER)
    assert (signal.stage, signal.metrics["records_failed"]) == ("silver", 50)


def gate_time() -> Any:
    from sfctl.clock import parse_instant

    return parse_instant("2024-01-15T02:06:00Z")


def test_a_schema_that_fails_fails_the_whole_contract() -> None:
    event = gate(0, "G3_SCHEMA", "FAIL", rows=911, failed=0, stage="bronze")
    (signal,) = Cells(contract.ENGINE).fold(event).tick(LATER)
    assert (signal.state, signal.metrics["records_failed"]) == ("CRITICAL", 911)
    assert signal.metrics["compliance_rate"] == 0


def test_the_nulls_of_a_missing_field_are_the_missing_field() -> None:
    codes = {LOST: 1, "NULL_VIOLATION:id": 911}
    event = gate(0, "G3_SCHEMA", "FAIL", rows=911, failed=911, signatures=codes)
    (signal,) = Cells(contract.ENGINE).fold(event).tick(LATER)
    assert [(each.signature, each.count) for each in signal.top_failures] == [(LOST, 911)]


def test_attempts_of_one_run_id_are_apart() -> None:
    bad = gate(0, "DQ", "FAIL", failed=90, signatures={"RANGE_VIOLATION:n": 90}, run="r")
    good = gate(0.01, "DQ", run="r", attempt=1)
    cells = Cells(dq.ENGINE).fold(good, bad)
    assert [(each.state, each.metrics["records_failed"]) for each in cells.tick(LATER)] == [
        ("CRITICAL", 90),
        ("OK", 0),
    ]
    assert [each.state for each in dq.ENGINE.status(cells.cell())] == ["OK"]


def test_a_failure_is_new_once_in_thirty_days_and_counted_for_ever() -> None:
    found = {"RANGE_VIOLATION:n": 20}
    days = (0, 1, 29, 61)
    cells = Cells(dq.ENGINE)
    for day in days:
        cells.fold(gate(day, "DQ", "FAIL", failed=20, signatures=found)).tick(LATER)
    told = [(each.top_failures[0].is_new, each.top_failures[0].total) for each in cells.said]
    assert told == [(True, 20), (False, 40), (False, 60), (True, 80)]


def test_a_window_that_closed_is_remembered() -> None:
    cells = Cells(contract.ENGINE).fold(*window(1, 9))
    cells.tick(ENDED)
    cells.tick(CLOSED)
    assert cells.cell().windows == {}
    cells.fold(*window(1, 9, 100, "2024-01-15T11:01:00Z"))
    cells.tick("2024-01-15T11:05:00Z")
    assert [s.top_failures[0].is_new for s in cells.said] == [True, False]
    assert cells.said[-1].top_failures[0].total == 18


def test_five_failures_are_named_and_all_are_counted() -> None:
    found = {f"RANGE_VIOLATION:c{n}": n + 1 for n in range(8)}
    (signal,) = Cells(dq.ENGINE).fold(
        gate(0, "DQ", "FAIL", failed=40, signatures=found)
    ).tick(LATER)  # fmt: skip
    assert [each.count for each in signal.top_failures] == [8, 7, 6, 5, 4]
    assert signal.metrics["records_failed"] == 40


def test_totals_stay_exact_past_the_records_that_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(span, "KEPT_RECORDS", 20)
    (signal,) = Cells(contract.ENGINE).fold(*window(30, 70)).tick(ENDED)
    assert counted(signal) == (100, 70)
    assert (signal.top_failures[0].count, len(signal.evidence_refs)) == (70, 10)


def test_old_runs_are_small_and_the_oldest_go() -> None:
    cells = Cells(dq.ENGINE)
    for day in range(KEPT_RUNS + 6):
        at = f"2024-{day // 28 + 1:02}-{day % 28 + 1:02}T02:00:00Z"
        codes = ("RANGE_VIOLATION:n",)
        cells.fold(*(record(day * 200 + n, at, "FAIL", *codes, gate="DQ", run=f"r{day}")
                     for n in range(120))).tick(LATER)  # fmt: skip
    cell = cells.cell()
    assert len(cell.runs) == KEPT_RUNS
    assert sum(each.held for each in cell.runs.values()) < 5 * 120 + KEPT_RUNS * 10
    assert cell.known["RANGE_VIOLATION:n"].total == 6 * 120
    assert cells.said[-1].top_failures[0].total == (KEPT_RUNS + 6) * 120
    said = len(cells.said)
    cells.fold(record(9_999_999, "2024-01-01T02:00:00Z", "FAIL", gate="DQ", run="r0")).tick(LATER)
    assert len(cells.said) == said


def test_a_run_of_records_without_an_end_is_judged_after_three_minutes() -> None:
    event = record(1, "2024-01-15T02:00:00Z", "FAIL", LOST, gate="DQ", run="r")
    cells = Cells(dq.ENGINE).fold(event)
    assert cells.tick("2024-01-15T02:02:59Z") == []
    assert len(cells.tick("2024-01-15T02:03:00Z")) == 1


RANGE = {"RANGE_VIOLATION:n": 30}
RUNS = [
    gate(0, "DQ", "FAIL", failed=30, signatures=RANGE),
    gate(0, "DQ", stage="silver"),
    gate(0, "G3_SCHEMA", "FAIL", stage="bronze", signatures={LOST: 100}, failed=100),
    gate(1, "DQ", "FAIL", failed=30, signatures=RANGE),
    gate(1, "DQ", "FAIL", failed=90, signatures={"RANGE_VIOLATION:n": 90}, revision=1),
    gate(2, "DQ"),
    gate(2, "G4_CONTRACT"),
    *(record(n, "2024-01-20T02:01:00Z", "FAIL", LOST, run="foreign") for n in range(3)),
    gate(40, "G4_CONTRACT", "FAIL", failed=60, signatures={LOST: 60}, stage="silver"),
    gate(40, "G4_CONTRACT", "FAIL", failed=10, signatures={LOST: 10}),
]


@pytest.mark.parametrize("engine", [contract.ENGINE, dq.ENGINE], ids=lambda e: str(e.name))
@settings(deadline=None, max_examples=50)
@given(st.permutations([*RUNS, *RUNS[:3]]), st.sets(st.integers(1, len(RUNS) + 2), max_size=4))
def test_no_order_cut_or_repetition_of_runs_changes_what_stands(
    engine: Any, events: list[Evidence], cuts: set[int]
) -> None:
    whole = in_batches(engine, RUNS, (), LATER)
    assert standing(in_batches(engine, events, cuts, LATER).said) == standing(whole.said)
    assert len(standing(whole.said)) == 3


STREAM = [*window(3, 4), counters(1, "2024-01-15T10:05:00Z", 5, 5, LOST),
          *window(2, 6, 50, "2024-01-15T10:06:00Z"),
          *window(9, 0, 80, "2024-01-15T10:11:00Z")]  # fmt: skip


@settings(deadline=None, max_examples=50)
@given(st.permutations([*STREAM, *STREAM[:3]]), st.sets(st.integers(1, len(STREAM)), max_size=4))
def test_no_order_cut_or_repetition_of_a_window_changes_what_stands(
    events: list[Evidence], cuts: set[int]
) -> None:
    whole = in_batches(contract.ENGINE, STREAM, (), "2024-01-15T10:04:00Z")
    other = in_batches(contract.ENGINE, events, cuts, "2024-01-15T10:04:00Z")
    for minute in range(5, 20):
        whole.tick(f"2024-01-15T10:{minute:02}:00Z")
        other.tick(f"2024-01-15T10:{minute:02}:00Z")
    assert other.said == whole.said
    assert [each.state for each in whole.said] == ["CRITICAL", "OK"]

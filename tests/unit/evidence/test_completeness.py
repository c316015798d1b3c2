"""What a run promised, what came, and why nothing came."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfctl.evidence.completeness import Completeness, Missing, assess, silence
from sfctl.model import facts
from sfctl.model.evidence import Evidence, Expected
from sfctl.model.policy import GATES_OF_STAGE
from sfctl.model.run import RunContext
from sfctl.model.verdict import GateResult

AT = datetime(2024, 1, 15, tzinfo=UTC)
RUN = RunContext(run_id="r", job="j", started_at="2024-01-15T00:00:00Z")
URN = "urn:dp:a:b"
GOLD = (*GATES_OF_STAGE["gold"], "CERTIFICATION")
PROMISE = [Expected("ds://a/b", "gold", GOLD)]
STARTED = facts.job_started(RUN, AT, expects=PROMISE)
COMPLETED = facts.job_completed(RUN, AT + timedelta(minutes=1), duration=60.0)


def gate(name: str, ordinal: int = 0) -> Evidence:
    result = GateResult(gate=name, result="PASS")  # type: ignore[arg-type]
    return facts.gate_event(RUN, AT, result, dataset_urn=URN, stage="gold", ordinal=ordinal)


def certified() -> Evidence:
    return facts.certification(
        RUN, AT, dataset_urn=URN, status="CERTIFIED", version=1, certified_version=1
    )


def all_gates() -> list[Evidence]:
    return [*(gate(name) for name in GATES_OF_STAGE["gold"]), certified()]


def test_a_whole_run_is_complete() -> None:
    found = assess([STARTED, *all_gates(), COMPLETED], AT)
    assert found == Completeness("complete", (), 5)
    assert not found.is_incomplete


@given(st.permutations(range(5)), st.integers(0, 4))
def test_a_missing_gate_is_named_whatever_the_order(order: list[int], lost: int) -> None:
    gates = all_gates()
    kept = [gates[n] for n in order if n != lost]
    found = assess([COMPLETED, *kept, STARTED], AT)
    assert found.is_incomplete
    assert found.missing == (Missing(URN, "gold", 0, GOLD[lost]),)


def test_a_second_write_has_its_own_gates() -> None:
    promise = [*PROMISE, Expected(URN, "gold", ("DQ",), ordinal=1)]
    started = facts.job_started(RUN, AT, expects=promise)
    events = [started, *all_gates(), COMPLETED]
    assert assess(events, AT).missing == (Missing(URN, "gold", 1, "DQ"),)
    assert assess([*events, gate("DQ", 1)], AT).state == "complete"


def test_promises_made_as_the_run_goes_count() -> None:
    write = facts.write_committed(
        RUN,
        AT,
        dataset_urn=URN,
        stage="gold",
        commit_version=1,
        rows_written=1,
        expects=[{"dataset_urn": URN, "stage": "gold", "gates": ["DQ"]}, {"nonsense": 1}],
    )
    assert assess([write, COMPLETED], AT).missing == (Missing(URN, "gold", 0, "DQ"),)


def test_a_failed_run_has_ended_too() -> None:
    failed = facts.job_failed(RUN, AT, failure_reason="JOB_ERROR:KeyError")
    assert assess([STARTED, failed], AT).is_incomplete


def test_running_until_three_heartbeats_are_missed() -> None:
    beat = facts.heartbeat(RUN, AT + timedelta(minutes=5), beat=5, elapsed=300)
    running = assess([STARTED, beat], AT + timedelta(minutes=8))
    assert (running.state, running.is_incomplete) == ("running", False)
    lost = assess([STARTED, beat], AT + timedelta(minutes=8, seconds=1))
    assert (lost.state, lost.is_incomplete) == ("lost", True)


def test_nothing_at_all_never_started() -> None:
    assert assess([], AT) == Completeness("never_started")


def write(rows: int) -> Evidence:
    return facts.write_committed(
        RUN, AT, dataset_urn=URN, stage="gold", commit_version=1, rows_written=rows
    )


@pytest.mark.parametrize(
    ("events", "pending", "why"),
    [
        ([], 0, "NEVER_STARTED"),
        ([], 10, "BUS_UNREACHABLE"),
        ([STARTED], 10, "BUS_UNREACHABLE"),
        ([STARTED, COMPLETED], 0, "SDK_SILENT"),
        ([STARTED, write(5), COMPLETED], 0, "SDK_SILENT"),
        ([STARTED, write(0), COMPLETED], 0, "NO_DATA"),
        ([STARTED, facts.job_completed(RUN, AT, duration=1, rows_read=0)], 0, "NO_DATA"),
        ([STARTED, gate("DQ"), COMPLETED], 0, ""),
    ],
)
def test_four_silences_stay_four(events: list[Evidence], pending: int, why: str) -> None:
    assert silence(events, pending_bytes=pending) == why

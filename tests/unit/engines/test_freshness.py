"""Freshness: each breach type, its end, and that the order of events makes no difference."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from sfctl.engines.freshness import ENGINE
from sfctl.model import codec
from sfctl.model.evidence import Evidence
from tests.unit.engines import events
from tests.unit.engines.events import ORDERS, Bench, at, completed, days, failed, run, started

JOB = {"schedule": "02:00 ET daily"}
# 02:00 in New York is 07:00 UTC in January.


def bench(*more: Evidence, **promises: object) -> Bench:
    made = Bench(ENGINE)
    made.fold(events.config("2026-01-18T12:00:00", **(promises or {"job": JOB})))  # type: ignore[arg-type]
    made.fold(*more)
    return made


def test_r147_a_job_that_did_not_start_is_critical_one_minute_past_its_grace() -> None:
    made = bench(job=JOB, freshness={"expected_update_by": "04:00 ET daily", "grace_period": "30m"})
    assert made.tick("2026-01-19T07:30:00") == []
    (signal,) = made.tick("2026-01-19T07:31:00")
    assert (signal.reason, signal.state) == ("JOB_NOT_TRIGGERED", "CRITICAL")
    assert (signal.dataset_urn, signal.job_urn) == (ORDERS, "urn:job:orders_daily")
    assert signal.timestamp == "2026-01-19T07:30:00.000Z"
    assert made.tick("2026-01-19T07:45:00") == []


def test_a_late_start_amends_the_same_signal_and_says_how_late() -> None:
    made = bench()
    (missed,) = made.tick("2026-01-19T08:00:00")
    late = run("2026-01-19")
    made.fold(started(late, "2026-01-19T09:00:00"), completed(late, "2026-01-19T09:10:00"))
    (amended,) = made.tick("2026-01-19T10:00:00")
    assert (amended.signal_id, amended.revision) == (missed.signal_id, 1)
    assert (amended.state, amended.previous_state) == ("OK", "CRITICAL")
    assert amended.metrics["delay_seconds"] == 7200


def test_a_start_that_arrives_late_as_evidence_only_is_no_delay() -> None:
    made = bench()
    made.tick("2026-01-19T08:00:00")
    intime = run("2026-01-19")
    made.fold(completed(intime, "2026-01-19T07:10:00"), started(intime, "2026-01-19T07:01:00"))
    (amended,) = made.tick("2026-01-19T10:00:00")
    assert (amended.state, amended.metrics["delay_seconds"]) == ("OK", 0)


def test_a_fresh_install_is_silent_about_this_morning_but_answers_about_the_past() -> None:
    made = bench()
    assert made.tick("2026-01-18T13:00:00") == []
    asked = bench()
    assert events.reasons(asked.tick("2024-01-15T07:31:00")) == ["JOB_NOT_TRIGGERED"]
    assert bench().tick("2024-01-15T07:29:00") == []


def test_a_new_configuration_in_the_night_does_not_excuse_what_was_due() -> None:
    made = bench()
    made.fold(events.config("2026-01-19T07:10:00", job=JOB))
    assert events.reasons(made.tick("2026-01-19T07:31:00")) == ["JOB_NOT_TRIGGERED"]


def test_a_job_that_is_gone_is_not_missed() -> None:
    made = bench()
    removed = events.config("2026-01-18T13:00:00")
    cell = made.cells["job:orders_daily"]
    made.cells["job:orders_daily"] = ENGINE.fold(cell, removed).cell
    assert made.tick("2026-01-19T09:00:00") == []


def test_r148_the_last_allowed_failure_is_critical_and_a_later_success_ends_it() -> None:
    made = bench(job={**JOB, "retries": 1})
    first, second, third = (run("2026-01-19", attempt) for attempt in range(3))
    made.fold(started(first, "2026-01-19T07:01:00"), failed(first, "2026-01-19T07:05:00"))
    assert made.tick("2026-01-19T07:06:00") == []
    made.fold(started(second, "2026-01-19T07:06:00"), failed(second, "2026-01-19T07:09:00"))
    (signal,) = made.tick("2026-01-19T07:10:00")
    assert (signal.reason, signal.state) == ("JOB_FAILED", "CRITICAL")
    assert (signal.run_id, signal.metrics["retry_count"]) == (second.run_id, 1)
    made.fold(started(third, "2026-01-19T07:20:00"), completed(third, "2026-01-19T07:25:00"))
    (amended,) = made.tick("2026-01-19T07:26:00")
    assert (amended.signal_id, amended.state) == (signal.signal_id, "OK")
    assert made.states() == {ORDERS: "OK"}


def test_a_blocked_publish_is_a_failure_that_says_so() -> None:
    blocked = run("2026-01-19")
    made = bench(failed(blocked, "2026-01-19T07:05:00", "JOB_ERROR:PublishBlocked:main"))
    (signal,) = made.tick("2026-01-19T07:06:00")
    assert signal.reason == "JOB_FAILED"
    assert signal.details["blocked_by_enforcement"] is True


def test_r149_slower_than_the_own_p95_is_a_warning() -> None:
    made = bench()
    for date in days("2026-01-19", 20):
        past = run(date)
        made.fold(started(past, f"{date}T07:01:00"), completed(past, f"{date}T07:11:00", 600))
        assert made.tick(f"{date}T07:12:00") == []
    now = run("2026-02-08")
    made.fold(started(now, "2026-02-08T07:00:00"))
    assert made.tick("2026-02-08T07:10:00") == []
    (signal,) = made.tick("2026-02-08T07:30:00")
    assert (signal.reason, signal.state) == ("JOB_RUNNING_SLOW", "WARNING")
    assert made.tick("2026-02-08T07:40:00") == []


def test_without_a_history_the_declared_duration_counts() -> None:
    made = bench(
        started(run("2026-01-19"), "2026-01-19T07:00:00"), job={**JOB, "expected_duration": "20m"}
    )
    assert made.tick("2026-01-19T07:19:00") == []
    assert events.reasons(made.tick("2026-01-19T07:21:00")) == ["JOB_RUNNING_SLOW"]


def _write(date: str, partition: str) -> list[Evidence]:
    one = run(date)
    return [
        started(one, f"{date}T07:01:00"),
        events.wrote(one, f"{date}T07:05:00", partition=f"dt={partition}"),
        completed(one, f"{date}T07:06:00"),
    ]


def test_r150_a_commit_to_yesterdays_partition_is_partial() -> None:
    made = bench(*_write("2026-01-19", "2026-01-19"))
    assert made.tick("2026-01-19T08:00:00") == []
    made.fold(*_write("2026-01-20", "2026-01-19"))
    (signal,) = made.tick("2026-01-20T08:00:00")
    assert (signal.reason, signal.state) == ("PARTIAL_WRITE", "CRITICAL")
    assert signal.details["expected_watermark"] == "2026-01-20"
    assert signal.details["actual_watermark"] == "2026-01-19"


def test_a_back_fill_a_rerun_and_a_lag_of_one_day_are_not_partial() -> None:
    made = bench(*_write("2026-01-19", "2026-01-18"), *_write("2026-01-20", "2026-01-19"))
    assert made.tick("2026-01-20T08:00:00") == []
    again = run("2026-01-20", 1)
    made.fold(
        started(again, "2026-01-20T09:00:00"),
        events.wrote(again, "2026-01-20T09:05:00", partition="dt=2026-01-19"),
        completed(again, "2026-01-20T09:06:00"),
    )
    old = run("2026-01-10")
    made.fold(
        started(old, "2026-01-20T10:00:00"),
        events.wrote(old, "2026-01-20T10:05:00", partition="dt=2026-01-09"),
        completed(old, "2026-01-20T10:06:00"),
    )
    assert made.tick("2026-01-20T11:00:00") == []


def test_a_back_fill_does_not_stand_for_the_run_of_today() -> None:
    old = run("2026-01-10")
    made = bench(started(old, "2026-01-19T07:05:00"), completed(old, "2026-01-19T07:06:00"))
    assert events.reasons(made.tick("2026-01-19T08:00:00")) == ["JOB_NOT_TRIGGERED"]


UPDATE = {"expected_update_by": "04:00 ET daily", "grace_period": "30m"}


def test_r151_a_dataset_that_no_job_writes_is_late_after_its_grace() -> None:
    made = bench(freshness=UPDATE)
    deadline = made.engine.next_deadline(made.cells[ORDERS])
    assert deadline is not None
    made.tick("2026-01-18T12:00:01")
    due = made.engine.next_deadline(made.cells[ORDERS])
    assert due is not None
    assert due - at("2026-01-19T09:30:00") < timedelta(minutes=5)
    assert made.tick("2026-01-19T09:30:00") == []
    (signal,) = made.tick("2026-01-19T09:30:01")
    assert (signal.reason, signal.state) == ("UPDATE_LATE", "CRITICAL")
    made.fold(events.wrote(run("2026-01-19"), "2026-01-19T11:00:00"))
    (amended,) = made.tick("2026-01-19T12:00:00")
    assert (amended.signal_id, amended.state) == (signal.signal_id, "OK")
    assert amended.metrics["delay_seconds"] == 7200
    made.fold(events.wrote(run("2026-01-20"), "2026-01-20T08:00:00"))
    assert made.tick("2026-01-20T10:00:00") == []


def test_a_job_that_ends_well_without_updating_is_late() -> None:
    made = bench(*_write("2026-01-19", "2026-01-19"), job=JOB, freshness=UPDATE)
    assert made.tick("2026-01-19T10:00:00") == []
    idle = run("2026-01-20")
    made.fold(started(idle, "2026-01-20T07:00:00"), completed(idle, "2026-01-20T07:05:00"))
    assert made.tick("2026-01-20T09:00:00") == []
    assert events.reasons(made.tick("2026-01-20T09:31:00")) == ["UPDATE_LATE"]


def test_a_failure_says_why_so_nothing_is_late_beside_it() -> None:
    broken = run("2026-01-19")
    made = bench(failed(broken, "2026-01-19T07:05:00"), job=JOB, freshness=UPDATE)
    assert events.reasons(made.tick("2026-01-19T07:06:00")) == ["JOB_FAILED"]
    assert made.tick("2026-01-19T10:00:00") == []


@pytest.mark.parametrize(
    ("now", "state"),
    [
        ("10:09:59", None),
        ("10:10:00", "WARNING"),
        ("10:15:00", "WARNING"),
        ("10:15:01", "CRITICAL"),
    ],
)
def test_r146_a_stream_warns_at_two_thirds_of_its_delay(now: str, state: str | None) -> None:
    made = bench(events.stream("2026-01-19T10:00:00"), freshness={"max_delay_seconds": 900})
    assert [signal.state for signal in made.tick(f"2026-01-19T{now}")] == ([state] if state else [])


def test_a_stream_that_recovers_ends_its_breach_under_the_same_id() -> None:
    made = bench(events.stream("2026-01-19T10:00:00"), freshness={"max_delay_seconds": 900})
    (warning,) = made.tick("2026-01-19T10:11:00")
    (critical,) = made.tick("2026-01-19T10:16:00")
    made.fold(events.stream("2026-01-19T10:16:30"))
    (fine,) = made.tick("2026-01-19T10:17:00")
    assert len({warning.signal_id, critical.signal_id, fine.signal_id}) == 1
    assert [s.revision for s in (warning, critical, fine)] == [0, 1, 2]
    assert made.tick("2026-01-19T10:18:00") == []


def test_r145_an_event_90_s_late_counts_and_one_150_s_late_does_not() -> None:
    # Both belong to the window 10:05-10:10.
    first = events.stream("2026-01-19T10:07:00", processed="2026-01-19T10:11:30Z")
    second = events.stream("2026-01-19T10:08:00", processed="2026-01-19T10:12:30Z")
    made = bench(first, second, freshness={"max_delay_seconds": 60})
    (signal,) = made.tick("2026-01-19T10:30:00")
    assert signal.details["last_event_ts"] == "2026-01-19T10:07:00.000Z"
    assert signal.window.start == "2026-01-19T10:05:00.000Z"
    assert made.cells[ORDERS].delay.late == 1


def test_openlineage_counts_as_lifecycle() -> None:
    outside = run("2026-01-19")
    made = bench(
        events.lineage(outside, "2026-01-19T07:01:00", kind="START"),
        events.lineage(outside, "2026-01-19T07:05:00", kind="FAIL"),
    )
    assert events.reasons(made.tick("2026-01-19T08:00:00")) == ["JOB_FAILED"]


def test_a_foreign_job_fails_on_the_outputs_it_names() -> None:
    made = Bench(ENGINE)
    made.fold(events.lineage(run("2026-01-19"), "2026-01-19T07:05:00", kind="FAIL", name="theirs"))
    (signal,) = made.tick("2026-01-19T08:00:00")
    assert (signal.dataset_urn, signal.job_urn) == (ORDERS, "job:spark/theirs")


def _story() -> list[Evidence]:
    one, two, three = run("2026-01-19"), run("2026-01-20"), run("2026-01-21")
    return [
        *_write("2026-01-19", "2026-01-19"),
        started(two, "2026-01-20T07:01:00"),
        failed(two, "2026-01-20T07:03:00"),
        started(three, "2026-01-21T07:01:00"),
        events.wrote(three, "2026-01-21T07:04:00", partition="dt=2026-01-19"),
        completed(three, "2026-01-21T07:05:00"),
        events.lineage(one, "2026-01-19T07:06:30"),
    ]


@given(seed=st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_the_order_of_events_makes_no_difference(seed: int) -> None:
    story = _story()
    random.Random(seed).shuffle(story)
    made, straight = bench(*story), bench(*_story())
    found = made.tick("2026-01-22T12:00:00")
    assert found == straight.tick("2026-01-22T12:00:00")
    assert events.reasons(found) == ["JOB_FAILED", "PARTIAL_WRITE", "JOB_NOT_TRIGGERED"]


def test_state_stays_bounded_over_a_year_and_more_of_runs() -> None:
    made = bench()
    sizes = []
    for date in days("2026-01-19", 400):
        one = run(date)
        made.fold(failed(one, f"{date}T07:05:00"))
        made.tick(f"{date}T08:00:00")
        sizes.append(len(codec.encode(made.cells["job:orders_daily"])))
    assert max(sizes[300:]) <= 1.05 * max(sizes[:300])
    assert max(sizes) < 200_000
    assert made.tick(f"{date}T08:00:00") == []


def test_times_and_dates_that_cannot_be_read_stop_nothing() -> None:
    odd = replace(failed(run("2026-01-19"), "2026-01-19T07:05:00"), started_at="soon")
    odd = replace(odd, logical_date="manual__x", scheduled_time="?")
    tick = replace(events.stream("2026-01-19T10:00:00"), stream={"processing_time": "now"})
    made = bench(odd, tick, job=JOB, freshness={"max_delay_seconds": 900})
    assert "JOB_FAILED" in events.reasons(made.tick("2026-01-19T08:00:00"))

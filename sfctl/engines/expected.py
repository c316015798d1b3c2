"""Expected windows: which deadline a run belongs to, and what is to be said of each window.

The verdict on a window follows from the runs, the terms and `now` alone. Grace is the dataset's
`grace_period`, thirty minutes unless given.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from sfctl.clock import format_instant, parse_instant
from sfctl.engines.runs import Mark, Run, payload_of, stalled
from sfctl.model import schedule, urn
from sfctl.model.ids import signal_id
from sfctl.model.manifest import JobEntry
from sfctl.model.schedule import Schedule
from sfctl.model.signal import Signal, State, Window

GRACE_SECONDS = 1800.0
WINDOWS = 16
"""Windows that are looked at; of a longer outage the newest."""
_BASELINE = 5
_EARLY = timedelta(hours=6)
_INSTANT = timedelta(milliseconds=1)


class Terms(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a dataset demands of its freshness, and since when; seconds."""

    update_by: str = ""
    grace: float = GRACE_SECONDS
    max_delay: float = 0.0
    partition_key: str = ""
    since: str = ""
    owned: bool = False
    """Whether a job of the project writes it, and so speaks for it."""


class Job(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a job promises, and since when."""

    urn: str
    schedule: str = ""
    retries: int = 0
    expected_seconds: float = 0.0
    outputs: tuple[str, ...] = ()
    since: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """All that bears on one dataset (or on a job without outputs)."""

    dataset: str
    terms: Terms
    job: Job | None
    by_job: bool
    runs: tuple[Run, ...]
    mark: Mark
    trimmed_to: str


@dataclass(frozen=True, slots=True)
class Slot:
    """One window. `due` is when the job should start, `by` when the data should be there."""

    name: str
    at: datetime
    due: datetime | None = None
    by: datetime | None = None
    runs: list[Run] = field(default_factory=list)


def terms(slo: dict[str, Any]) -> Terms:
    """Return the terms of a dataset's `slo.freshness`."""
    return Terms(
        update_by=str(slo.get("expected_update_by") or ""),
        grace=schedule.seconds(str(slo.get("grace_period") or ""), GRACE_SECONDS),
        max_delay=float(slo.get("max_delay_seconds") or 0),
        partition_key=str(slo.get("partition_key") or ""),
    )


def job_of(entry: JobEntry, at: str, before: Job | None) -> Job:
    """Return a job's promises; they hold since the first configuration with this schedule."""
    kept = before is not None and before.schedule == entry.schedule
    return Job(
        urn=urn.job(entry.name),
        schedule=entry.schedule,
        retries=entry.retries,
        expected_seconds=schedule.seconds(entry.expected_duration),
        outputs=tuple(sorted({urn.without_stage(name) for name in entry.outputs})),
        since=before.since if before is not None and kept else at,
    )


def verdicts(case: Case, now: datetime) -> Iterable[tuple[str, Signal]]:
    """Return what is to be said of each window at `now`, oldest first, with its place in time."""
    for slot in _slots(case, now):
        signal = _verdict(case, slot, now)
        if signal is not None:
            yield slot.name, signal


def next_change(case: Case, now: datetime) -> datetime | None:
    """Return the next instant at which a verdict may change without any event."""
    grace = timedelta(seconds=case.terms.grace)
    found = []
    for plan in (_plan(case.job.schedule if case.job else ""), _plan(case.terms.update_by)):
        if plan is not None:  # what is due is missed once the instant itself is over
            found.append(plan.after(now - grace - _INSTANT) + grace + _INSTANT)
    for run in case.runs:
        limit = None if run.ended else _limit(case, run)
        if limit is not None:
            found.append(run.began + timedelta(seconds=limit) + _INSTANT)
    return min((moment for moment in found if moment > now), default=None)


def _plan(text: str) -> Schedule | None:
    try:
        return schedule.parse(text) if text else None
    except ValueError:
        return None  # a manifest of before schedules were checked


def _slots(case: Case, now: datetime) -> list[Slot]:
    starts = _plan(case.job.schedule if case.job else "")
    updates = _plan(case.terms.update_by)
    slots: dict[str, Slot] = {}
    plan = starts or updates
    if plan is not None:
        since = (case.job.since if case.job else "") if starts else case.terms.since
        for deadline in _counted(case, plan, since, now):
            slot = _slot(deadline, starts, updates)
            slots[slot.name] = slot
    filled: set[str] = set()
    for run in case.runs:
        slot = _slot_of(case, run, starts, updates, filled)
        slots.setdefault(slot.name, slot).runs.append(run)
        filled.add(slot.name)
    return [slots[name] for name in sorted(slots)]


def _counted(case: Case, plan: Schedule, since: str, now: datetime) -> list[datetime]:
    """Return the deadlines whose absence is a breach, those still within their grace left out."""
    passed = now - timedelta(seconds=case.terms.grace)
    if not since:
        return []
    configured = parse_instant(since)
    if now < configured:
        # Asked about the past: only what was due last, and only once its grace is over.
        last = plan.before(now)
        return [last] if last < passed else []
    first = max(configured, parse_instant(case.trimmed_to)) if case.trimmed_to else configured
    return [each for each in plan.between(first, passed, WINDOWS) if each < passed]


def _slot(deadline: datetime, starts: Schedule | None, updates: Schedule | None) -> Slot:
    name = format_instant(deadline)
    if starts is None:
        return Slot(name, deadline, None, deadline)
    by = updates.after(deadline) if updates is not None else None
    if by is not None and by > starts.after(deadline):
        by = None
    return Slot(name, deadline, deadline, by)


def _slot_of(
    case: Case, run: Run, starts: Schedule | None, updates: Schedule | None, filled: set[str]
) -> Slot:
    """Return the window a run belongs to: by its logical date if that is another, else by time."""
    began = run.began
    if starts is not None:
        following, last = starts.after(began), starts.before(began)
        early = following - began <= min((following - last) / 4, _EARLY)
        date = run.logical_date[:10]
        named = date == starts.logical_date(following) > starts.logical_date(last)
        last = following if early or named else last
        previous = starts.before(last - timedelta(microseconds=1))
        if not _older(run, starts.logical_date(previous)):
            return _slot(last, starts, updates)
    elif updates is not None:
        grace = timedelta(seconds=case.terms.grace)
        came = parse_instant(run.wrote.get(case.dataset) or run.ended or run.started)
        following = updates.after(came - grace)
        last = updates.before(following - timedelta(microseconds=1))
        missed = format_instant(last) not in filled
        if missed and came - last <= (following - last) * 0.75:
            following = last
        previous = updates.before(last - timedelta(microseconds=1))
        if not _older(run, updates.logical_date(previous)):
            return _slot(following, starts, updates)
    if run.logical_date:
        at = _instant(run.logical_date, began)
        return Slot(format_instant(at), at)
    return Slot(f"{format_instant(began)} {run.run_id}", began)


def _older(run: Run, date: str) -> bool:
    """Tell whether a run is a back-fill: for a date before that of the window before its own."""
    return bool(run.logical_date) and run.logical_date[:10] < date


def _instant(text: str, fallback: datetime) -> datetime:
    try:
        return parse_instant(text)
    except ValueError:
        return fallback


def _verdict(case: Case, slot: Slot, now: datetime) -> Signal | None:
    grace = timedelta(seconds=case.terms.grace)
    job = case.job
    runs = sorted(slot.runs, key=lambda run: (run.attempt, run.key))
    if not runs and slot.due is not None:
        return _signal(case, slot, None, "JOB_NOT_TRIGGERED", "CRITICAL", slot.due + grace)
    last = _last_ended(runs)
    running = [run for run in runs if not run.ended and not run.wrote] if case.by_job else []
    failures = [run for run in runs if run.outcome == "failed"]
    allowed = job.retries if job is not None else 0
    if case.by_job and last is not None and last.outcome == "failed":
        tries = max(max(run.attempt, run.retry_count) for run in failures)
        if max(tries, len(failures) - 1) >= allowed:
            return _failed(case, slot, last)
    landed = _landed(case, runs)
    for run in reversed(landed):
        mark = stalled(run, case.dataset, case.runs, case.mark)
        if mark is not None:
            return _partial(case, slot, run, mark)
        break
    if not landed and slot.by is not None and now > slot.by + grace:
        overdue = runs[-1] if runs else None
        return _signal(case, slot, overdue, "UPDATE_LATE", "CRITICAL", slot.by + grace)
    if landed:
        return _fine(case, slot, landed[-1])
    for run in reversed(running):
        limit = _limit(case, run)
        if limit is not None and now > run.began + timedelta(seconds=limit):
            return _slow(case, slot, run, limit)
    return None


def _last_ended(runs: list[Run]) -> Run | None:
    ended = [run for run in runs if run.ended]
    return max(ended, key=lambda run: (run.attempt, run.ended), default=None)


def _landed(case: Case, runs: list[Run]) -> list[Run]:
    """Return the runs that brought the dataset up to date, oldest first.

    Where no run was ever seen to commit this dataset, a good end is taken for a commit.
    """
    commits = any(case.dataset in run.wrote for run in case.runs)
    found = []
    for run in runs:
        wrote = case.dataset in run.wrote and run.outcome != "failed"
        ended = run.outcome == "ok" and not commits
        if wrote or ended:
            found.append(run)
    return sorted(found, key=lambda run: (run.wrote.get(case.dataset) or run.ended, run.key))


def _limit(case: Case, run: Run) -> float | None:
    """Return the seconds after which a run is slow: its p95, else the declared duration.

    Of runs that vary little the p95 says little: a tenth over the median is allowed always.
    """
    past = [
        seconds
        for other in case.runs
        if other.outcome == "ok" and other.key < run.key and (seconds := other.seconds) is not None
    ]
    if len(past) >= _BASELINE:
        p95 = statistics.quantiles(past, n=20, method="inclusive")[-1]
        return max(p95, 1.1 * statistics.median(past))
    return (case.job.expected_seconds or None) if case.job is not None else None


def _failed(case: Case, slot: Slot, run: Run) -> Signal:
    signal = _signal(case, slot, run, "JOB_FAILED", "CRITICAL", parse_instant(run.ended))
    details: dict[str, Any] = {"failure_reason": run.failure_reason or None}
    if "PublishBlocked" in run.failure_reason:
        details["blocked_by_enforcement"] = True
    metrics: dict[str, Any] = {"retry_count": run.retry_count, "duration_seconds": run.seconds}
    return _with(signal, metrics, details)


def _partial(case: Case, slot: Slot, run: Run, mark: Mark) -> Signal:
    at = parse_instant(run.wrote[case.dataset])
    signal = _signal(case, slot, run, "PARTIAL_WRITE", "CRITICAL", at)
    details = {
        "expected_watermark": run.date,
        "actual_watermark": mark.value,
        "partition_written": run.partitions[case.dataset],
    }
    return _with(signal, {}, details)


def _slow(case: Case, slot: Slot, run: Run, limit: float) -> Signal:
    at = run.began + timedelta(seconds=limit)
    signal = _signal(case, slot, run, "JOB_RUNNING_SLOW", "WARNING", at)
    return _with(signal, {"expected_seconds": round(limit, 3)}, {})


def _fine(case: Case, slot: Slot, run: Run) -> Signal:
    at = parse_instant(run.wrote.get(case.dataset) or run.ended)
    signal = _signal(case, slot, run, "", "OK", at)
    promised = slot.by or slot.due
    grace = case.terms.grace
    delay = 0.0
    if slot.by is not None:
        delay = (at - slot.by).total_seconds()
    elif promised is not None and (run.began - promised).total_seconds() > grace:
        delay = (run.began - promised).total_seconds()
    metrics: dict[str, Any] = {"duration_seconds": run.seconds}
    if promised is not None:
        metrics["delay_seconds"] = round(max(delay, 0.0), 3)
    mark = max([case.mark.value, *(each.partitions.get(case.dataset, "") for each in case.runs)])
    return _with(signal, metrics, {"watermark": mark or None})


def _with(signal: Signal, metrics: dict[str, Any], details: dict[str, Any]) -> Signal:
    given = ({**signal.metrics, **metrics}, {**signal.details, **details})
    kept = [{k: v for k, v in each.items() if v is not None} for each in given]
    return replace(signal, metrics=kept[0], details=kept[1])


def _signal(
    case: Case, slot: Slot, run: Run | None, reason: str, state: State, at: datetime
) -> Signal:
    grace = timedelta(seconds=case.terms.grace)
    promised = slot.by or slot.due
    start = slot.due or (run.began if run is not None else slot.at)
    end = promised + grace if promised is not None else at
    job = case.job.urn if case.job is not None else ""
    details = {
        "expected_start": format_instant(slot.due) if slot.due is not None else None,
        "expected_update_by": format_instant(slot.by) if slot.by is not None else None,
        "grace_seconds": case.terms.grace if promised is not None else None,
        "logical_date": (run.logical_date or None) if run is not None else None,
        "deploy_ref": (run.deploy_ref or None) if run is not None else None,
    }
    signal = Signal(
        signal_id=signal_id(slot.at, "freshness", case.dataset, job, slot.name),
        signal_type="FRESHNESS_BREACH",
        dataset_urn=case.dataset,
        state=state,
        timestamp=format_instant(at),
        window=Window(format_instant(min(start, end)), format_instant(end)),
        engine="freshness",
        reason=reason,
        job_urn=job or (run.job_urn if run is not None else ""),
        run_id=run.run_id if run is not None else "",
        dag_id=run.dag_id if run is not None else "",
        dag_run_id=run.dag_run_id if run is not None else "",
        evidence_refs=run.refs if run is not None else (),
        batch_context=payload_of(run) if run is not None else {},
    )
    return _with(signal, {}, details)

"""The volume engine: as much data as usual, as much as was promised, for each day or hour.

Batch: one count a logical date (rows, and bytes where told), from commits and from OpenLineage's
output statistics; the most downstream stage that a date reached speaks for the dataset. Streams:
events an hour. A rerun of a date replaces its count; a back-fill is judged by what lies before
its own date.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from sfctl.clock import format_instant, parse_instant
from sfctl.engines import counts
from sfctl.engines.configuration import topology_of
from sfctl.engines.counts import Point, Rules, Verdict
from sfctl.engines.delay import heard_at
from sfctl.engines.engine import Cell, Step
from sfctl.engines.memo import Memo, amended
from sfctl.engines.openlineage import outputs
from sfctl.engines.robust import THRESHOLD_PCT
from sfctl.engines.written import (
    ORDER,
    Commit,
    commits_of,
    is_count,
    newest_by_date,
    noted,
    speaker,
    told_once,
    totals_of,
)
from sfctl.model import urn
from sfctl.model.evidence import Evidence
from sfctl.model.ids import signal_id
from sfctl.model.signal import Signal, SignalState, State, Window

NAME = "volume"
GRACE = timedelta(minutes=2)
HOUR = timedelta(hours=1)
_HOURS = 48


class VolumeCell(Cell, frozen=True, omit_defaults=True):
    """The counts of one dataset."""

    dataset: str
    slo: dict[str, Any] = msgspec.field(default_factory=dict)
    last_stage: str = ""
    """The most downstream stage that is known: lineage without a stage means it."""
    configured_at: str = ""
    clock: str = ""
    commits: tuple[Commit, ...] = ()
    pending: tuple[str, ...] = ()
    """Dates whose count changed since the last tick."""
    series: dict[str, tuple[Point, ...]] = msgspec.field(default_factory=dict)
    """By metric and stage, `rows:gold`; `events` by hour."""
    hours: dict[str, int] = msgspec.field(default_factory=dict)
    """Events of hours not judged yet, and of those that may still be amended."""
    seen_until: str = ""
    """Start of the first hour that has not been judged."""
    exact: bool = False
    """Whether counters told how many events there were; single records are but a sample of them."""
    late: int = 0
    memo: Memo = Memo()


class VolumeEngine:
    """Counts against their own history and the dataset's bounds."""

    name = NAME
    cell = VolumeCell

    def keys(self, event: Evidence) -> Iterable[str]:
        """Return the datasets whose counts or rules the event holds."""
        if event.kind == "CONFIG":
            return sorted(topology_of(event).datasets)
        if event.kind == "OpenLineage":
            return sorted({urn.without_stage(name) for name, _ in outputs(event)})
        if event.is_replay:
            return ()
        if event.kind == "DatasetWriteCommitted" or _is_stream(event):
            return (urn.without_stage(event.dataset_urn),) if event.dataset_urn else ()
        return ()

    def fresh(self, key: str) -> VolumeCell:
        """Return a dataset without any count."""
        return VolumeCell(dataset=key)

    def fold(self, cell: VolumeCell, event: Evidence) -> Step[VolumeCell]:
        """Note what an event counts; the tick judges."""
        if event.kind == "CONFIG":
            return Step(_configured(cell, event))
        if event.kind in ("OpenLineage", "DatasetWriteCommitted"):
            return Step(_written(cell, event))
        return Step(_streamed(cell, event) if _is_stream(event) else cell)

    def tick(self, cell: VolumeCell, now: datetime) -> Step[VolumeCell]:
        """Judge the dates that changed and the hours that are over."""
        cell, batch = _judge_dates(cell)
        cell, stream = _judge_hours(cell, now)
        clock = max(cell.clock, format_instant(now))
        return Step(replace(cell, clock=clock), (*batch, *stream))

    def next_deadline(self, cell: VolumeCell) -> datetime | None:
        """Return at once where a count changed, else the end of the hour that is being counted."""
        if cell.pending and cell.commits:
            return parse_instant(max(commit.at for commit in cell.commits))
        if not cell.seen_until:
            return None
        return parse_instant(cell.seen_until) + HOUR + GRACE

    def status(self, cell: VolumeCell) -> tuple[SignalState, ...]:
        """Return the word on the newest count."""
        return cell.memo.status


ENGINE = VolumeEngine()


def rules_of(slo: Mapping[str, Any]) -> Rules:
    """Return the rules of a batch's counts as `slo.volume` sets them."""
    return Rules(
        float(slo.get("anomaly_threshold_pct") or THRESHOLD_PCT),
        slo.get("method") or "robust",
        slo.get("min_rows_per_partition"),
        slo.get("max_rows_per_partition"),
    )


def _is_stream(event: Evidence) -> bool:
    return event.kind in ("GATE", "COUNTERS") and bool(event.dataset_urn) and not event.run_id


def _configured(cell: VolumeCell, event: Evidence) -> VolumeCell:
    if event.timestamp < cell.configured_at:
        return cell
    entry = topology_of(event).datasets.get(cell.dataset)
    slo = entry.slo.get("volume") if entry else None
    found = slo if isinstance(slo, dict) else {}
    stage = max(entry.paths, key=ORDER.index, default="") if entry else ""
    stage = max(stage, cell.last_stage, key=ORDER.index)
    return replace(cell, slo=found, last_stage=stage, configured_at=event.timestamp)


def _written(cell: VolumeCell, event: Evidence) -> VolumeCell:
    for commit in commits_of(event, cell.dataset):
        commits = noted(cell.commits, commit)
        if commits != cell.commits:
            before = {each.date for each in cell.commits if each.run_id == commit.run_id}
            pending = tuple(sorted({*cell.pending, *before, commit.date}))
            cell = replace(cell, commits=commits, pending=pending)
    return cell


def _judge_dates(cell: VolumeCell) -> tuple[VolumeCell, list[Signal]]:
    if not cell.pending:
        return cell, []
    rules = rules_of(cell.slo)
    cell = _staged(cell)
    series = {name: points for name, points in cell.series.items() if name != "events"}
    newest = newest_by_date(told_once(cell.commits, cell.last_stage))
    for (date, stage), each in newest.items():
        if date in cell.pending:
            for metric, value in totals_of(each):
                name = f"{metric}:{stage}"
                kept = [point for point in series.get(name, ()) if point.key != date]
                series[name] = counts.kept([*kept, Point(date, date[:10], value)])
    verdicts: dict[str, dict[str, Verdict]] = {}
    for name in sorted(series):
        bounds = rules if name.startswith("rows:") else replace(rules, floor=None, ceiling=None)
        series[name], verdicts[name] = counts.marked(series[name], cell.pending, bounds)
    signals = []
    memo = cell.memo
    for date in cell.pending:
        commit = speaker(newest, date)
        if commit is None:
            continue
        for metric, verdict in _word(verdicts, commit.stage, date):
            signal = _signal(cell.dataset, commit, metric, verdict)
            memo, fallen = amended(memo, signal, date)
            signals += fallen
    if "events" in cell.series:
        series["events"] = cell.series["events"]
    reach = min((p.date for points in series.values() for p in points), default="")
    commits = tuple(commit for commit in cell.commits if commit.date[:10] >= reach[:10])
    return replace(cell, series=series, pending=(), memo=memo, commits=commits), signals


def _staged(cell: VolumeCell) -> VolumeCell:
    """Settle which stage what has none belongs to: lineage mostly does not say."""
    known = [commit.stage for commit in cell.commits]
    known += [name.partition(":")[2] for name in cell.series if ":" in name]
    last = max([cell.last_stage, *known], key=ORDER.index)
    series = dict(cell.series)
    for metric in ("rows", "bytes"):
        loose = series.pop(f"{metric}:", ())
        if loose:
            own = {point.key: point for point in (*loose, *series.get(f"{metric}:{last}", ()))}
            series[f"{metric}:{last}"] = tuple(own[key] for key in sorted(own))
    return replace(cell, series=series, last_stage=last)


def _word(
    verdicts: Mapping[str, Mapping[str, Verdict]], stage: str, date: str
) -> list[tuple[str, Verdict]]:
    """Return the metric that speaks for a date, and its verdict: bytes only where rows are fine."""
    found = [
        (metric, verdicts[f"{metric}:{stage}"][date])
        for metric in ("rows", "bytes")
        if date in verdicts.get(f"{metric}:{stage}", {})
    ]
    return [each for each in found if each[1].reason][:1] or found[:1]


def _signal(dataset: str, commit: Commit, metric: str, verdict: Verdict) -> Signal:
    value = sum((commit.rows if metric == "rows" else commit.bytes).values())
    batch = {
        "dag_id": commit.dag_id,
        "dag_run_id": commit.dag_run_id,
        "run_id": commit.run_id,
    }
    day = parse_instant(commit.date)
    return Signal(
        signal_id=signal_id(day, NAME, dataset, commit.date),
        signal_type="VOLUME_ANOMALY",
        dataset_urn=dataset,
        state=verdict.severity,
        timestamp=commit.at,
        window=Window(format_instant(day), commit.at),
        engine=NAME,
        stage=commit.stage,
        reason=verdict.reason,
        job_urn=commit.job_urn,
        run_id=commit.run_id,
        dag_id=commit.dag_id,
        dag_run_id=commit.dag_run_id,
        metrics=_metrics(metric, value, verdict),
        details={"logical_date": commit.date},
        evidence_refs=tuple(sorted(k for k in commit.rows if k.startswith("evd-")))[:10],
        batch_context={name: text for name, text in batch.items() if text},
    )


def _metrics(metric: str, value: float, verdict: Verdict) -> dict[str, Any]:
    found = {
        metric: int(value),
        "metric": metric,
        "reference": verdict.reference,
        "deviation_pct": verdict.deviation_pct,
        "z": verdict.z,
        "baseline_points": verdict.baseline_points,
        "method": verdict.method or None,
    }
    return {name: each for name, each in found.items() if each is not None}


def _streamed(cell: VolumeCell, event: Evidence) -> VolumeCell:
    """Count an event, or the events a counter stands for, into its hour."""
    number = _events_of(event)
    exact = event.kind == "COUNTERS"
    if exact and not cell.exact:
        # what was counted until now was a sample, and in the counters
        cell = replace(cell, exact=True, hours={})
    elif cell.exact and not exact:
        return cell
    moment = parse_instant(event.timestamp)
    hour = _hour(moment)
    told = heard_at(event, cell.clock)
    if told is not None and told > hour + HOUR + GRACE:
        return replace(cell, late=cell.late + number)
    key = format_instant(hour)
    hours = {**cell.hours, key: cell.hours.get(key, 0) + number}
    kept = dict(sorted(hours.items())[-_HOURS:])
    first = min(filter(None, (cell.seen_until, key)))
    return replace(cell, hours=kept, seen_until=cell.seen_until or first)


def _events_of(event: Evidence) -> int:
    """Return how many events one piece of evidence stands for."""
    counts_told = event.payload.get("counts")
    if isinstance(counts_told, dict):
        return sum(n for n in counts_told.values() if is_count(n))
    number = event.payload.get("count", event.payload.get("rows", 1))
    return number if is_count(number) else 1


def _hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _judge_hours(cell: VolumeCell, now: datetime) -> tuple[VolumeCell, list[Signal]]:
    if not cell.seen_until:
        return cell, []
    rules = replace(
        rules_of(cell.slo),
        floor=cell.slo.get("min_events_per_hour"),
        ceiling=cell.slo.get("max_events_per_hour"),
    )
    if not cell.exact and rules.floor is None and rules.ceiling is None:
        return replace(cell, hours={}, seen_until=""), []
    due = [
        hour for hour in _over(min([cell.seen_until, *cell.hours]), now) if _is_due(cell, hour, now)
    ]
    series = cell.series.get("events", ())
    signals: list[Signal] = []
    memo = cell.memo
    for hour in due:
        key = format_instant(hour)
        point = Point(key, key, float(cell.hours.get(key, 0)))
        series = counts.kept([*(p for p in series if p.key != key and cell.exact), point], "hour")
        series, verdicts = counts.marked(series, (key,), rules, "hour")
        if key in verdicts:
            signal = _hourly(cell.dataset, hour, int(point.value), verdicts[key])
            memo, fallen = amended(memo, signal, key)
            signals += fallen
    if not due:
        return cell, []
    after = format_instant(due[-1] + HOUR)
    last = max(cell.seen_until, after)
    hours = {key: count for key, count in cell.hours.items() if key >= last}
    return (
        replace(
            cell,
            series={**cell.series, "events": series},
            memo=memo,
            hours=hours,
            seen_until=last,
        ),
        signals,
    )


def _over(first: str, now: datetime) -> list[datetime]:
    """Return the hours from `first` that are over with their grace; of a long silence the last."""
    start = parse_instant(first)
    end = _hour(now - GRACE)
    start = max(start, end - _HOURS * HOUR)
    return [start + n * HOUR for n in range(max(0, int((end - start) / HOUR)))]


def _is_due(cell: VolumeCell, hour: datetime, now: datetime) -> bool:
    return hour + HOUR + GRACE <= now and (
        format_instant(hour) >= cell.seen_until or format_instant(hour) in cell.hours
    )


def _hourly(dataset: str, hour: datetime, events: int, verdict: Verdict) -> Signal:
    end = hour + HOUR
    reason = "EVENTS_BELOW_FLOOR" if verdict.reason == "BELOW_FLOOR" else verdict.reason
    state: State = verdict.severity
    return Signal(
        signal_id=signal_id(end, NAME, dataset, format_instant(hour)),
        signal_type="VOLUME_ANOMALY",
        dataset_urn=dataset,
        state=state,
        timestamp=format_instant(end),
        window=Window(format_instant(hour), format_instant(end), "TUMBLING_1HR"),
        engine=NAME,
        reason=reason,
        metrics=_metrics("events", events, verdict),
    )

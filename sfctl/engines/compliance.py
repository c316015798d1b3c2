"""The share of records that pass, per window of a stream and per run: contract and dq alike.

A gate's own summary is judged at the next tick; records of a foreign run when its end was seen,
or 180 s after its newest evidence. What comes later amends the signal.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from msgspec import field
from msgspec.structs import replace

from sfctl.clock import format_instant, parse_instant
from sfctl.engines.choice import attempts, chosen, counted
from sfctl.engines.configuration import topology_of
from sfctl.engines.delay import GRACE, WINDOW, heard_at, window_of
from sfctl.engines.engine import Cell, Step
from sfctl.engines.judgement import piece_of
from sfctl.engines.memo import Memo, amended
from sfctl.engines.openlineage import event_type, outputs
from sfctl.engines.ranking import History, Known, began, counts, failures, learned, references
from sfctl.engines.runs_of import run_name
from sfctl.engines.span import Piece, Span, added, shrunk
from sfctl.model import urn
from sfctl.model.evidence import Evidence
from sfctl.model.ids import signal_id
from sfctl.model.signal import Signal, SignalState, State, Window

SILENCE = timedelta(seconds=180)
KEPT_RUNS = 64
KEPT_WHOLE = 4
"""Runs whose single records are kept, so that a revision replaces what it revises."""
KEPT_PIECES = 100
REFRESH = 12
_ENDS = ("COMPLETE", "FAIL", "ABORT")


class ComplianceCell(Cell, frozen=True, omit_defaults=True):
    """The open windows of one dataset, its last 64 runs, and the failures of those before."""

    dataset: str
    slo: float = 0.0
    warning: float = 0.0
    configured_at: str = ""
    clock: str = ""
    windows: dict[str, Span] = field(default_factory=dict)
    runs: dict[str, Span] = field(default_factory=dict)
    known: dict[str, Known] = field(default_factory=dict)
    floor: str = ""
    """The start of the newest run that was let go."""
    late: int = 0
    word: tuple[str, ...] = ()
    """State, reason and signature of the last stream signal, and its window's end."""
    memo: Memo = Memo()


class ComplianceEngine:
    """One gate's share against the dataset's `slo.<block>`."""

    cell = ComplianceCell

    def __init__(self, name: str, label: str, gate: str, signal_type: str, slo: float) -> None:
        self.name = name
        self.label = label
        """The engine's name in the signal state."""
        self.gate = gate
        self.signal_type = signal_type
        self.slo = slo

    def keys(self, event: Evidence) -> Iterable[str]:
        """Return the datasets that the event counts records of."""
        if event.kind == "CONFIG":
            return sorted(topology_of(event).datasets)
        if event.kind == "OpenLineage":
            return sorted({urn.without_stage(name) for name, _ in outputs(event)})
        known = ("GATE", "COUNTERS", "DatasetWriteCommitted", "QUARANTINE")
        if event.kind in known and event.dataset_urn and not event.is_replay:
            return (urn.without_stage(event.dataset_urn),)
        return ()

    def fresh(self, key: str) -> ComplianceCell:
        """Return a dataset without any evidence."""
        return ComplianceCell(dataset=key, slo=self.slo, warning=0.8)

    def fold(self, cell: ComplianceCell, event: Evidence) -> Step[ComplianceCell]:
        """Note what the event counts; the tick judges."""
        if event.kind == "CONFIG":
            return Step(self._configured(cell, event))
        piece = piece_of(event, cell.dataset, self.gate)
        if event.run_id:
            return Step(_into_run(cell, event, piece))
        return Step(_into_window(cell, event, piece) if piece else cell)

    def tick(self, cell: ComplianceCell, now: datetime) -> Step[ComplianceCell]:
        """Judge the windows that are over and the runs that are due."""
        signals: list[Signal] = []
        for start in sorted(cell.windows):
            cell = self._window(cell, cell.windows[start], now, signals)
        due = [run for run in attempts(cell.runs) if _due(run) <= now]
        since = min((run.start for run in due if not run.judged), default="")
        for run in sorted(due, key=lambda run: (run.start, run.name)):
            if since and run.start >= since:
                cell = self._run(cell, run, signals)
        clock = max(cell.clock, format_instant(now))
        return Step(replace(cell, clock=clock), tuple(signals))

    def next_deadline(self, cell: ComplianceCell) -> datetime | None:
        """Return when the next window ends or run is due."""
        due = [_due(run) for run in attempts(cell.runs) if not run.judged]
        for window in cell.windows.values():
            end = parse_instant(window.end)
            due.append(end + GRACE if window.judged else end)
        return min(due, default=None)

    def status(self, cell: ComplianceCell) -> tuple[SignalState, ...]:
        """Return the word on the newest window or run."""
        return cell.memo.status

    def _configured(self, cell: ComplianceCell, event: Evidence) -> ComplianceCell:
        if event.timestamp < cell.configured_at:
            return cell
        entry = topology_of(event).datasets.get(cell.dataset)
        block = entry.slo.get(self.name) if entry else None
        slo, warning = self.slo, 0.8
        if isinstance(block, dict):
            slo = _share(block.get("slo", block.get("threshold")), slo)
            warning = _share(block.get("warning_threshold"), warning)
        else:
            slo = _share(block, slo)
        return replace(cell, slo=slo, warning=warning, configured_at=event.timestamp)

    def _window(
        self, cell: ComplianceCell, window: Span, now: datetime, signals: list[Signal]
    ) -> ComplianceCell:
        end = parse_instant(window.end)
        if end > now:
            return cell
        closing = end + GRACE <= now
        if not window.judged or closing:
            cell = self._spoken(cell, window, signals)
        done = replace(window, judged=True, counted=counts(counted(window)))
        if not closing:
            return replace(cell, windows={**cell.windows, window.name: done})
        windows = {name: each for name, each in cell.windows.items() if name != window.name}
        return replace(cell, windows=windows, known=learned(cell.known, done))

    def _spoken(self, cell: ComplianceCell, window: Span, signals: list[Signal]) -> ComplianceCell:
        signal = self._signal(cell, window, counted(window))
        if signal is None:
            return cell
        word = (signal.state, signal.reason, signal.signature)
        memo, sent = amended(cell.memo, signal, window.end)
        known = signal.signal_id in cell.memo.said
        fresh = not cell.word or cell.word[:3] != word or _age(cell.word[3], window.end) >= REFRESH
        if sent and not known and not fresh:
            sent, memo = [], replace(memo, said=cell.memo.said, floor=cell.memo.floor)
        signals += sent
        spoken = (*word, window.end) if sent or not cell.word else cell.word
        return replace(cell, memo=_since(memo, cell, signal), word=spoken)

    def _run(self, cell: ComplianceCell, run: Span, signals: list[Signal]) -> ComplianceCell:
        pieces = chosen(run)
        signal = self._signal(cell, run, pieces)
        if signal is not None:
            memo, sent = amended(cell.memo, signal, run.start)
            signals += sent
            cell = replace(cell, memo=_since(memo, cell, signal))
        mine = (run.name, run.run_id)
        runs = {
            name: replace(
                each,
                judged=True,
                anchor=run.anchor or run.start,
                counted=counts(pieces) if name == run.name else {},
            )
            if name in mine
            else each
            for name, each in cell.runs.items()
        }
        return replace(cell, runs=runs)

    def _signal(self, cell: ComplianceCell, span: Span, pieces: list[Piece]) -> Signal | None:
        good, bad = sum(p.passed for p in pieces), sum(p.failed for p in pieces)
        if not good + bad:
            return None
        share = good / (good + bad)
        state, reason = _judged(cell, span, pieces, share)
        batch = bool(span.run_id)
        names = ("records_processed", "records_passed", "records_failed")
        names = names if batch else ("evidence_count", "pass_count", "fail_count")
        metrics: dict[str, Any] = dict(zip(names, (good + bad, good, bad), strict=True))
        metrics |= {"compliance_rate": round(share, 6), "slo_threshold": cell.slo}
        if not batch and cell.late:
            metrics["late"] = cell.late
        history = History((*cell.windows.values(), *cell.runs.values()), cell.known)
        top = failures(span, pieces, history)
        context = {
            "dag_id": span.dag_id,
            "dag_run_id": span.dag_run_id,
            "run_id": span.run_id,
            "spark_run_id": span.run_id if span.spark else "",
        }
        stages = {piece.stage for piece in pieces}
        anchor = parse_instant((span.anchor or span.start) if batch else span.end)
        return Signal(
            signal_id=signal_id(anchor, self.name, cell.dataset, span.name),
            signal_type=self.signal_type,
            dataset_urn=cell.dataset,
            state=state,
            timestamp=span.end,
            window=Window(span.start, span.end, "BATCH_RUN" if batch else "TUMBLING_5MIN"),
            engine=self.label,
            stage=next(iter(stages)) if batch and len(stages) == 1 else "",
            reason=reason,
            job_urn=span.job_urn,
            run_id=span.run_id,
            dag_id=span.dag_id,
            dag_run_id=span.dag_run_id,
            metrics=metrics,
            details={"breach_start": began(span, pieces)} if state != "OK" else {},
            top_failures=top,
            evidence_refs=references(span),
            batch_context={n: v for n, v in context.items() if v} if batch else {},
            producer={"id": top[0].producer, "version": top[0].producer_version} if top else {},
        )


def _judged(
    cell: ComplianceCell, span: Span, pieces: list[Piece], share: float
) -> tuple[State, str]:
    """Return state and reason of a share, and of the batch rules that failed beside it."""
    state: State = "OK" if share >= cell.slo else "WARNING"
    if share < min(cell.warning, cell.slo):
        state = "CRITICAL"
    rules = sorted({piece.reason for piece in pieces if piece.reason})
    if rules:
        grave = span.blocked or state == "CRITICAL"
        return ("CRITICAL" if grave else "WARNING"), rules[0]
    return state, "" if state == "OK" else "BELOW_SLO"


def _into_run(cell: ComplianceCell, event: Evidence, piece: Piece | None) -> ComplianceCell:
    name = run_name(event)
    run = cell.runs.get(name)
    over = event.kind == "OpenLineage" and event_type(event) in _ENDS
    blocked = event.kind == "QUARANTINE" and event.payload.get("action") == "block"
    if run is None and piece is None and event.kind != "OpenLineage" and not blocked:
        return cell
    start = _instant(event.started_at) or event.timestamp
    if run is None and start <= cell.floor:
        return replace(cell, late=cell.late + 1)
    run = run or Span(name, start, event.timestamp, event.run_id)
    changed = added(run, event.evidence_id, piece) if piece else run
    changed = replace(
        changed,
        start=min(run.start, start),
        end=max(run.end, event.timestamp),
        over=run.over or over,
        blocked=run.blocked or blocked,
        job_urn=_least(run.job_urn, event.job_urn),
        dag_id=_least(run.dag_id, event.dag_id),
        dag_run_id=_least(run.dag_run_id, event.dag_run_id),
        spark=run.spark or event.runtime_type == "spark" or "spark_run_id" in event.lineage,
    )
    if changed == cell.runs.get(name):
        return cell
    runs = {**cell.runs, name: replace(changed, judged=False)}
    return (
        _shortened(replace(cell, runs=runs)) if name not in cell.runs else replace(cell, runs=runs)
    )


def _shortened(cell: ComplianceCell) -> ComplianceCell:
    """Sum up the records of all but the last runs, and let the oldest of too many go."""
    runs = dict(cell.runs)
    order = sorted(runs, key=lambda name: (not runs[name].judged, runs[name].start, name))
    for name in order[:-KEPT_WHOLE]:
        if runs[name].judged and runs[name].held > KEPT_PIECES:
            runs[name] = shrunk(runs[name])
    if len(runs) <= KEPT_RUNS:
        return replace(cell, runs=runs)
    gone = runs.pop(order[0])
    return replace(
        cell, runs=runs, known=learned(cell.known, gone), floor=max(cell.floor, gone.start)
    )


def _into_window(cell: ComplianceCell, event: Evidence, piece: Piece) -> ComplianceCell:
    moment = parse_instant(event.timestamp)
    told = event.payload.get("window") if event.kind == "COUNTERS" else None
    if isinstance(told, dict) and _instant(told.get("start")):
        moment = parse_instant(_instant(told.get("start")))
    start, end = window_of(moment)
    heard = heard_at(event, cell.clock)
    if heard is not None and heard > end + GRACE:
        return replace(cell, late=cell.late + 1)
    name = format_instant(start)
    known = cell.windows.get(name) or Span(name, name, format_instant(end))
    window = added(known, event.evidence_id, piece)
    if window is known:
        return cell
    window = replace(window, judged=known.judged)
    return replace(cell, windows={**cell.windows, name: window})


def _since(memo: Memo, before: ComplianceCell, signal: Signal) -> Memo:
    """Return the memo with the breach's start at its first failing evidence."""
    old = {item.dataset_urn: item.breach_start for item in before.memo.status}
    start = old.get(signal.dataset_urn) or str(signal.details.get("breach_start", ""))
    share = signal.metrics["compliance_rate"]
    status = tuple(
        replace(
            item,
            score=share,
            breach_start=start if item.state != "OK" else "",
            top_producer=str(signal.producer.get("id", "")),
            top_producer_version=str(signal.producer.get("version", "")),
        )
        if item.signal_id == signal.signal_id
        else item
        for item in memo.status
    )
    return replace(memo, status=status)


def _due(run: Span) -> datetime:
    over = run.over or run.summed
    return parse_instant(run.end) + (timedelta() if over else SILENCE)


def _least(one: str, other: str) -> str:
    return min(filter(None, (one, other)), default="")


def _age(end: str, now: str) -> int:
    return int((parse_instant(now) - parse_instant(end)) / WINDOW)


def _share(value: Any, default: float) -> float:
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 1
    return float(value) if good else default


def _instant(value: Any) -> str:
    try:
        return format_instant(parse_instant(value)) if isinstance(value, str) and value else ""
    except ValueError:
        return ""

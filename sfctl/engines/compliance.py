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
from sfctl.engines.configuration import topology_of
from sfctl.engines.delay import GRACE, WINDOW, heard_at, window_of
from sfctl.engines.engine import Cell, Step
from sfctl.engines.judgement import piece_of
from sfctl.engines.memo import Memo, amended
from sfctl.engines.openlineage import event_type, outputs
from sfctl.engines.span import Piece, Span, added, failures, references
from sfctl.model import urn
from sfctl.model.evidence import Evidence
from sfctl.model.ids import signal_id
from sfctl.model.signal import Signal, SignalState, State, Window

SILENCE = timedelta(seconds=180)
KEPT_RUNS = 64
REFRESH = 12
_ENDS = ("COMPLETE", "FAIL", "ABORT")


class ComplianceCell(Cell, frozen=True, omit_defaults=True):
    """The open windows of one dataset and its last 64 runs."""

    dataset: str
    slo: float = 0.0
    warning: float = 0.0
    configured_at: str = ""
    clock: str = ""
    windows: dict[str, Span] = field(default_factory=dict)
    runs: dict[str, Span] = field(default_factory=dict)
    last_event_ts: str = ""
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
        if event.kind in known and event.dataset_urn:
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
        order = sorted(cell.runs.values(), key=lambda run: (run.end, run.name))
        for run in order:
            if not run.judged and _due(run) <= now:
                cell = self._run(cell, run, signals)
        clock = max(cell.clock, format_instant(now))
        return Step(replace(cell, clock=clock), tuple(signals))

    def next_deadline(self, cell: ComplianceCell) -> datetime | None:
        """Return when the next window ends or run is due."""
        due = [_due(run) for run in cell.runs.values() if not run.judged]
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
        windows = {**cell.windows, window.name: replace(window, judged=True)}
        if closing:
            del windows[window.name]
        return replace(cell, windows=windows)

    def _spoken(self, cell: ComplianceCell, window: Span, signals: list[Signal]) -> ComplianceCell:
        counted = {n: p for n, p in window.pieces.items() if p.told == "counter"}
        pieces = list((counted or window.pieces).values())
        signal = self._signal(cell, window, pieces, "TUMBLING_5MIN")
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
        signal = self._signal(cell, run, self._chosen(run), "BATCH_RUN")
        if signal is not None:
            memo, sent = amended(cell.memo, signal, run.end)
            signals += sent
            cell = replace(cell, memo=_since(memo, cell, signal))
        return replace(cell, runs={**cell.runs, run.name: replace(run, judged=True)})

    def _chosen(self, run: Span) -> list[Piece]:
        """Return the pieces that speak for a run: the worst stage of the best source there is."""
        pieces = list(run.pieces.values())
        for told in ("gate", "write"):
            found = [piece for piece in pieces if piece.told == told]
            if found:
                by = {piece.stage: [p for p in found if p.stage == piece.stage] for piece in found}
                worst = max(
                    sorted(by),
                    key=lambda stage: (
                        -_rate(by[stage]),
                        any(piece.reason for piece in by[stage]),
                    ),
                )
                return by[worst]
        facets = [piece for piece in pieces if piece.told == "facet"]
        if facets:
            return [max(facets, key=lambda piece: (piece.at, piece.revision))]
        failed = [piece for piece in pieces if piece.told == "record"]
        written = [piece for piece in pieces if piece.told == "output"]
        if written:
            rows = max(piece.passed for piece in written)
            return [*(replace(p, passed=0) for p in failed), replace(written[-1], passed=rows)]
        return failed

    def _signal(
        self, cell: ComplianceCell, span: Span, pieces: list[Piece], kind: Any
    ) -> Signal | None:
        good, bad = sum(p.passed for p in pieces), sum(p.failed for p in pieces)
        if not good + bad:
            return None
        share = good / (good + bad)
        state: State = "OK" if share >= cell.slo else "WARNING"
        if share < min(cell.warning, cell.slo):
            state = "CRITICAL"
        reason = "" if state == "OK" else "BELOW_SLO"
        rules = sorted({piece.reason for piece in pieces if piece.reason})
        if rules:
            reason = rules[0]
            state = "CRITICAL" if span.blocked or state == "CRITICAL" else "WARNING"
        batch = kind == "BATCH_RUN"
        names = ("records_processed", "records_passed", "records_failed")
        names = names if batch else ("evidence_count", "pass_count", "fail_count")
        metrics: dict[str, Any] = dict(zip(names, (good + bad, good, bad), strict=True))
        metrics |= {"compliance_rate": round(share, 6), "slo_threshold": cell.slo}
        if not batch and cell.late:
            metrics["late"] = cell.late
        top = failures(pieces)
        lost = [p.at for p in span.pieces.values() if p.failed] or [span.start]
        context = {"dag_id": span.dag_id, "dag_run_id": span.dag_run_id, "run_id": span.name}
        if span.spark:
            context["spark_run_id"] = span.name
        stages = {piece.stage for piece in pieces}
        return Signal(
            signal_id=signal_id(
                parse_instant(span.start if batch else span.end), self.name, cell.dataset, span.name
            ),
            signal_type=self.signal_type,
            dataset_urn=cell.dataset,
            state=state,
            timestamp=span.end,
            window=Window(span.start, span.end, kind),
            engine=self.label,
            stage=next(iter(stages)) if batch and len(stages) == 1 else "",
            reason=reason,
            job_urn=span.job_urn,
            run_id=span.name if batch else "",
            dag_id=span.dag_id,
            dag_run_id=span.dag_run_id,
            metrics=metrics,
            details={"breach_start": min(lost)} if state != "OK" else {},
            top_failures=top,
            evidence_refs=references(span.pieces),
            batch_context={n: v for n, v in context.items() if v} if batch else {},
            producer={"id": top[0].producer, "version": top[0].producer_version} if top else {},
        )


def _into_run(cell: ComplianceCell, event: Evidence, piece: Piece | None) -> ComplianceCell:
    run = cell.runs.get(event.run_id)
    over = event.kind == "OpenLineage" and event_type(event) in _ENDS
    blocked = event.kind == "QUARANTINE" and event.payload.get("action") == "block"
    if run is None and piece is None and not over and event.kind != "OpenLineage" and not blocked:
        return cell
    start = _instant(event.started_at) or event.timestamp
    run = run or Span(event.run_id, start, event.timestamp)
    changed = added(run, event.evidence_id, piece) if piece else run
    changed = replace(
        changed,
        start=min(run.start, start),
        end=max(run.end, event.timestamp),
        over=run.over or over,
        blocked=run.blocked or blocked,
        job_urn=run.job_urn or event.job_urn,
        dag_id=run.dag_id or event.dag_id,
        dag_run_id=run.dag_run_id or event.dag_run_id,
        spark=run.spark or event.runtime_type == "spark" or "spark_run_id" in event.lineage,
    )
    if changed != run:
        changed = replace(changed, judged=False)
    runs = {**cell.runs, event.run_id: changed}
    if len(runs) > KEPT_RUNS:
        del runs[min(runs, key=lambda name: (not runs[name].judged, runs[name].end, name))]
    return replace(cell, runs=runs)


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
    window = cell.windows.get(name) or Span(name, name, format_instant(end))
    judged = window.judged
    window = replace(added(window, event.evidence_id, piece), judged=judged)
    last = max(cell.last_event_ts, event.timestamp)
    return replace(cell, windows={**cell.windows, name: window}, last_event_ts=last)


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
    told = run.over or any(piece.told in ("gate", "write") for piece in run.pieces.values())
    return parse_instant(run.end) + (timedelta() if told else SILENCE)


def _rate(pieces: list[Piece]) -> float:
    good, bad = sum(p.passed for p in pieces), sum(p.failed for p in pieces)
    return good / (good + bad) if good + bad else 1.0


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

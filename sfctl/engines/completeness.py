"""The completeness engine: did each run send the evidence that it promised?

One cell a job. A run is judged 3 missed heartbeats after its end, so that its last evidence may
arrive, or after its newest event where no end was seen. Reasons: INCOMPLETE (gates are missing),
SDK_SILENT (not one gate reported), LOST (the run itself fell silent). A run without data and a job
that never started are no matter of this engine. WARNING; CRITICAL where the dataset is of tier 1
and the run did not certify it, for then nobody knows whether its new version may be read.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from sfctl.clock import format_instant, parse_instant
from sfctl.engines.configuration import topology_of
from sfctl.engines.engine import Cell, Step
from sfctl.engines.memo import Memo, amended, unspoken
from sfctl.engines.openlineage import outputs
from sfctl.engines.sent import Sent, gates_missing, noted, silent
from sfctl.evidence.completeness import HEARTBEAT, MISSED_HEARTBEATS
from sfctl.model import urn
from sfctl.model.evidence import Evidence
from sfctl.model.ids import signal_id
from sfctl.model.signal import Signal, SignalState, State, Window

NAME = "completeness"
PATIENCE = MISSED_HEARTBEATS * HEARTBEAT
KEPT = timedelta(days=1)
"""How long a judged run is remembered: evidence so late still amends."""
NEAR = timedelta(minutes=5)
RUNS = 64
_LISTED = 20
_OURS = frozenset(
    {"JobRunStarted", "JobRunCompleted", "JobRunFailed", "HEARTBEAT", "GATE", "CERTIFICATION"}
    | {"DatasetWriteCommitted", "DatasetRead", "QUARANTINE", "OpenLineage"}
)


class CompletenessCell(Cell, frozen=True, omit_defaults=True):
    """The runs of one job that are not yet forgotten, and what was said of them."""

    key: str
    configured_at: str = ""
    outputs: tuple[str, ...] = ()
    tiers: dict[str, int] = msgspec.field(default_factory=dict)
    """Tier of each output that the project knows."""
    runs: dict[str, Sent] = msgspec.field(default_factory=dict)
    stirred: tuple[str, ...] = ()
    """Runs with facts that no tick has looked at."""
    memo: Memo = Memo()


class CompletenessEngine:
    """Promises and what came of them."""

    name = NAME
    cell = CompletenessCell

    def keys(self, event: Evidence) -> Iterable[str]:
        """Return the job an event is of; of a CONFIG, all its jobs."""
        if event.kind == "CONFIG":
            return sorted(_bare(name) for name in topology_of(event).jobs)
        if event.kind not in _OURS or not event.run_id:
            return ()
        return (_bare(event.job_urn) if event.job_urn else f"run:{event.run_id}",)

    def fresh(self, key: str) -> CompletenessCell:
        """Return a job of which nothing is known."""
        return CompletenessCell(key=key)

    def fold(self, cell: CompletenessCell, event: Evidence) -> Step[CompletenessCell]:
        """Note what an event promises or brings; the tick judges."""
        if event.kind == "CONFIG":
            return Step(_configured(cell, event))
        name = f"{event.run_id}#{event.attempt}"
        run = noted(cell.runs.get(name), event, [each for each, _ in outputs(event)])
        runs = {**cell.runs, name: run}
        if len(runs) > RUNS:
            runs.pop(min(runs, key=lambda each: (runs[each].newest, each)))
        stirred = tuple(sorted({*cell.stirred, name} & set(runs)))
        return Step(replace(cell, runs=dict(sorted(runs.items())), stirred=stirred))

    def tick(self, cell: CompletenessCell, now: datetime) -> Step[CompletenessCell]:
        """Judge the runs that are due, and forget those that ended long ago."""
        memo, signals = cell.memo, []
        for name in cell.stirred:
            if _judged_at(cell.runs[name]) <= now:
                cell = _named(cell, name)
                for signal in _conclusions(cell, cell.runs[name]):
                    memo, fallen = amended(memo, signal, f"{cell.runs[name].began}|{name}")
                    signals += fallen
        left = tuple(name for name in cell.stirred if _judged_at(cell.runs[name]) > now)
        runs = {name: run for name, run in cell.runs.items() if _forgotten_at(run) > now}
        if not runs and not cell.configured_at:
            return Step(self.fresh(cell.key), tuple(signals))
        return Step(replace(cell, runs=runs, stirred=left, memo=memo), tuple(signals))

    def next_deadline(self, cell: CompletenessCell) -> datetime | None:
        """Return when the next run is to be judged or forgotten."""
        due = [_judged_at(cell.runs[name]) for name in cell.stirred]
        due += [_forgotten_at(run) for run in cell.runs.values()]
        return min(due, default=None)

    def status(self, cell: CompletenessCell) -> tuple[SignalState, ...]:
        """Return the word on the newest judged run of each dataset."""
        return cell.memo.status


ENGINE = CompletenessEngine()


def _bare(job_urn: str) -> str:
    """Return one key for `urn:job:x` and `job:spark/x`, as the freshness engine does."""
    name = job_urn.removeprefix("urn:job:")
    return "job:" + (name.rpartition("/")[2] if name.startswith("job:") else name)


def _configured(cell: CompletenessCell, event: Evidence) -> CompletenessCell:
    if event.timestamp < cell.configured_at:
        return cell
    known = topology_of(event)
    job = known.jobs.get(urn.job(cell.key.removeprefix("job:")))
    if job is None:  # not of the project, or not any more: forgotten with its last run
        memo = unspoken(cell.memo) if cell.configured_at else cell.memo
        return replace(cell, configured_at="", outputs=(), tiers={}, memo=memo)
    names = sorted({urn.without_stage(name) for name in job.outputs})
    tiers = {name: known.tier(name) for name in names}
    return replace(cell, configured_at=event.timestamp, outputs=tuple(names), tiers=tiers)


def _judged_at(run: Sent) -> datetime:
    return parse_instant(run.ended or run.newest) + PATIENCE


def _forgotten_at(run: Sent) -> datetime:
    return parse_instant(max(run.ended, run.newest)) + KEPT


def _conclusions(cell: CompletenessCell, run: Sent) -> list[Signal]:
    """Return what is to be said of a run: one signal a dataset."""
    if not run.ours:
        return _unheard(cell, run)
    missing = gates_missing(run)
    lost = bool(run.started) and not run.ended
    datasets = sorted({*run.datasets, *(gate[0] for gate in missing)})
    found = []
    for dataset in datasets or ([run.job_urn] if lost and run.job_urn else []):
        gone = [gate for gate in missing if gate[0] == dataset]
        reason = "LOST" if lost else ""
        if gone and not lost:
            reason = "SDK_SILENT" if silent(run) else "INCOMPLETE"
        found.append(_signal(cell, run, dataset, reason, gone))
    return found


def _unheard(cell: CompletenessCell, run: Sent) -> list[Signal]:
    """Judge a run that only a scheduler or OpenLineage told of, where the job is one of ours."""
    if not run.ended or not cell.outputs or run.failed or silent_by_choice(run):
        return []
    start = parse_instant(run.began) - NEAR
    end = parse_instant(run.ended) + NEAR
    for other in cell.runs.values():
        same = bool(run.dag_run_id) and run.dag_run_id == other.dag_run_id
        meets = parse_instant(other.began) <= end and parse_instant(other.newest) >= start
        if other.ours and (same or meets or other.run_id == run.run_id):
            return [_signal(cell, run, name, "", []) for name in cell.outputs]
    return [_signal(cell, run, name, "SDK_SILENT", []) for name in cell.outputs]


def silent_by_choice(run: Sent) -> bool:
    """Tell whether a run had nothing to judge: no rows came or went."""
    return run.no_data


def anchor_of(run: Sent) -> datetime:
    """Return the instant a run's signals are named by; what comes later does not move it."""
    return parse_instant(run.named or run.anchor or run.began[:10] + "T00:00:00Z")


def _named(cell: CompletenessCell, name: str) -> CompletenessCell:
    run = cell.runs[name]
    if run.named:
        return cell
    runs = {**cell.runs, name: replace(run, named=format_instant(anchor_of(run)))}
    return replace(cell, runs=runs)


def _signal(
    cell: CompletenessCell,
    run: Sent,
    dataset: str,
    reason: str,
    missing: list[tuple[str, str, int, str]],
) -> Signal:
    state: State = "OK"
    if reason:
        open_question = cell.tiers.get(dataset, 3) == 1 and dataset not in run.certified
        state = "CRITICAL" if open_question else "WARNING"
    at = run.ended or run.newest
    # No time of the run itself may be part of the id: later evidence can still move it.
    anchor = anchor_of(run)
    details: dict[str, object] = {"run_id": run.run_id, "attempt": run.attempt}
    if missing:
        details["missing"] = [
            {"run_id": run.run_id, "stage": stage, "ordinal": ordinal, "gate": gate}
            for _, stage, ordinal, gate in missing[:_LISTED]
        ]
    context = {"dag_id": run.dag_id, "dag_run_id": run.dag_run_id, "run_id": run.run_id}
    return Signal(
        signal_id=signal_id(anchor, NAME, dataset, run.run_id, run.attempt),
        signal_type="EVIDENCE_INCOMPLETE",
        dataset_urn=dataset,
        state=state,
        timestamp=at,
        window=Window(run.began, at),
        engine=NAME,
        reason=reason,
        job_urn=run.job_urn,
        run_id=run.run_id,
        dag_id=run.dag_id,
        dag_run_id=run.dag_run_id,
        metrics={
            "gates_declared": len([each for each in run.declared if each[0] == dataset]),
            "gates_missing": len(missing),
        },
        details=details,
        evidence_refs=run.refs,
        batch_context={name: text for name, text in context.items() if text},
    )

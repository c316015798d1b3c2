"""The freshness engine: is new data there when it was promised, and if not, why.

One cell a job, which speaks for all its outputs: did it start, did it end well and in time, did
its commits move the watermark, were the outputs updated by their deadline. One cell a dataset,
which speaks for what no job of the project writes, and for the delay of streams. A fold only
notes facts; a tick derives every verdict anew, so that the order of events makes no difference.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec
from msgspec.structs import replace

from sfctl.clock import format_instant, parse_instant
from sfctl.engines import expected
from sfctl.engines.configuration import topology_of, written
from sfctl.engines.delay import Delay, delay_step, heard, next_step
from sfctl.engines.engine import Cell, Step
from sfctl.engines.expected import Terms
from sfctl.engines.memo import Memo, amended, unspoken
from sfctl.engines.openlineage import outputs
from sfctl.engines.runs import Mark, Run, merged, name_of, trimmed
from sfctl.model import urn
from sfctl.model.evidence import Evidence
from sfctl.model.signal import Signal, SignalState

NAME = "freshness"
_JOB = "job:"
_LIFECYCLE = frozenset({"JobRunStarted", "JobRunCompleted", "JobRunFailed"})


class FreshnessCell(Cell, frozen=True, omit_defaults=True):
    """What is known of one job (`job:<name>`) or one dataset (its URN)."""

    key: str
    terms: dict[str, Terms] = msgspec.field(default_factory=dict)
    """What each dataset demands."""
    job: expected.Job | None = None
    configured_at: str = ""
    runs: dict[str, Run] = msgspec.field(default_factory=dict)
    marks: dict[str, Mark] = msgspec.field(default_factory=dict)
    trimmed_to: str = ""
    """Start of the newest run that was let go: nothing before it is missed."""
    delay: Delay = Delay()
    clock: str = ""
    stirred: str = ""
    """Time of the newest fact that no tick has looked at."""
    memo: Memo = Memo()


class FreshnessEngine:
    """Deadlines, runs and watermarks."""

    name = NAME
    cell = FreshnessCell

    def keys(self, event: Evidence) -> Iterable[str]:
        """Return the job and the datasets an event tells of."""
        if event.kind == "CONFIG":
            known = topology_of(event)
            return sorted({*known.datasets, *(_cell_of(name) for name in known.jobs)})
        found = []
        if event.job_urn and event.kind in {*_LIFECYCLE, "DatasetWriteCommitted", "OpenLineage"}:
            found.append(_cell_of(event.job_urn))
        if event.kind == "OpenLineage":
            found += [urn.without_stage(name) for name, _ in outputs(event)]
        elif event.kind == "DatasetWriteCommitted" or _is_stream(event):
            found.append(urn.without_stage(event.dataset_urn))
        return sorted({key for key in found if key})

    def fresh(self, key: str) -> FreshnessCell:
        """Return a job or dataset of which nothing is known."""
        return FreshnessCell(key=key)

    def fold(self, cell: FreshnessCell, event: Evidence) -> Step[FreshnessCell]:
        """Note what an event tells; the tick judges."""
        if event.kind == "CONFIG":
            return Step(_configured(cell, event))
        if _is_stream(event):
            delay = heard(cell.delay, event, cell.clock)
            return Step(replace(cell, delay=delay, stirred=event.timestamp))
        if event.kind == "DatasetWriteCommitted" and not cell.key.startswith(_JOB):
            cell = replace(cell, delay=heard(cell.delay, event, ""))
        keys = {name: terms.partition_key for name, terms in cell.terms.items()}
        name = name_of(event)
        runs = {**cell.runs, name: merged(cell.runs.get(name), event, keys)}
        kept, marks, gone = trimmed(tuple(runs.values()), cell.marks)
        alive = {f"{run.run_id}#{run.attempt}" for run in kept}
        return Step(
            replace(
                cell,
                runs={key: runs[key] for key in sorted(runs) if key in alive},
                marks=marks,
                trimmed_to=max(cell.trimmed_to, gone),
                stirred=max(cell.stirred, event.timestamp),
            )
        )

    def tick(self, cell: FreshnessCell, now: datetime) -> Step[FreshnessCell]:
        """Judge every window anew, and send what is new or reads otherwise."""
        memo = cell.memo
        signals: list[Signal] = []
        for dataset in _subjects(cell):
            for order, signal in expected.verdicts(_case(cell, dataset), now):
                memo, fallen = amended(memo, signal, order)
                signals += fallen
        delay = cell.delay
        terms = cell.terms.get(cell.key)
        if terms is not None and terms.max_delay:
            began = delay.episode or delay.last_event_ts
            delay, late = delay_step(cell.key, delay, terms.max_delay, now)
            if late is not None:
                memo, fallen = amended(memo, late, began)
                signals += fallen
        clock = max(cell.clock, format_instant(now))
        return Step(replace(cell, memo=memo, delay=delay, clock=clock, stirred=""), tuple(signals))

    def next_deadline(self, cell: FreshnessCell) -> datetime | None:
        """Return the next instant at which a verdict may change without any event."""
        if cell.stirred:
            return parse_instant(cell.stirred)
        if not cell.clock:
            return parse_instant(cell.configured_at) if cell.configured_at else None
        now = parse_instant(cell.clock)
        due = [expected.next_change(_case(cell, name), now) for name in _subjects(cell)]
        terms = cell.terms.get(cell.key)
        if terms is not None:
            due.append(next_step(cell.delay, terms.max_delay, now))
        return min((moment for moment in due if moment is not None), default=None)

    def status(self, cell: FreshnessCell) -> tuple[SignalState, ...]:
        """Return the word on the newest window of each dataset."""
        return cell.memo.status


ENGINE = FreshnessEngine()


def _cell_of(job_urn: str) -> str:
    """Return the cell of a job by its bare name: `urn:job:x` and `job:spark/x` are one job."""
    name = job_urn.removeprefix("urn:job:")
    return _JOB + (name.rpartition("/")[2] if name.startswith(_JOB) else name)


def _is_stream(event: Evidence) -> bool:
    return event.kind in ("GATE", "COUNTERS") and bool(event.dataset_urn) and not event.run_id


def _configured(cell: FreshnessCell, event: Evidence) -> FreshnessCell:
    if event.timestamp < cell.configured_at:
        return cell
    known = topology_of(event)
    job = known.jobs.get(urn.job(cell.key.removeprefix(_JOB)))
    if not cell.key.startswith(_JOB):
        job = None
    wanted = {urn.without_stage(name) for name in job.outputs} if job is not None else {cell.key}
    terms = {}
    for dataset in sorted(wanted & set(known.datasets)):
        slo = known.datasets[dataset].slo.get("freshness")
        found = expected.terms(slo if isinstance(slo, dict) else {})
        since = event.timestamp
        before = cell.terms.get(dataset)
        if before is not None and replace(before, since="", owned=False) == found:
            since = before.since
        owned = job is None and dataset in written(known)
        terms[dataset] = replace(found, since=since, owned=owned)
    spoken_for = bool(terms) or job is not None
    forsaken = not spoken_for and (bool(cell.terms) or cell.job is not None)
    return replace(
        cell,
        terms=terms,
        memo=unspoken(cell.memo) if forsaken else cell.memo,
        job=expected.job_of(job, event.timestamp, cell.job) if job is not None else None,
        configured_at=event.timestamp,
        stirred=max(cell.stirred, event.timestamp),
    )


def _subjects(cell: FreshnessCell) -> list[str]:
    """Return the datasets a cell speaks for; a job without any speaks for itself."""
    if not cell.key.startswith(_JOB):
        terms = cell.terms.get(cell.key)
        return [cell.key] if terms is not None and terms.update_by and not terms.owned else []
    if cell.job is not None:
        return list(cell.job.outputs) or [cell.job.urn]
    told = {name for run in cell.runs.values() for name in (*run.outputs, *run.wrote)}
    return sorted(told) or sorted({run.job_urn for run in cell.runs.values() if run.job_urn})


def _case(cell: FreshnessCell, dataset: str) -> expected.Case:
    return expected.Case(
        dataset=dataset,
        terms=cell.terms.get(dataset, Terms()),
        job=cell.job,
        by_job=cell.key.startswith(_JOB),
        runs=tuple(sorted(cell.runs.values(), key=lambda run: run.key)),
        mark=cell.marks.get(dataset, Mark()),
        trimmed_to=cell.trimmed_to,
    )

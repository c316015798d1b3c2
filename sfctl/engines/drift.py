"""The drift engine: what a dataset fails by now and has not failed by for 30 days.

One cell a dataset. A signature that only warns is remembered, with its time, and raises nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec.structs import replace

from sfctl.clock import format_instant, parse_instant
from sfctl.engines import drift_signal
from sfctl.engines.compliance import SILENCE
from sfctl.engines.configuration import sources, topology_of
from sfctl.engines.delay import window_of
from sfctl.engines.drift_signal import Before, DriftCell, Seen
from sfctl.engines.engine import Step
from sfctl.engines.memo import amended
from sfctl.engines.openlineage import event_type, outputs
from sfctl.engines.runs_of import run_name
from sfctl.engines.shown import Showing, with_sight
from sfctl.engines.sighting import sight_of
from sfctl.model import urn
from sfctl.model.evidence import Evidence
from sfctl.model.signal import Signal, SignalState

NAME = drift_signal.NAME
QUIET = timedelta(days=30)
KEPT = 64
KEPT_SEEN = 1_000
KEPT_UPSTREAM = 100
_ENDS = ("COMPLETE", "FAIL", "ABORT")


class DriftEngine:
    """Signatures that are new on a dataset."""

    name = NAME
    cell = DriftCell

    def keys(self, event: Evidence) -> Iterable[str]:
        """Return the datasets that the event judges."""
        if event.kind == "CONFIG":
            return sorted(topology_of(event).datasets)
        if event.kind == "OpenLineage":
            return sorted({urn.without_stage(name) for name, _ in outputs(event)})
        if event.kind in ("GATE", "COUNTERS") and event.dataset_urn and not event.is_replay:
            return (urn.without_stage(event.dataset_urn),)
        return ()

    def fresh(self, key: str) -> DriftCell:
        """Return a dataset that has shown nothing."""
        return DriftCell(dataset=key)

    def fold(self, cell: DriftCell, event: Evidence) -> Step[DriftCell]:
        """Note what the event shows; the tick raises what is new."""
        if event.kind == "CONFIG":
            return Step(_configured(cell, event))
        sight = sight_of(event, cell.dataset)
        if sight is None and not (event.kind == "OpenLineage" and event.run_id):
            return Step(cell)
        known = _place(cell, event)
        if known.name not in cell.showings and known.start <= cell.floor:
            return Step(_remembered(cell, known if sight is None else
                                    with_sight(known, event, sight)))  # fmt: skip
        after = known if sight is None else with_sight(known, event, sight)
        if event.run_id:
            after = _in_run(after, event)
        if after == cell.showings.get(known.name):
            return Step(cell)
        showings = {**cell.showings, known.name: replace(after, judged=False)}
        names = {urn.without_stage(name) for name in after.upstream if urn.is_dataset(name)}
        if not names.issubset({*cell.upstream, cell.dataset}):
            known_names = sorted({*cell.upstream, *names} - {cell.dataset})[:KEPT_UPSTREAM]
            cell = replace(cell, upstream=tuple(known_names))
        cell = replace(cell, showings=showings)
        return Step(_shortened(cell) if len(showings) > KEPT else cell)

    def tick(self, cell: DriftCell, now: datetime) -> Step[DriftCell]:
        """Raise what is new in the runs and windows that are due, once; what comes later amends."""
        stamp = format_instant(now)
        due = [each for each in cell.showings.values() if _due(each) <= stamp]
        since = min((each.start for each in due if not each.judged), default="")
        signals: list[Signal] = []
        for each in sorted(due, key=lambda showing: (showing.start, showing.name)):
            if since and each.start >= since:
                cell = _judge(cell, each, signals)
        return Step(cell, tuple(signals))

    def curious(self, cell: DriftCell) -> bool:
        """Whether something failed that is still to be judged."""
        return any(each.failing and not each.judged for each in cell.showings.values())

    def sources(self, cell: DriftCell) -> tuple[str, ...]:
        """Return the datasets next upstream."""
        return tuple(sorted({*cell.declared, *cell.upstream} - {cell.dataset}))

    def informed(self, cell: DriftCell, cells: dict[str, DriftCell]) -> DriftCell:
        """Note when datasets upstream first showed what fails here."""
        abroad = dict(cell.abroad)
        for showing in cell.showings.values():
            for text in showing.shown if not showing.judged else ():
                times = [t for c in cells.values() if (t := drift_signal.first_seen(c, text))]
                if times:
                    abroad[text] = min((*times, abroad.get(text, times[0])))
        kept = sorted(abroad, key=lambda text: (abroad[text], text))[-KEPT_SEEN:]
        return replace(cell, abroad={text: abroad[text] for text in sorted(kept)})

    def next_deadline(self, cell: DriftCell) -> datetime | None:
        """Return when the next run or window is due."""
        due = [_due(each) for each in cell.showings.values() if not each.judged]
        return parse_instant(min(due)) if due else None

    def status(self, cell: DriftCell) -> tuple[SignalState, ...]:
        """Return the word on the newest run or window."""
        return cell.memo.status


ENGINE = DriftEngine()


def _configured(cell: DriftCell, event: Evidence) -> DriftCell:
    if event.timestamp < cell.configured_at:
        return cell
    topology = topology_of(event)
    entry = topology.datasets.get(cell.dataset)
    accepted = entry.accepted_values if entry else {}
    declared = tuple(sorted(sources(topology).get(cell.dataset, ())))
    return replace(cell, accepted=accepted, declared=declared, configured_at=event.timestamp)


def _place(cell: DriftCell, event: Evidence) -> Showing:
    """Return the run or window that an event belongs to, as it is known."""
    if event.run_id:
        name = run_name(event)
        known = cell.showings.get(name)
        return known or Showing(name, event.timestamp, event.timestamp, event.run_id)
    start, end = map(format_instant, window_of(parse_instant(event.timestamp)))
    return cell.showings.get(start) or Showing(start, start, end)


def _in_run(showing: Showing, event: Evidence) -> Showing:
    context = {
        "dag_id": event.dag_id,
        "dag_run_id": event.dag_run_id,
        "job_urn": event.job_urn,
        "run_id": event.run_id,
    }
    if event.runtime_type == "spark" or "spark_run_id" in event.lineage:
        context["spark_run_id"] = event.run_id
    told = {name: value for name, value in context.items() if value}
    own = event.payload.get("rows_evaluated") is not None
    return replace(
        showing,
        start=min(showing.start, event.started_at or event.timestamp, event.timestamp),
        end=max(showing.end, event.timestamp),
        over=showing.over or (event.kind == "OpenLineage" and event_type(event) in _ENDS),
        summed=showing.summed or own,
        context=_merged(showing.context, told),
    )


def _merged(one: dict[str, str], other: dict[str, str]) -> dict[str, str]:
    names = sorted({*one, *other})
    return {n: min(filter(None, (one.get(n, ""), other.get(n, "")))) for n in names}


def _due(showing: Showing) -> str:
    """Return when a run or window can be judged: a window at its end, a run when it is over."""
    if not showing.run_id or showing.over or showing.summed:
        return showing.end
    return format_instant(parse_instant(showing.end) + SILENCE)


def _judge(cell: DriftCell, showing: Showing, signals: list[Signal]) -> DriftCell:
    new = {
        text
        for text, each in showing.shown.items()
        if each.failed and not _failed_before(cell, showing, text)
    }
    said = drift_signal.signals_of(cell, showing, new, _before(cell, showing))
    memo = cell.memo
    raised = tuple(sorted(said))
    for group in showing.raised:
        if group not in said:
            said[group] = drift_signal.taken_back(cell, showing, group)
    if showing.good and not said:
        said[""] = drift_signal.fine(cell, showing)
    for group in sorted(said, key=lambda name: (drift_signal.RANK[said[name].state], name)):
        memo, sent = amended(memo, said[group], showing.start)
        signals += sent
    after = replace(showing, judged=True, raised=raised, anchor=showing.anchor or showing.start)
    return replace(cell, memo=memo, showings={**cell.showings, showing.name: after})


def _failed_before(cell: DriftCell, showing: Showing, text: str) -> bool:
    since = format_instant(parse_instant(showing.start) - QUIET)
    here = (showing.start, showing.name)
    for other in cell.showings.values():
        seen = other.shown.get(text)
        earlier = since <= other.start and (other.start, other.name) < here
        if earlier and seen is not None and seen.failed:
            return True
    kept = cell.seen.get(text)
    return kept is not None and since <= kept.failed <= showing.start


def _before(cell: DriftCell, showing: Showing) -> dict[str, Before]:
    """Return the last good run before, per stage, with its fingerprint."""
    found = {s: b for s, b in cell.good.items() if b.at < showing.start}
    for other in sorted(cell.showings.values(), key=lambda each: (each.start, each.name)):
        if (other.start, other.name) >= (showing.start, showing.name) or not other.run_id:
            continue
        found |= {stage: b for stage, b in _good(other).items()
                  if stage not in found or found[stage].at <= b.at}  # fmt: skip
    return found


def _good(showing: Showing) -> dict[str, Before]:
    bad = {stage for each in showing.shown.values() if each.failed for stage in each.stages}
    return {
        stage: Before(showing.start, showing.run_id, each.good)
        for stage, each in showing.stages.items()
        if each.passed and not each.schema_failed and stage not in bad and showing.run_id
    }


def _shortened(cell: DriftCell) -> DriftCell:
    """Let the oldest run or window go; what it showed is remembered."""
    order = sorted(
        cell.showings.values(), key=lambda each: (not each.judged, each.start, each.name)
    )
    oldest = order[0]
    showings = {name: each for name, each in cell.showings.items() if name != oldest.name}
    floor = max(cell.floor, oldest.start)
    return _remembered(replace(cell, showings=showings, floor=floor), oldest)


def _remembered(cell: DriftCell, showing: Showing) -> DriftCell:
    seen = dict(cell.seen)
    for text, each in showing.shown.items():
        was = seen.get(text) or Seen(each.first)
        failed = showing.start if each.failed else ""
        seen[text] = Seen(min(was.first, each.first), max(was.failed, failed),
                          max(was.last, showing.start))  # fmt: skip
    if len(seen) > KEPT_SEEN:
        newest = sorted(seen, key=lambda text: (seen[text].last, text))[-KEPT_SEEN:]
        seen = {text: seen[text] for text in sorted(newest)}
    good = dict(cell.good)
    for stage, before in _good(showing).items():
        if stage not in good or good[stage].at < before.at:
            good[stage] = before
    return replace(cell, seen=seen, good=good)

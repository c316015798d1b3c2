"""The drift engine: a failure signature that a dataset has not shown for 30 days.

One cell a signature, with its sightings on every dataset: so the first on an upstream is known.
A signature that only warns is remembered and raises nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from msgspec import field
from msgspec.structs import replace

from sfctl.clock import format_instant, parse_instant
from sfctl.engines.engine import Cell, Step
from sfctl.engines.judgement import piece_of
from sfctl.engines.memo import Memo, amended
from sfctl.engines.openlineage import outputs
from sfctl.model import urn
from sfctl.model.evidence import Evidence
from sfctl.model.ids import signal_id
from sfctl.model.signal import Failure, Signal, SignalState, Window

NAME = "drift"
QUIET = timedelta(days=30)
KEPT_DATASETS = 1_000
_TYPES = {
    "UNKNOWN_ENUM": "ENUM_VALUE_DRIFT",
    "MISSING_FIELD": "FIELD_REMOVED",
    "TYPE_MISMATCH": "TYPE_CHANGE",
    "SCHEMA_BREAK": "TYPE_CHANGE",
    "NULL_VIOLATION": "NULLABILITY",
    "INVALID_FORMAT": "FORMAT",
}


class Sighting(Cell, frozen=True, omit_defaults=True):
    """One signature on one dataset. `began` is the first failure after the quiet."""

    first: str
    began: str = ""
    last: str = ""
    pending: bool = False
    schema: bool = False
    fingerprint: str = ""
    run: str = ""
    source: str = ""
    upstream: tuple[str, ...] = ()
    refs: tuple[str, ...] = ()
    context: dict[str, str] = field(default_factory=dict)


class DriftCell(Cell, frozen=True, omit_defaults=True):
    """One signature."""

    text: str
    seen: dict[str, Sighting] = field(default_factory=dict)
    memo: Memo = Memo()


class DriftEngine:
    """Signatures that are new."""

    name = NAME
    cell = DriftCell

    def keys(self, event: Evidence) -> Iterable[str]:
        """Return the signatures that the event shows."""
        return sorted({text for _, text in _shown(event)})

    def fresh(self, key: str) -> DriftCell:
        """Return a signature that no dataset has shown."""
        return DriftCell(text=key)

    def fold(self, cell: DriftCell, event: Evidence) -> Step[DriftCell]:
        """Note the sighting; the tick raises what is new."""
        for dataset, text in _shown(event):
            if text == cell.text:
                known = cell.seen.get(dataset)
                seen = {**cell.seen, dataset: _sighted(known, event, dataset, text)}
                if len(seen) > KEPT_DATASETS:
                    del seen[min(seen, key=lambda name: (seen[name].last, name))]
                cell = replace(cell, seen=seen)
        return Step(cell)

    def tick(self, cell: DriftCell, now: datetime) -> Step[DriftCell]:  # noqa: ARG002
        """Raise each new failure once; what is learnt of it later amends."""
        signals: list[Signal] = []
        for dataset in sorted(cell.seen):
            seen = cell.seen[dataset]
            if seen.pending:
                memo, sent = amended(cell.memo, _signal(cell, dataset, seen), seen.began)
                signals += sent
                after = {**cell.seen, dataset: replace(seen, pending=False)}
                cell = replace(cell, memo=memo, seen=after)
        return Step(cell, tuple(signals))

    def next_deadline(self, cell: DriftCell) -> datetime | None:
        """Return at once where something is new."""
        due = [parse_instant(seen.last) for seen in cell.seen.values() if seen.pending]
        return min(due, default=None)

    def status(self, cell: DriftCell) -> tuple[SignalState, ...]:
        """Return the word on each dataset that showed the signature."""
        return cell.memo.status


ENGINE = DriftEngine()


def _shown(event: Evidence) -> list[tuple[str, str]]:
    if event.kind == "OpenLineage":
        found = []
        for name in sorted({urn.without_stage(each) for each, _ in outputs(event)}):
            piece = piece_of(event, name, "DQ")
            found += [(name, text) for text in piece.signatures] if piece else []
        return found
    if event.kind not in ("GATE", "COUNTERS") or not event.dataset_urn:
        return []
    signatures = event.payload.get("signatures")
    texts = set(event.reason_codes) | (set(signatures) if isinstance(signatures, dict) else set())
    codes = (str(each.get("reason_code") or "") for each in event.gates)
    texts |= {code for code in codes if code}
    lost = {f"NULL_VIOLATION:{t.partition(':')[2]}" for t in texts if t.startswith("MISSING_FIELD")}
    return [(urn.without_stage(event.dataset_urn), text) for text in sorted(texts - lost)]


def _sighted(known: Sighting | None, event: Evidence, dataset: str, text: str) -> Sighting:
    at, source = event.timestamp, ""
    piece = piece_of(event, dataset, "DQ") if event.kind == "OpenLineage" else None
    if piece is not None:
        source = piece.first_seen.get(text, "")
    seen = known or Sighting(first=at)
    seen = replace(seen, first=min(seen.first, at))
    counts = event.payload.get("counts")
    counted = isinstance(counts, dict) and bool(counts.get("fail"))
    if not (event.result == "FAIL" or piece is not None or counted):
        return seen
    if not seen.last or parse_instant(at) - parse_instant(seen.last) > QUIET:
        seen = Sighting(first=seen.first, began=at, run=event.run_id, pending=True)
    told = (event.lineage.get("upstream_dataset"), event.lineage.get("upstream_urns"))
    names = [told[0]] if isinstance(told[0], str) else []
    names += (
        [each for each in told[1] if isinstance(each, str)] if isinstance(told[1], list) else []
    )
    same = event.run_id == seen.run
    context = {"dag_id": event.dag_id, "dag_run_id": event.dag_run_id, "run_id": event.run_id}
    after = replace(
        seen,
        began=min(seen.began, at),
        last=max(seen.last, at),
        schema=seen.schema or (same and "G3_SCHEMA" in _failed(event)),
        fingerprint=seen.fingerprint or (event.schema_fingerprint if same else ""),
        source=min(filter(None, (seen.source, source)), default="") if same else seen.source,
        upstream=tuple(sorted({*seen.upstream, *names})) if same else seen.upstream,
        refs=tuple(sorted({*seen.refs, event.evidence_id})[:10]) if same else seen.refs,
        context={**seen.context, **{n: v for n, v in context.items() if v}}
        if same
        else seen.context,
    )
    return replace(after, pending=seen.pending or (same and replace(after, last=seen.last) != seen))


def _failed(event: Evidence) -> set[str]:
    return {str(each.get("gate")) for each in event.gates if each.get("result") == "FAIL"}


def _signal(cell: DriftCell, dataset: str, seen: Sighting) -> Signal:
    head, _, rest = cell.text.partition(":")
    subject, _, value = rest.partition(":")
    kind = _TYPES.get(head, "NEW_FAILURE")
    upstream = [name for name in seen.upstream if name != dataset]
    sources = [cell.seen[name].first for name in upstream if name in cell.seen]
    details: dict[str, Any] = {
        "drift_type": kind,
        "field": subject,
        "first_seen": seen.began,
        "first_seen_in_source": min(filter(None, (seen.source, *sources)), default=""),
        "upstream_dataset": upstream[0] if upstream else "",
        "first_bad_fingerprint": seen.fingerprint,
        "first_bad_run": seen.run,
    }
    if kind == "TYPE_CHANGE":
        details["old"], _, details["new"] = value.replace("\u2192", ":").partition(":")
    elif value:
        details["new_value"] = value
    began = parse_instant(seen.began)
    anchor = seen.run or format_instant(began)
    return Signal(
        signal_id=signal_id(began, NAME, dataset, cell.text, anchor),
        signal_type="DRIFT_DETECTED",
        dataset_urn=dataset,
        state="CRITICAL" if seen.schema else "WARNING",
        timestamp=seen.began,
        window=Window(seen.began, seen.began),
        engine=NAME,
        reason=kind,
        run_id=seen.run,
        dag_id=seen.context.get("dag_id", ""),
        dag_run_id=seen.context.get("dag_run_id", ""),
        details={name: each for name, each in details.items() if each},
        top_failures=(Failure(cell.text, 0, seen.began, is_new=True),),
        evidence_refs=seen.refs,
        batch_context=seen.context,
    )

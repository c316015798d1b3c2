"""How drift is told: one signal for each cause a run shows, with what changed and since when."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import field

from sfctl.clock import parse_instant
from sfctl.engines.engine import Cell
from sfctl.engines.memo import Memo
from sfctl.engines.shown import Showing, Shown, StageShown
from sfctl.engines.sighting import SCHEMA
from sfctl.model.ids import signal_id
from sfctl.model.signal import EVIDENCE_REFS, TOP_FAILURES, Failure, Signal, State, Window

NAME = "drift"
RANK: dict[str, int] = {"OK": 0, "UNKNOWN": 1, "WARNING": 2, "CRITICAL": 3}
KEPT_VALUES = 10
_WHOLE = "schema"
_KINDS = {
    "UNKNOWN_ENUM": "ENUM_VALUE_DRIFT",
    "MISSING_FIELD": "FIELD_REMOVED",
    "TYPE_MISMATCH": "TYPE_CHANGE",
    "SCHEMA_BREAK": "TYPE_CHANGE",
    "NULL_VIOLATION": "NULLABILITY",
    "INVALID_FORMAT": "FORMAT",
}
_CHANGES = {
    "possible_rename": "FIELD_RENAMED",
    "removed": "FIELD_REMOVED",
    "type_changed": "TYPE_CHANGE",
    "narrowed": "TYPE_CHANGE",
    "widened": "TYPE_CHANGE",
    "nullability_tightened": "NULLABILITY",
    "nullability_loosened": "NULLABILITY",
    "added": "FIELD_ADDED",
    "reordered": "REORDERED",
}
_ORDER = ("FIELD_RENAMED", "FIELD_REMOVED", "TYPE_CHANGE", "NULLABILITY", "FIELD_ADDED")
_HARMLESS = frozenset({"added", "widened", "nullability_loosened", "reordered"})
"""Changes that only the strict mode minds."""
_ABSENCE = ("MISSING_FIELD", "NULL_VIOLATION")


class Seen(msgspec.Struct, frozen=True, omit_defaults=True):
    """A signature of runs and windows that are let go."""

    first: str
    failed: str = ""
    """When it last failed."""
    last: str = ""


class Before(msgspec.Struct, frozen=True, omit_defaults=True):
    """The last good run of a stage."""

    at: str
    run: str
    fingerprint: str = ""


class DriftCell(Cell, frozen=True, omit_defaults=True):
    """One dataset: its last 64 runs and windows, and what those before them showed."""

    dataset: str
    configured_at: str = ""
    accepted: dict[str, tuple[str, ...]] = field(default_factory=dict)
    showings: dict[str, Showing] = field(default_factory=dict)
    seen: dict[str, Seen] = field(default_factory=dict)
    good: dict[str, Before] = field(default_factory=dict)
    declared: tuple[str, ...] = ()
    """What the project says it is made of."""
    upstream: tuple[str, ...] = ()
    """What evidence says it is made of."""
    abroad: dict[str, str] = field(default_factory=dict)
    """When an upstream dataset first showed a signature that fails here."""
    floor: str = ""
    """The start of the newest run or window that was let go."""
    memo: Memo = Memo()


def signals_of(
    cell: DriftCell, showing: Showing, new: set[str], before: dict[str, Before]
) -> dict[str, Signal]:
    """Return the signals of a run or window by group. `new` names the signatures that are new."""
    found: dict[str, Signal] = {}
    for group, texts in _groups(showing, new).items():
        found[group] = _signal(cell, showing, group, (texts, new), before)
    return found


def fine(cell: DriftCell, showing: Showing) -> Signal:
    """Return the word on a run or window in which nothing failed."""
    return _said(cell, showing, "", "OK")


def taken_back(cell: DriftCell, showing: Showing, group: str) -> Signal:
    """Return the end of a signal whose signatures turned out to be known already."""
    return _said(cell, showing, group, "OK", reason="SEEN_BEFORE")


def first_seen(cell: DriftCell, text: str) -> str:
    """Return when a dataset first showed a signature, warnings included; empty for never."""
    times = [s.shown[text].first for s in cell.showings.values() if text in s.shown]
    if text in cell.seen:
        times.append(cell.seen[text].first)
    return min(times, default="")


def _groups(showing: Showing, new: set[str]) -> dict[str, list[str]]:
    """Return the signatures of each cause: the broken schema, else one field's values.

    A field that is missing explains its nulls; where the schema passed, missing values are none
    of drift's business.
    """
    failing = {text: each for text, each in showing.shown.items() if each.failed}
    broken = any(stage.schema_failed for stage in showing.stages.values())
    intact = any(stage.schema_passed for stage in showing.stages.values())
    fields = {_field(text) for text, each in failing.items() if each.schema}
    fields |= {row["field"] for row in _rows(showing)} - {""}
    groups: dict[str, list[str]] = {}
    for text in sorted(failing):
        head, subject = text.partition(":")[0], _field(text)
        if head == "NULL_VIOLATION" and f"MISSING_FIELD:{subject}" in failing:
            continue
        if broken and (failing[text].schema or subject in fields or text == SCHEMA):
            groups.setdefault(_WHOLE, []).append(text)
        elif text in new and not (intact and head in _ABSENCE):
            groups.setdefault(f"{head}:{subject}", []).append(text)
    if not new.intersection(groups.get(_WHOLE, ())):
        groups.pop(_WHOLE, None)
    return groups


def _signal(
    cell: DriftCell,
    showing: Showing,
    group: str,
    named: tuple[list[str], set[str]],
    before: dict[str, Before],
) -> Signal:
    texts, new = named
    shown = {text: showing.shown[text] for text in texts}
    order = sorted(texts, key=lambda text: (-shown[text].count, text))
    if group == _WHOLE:
        order.sort(key=lambda text: not text.startswith(("MISSING_FIELD", "TYPE_MISMATCH")))
    details = _changed(showing, order) if group == _WHOLE else _valued(cell, showing, order)
    details["first_seen"] = min(first_seen(cell, text) for text in shown)
    upstream = [name for name in showing.upstream if name.partition("#")[0] != cell.dataset]
    sources = [each.source for each in shown.values() if each.source]
    if not sources:
        sources = [cell.abroad[text] for text in texts if text in cell.abroad]
    if sources:
        details["first_seen_in_source"] = min(sources)
    if upstream:
        details["upstream_dataset"] = upstream[0]
    stage = _stage_of(showing, shown, group)
    details |= _runs(showing, stage, before)
    kind = str(details["drift_type"])
    failures = [
        Failure(
            text,
            shown[text].count,
            first_seen(cell, text),
            is_new=text in new,
            producer=shown[text].producer,
            producer_version=shown[text].version,
        )
        for text in order[:TOP_FAILURES]
    ]
    refs = sorted({ref for each in shown.values() for ref in each.refs})[:EVIDENCE_REFS]
    return _said(
        cell,
        showing,
        group,
        "CRITICAL" if group == _WHOLE else "WARNING",
        reason=kind,
        stage=stage,
        details={name: each for name, each in details.items() if each},
        top_failures=tuple(failures),
        evidence_refs=tuple(name for _, name in refs),
    )


def _said(cell: DriftCell, showing: Showing, group: str, state: State, **more: Any) -> Signal:
    batch = bool(showing.run_id)
    context = showing.context
    return Signal(
        signal_id=signal_id(
            parse_instant((showing.anchor or showing.start) if batch else showing.end),
            NAME, cell.dataset, group, showing.name,
        ),
        signal_type="DRIFT_DETECTED",
        dataset_urn=cell.dataset,
        state=state,
        timestamp=showing.end,
        window=Window(showing.start, showing.end, "BATCH_RUN" if batch else "TUMBLING_5MIN"),
        engine=NAME,
        run_id=showing.run_id,
        job_urn=context.get("job_urn", ""),
        dag_id=context.get("dag_id", ""),
        dag_run_id=context.get("dag_run_id", ""),
        batch_context={n: v for n, v in context.items() if n != "job_urn"},
        **more,
    )  # fmt: skip


def _changed(showing: Showing, order: list[str]) -> dict[str, Any]:
    """Return what the schema gate found: every change that breaks, the gravest on top."""
    rows = _rows(showing)
    if rows:
        top = rows[0]
        found: dict[str, Any] = {"drift_type": top["drift_type"], "field": top["field"]}
        return found | {"old": top["from"], "new": top["to"], "changes": rows}
    head, subject, value = _parts(order[0])
    if order[0] == SCHEMA:
        return {"drift_type": "SCHEMA_CHANGE"}
    old, _, new = value.replace("\u2192", ":").partition(":")
    row = {"drift_type": _KINDS.get(head, "SCHEMA_CHANGE"), "field": subject}
    return row | {"old": old, "new": new}


def _rows(showing: Showing) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    for name in sorted(showing.stages):
        stage = showing.stages[name]
        if not stage.schema_failed:
            continue
        renamed = {(c.get("from"), c.get("to")) for c in stage.changes
                   if c.get("change") == "possible_rename"}  # fmt: skip
        gone, come = {old for old, _ in renamed}, {new for _, new in renamed}
        for change in stage.changes:
            kind, subject = str(change.get("change")), change.get("field")
            told = (kind == "removed" and subject in gone) or (kind == "added" and subject in come)
            if told or (kind in _HARMLESS and stage.mode != "strict") or kind not in _CHANGES:
                continue
            row = {"drift_type": _CHANGES[kind], "field": str(subject or "")}
            row |= {"from": str(change.get("from") or ""), "to": str(change.get("to") or "")}
            if row not in rows:
                rows.append(row)
    grave = {kind: place for place, kind in enumerate(_ORDER)}
    return sorted(rows, key=lambda row: (grave.get(row["drift_type"], 9), row["field"]))


def _valued(cell: DriftCell, showing: Showing, order: list[str]) -> dict[str, Any]:
    head, subject, value = _parts(order[0])
    found: dict[str, Any] = {"drift_type": _KINDS.get(head, "NEW_FAILURE"), "field": subject}
    if head in ("TYPE_MISMATCH", "SCHEMA_BREAK"):
        found["old"], _, found["new"] = value.replace("\u2192", ":").partition(":")
        return found
    values = [each for _, _, each in map(_parts, order) if each][:KEPT_VALUES]
    found["new_value"] = value
    found["new_values"] = values if len(values) > 1 else []
    if head == "UNKNOWN_ENUM":
        expected = showing.expected.get(subject) or cell.accepted.get(subject) or ()
        found["expected_values"] = list(expected)
    return found


def _runs(showing: Showing, stage: str, before: dict[str, Before]) -> dict[str, str]:
    mine = showing.stages.get(stage) or StageShown()
    good = before.get(stage) or Before("", "")
    return {
        "first_bad_run": showing.run_id,
        "first_bad_fingerprint": mine.bad,
        "last_good_run": good.run,
        "last_good_fingerprint": good.fingerprint,
    }


def _stage_of(showing: Showing, shown: dict[str, Shown], group: str) -> str:
    if group == _WHOLE:
        broken = [name for name, stage in showing.stages.items() if stage.schema_failed]
    else:
        broken = [stage for each in shown.values() for stage in each.stages]
    return min(broken, key=_depth, default="")


def _depth(stage: str) -> tuple[int, str]:
    known = ("bronze", "silver", "gold")
    return (known.index(stage) if stage in known else len(known), stage)


def _field(text: str) -> str:
    return _parts(text)[1]


def _parts(text: str) -> tuple[str, str, str]:
    head, _, rest = text.partition(":")
    subject, _, value = rest.partition(":")
    return head, subject, value

"""The `pii` block: what is looked for, what is done, and whether the rules allow it."""

from __future__ import annotations

from sfctl.compiler.columns import Columns
from sfctl.compiler.draft import Draft
from sfctl.compiler.findings import Findings, place, shown
from sfctl.compiler.quantity import share
from sfctl.compiler.regex import PatternError, rewrite
from sfctl.model.binding import near_hint
from sfctl.model.expr import IsNull
from sfctl.model.policy import Detection, RowCheck
from sfctl.spec.dataset import DatasetFiles
from sfctl.spec.tree import Node

_AWARE = ("required", "not_null", "unique", "duplicate_rows", "foreign_key", "row_count",
          "null_rate", "distinct_count")  # fmt: skip


def detections(policy: Node, columns: Columns, findings: Findings) -> tuple[Detection, ...]:
    """Return the entries of the block that have no error."""
    block = policy.get("pii")
    found: list[Detection] = []
    seen: dict[tuple[str, str], Node] = {}
    for node in (block.get("detection") if block else None) or ():
        entry = _detection(node, columns, findings)
        if entry is None:
            continue
        for column in entry.columns or ("",):
            first = seen.setdefault((entry.kind, column), node)
            if first is not node:
                where = f"column {shown(column)}" if column else "every column"
                hint = f"the first stands at {place(first)}"
                message = f"{entry.kind} in {where} is declared twice"
                findings.error(node, "SF243", message, hint)
        found.append(entry)
    return tuple(found)


def _detection(node: Node, columns: Columns, findings: Findings) -> Detection | None:
    kind = node.string("pattern")
    pattern = ""
    if kind == "CUSTOM":
        kind = node.string("name")
        try:
            pattern = rewrite(str(node["regex"].value))
        except PatternError as error:
            findings.error(node["regex"], error.code, error.message, error.hint, error.offset)
            return None
    action = node.string("action", "none")
    for name in _columns(node):
        text = str(name.value)
        if text not in columns.types and not columns.open:
            hint = near_hint(text, columns.types)
            findings.error(name, "SF204", f"unknown column {shown(text)}", hint)
        elif columns.type_of(text).kind not in ("STRING", "ANY"):
            message = f"column {shown(text)} is {columns.type_of(text)} (expected STRING)"
            findings.error(name, "SF244", message, "personal data is found in text columns only")
    placeholder = node.get("placeholder")
    if placeholder is not None and action != "redact":
        message = f"a placeholder is for `redact` (got {action})"
        findings.error(placeholder, "SF245", message, "remove it, or set action: redact")
    rate = node.get("min_share")
    return Detection(
        kind=kind,
        action=action,  # type: ignore[arg-type]
        columns=node.strings("columns"),
        pattern=pattern,
        placeholder=None if placeholder is None else str(placeholder.value),
        min_share=0.0 if rate is None else float(share(rate)),
    )


def check_actions(
    files: DatasetFiles, drafts: list[Draft], columns: Columns, findings: Findings
) -> None:
    """Report rules that an action would break, and redactions of columns that must be filled.

    Errors where columns are named, hints where an entry covers every string column. A rule breaks
    only where a later stage judges what silver wrote: where silver and gold are both stored.
    """
    policy = files.policy
    if policy is None:
        return
    storage = files.dataset.get("storage")
    later = storage is None or ("silver" in storage and "gold" in storage)
    block = policy.get("pii")
    for node in (block.get("detection") if block else None) or ():
        action = node.string("action", "none")
        if action == "none":
            continue
        named = _columns(node)
        if action == "redact" and node.get("placeholder") is None:
            _redacted(node, named, columns, findings)
        for name in named if later else ():
            _acted(node, str(name.value), action, drafts, findings, certain=storage is not None)
        if later and not named:
            _acted_anywhere(node, action, drafts, columns, findings)


def _redacted(node: Node, named: tuple[Node, ...], columns: Columns, findings: Findings) -> None:
    filled = set(columns.not_null) | set(columns.required)
    for name in named:
        if str(name.value) in filled:
            message = f"column {shown(str(name.value))} may not be null, yet `redact` empties it"
            findings.error(name, "SF240", message, "add a `placeholder`, or mask or tokenize it")
    strings = [n for n in filled if columns.type_of(n).kind in ("STRING", "ANY")]
    if not named and strings:
        message = f"`redact` may empty {', '.join(sorted(strings))}, which may not be null"
        findings.warning(node, "SF240", message, "add a `placeholder`, or name `columns`")


def _acted(
    node: Node,
    name: str,
    action: str,
    drafts: list[Draft],
    findings: Findings,
    *,
    certain: bool,
) -> None:
    for draft in drafts:
        if name not in draft.fields or _unmoved(draft):
            continue
        message = f"column {shown(name)} is changed by `{action}` at {place(node)}"
        hint = "gold judges the changed values: add `stages: [silver]` to judge the original alone"
        tell = findings.error if certain else findings.warning
        tell(draft.node, "SF241", message, hint)


def _acted_anywhere(
    node: Node, action: str, drafts: list[Draft], columns: Columns, findings: Findings
) -> None:
    met = sorted(
        {
            field
            for draft in drafts
            if not _unmoved(draft)
            for field in draft.fields
            if columns.type_of(field).kind == "STRING"
        }
    )
    if met:
        message = f"`{action}` may change {', '.join(met)}, which rules judge in later stages"
        findings.warning(node, "SF241", message, "name `columns`")


def _unmoved(draft: Draft) -> bool:
    """Tell whether a rule gives the same answer after an action, or is over before it."""
    return draft.gate == "G3_SCHEMA" or "gold" not in (draft.stages or ("gold",)) or _aware(draft)


def _aware(draft: Draft) -> bool:
    if draft.kind in _AWARE:
        return True
    return isinstance(draft.check, RowCheck) and isinstance(draft.check.expr, IsNull)


def _columns(node: Node) -> tuple[Node, ...]:
    written = node.get("columns")
    if written is None:
        return ()
    return tuple(written) if written.is_sequence else (written,)

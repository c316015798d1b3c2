"""`logicalTypeOptions` of a property as rules on its column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sfctl.model.types import DataType
from sfctl.odcs.checks import quoted, whole

_FORMATS = {
    "email": "email", "uuid": "uuid", "ip": "ip", "ipv4": "ipv4", "ipv6": "ipv6",
    "hostname": "hostname", "date": "date", "time": "time", "date-time": "datetime",
}  # fmt: skip
_ENDS = {
    "minimum": ("min", "exclusiveMinimum", "exclusive_min"),
    "maximum": ("max", "exclusiveMaximum", "exclusive_max"),
}
_WRITTEN = ("integer", "number", "date", "timestamp", "time")
Found = tuple[dict[str, Any] | str, tuple[str, ...]]
"""A rule without its field, or the reason why there is none; and the options it speaks for."""


def rules_of(column: Mapping[str, Any], kind: DataType | str) -> Iterator[Found]:
    """Yield the rules of a property's options. Options that are not met have no counterpart."""
    options = column.get("logicalTypeOptions") or {}
    logical = column.get("logicalType")
    if logical == "string":
        yield from _text(options, kind)
    elif logical in _WRITTEN:
        yield from _range(options)
        if "multipleOf" in options:
            yield _multiple(options["multipleOf"], kind), ("multipleOf",)


def _text(options: Mapping[str, Any], kind: DataType | str) -> Iterator[Found]:
    if isinstance(kind, DataType) and kind.kind not in ("STRING", "ANY"):
        if options:
            yield f"the column is {kind}, not text", tuple(options)
        return
    sizes = {"min": options.get("minLength"), "max": options.get("maxLength")}
    kept = {end: int(size) for end, size in sizes.items() if size is not None}
    spoken = tuple(key for key in ("minLength", "maxLength") if key in options)
    if kept.get("min") == 0:
        del kept["min"]
    if spoken:
        yield ({"kind": "length", **kept} if kept else "every length satisfies it"), spoken
    if "pattern" in options:
        full = whole(options["pattern"])
        reason = "`^` and `$` of the pattern bind to single alternatives"
        yield (reason if full is None else {"kind": "pattern", "pattern": full}), ("pattern",)
    if "format" in options:
        known = _FORMATS.get(options["format"])
        reason = "no format of ours means just this"
        yield ({"kind": "format", "format": known} if known else reason), ("format",)


def _range(options: Mapping[str, Any]) -> Iterator[Found]:
    ends: dict[str, Any] = {}
    spoken: list[str] = []
    for key, (end, excluded, open_end) in _ENDS.items():
        limit, edge = options.get(key), options.get(excluded)
        spoken += [name for name in (key, excluded) if name in options]
        if isinstance(edge, bool) or edge is None:
            if limit is not None:
                ends[open_end if edge else end] = limit
        elif limit is None or not _inside(limit, edge, key):
            ends[open_end] = edge
        else:
            ends[end] = limit
    if ends:
        yield {"kind": "range", **ends}, tuple(spoken)


def _inside(limit: Any, edge: Any, key: str) -> bool:
    """Tell whether an included end is the narrower of the two; text compares as ISO 8601 does."""
    return bool(limit > edge if key == "minimum" else limit < edge)


def _multiple(step: Any, kind: DataType | str) -> dict[str, Any] | str:
    if not isinstance(kind, DataType) or not kind.is_exact:
        return "only of whole numbers and decimals it can be told exactly"
    return {"kind": "expression", "expression": f"{{}} % {step} = 0"}


def placed(rule: Mapping[str, Any], field: str) -> dict[str, Any]:
    """Return a rule of options as one on a column, or on a path into one."""
    if rule["kind"] == "expression":
        name = field if "." in field else quoted(field)
        return {**rule, "expression": rule["expression"].format(name)}
    return {"kind": rule["kind"], "field": field, **{k: v for k, v in rule.items() if k != "kind"}}


def give(table: Mapping[str, Any], rule: Mapping[str, Any], *, strict: bool) -> bool:
    """Write a rule of a contract as an option of its column; tell whether it could be."""
    if not isinstance(rule.get("field"), str):
        return False
    column = next(
        (
            c
            for c in table.get("properties") or ()
            if (c.get("physicalName") or c["name"]) == rule["field"]
        ),
        None,
    )
    if column is None:
        return False
    bare = {key: value for key, value in rule.items() if key not in ("kind", "field")}
    if rule.get("kind") == "unique" and bare == {"nulls": "distinct"} and not column.get("unique"):
        column["unique"] = True
        return True
    found = _options_of(str(rule.get("kind")), bare, str(column.get("logicalType")), strict)
    given = column.get("logicalTypeOptions") or {}
    if not found or found.keys() & given.keys():
        return False
    column["logicalTypeOptions"] = {**given, **found}
    return True


def _options_of(kind: str, rule: Mapping[str, Any], logical: str, strict: bool) -> dict[str, Any]:
    """Return the options that say all of a rule; empty where they cannot."""
    if logical == "string":
        names = {"min": "minLength", "max": "maxLength"}
        if kind == "length" and rule.keys() <= names.keys() and rule.get("min") != 0:
            return {names[key]: value for key, value in rule.items()}
        if (
            kind == "pattern"
            and set(rule) == {"pattern"}
            and whole(rule["pattern"]) == rule["pattern"]
        ):
            return {"pattern": rule["pattern"]}
        if kind == "format" and set(rule) == {"format"}:
            known = {ours: theirs for theirs, ours in _FORMATS.items()}
            return {"format": known[rule["format"]]} if rule["format"] in known else {}
        return {}
    ends = {"min", "max", "exclusive_min", "exclusive_max"}
    if kind != "range" or logical not in _WRITTEN or set(rule) - ends:
        return {}
    number = logical in ("integer", "number")
    if any(isinstance(v, bool) or isinstance(v, str) is number for v in rule.values()):
        return {}
    found: dict[str, Any] = {}
    for key, (end, excluded, open_end) in _ENDS.items():
        if end in rule:
            found[key] = rule[end]
        elif open_end in rule and strict:
            found[excluded] = rule[open_end]
        elif open_end in rule:
            found |= {key: rule[open_end], excluded: True}
    return found

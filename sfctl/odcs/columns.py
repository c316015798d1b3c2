"""Properties of a table as facts: types, what must be there, rules, personal data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sfctl.model.types import DataType
from sfctl.odcs.account import Path
from sfctl.odcs.checks import ENGINE, judged
from sfctl.odcs.facts import CONSTRAINTS, DETECTION, REQUIRED, RULES
from sfctl.odcs.options import placed, rules_of
from sfctl.odcs.sound import TEMPLATED
from sfctl.odcs.taking import Taking
from sfctl.odcs.types import column_type, physical
from sfctl.spec.template import has_template

OPEN = frozenset(
    ["public", "internal", "open", "none", "unclassified", "unrestricted", "non-sensitive"]
)
"""Classes of data whose values may be shown; every other class is treated as personal."""
_SIZED = re.compile(r"\w*(?:char|text|string)\w*\s*\(", re.I)
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def column_name(column: Mapping[str, Any]) -> str:
    """Return the column of a property: its physical name, which is what the data has."""
    return str(column.get("physicalName") or column["name"])


def take_column(column: Mapping[str, Any], path: Path, taking: Taking) -> None:
    """Take one property of a table."""
    name = column_name(column)
    if not name:
        taking.account.leave(path, "it has no name")
        return
    kind = column_type(column)
    own, own_path = own_property(column, path)
    constraint: dict[str, Any] = {"field": name}
    origins: list[Path] = [(*path, "name"), (*path, "physicalName")]
    if isinstance(kind, DataType):
        constraint["type"] = str(kind)
        origins += _typed(column, path, taking)
    elif column.get("logicalType"):
        taking.account.leave((*path, "logicalType"), kind)
    if isinstance(own.get("nullable"), bool):
        constraint["nullable"] = own["nullable"]
    described = next((k for k in ("description", "businessName") if column.get(k)), "")
    if described and has_template(str(column[described])):
        taking.account.leave((*path, described), TEMPLATED)
    elif described:
        constraint["description"] = column[described]
        origins.append((*path, described))
    taking.fact((*CONSTRAINTS, name), constraint, *origins, *own_path)
    if "required" in column:
        taking.account.take((*path, "required"))
        if column["required"] and own.get("required", True):
            taking.entry(REQUIRED, name, (*path, "required"))
    if "unique" in column:
        taking.account.take((*path, "unique"))
        if column["unique"] and not column.get("primaryKey"):
            taking.rule({"kind": "unique", "field": name, "nulls": "distinct"}, (*path, "unique"))
    _classified(column, name, kind, path, taking)
    _rules(column, name, kind, path, taking, where="")


def take_checks(checks: Any, column: str, path: Path, taking: Taking) -> None:
    """Take the quality checks of a column, or of the whole table where that is empty."""
    for index, check in enumerate(checks or ()):
        place = (*path, "quality", index)
        found = judged(check, column, taking.names)
        if not found.rules:
            taking.account.leave(place, found.reason)
            continue
        for section, rule in found.rules:
            key = ("policy", *section.split("."))
            if key == RULES and isinstance(rule, dict) and _taken_id(rule, taking):
                rule = {k: v for k, v in rule.items() if k != "id"}
            taking.entry(key, rule, place)
        taking.account.taken.discard(place)
        taking.account.take(*((*place, key) for key in found.said))
        if found.note:
            operator = next(key for key in check if key.startswith("must"))
            taking.account.leave((*place, operator), found.note)


def own_property(value: Mapping[str, Any], path: Path) -> tuple[dict[str, Any], list[Path]]:
    """Return what our own custom property of an element holds, and its place."""
    for index, each in enumerate(value.get("customProperties") or ()):
        if each.get("property") == ENGINE and isinstance(each.get("value"), dict):
            return each["value"], [(*path, "customProperties", index)]
    return {}, []


def _taken_id(rule: Mapping[str, Any], taking: Taking) -> bool:
    return "id" in rule and any(
        isinstance(other, dict) and other.get("id") == rule["id"] and other != rule
        for key, other in taking.facts.items()
        if key[0] == "policy"
    )


def _typed(column: Mapping[str, Any], path: Path, taking: Taking) -> list[Path]:
    """Return the places that a column's type is made of, those of nested ones included."""
    found: list[Path] = []
    said = column.get("physicalType")
    understood = physical(said) if said else None
    if said and understood is None:
        reason = "no type of ours; the logicalType decides"
        taking.account.leave((*path, "physicalType"), reason)
    elif said:
        found.append((*path, "physicalType"))
        if _SIZED.match(said):
            reason = "its length is not judged; logicalTypeOptions.maxLength is"
            taking.account.leave((*path, "physicalType"), reason)
    if "logicalType" in column:
        found.append((*path, "logicalType"))
    options = column.get("logicalTypeOptions") or {}
    spoken = {"number": "format", "integer": "format", "timestamp": "timezone"}
    key = spoken.get(str(column.get("logicalType")), "")
    if key in options:
        found.append((*path, "logicalTypeOptions", key))
    if understood is None and isinstance(column.get("items"), dict):
        found += _typed(column["items"], (*path, "items"), taking)
    for index, inner in enumerate(column.get("properties") or ()):
        place = (*path, "properties", index)
        found += [(*place, "name"), (*place, "physicalName"), *_typed(inner, place, taking)]
    return found


def _classified(
    column: Mapping[str, Any], name: str, kind: DataType | str, path: Path, taking: Taking
) -> None:
    said = str(column.get("classification") or "")
    if not said:
        return
    place = (*path, "classification")
    if said.lower() in OPEN:
        taking.account.take(place)
    elif isinstance(kind, DataType) and kind.kind not in ("STRING", "ANY"):
        reason = f"personal data is looked for in text; the column is {kind}"
        taking.account.leave(place, reason)
    else:
        word = re.sub(r"[^A-Z0-9]+", "_", said.upper()).strip("_") or "CLASSIFIED"
        word = word if word[0].isalpha() else f"CLASS_{word}"
        entry = {
            "pattern": "CUSTOM",
            "name": word,
            "regex": r"(?:.|\n)+",
            "columns": [name],
            "action": "none",
            "description": f"classified as {said}: no value of it is shown",
        }
        taking.entry(DETECTION, entry, place)


def _rules(
    column: Mapping[str, Any],
    field: str,
    kind: DataType | str,
    path: Path,
    taking: Taking,
    *,
    where: str,
) -> None:
    """Take options and checks of a column or of a field inside one, and what stands in it."""
    for rule, spoken in rules_of(column, kind):
        places = [(*path, "logicalTypeOptions", key) for key in spoken]
        if isinstance(rule, str):
            for place in places:
                if place not in taking.account.taken:
                    taking.account.leave(place, rule)
        else:
            taking.rule(placed(rule, field), *places)
    take_checks(column.get("quality"), field, path, taking)
    if "." in field and str(column.get("classification", "public")).lower() not in OPEN:
        reason = "personal data is looked for in whole columns; no message shows a nested value"
        taking.account.leave((*path, "classification"), reason)
    listed = (column.get("logicalTypeOptions") or {}).get("required") or ()
    inner = {column_name(each): each for each in column.get("properties") or ()}
    if listed and set(listed) <= set(inner):
        taking.account.take((*path, "logicalTypeOptions", "required"))
    where = where if column.get("required") else f"{field} IS NOT NULL"
    for index, each in enumerate(column.get("properties") or ()):
        name, place = column_name(each), (*path, "properties", index)
        nested = f"{field}.{name}"
        if not all(_PLAIN.fullmatch(part) for part in nested.split(".")):
            taking.account.leave(place, "its name cannot be written as a step into a struct")
            continue
        if each.get("required") or name in listed:
            origin = (*place, "required") if each.get("required") else (
                *path, "logicalTypeOptions", "required",
            )  # fmt: skip
            rule = {"kind": "not_null", "field": nested}
            taking.rule({**rule, **({"where": where} if where else {})}, origin)
        elif "required" in each:
            taking.account.take((*place, "required"))
        _rules(each, nested, column_type(each), place, taking, where=where)

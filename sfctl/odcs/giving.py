"""Facts written into a table of a contract, and taken out of it again.

Every way in has its way back in `table.py`; what has none is put beside, under our own name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sfctl.model.types import parse
from sfctl.odcs import options
from sfctl.odcs.account import Path
from sfctl.odcs.checks import ENGINE, item_of
from sfctl.odcs.columns import column_name
from sfctl.odcs.facts import CONSTRAINTS, REQUIRED, RULES, Facts, Key, member
from sfctl.odcs.types import logical

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECTIONS = {
    RULES: "contract.rules",
    ("policy", "dq", "rules"): "dq.rules",
    ("policy", "contract_lite", "invariants"): "contract_lite.invariants",
}


def give(
    document: dict[str, Any],
    index: int,
    facts: Facts,
    *,
    strict: bool,
    dataset_of: Callable[[str], str],
) -> None:
    """Write facts into a document, each as far as the standard has words for it."""
    table = document["schema"][index]
    known = {dataset_of(str(each["name"])): str(each["name"]) for each in document["schema"]}
    for key, value in facts.items():
        if key[:-1] == CONSTRAINTS:
            filled = member(REQUIRED, str(value["field"])) in facts
            _constraint(table, value, filled=filled, strict=strict)
    for key, value in facts.items():
        if key[:-1] == REQUIRED:
            _column(table, str(value))["required"] = True
        elif key in _GIVEN:
            _GIVEN[key](document, table, value, strict)
    for key, value in facts.items():
        if key[:-1] == RULES and isinstance(value, dict):
            if strict and _relationship(table, value, known):
                continue
            if options.give(table, value, strict=strict):
                continue
        if key[:-1] in _SECTIONS:
            _rule(table, _SECTIONS[key[:-1]], value, strict)
    _primary_key(table, facts)


def take_away(document: dict[str, Any], paths: Iterable[Path]) -> None:
    """Remove parts of a document; lists close up behind what is gone."""
    order = sorted(set(paths), key=lambda path: [(isinstance(s, str), s) for s in path])
    for path in reversed(order):
        place: Any = document
        try:
            for step in path[:-1]:
                place = place[step]
            del place[path[-1]]
        except (KeyError, IndexError, TypeError):
            continue  # it went with something that held it


def put_beside(table: dict[str, Any], facts: Facts, without: Iterable[Key]) -> None:
    """Write what the standard cannot say into our own custom property of a table."""
    held = [p for p in table.get("customProperties") or () if p.get("property") != ENGINE]
    value: dict[str, Any] = {}
    gone = [list(key) for key in without]
    if gone:
        value["without"] = gone
    if facts:
        value["facts"] = [{"at": list(key), "value": each} for key, each in facts.items()]
    if value:
        held.append({"property": ENGINE, "value": value})
    if held:
        table["customProperties"] = held
    else:
        table.pop("customProperties", None)


def _column(table: dict[str, Any], name: str) -> dict[str, Any]:
    columns: list[dict[str, Any]] = table.setdefault("properties", [])
    for each in columns:
        if column_name(each) == name:
            return each
    columns.append({"name": name})
    return columns[-1]


def _constraint(
    table: dict[str, Any], value: Mapping[str, Any], *, filled: bool, strict: bool
) -> None:
    column = _column(table, str(value["field"]))
    if "type" in value:
        column.update(described(str(value["type"]), strict))
    if "description" in value:
        column["description"] = value["description"]
    held = [p for p in column.get("customProperties") or () if p.get("property") != ENGINE]
    if isinstance(value.get("nullable"), bool):
        own: dict[str, Any] = {"nullable": value["nullable"]}
        if not value["nullable"] and not filled and not column.get("required"):
            column["required"] = True
            own["required"] = False
        held.append({"property": ENGINE, "value": own})
    if held or "customProperties" in column:
        column["customProperties"] = held


def described(kind: str, strict: bool) -> dict[str, Any]:
    """Return the types of a property for one of ours, as it was written."""
    try:
        return {**logical(parse(kind), strict), "physicalType": kind}
    except ValueError:
        return {"physicalType": kind}


def _rule(table: dict[str, Any], section: str, rule: Any, strict: bool) -> None:
    name, item = item_of(section, rule, strict=strict)
    known = {column_name(each) for each in table.get("properties") or ()}
    if name and name not in known:
        name, item = "", _beside(section, rule)
    place = _column(table, name) if name else table
    place.setdefault("quality", []).append(item)


def _relationship(table: dict[str, Any], rule: dict[str, Any], known: Mapping[str, str]) -> bool:
    """Write a foreign key into a table of the same contract; tell whether it could be."""
    if set(rule) - {"kind", "field", "fields", "references"} or rule.get("kind") != "foreign_key":
        return False
    target = rule["references"]
    other = known.get(str(target.get("dataset")), "")
    single = isinstance(rule.get("field"), str) and isinstance(target.get("field"), str)
    here = [rule["field"]] if single else rule.get("fields")
    there = [target["field"]] if single else target.get("fields")
    if not isinstance(here, list) or not isinstance(there, list) or len(here) != len(there):
        return False
    if not all(_WORD.fullmatch(str(each)) for each in (other, table["name"], *here, *there)):
        return False
    ends = [f"{other}.{column}" for column in there]
    if single:
        held = _column(table, here[0]).setdefault("relationships", [])
        held.append({"type": "foreignKey", "to": ends[0]})
    else:
        starts = [f"{table['name']}.{column}" for column in here]
        held = table.setdefault("relationships", [])
        held.append({"type": "foreignKey", "from": starts, "to": ends})
    return True


def _beside(section: str, rule: Any) -> dict[str, Any]:
    held = {"rule": rule} if section == "contract.rules" else {"section": section, "rule": rule}
    return {"type": "custom", "engine": ENGINE, "implementation": held}


def _primary_key(table: dict[str, Any], facts: Facts) -> None:
    """Mark the primary key where the policy demands of it all that the standard means by one."""
    names = facts.get(("dataset", "primary_key"))
    if not isinstance(names, list):
        return
    wanted = {"kind": "unique", **({"field": names[0]} if len(names) == 1 else {"fields": names})}
    demanded = any(key[:-1] == RULES and value == wanted for key, value in facts.items())
    if demanded and all(member(REQUIRED, name) in facts for name in names):
        for position, name in enumerate(names, start=1):
            _column(table, name).update({"primaryKey": True, "primaryKeyPosition": position})
        _drop_rule(table, names)


def _drop_rule(table: dict[str, Any], names: list[str]) -> None:
    """Take back the check that a primary key says already."""
    holder = _column(table, names[0]) if len(names) == 1 else table
    argument = {"properties": names}
    holder["quality"] = [
        each
        for each in holder.get("quality") or ()
        if not (
            (each.get("metric") or each.get("rule")) in ("duplicateValues", "duplicateCount")
            and (
                len(names) == 1 or argument.items() <= {**each, **each.get("arguments", {})}.items()
            )
            and each.get("mustBe") == 0
        )
    ]
    if not holder["quality"]:
        del holder["quality"]


def _id(document: dict[str, Any], _table: dict[str, Any], value: Any, _strict: bool) -> None:
    document["id"] = str(value)


def _version(document: dict[str, Any], _table: dict[str, Any], value: Any, _strict: bool) -> None:
    document["version"] = str(value)


def _purpose(document: dict[str, Any], _table: dict[str, Any], value: Any, _strict: bool) -> None:
    document.setdefault("description", {})["purpose"] = value


def _team(document: dict[str, Any], _table: dict[str, Any], value: Any, strict: bool) -> None:
    team = document.setdefault("team", {}) if strict else None
    if isinstance(team, dict):
        team["name"] = value


def _about(_document: dict[str, Any], table: dict[str, Any], value: Any, _strict: bool) -> None:
    table["description"] = value


def _tags(_document: dict[str, Any], table: dict[str, Any], value: Any, _strict: bool) -> None:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        table["tags"] = value


def _late(document: dict[str, Any], table: dict[str, Any], value: Any, _strict: bool) -> None:
    if not isinstance(value, dict) or set(value) - {"max_delay_seconds", "partition_key"}:
        return
    promise: dict[str, Any] = {"property": "latency", "value": value.get("max_delay_seconds")}
    promise["unit"] = "s"
    column = value.get("partition_key", "")
    if column or len(document["schema"]) > 1:
        named = next(
            (c["name"] for c in table.get("properties") or () if column_name(c) == column), column
        )
        promise["element"] = f"{table['name']}.{named}"
    if promise["value"] is not None:
        document.setdefault("slaProperties", []).append(promise)


_GIVEN = {
    ("policy", "contract", "id"): _id,
    ("policy", "contract", "version"): _version,
    ("policy", "contract", "description"): _purpose,
    ("dataset", "owner_team"): _team,
    ("dataset", "description"): _about,
    ("dataset", "tags"): _tags,
    ("dataset", "slo", "freshness"): _late,
}

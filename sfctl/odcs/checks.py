"""Quality checks of a contract as rules: what each metric demands, exactly or with what difference.

A check counts rows and compares the count; a rule judges rows and tolerates so many. Where both
say the same the rule stands for the check, else the check is left with its reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sfctl.odcs.limits import Limits, digits, limits

Rule = dict[str, Any]
ENGINE = "sfctl"
"""The engine of custom checks that hold a rule of ours, and the name of our custom property."""
CONTRACT = "contract.rules"
_NAMES = {
    "nullCheck": "nullValues",
    "validValues": "invalidValues",
    "duplicateCount": "duplicateValues",
    "uniqueCheck": "duplicateValues",
}
"""Rules of version 3.0 by the metric that took their place."""
_REST = r"(?:.|\n)*"
_ANCHORS = "`^` and `$` of its pattern bind to single alternatives"
_MILD = ("warn", "warning", "info", "informational", "low", "minor", "notice")
_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]*")
_SAID = (
    "type", "metric", "rule", "arguments", "unit", "description", "severity", "tags", "id",
    "validValues", "pattern", "missingValues", "engine", "implementation",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Judged:
    """The rules a check became, by section; or none, and the reason."""

    rules: tuple[tuple[str, Any], ...] = ()
    reason: str = ""
    note: str = ""
    """A difference between check and rule that people should know."""
    said: tuple[str, ...] = ()
    """The keys of the check that the rules speak for."""


def judged(check: Mapping[str, Any], column: str, names: Mapping[str, str]) -> Judged:
    """Return the rules of one check of `column`, or of the whole table where that is empty.

    `names` maps properties to columns.
    """
    exact = own_rule(check)
    if exact is not None:
        keys = (*_said(check), "customProperties", "name")
        if is_custom(check):
            return Judged((exact,), said=keys)
        plain = {k: v for k, v in check.items() if k != "customProperties"}
        if without_own(item_of(*exact, strict="rule" not in check)[1]) == plain:
            return Judged((exact,), said=keys)
    kind = check.get("type", "library")
    if kind == "text":
        return Judged(reason="text, for people")
    if kind == "sql":
        return Judged(reason="SQL of the server's dialect is not run")
    if kind == "custom":
        return Judged(reason=f"a check of another tool ({check.get('engine')})")
    name = str(check.get("metric") or check.get("rule") or "")
    metric = _NAMES.get(name, name)
    if metric not in _METRICS:
        return Judged(reason=f"no rule measures {name}" if name else "it names no metric")
    allowed = limits(check)
    if isinstance(allowed, str):
        return Judged(reason=allowed)
    asked = _Asked(column, {**check, **(check.get("arguments") or {})}, names, allowed)
    found = _METRICS[metric](asked)
    if isinstance(found, str):
        return Judged(reason=found)
    more, keys = _common(check, len(found))
    section = exact[0] if exact is not None else CONTRACT
    return Judged(tuple((section, {**r, **more}) for r in found), "", asked.note, keys)


def own_rule(check: Mapping[str, Any]) -> tuple[str, Any] | None:
    """Return section and rule of a check that we wrote; None for any other."""
    if is_custom(check):
        held = check.get("implementation")
    else:
        properties = check.get("customProperties") or ()
        held = next((p.get("value") for p in properties if p.get("property") == ENGINE), None)
    if isinstance(held, Mapping) and isinstance(held.get("rule"), str | Mapping):
        section = held.get("section", CONTRACT)
        if section in (CONTRACT, "dq.rules", "contract_lite.invariants"):
            rule = held["rule"]
            return section, dict(rule) if isinstance(rule, Mapping) else rule
    return None


def is_custom(check: Mapping[str, Any]) -> bool:
    """Tell whether a check is one of engine sfctl."""
    return check.get("type") == "custom" and check.get("engine") == ENGINE


def item_of(section: str, rule: Any, *, strict: bool) -> tuple[str, dict[str, Any]]:
    """Return the column a rule is about, "" for the table, and the check that says it.

    What a check of the standard cannot say stands in its custom property, or, for a rule without
    any counterpart, in a custom check of engine sfctl.
    """
    column, plain = _native(rule) if isinstance(rule, Mapping) else ("", None)
    held = {"rule": rule} if section == CONTRACT else {"section": section, "rule": rule}
    if plain is None:
        told = rule.get("description") if isinstance(rule, Mapping) else ""
        custom = {"type": "custom", "engine": ENGINE, "implementation": held}
        return "", {**custom, **({"description": told} if told else {})}
    item = {**(plain if strict else _older(plain)), **_told(rule)}
    found = judged(item, column, {})
    if found.rules == ((section, rule),) and not found.note:
        return column, item
    return column, {**item, "customProperties": [{"property": ENGINE, "value": held}]}


def without_own(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return a check without its custom properties."""
    return {key: value for key, value in item.items() if key != "customProperties"}


class _Asked:
    """A check with all that its rule is made of."""

    def __init__(
        self, column: str, given: Mapping[str, Any], names: Mapping[str, str], allowed: Limits
    ) -> None:
        self.column = column
        self.given = given
        self.names = names
        self.allowed = allowed
        self.percent = str(given.get("unit", "")).lower() in ("percent", "%", "percentage")
        self.note = ""

    def tolerated(self) -> Rule | str:
        """Return the threshold of a rule on rows; a reason where it has none that fits."""
        if self.allowed.high is None or (self.allowed.least() or 0) > 0:
            return "it demands that rows are found, not that they are few"
        if self.percent:
            return self.share()
        most = self.allowed.most()
        assert most is not None
        if most < 0:
            return "no number of rows can satisfy it"
        return {"threshold": most} if most else {}

    def share(self) -> Rule | str:
        high, excluded = self.allowed.high, self.allowed.high_excluded
        assert high is not None
        if high < 0 or (excluded and high == 0):
            return "no share of rows can satisfy it"
        if high >= 100:
            return "every share of rows satisfies it"
        if excluded:
            self.note = f"exactly {digits(high)} % passes here, and fails in the contract"
        return {"threshold": f"{digits(high)}%"} if high else {}


def _null_values(asked: _Asked) -> list[Rule] | str:
    if not asked.column:
        return "it names no column"
    if not asked.percent:
        more = asked.tolerated()
        return more if isinstance(more, str) else [{"kind": "not_null", **_at(asked), **more}]
    low, high = asked.allowed.low, asked.allowed.high
    if high == 0 and not asked.allowed.high_excluded:
        return [{"kind": "not_null", **_at(asked)}]
    ends = {"min": low, "max": high}
    kept = {k: v for k, v in ends.items() if v is not None and not (k == "min" and v <= 0)}
    if not kept or any(not 0 <= v <= 100 for v in kept.values()):
        return "no share of rows, or every one, satisfies it"
    if asked.allowed.high_excluded or (asked.allowed.low_excluded and "min" in kept):
        edge = digits(kept["max" if asked.allowed.high_excluded else "min"])
        asked.note = f"exactly {edge} % passes here, and fails in the contract"
    return [{"kind": "null_rate", **_at(asked), **{k: f"{digits(v)}%" for k, v in kept.items()}}]


def _missing_values(asked: _Asked) -> list[Rule] | str:
    if not asked.column:
        return "it names no column"
    missing = asked.given.get("missingValues")
    if not isinstance(missing, list) or not missing:
        return "it does not say which values count as missing"
    values = [value for value in missing if value is not None]
    if any(isinstance(value, list | dict) for value in values):
        return "a value that counts as missing is a list or a mapping"
    more = asked.tolerated()
    if isinstance(more, str):
        return more
    if not values:
        return [{"kind": "not_null", **_at(asked), **more}]
    if len(values) == len(missing):
        return [{"kind": "not_accepted_values", **_at(asked), "values": values, **more}]
    if not more:
        return [
            {"kind": "not_null", **_at(asked)},
            {"kind": "not_accepted_values", **_at(asked), "values": values},
        ]
    name = quoted(asked.column)
    listed = ", ".join(_literal(value) for value in values)
    text = f"{name} IS NOT NULL AND {name} NOT IN ({listed})"
    return [{"kind": "expression", "expression": text, **more}]


def _invalid_values(asked: _Asked) -> list[Rule] | str:
    if not asked.column:
        return "it names no column"
    values, pattern = asked.given.get("validValues"), asked.given.get("pattern")
    more = asked.tolerated()
    if isinstance(more, str):
        return more
    rules: list[Rule] = []
    if isinstance(values, list):
        kept = [value for value in values if value is not None]
        if not kept or any(isinstance(value, list | dict) for value in kept):
            return "its list of values is empty, or holds more than plain values"
        rules.append({"kind": "accepted_values", **_at(asked), "values": kept, **more})
    if isinstance(pattern, str):
        full = whole(pattern)
        if full is None:
            return _ANCHORS
        rules.append({"kind": "pattern", **_at(asked), "pattern": full, **more})
    if not rules:
        return "it does not say which values are valid"
    if len(rules) > 1 and more:
        return "values and pattern share one tolerance"
    return rules


def _duplicate_values(asked: _Asked) -> list[Rule] | str:
    columns = [asked.column] if asked.column else []
    if not columns:
        named = asked.given.get("properties")
        if not isinstance(named, list) or not named or not all(isinstance(n, str) for n in named):
            return "it names no columns"
        columns = [asked.names.get(name, name) for name in named]
    more = asked.tolerated()
    if isinstance(more, str):
        return more
    if more:
        asked.note = (asked.note and f"{asked.note}; ") + "every copy counts here, the first too"
    place = {"field": columns[0]} if len(columns) == 1 else {"fields": columns}
    return [{"kind": "unique", **place, "nulls": "distinct", **more}]


def _row_count(asked: _Asked) -> list[Rule] | str:
    if asked.column:
        return "it counts the rows of a column"
    if asked.percent:
        return "a share of which rows is not said"
    least, most = asked.allowed.least(), asked.allowed.most()
    ends = {"min": least if least and least > 0 else None, "max": most}
    if most is not None and most < max(least or 0, 0):
        return "no number of rows satisfies it"
    kept = {key: value for key, value in ends.items() if value is not None}
    return [{"kind": "row_count", **kept}] if kept else "every number of rows satisfies it"


_METRICS: dict[str, Callable[[_Asked], list[Rule] | str]] = {
    "nullValues": _null_values,
    "missingValues": _missing_values,
    "invalidValues": _invalid_values,
    "duplicateValues": _duplicate_values,
    "rowCount": _row_count,
}


def quoted(column: str) -> str:
    """Return a column as expressions write it."""
    return '"' + column.replace('"', '""') + '"'


def whole(pattern: str) -> str | None:
    """Return a pattern that is looked for as one that matches the whole value.

    None where an anchor binds to one of several alternatives only.
    """
    starts = pattern.startswith("^")
    ends = pattern.endswith("$") and not pattern.endswith(r"\$")
    bare = pattern[starts : len(pattern) - ends]
    if starts and ends and _grouped(bare):
        return pattern
    if (starts or ends) and not _grouped(bare):
        return None
    return f"{'' if starts else _REST}(?:{bare}){'' if ends else _REST}"


def _grouped(pattern: str) -> bool:
    """Tell whether every alternative of a pattern stands inside a group or a class."""
    depth, at = 0, 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            at += 1
        elif char in "([":
            depth += 1
        elif char in ")]":
            depth -= 1
        elif char == "|" and depth == 0:
            return False
        at += 1
    return True


def _at(asked: _Asked) -> Rule:
    return {"field": asked.column}


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(value)


def _said(check: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(key for key in check if key in _SAID or key.startswith("must"))


def _common(check: Mapping[str, Any], rules: int) -> tuple[Rule, tuple[str, ...]]:
    """Return what a check says beside its metric, and the keys that are spoken for."""
    more: Rule = {}
    keys = _said(check)
    told = check.get("description") or check.get("name")
    if told and not check.get("description"):
        keys += ("name",)
    if told:
        more["description"] = str(told)
    if str(check.get("severity", "")).lower() in _MILD:
        more["severity"] = "warn"
    if check.get("tags"):
        more["tags"] = list(check["tags"])
    said = check.get("id")
    if isinstance(said, str) and rules == 1 and _ID.fullmatch(said):
        more["id"] = said
    return more, keys


def _told(rule: Mapping[str, Any]) -> Rule:
    more: Rule = {}
    if rule.get("description"):
        more["description"] = rule["description"]
    if rule.get("severity") == "warn":
        more["severity"] = "warning"
    if isinstance(rule.get("tags"), list):
        more["tags"] = list(rule["tags"])
    return more


def _native(rule: Mapping[str, Any]) -> tuple[str, dict[str, Any] | None]:
    """Return the check of version 3.1 that comes nearest to a rule; None where none does."""
    kind, field, fields = rule.get("kind"), rule.get("field"), rule.get("fields")
    column = field if isinstance(field, str) else ""
    held = rule.get("threshold", 0)
    most: dict[str, Any] = {"mustBe": 0} if held == 0 else {"mustBeLessOrEqualTo": held}
    if isinstance(held, str):
        most = {"mustBeLessOrEqualTo": _percentage(held), "unit": "percent"}
    elif isinstance(held, float):
        return "", None
    if rule.get("where") is not None or rule.get("stages") is not None:
        return "", None
    if kind == "not_null" and column:
        return column, {"metric": "nullValues", **most}
    if kind == "null_rate" and column and isinstance(rule.get("max"), str) and "min" not in rule:
        top = _percentage(rule["max"])
        return column, {"metric": "nullValues", "mustBeLessOrEqualTo": top, "unit": "percent"}
    if kind == "accepted_values" and column:
        values = {"arguments": {"validValues": rule["values"]}}
        return column, {"metric": "invalidValues", **values, **most}
    if kind == "pattern" and column:
        pattern = str(rule["pattern"])
        full = pattern if whole(pattern) == pattern else f"^(?:{pattern})$"
        return column, {"metric": "invalidValues", "arguments": {"pattern": full}, **most}
    if kind == "unique" and column:
        return column, {"metric": "duplicateValues", **most}
    if kind == "unique" and isinstance(fields, list):
        return "", {"metric": "duplicateValues", "arguments": {"properties": fields}, **most}
    if kind == "row_count":
        low, high = rule.get("min"), rule.get("max")
        if low is not None and high is not None and low != high:
            return "", {"metric": "rowCount", "mustBeBetween": [low, high]}
        if low is not None and high is not None:
            return "", {"metric": "rowCount", "mustBe": low}
        end = {"mustBeGreaterOrEqualTo": low} if high is None else {"mustBeLessOrEqualTo": high}
        return "", {"metric": "rowCount", **end}
    return "", None


def _percentage(text: str) -> int | float:
    number = float(text.rstrip(" %"))
    return int(number) if number.is_integer() else number


def _older(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return a check of version 3.1 as version 3.0 writes it."""
    names = {metric: rule for rule, metric in reversed(_NAMES.items())}
    metric = str(item["metric"])
    arguments = item.get("arguments") or {}
    rest = {k: v for k, v in item.items() if k not in ("metric", "arguments")}
    return {"type": "library", "rule": names.get(metric, metric), **arguments, **rest}

"""The meaning of a whole rule over typed rows: slow, in plain Python, apart from any engine.

A row maps columns to values as `tests.reference.interpreter` reads them. Numbers are added up as
fractions. Two values are one key where they are one value: -0.0 is 0.0, NaN is null, decimals of
any scale and whole numbers of any width are numbers, instants are compared as instants.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

from sfctl.model.expr import Expr
from sfctl.model.policy import Batch, Custom, ForeignKey, RowCheck, Rule, Threshold, Unique
from sfctl.model.types import DataType
from tests.reference.interpreter import EvalError, evaluate, rounded, verdict

Row = Mapping[str, Any]
Columns = Mapping[str, DataType]
_WIDE = Context(prec=100)


@dataclass(frozen=True, slots=True)
class Around:
    """What a rule may ask for besides the rows: the moment, other rows, functions by name."""

    now: datetime
    references: Mapping[str, tuple[Columns, Sequence[Row]]] = field(default_factory=dict)
    others: Sequence[Row] = ()
    functions: Callable[[Custom], Callable[[Sequence[Row]], list[bool | None]]] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What comes of a rule. `rows` are numbered from 1; None for a rule on the batch."""

    status: str
    evaluated: int = 0
    failed: int = 0
    rows: tuple[int, ...] | None = None
    signatures: Mapping[str, int] = field(default_factory=dict)
    measured: str | None = None
    reason: str = ""
    surplus: int | None = None


def judge(rule: Rule, columns: Columns, rows: Sequence[Row], around: Around) -> Outcome:
    """Return the outcome of a rule over rows of these columns."""
    for name in _read(rule):
        if not _there(name, columns):
            return _error(rule, rows, f"column {name.split('.')[0]} is absent")
    if isinstance(rule.check, Batch):
        return _batch(rule, rule.check, rows, around)
    if not rows:
        return Outcome("skipped", rows=(), reason="no rows")
    if isinstance(rule.check, Unique):
        return _unique(rule, rule.check, columns, rows, around)
    return _each_row(rule, columns, rows, around)


def _each_row(rule: Rule, columns: Columns, rows: Sequence[Row], around: Around) -> Outcome:
    check = rule.check
    if isinstance(check, RowCheck):
        said = [verdict(check.expr, row, rule.where) for row in rows]
        found = [number for number, each in enumerate(said, 1) if each == "error"]
        judged = len(rows) - said.count("out")
        if len(found) == judged > 1:
            signatures = {f"EVAL_ERROR:{rule.id}": judged}
            reason = "not a single row could be evaluated"
            return Outcome("error", judged, judged, tuple(found), signatures, reason=reason)
    else:
        try:
            holds = _answers(check, columns, rows, around)
        except LookupError as error:
            return _error(rule, rows, str(error.args[0]))
        said = [
            each if each in ("out", "error") else "fail" if holds[index] is False else "pass"
            for index, each in enumerate(_covered(rule.where, rows))
        ]
    return _counted(rule, columns, rows, said)


def _covered(where: Expr | None, rows: Sequence[Row]) -> list[str]:
    """Return for each row whether a `where` lets it `in`, keeps it `out`, or is an `error`."""
    if where is None:
        return ["in"] * len(rows)
    found = []
    for row in rows:
        try:
            found.append("in" if evaluate(where, row) is True else "out")
        except EvalError:
            found.append("error")
    return found


def _counted(
    rule: Rule,
    columns: Columns,
    rows: Sequence[Row],
    said: Sequence[str],
    surplus: int | None = None,
) -> Outcome:
    failing = [index for index, each in enumerate(said) if each == "fail"]
    errors = [index for index, each in enumerate(said) if each == "error"]
    evaluated = len(said) - said.count("out")
    failed = len(failing) + len(errors)
    signatures = {f"EVAL_ERROR:{rule.id}": len(errors)} if errors else {}
    if failing and not rule.detail_field:
        signatures[rule.signature] = len(failing)
    elif failing:
        kind = columns[rule.detail_field]
        signatures |= _named(rule.signature, [rows[i][rule.detail_field] for i in failing], kind)
    over = _exceeds(rule.threshold, failed, evaluated)
    status = "pass" if not over else "warn" if rule.severity == "warn" else "fail"
    bad = tuple(sorted(index + 1 for index in (*failing, *errors)))
    return Outcome(status, evaluated, failed, bad, signatures, surplus=surplus)


def _exceeds(threshold: Threshold, failed: int, evaluated: int) -> bool:
    if threshold.share is None:
        return failed > threshold.count
    return failed > Fraction(threshold.share) * evaluated


def _named(signature: str, values: Sequence[Any], kind: DataType) -> dict[str, int]:
    """Count values by name: the ten most frequent that are simple, the others as one."""
    counts = Counter(_name(value, kind) for value in values)
    simple = {name: n for name, n in counts.items() if re.fullmatch(r"[A-Za-z0-9_.-]{1,40}", name)}
    told = sorted(simple.items(), key=lambda each: (-each[1], each[0]))[:10]
    found = {f"{signature}:{name}": count for name, count in told}
    rest = len(values) - sum(count for _, count in told)
    return {**found, f"{signature}:*": rest} if rest else found


def _name(value: Any, kind: DataType) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        short = f"{value + 0.0:.7g}" if kind.kind == "FLOAT" else repr(value + 0.0)
        return short if "." in short or "e" in short or "n" in short else f"{short}.0"
    if isinstance(value, Decimal):
        return f"{value:.{kind.scale or 0}f}"
    if isinstance(value, datetime):
        return "a moment"
    return value.isoformat() if isinstance(value, date) else str(value)


def _answers(
    check: Any, columns: Columns, rows: Sequence[Row], around: Around
) -> list[bool | None]:
    if isinstance(check, Custom):
        assert around.functions is not None
        return around.functions(check)(rows)
    assert isinstance(check, ForeignKey)
    if check.dataset not in around.references:
        raise LookupError(f"{check.dataset} has no certified version to look keys up in")
    there, known_rows = around.references[check.dataset]
    for name in check.references:
        if not _there(name, there):
            raise LookupError(f"column {name} is absent from {check.dataset}")
    for mine, other in zip(check.fields, check.references, strict=True):
        if _kin(type_of(mine, columns)) != _kin(type_of(other, there)):
            raise LookupError(f"keys of {check.dataset} are of another type")
    floats = {
        index: kind
        for index, pair in enumerate(zip(check.fields, check.references, strict=True))
        for kind in (type_of(pair[0], columns), type_of(pair[1], there))
        if kind.is_float
    }

    def key(row: Row, names: Sequence[str]) -> tuple[Hashable, ...]:
        """Return a key, its decimals as the nearest floats where they meet floats."""
        values = [value_of(row, name) for name in names]
        for index, kind in floats.items():
            if isinstance(values[index], Decimal):
                values[index] = rounded(float(values[index]), kind)
        return tuple(map(_one, values))

    known = {key(row, check.references) for row in known_rows}
    known = {each for each in known if None not in each}
    found: list[bool | None] = []
    for row in rows:
        mine = key(row, check.fields)
        found.append(None if None in mine else mine in known)
    return found


def _unique(
    rule: Rule, check: Unique, columns: Columns, rows: Sequence[Row], around: Around
) -> Outcome:
    fields = check.fields or tuple(columns)
    said = _covered(rule.where, rows)
    keys = [_key(row, fields) for row in rows]
    if check.nulls == "distinct":
        said = [
            "out" if s == "in" and None in key else s for s, key in zip(said, keys, strict=True)
        ]
    table: list[tuple[Hashable, ...]] = []
    if check.scope == "table":
        covered = _covered(rule.where, around.others)
        kept = [row for row, s in zip(around.others, covered, strict=True) if s == "in"]
        table = [_key(row, fields) for row in kept]
        if check.nulls == "distinct":
            table = [key for key in table if None not in key]
    mine = Counter(key for key, s in zip(keys, said, strict=True) if s == "in")
    theirs = Counter(table)
    copies = {key for key in mine if mine[key] + theirs[key] > 1}
    answers = [
        ("fail" if key in copies else "pass") if s == "in" else s
        for key, s in zip(keys, said, strict=True)
    ]
    surplus = sum(mine[key] - (0 if theirs[key] else 1) for key in copies)
    return _counted(rule, columns, rows, answers, surplus)


def _key(row: Row, fields: Sequence[str]) -> tuple[Hashable, ...]:
    return tuple(_one(value_of(row, name)) for name in fields)


def _one(value: Any) -> Hashable:
    """Return a value so that two that are one are equal, and no others."""
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, float):
        return None if math.isnan(value) else value if math.isinf(value) else Fraction(value)
    if isinstance(value, int | Decimal):
        return Fraction(value)
    if isinstance(value, dict):
        return tuple((name, _one(each)) for name, each in value.items())
    if isinstance(value, list):
        return ("list", *(_one(each) for each in value))
    return value  # type: ignore[no-any-return]


def _batch(rule: Rule, check: Batch, rows: Sequence[Row], around: Around) -> Outcome:
    if not rows and check.measure != "row_count":
        return Outcome("skipped", reason="no rows")
    covered = _covered(rule.where, rows)
    if "error" in covered:
        return _error(rule, rows, "`where` cannot be evaluated on every row")
    kept = [row for row, each in zip(rows, covered, strict=True) if each == "in"]
    values = [_plain(value_of(row, check.field)) for row in kept] if check.field else []
    known = [value for value in values if value is not None]
    try:
        found = _measure(check, len(kept), values, known, around.now)
    except OverflowError as error:
        return _error(rule, rows, str(error))
    if found is None:
        return Outcome("skipped", reason="no values")
    good = _within(check, found)
    status = "pass" if good else "warn" if rule.severity == "warn" else "fail"
    signatures = {} if good else {rule.signature: 1}
    return Outcome(status, 1, int(not good), None, signatures, shown(found))


def _plain(value: Any) -> Any:
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, bool | float):
        return value
    return Fraction(value) if isinstance(value, int | Decimal) else value


def _measure(
    check: Batch, rows: int, values: Sequence[Any], known: Sequence[Any], now: datetime
) -> Fraction | float | None:
    match check.measure:
        case "row_count":
            return Fraction(rows)
        case "null_rate":
            return Fraction(rows - len(known), rows) if rows else None
        case "distinct_count":
            return Fraction(len({_one(value) for value in known}))
    if not known or (check.measure == "stddev" and len(known) < 2):
        return None
    match check.measure:
        case "freshness":
            age = now - max(_moment(value) for value in known)
            return Fraction(age // timedelta(microseconds=1), 10**6)
        case "min":
            return min(known)  # type: ignore[no-any-return]
        case "max":
            return max(known)  # type: ignore[no-any-return]
    infinite = any(isinstance(value, float) and math.isinf(value) for value in known)
    if infinite and check.measure in ("sum", "avg"):
        return float(sum(known))
    if infinite and check.measure == "stddev":
        return math.nan
    return _of_numbers(check, known)


def _of_numbers(check: Batch, known: Sequence[Any]) -> Fraction | float:
    """Return sum, mean, deviation or quantile: exact for exact values, the nearest for floats."""
    if check.measure == "quantile":
        return _quantile(sorted(known), Fraction(str(check.quantile)))
    exact = [Fraction(value) for value in known]
    floats = isinstance(known[0], float)
    total = sum(exact, Fraction())
    if check.measure in ("sum", "avg"):
        if not floats and abs(total) >= 10**38:
            raise OverflowError("the sum has more than 38 digits")
        found = total if check.measure == "sum" else total / len(exact)
        return float(found) if floats else found
    mean = total / len(exact)
    spread = sum(((value - mean) ** 2 for value in exact), Fraction()) / (len(exact) - 1)
    square = _WIDE.divide(Decimal(spread.numerator), Decimal(spread.denominator))
    return float(_WIDE.sqrt(square))


def _quantile(ordered: Sequence[Any], share: Fraction) -> Fraction | float:
    """Return the value at a share of the way from the least to the greatest, between neighbours."""
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    low, rest = ordered[below], place - below
    if not rest:
        return low  # type: ignore[no-any-return]
    high = ordered[below + 1]
    if not isinstance(low, float):
        return low + (high - low) * rest  # type: ignore[no-any-return]
    if math.isinf(low) or math.isinf(high):
        return low + (high - low) * float(rest)
    return float(Fraction(low) + (Fraction(high) - Fraction(low)) * rest)


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return datetime(value.year, value.month, value.day, tzinfo=UTC)


def _within(check: Batch, value: Fraction | float) -> bool:
    low, high = (None if end is None else Fraction(end) for end in (check.minimum, check.maximum))
    if isinstance(value, float):
        if not math.isfinite(value):
            return False
        value = _twelve(Fraction(value))
        low, high = (None if end is None else _twelve(end) for end in (low, high))
    above = low is None or (value > low if check.exclusive_minimum else value >= low)
    below = high is None or (value < high if check.exclusive_maximum else value <= high)
    return above and below


def _twelve(value: Fraction) -> Fraction:
    return Fraction(Context(prec=12).divide(Decimal(value.numerator), Decimal(value.denominator)))


def shown(value: Fraction | float) -> str:
    """Return a number as results show it: exact where it ends, else to 12 digits."""
    if isinstance(value, float):
        return f"{value + 0.0:.12g}"
    rest = value.denominator
    for factor in (2, 5):
        while rest % factor == 0:
            rest //= factor
    if rest != 1:
        return f"{float(value):.12g}"
    exact = Context(prec=500).divide(Decimal(value.numerator), Decimal(value.denominator))
    return f"{exact:f}"


def _error(rule: Rule, rows: Sequence[Row], reason: str) -> Outcome:
    batch = isinstance(rule.check, Batch)
    count = 1 if batch else len(rows)
    numbers = None if batch else tuple(range(1, len(rows) + 1))
    signatures = {rule.signature: count} if count else {}
    return Outcome("error", count, count, numbers, signatures, reason=reason)


def _read(rule: Rule) -> list[str]:
    from sfctl.model.expr import fields_of

    named = (rule.check.expr if isinstance(rule.check, RowCheck) else None, rule.where)
    found = [name for expr in named if expr is not None for name in fields_of(expr)]
    match rule.check:
        case Unique(fields=fields) | ForeignKey(fields=fields) | Custom(fields=fields):
            found += fields
        case Batch(field=name) if name:
            found.append(name)
    return found


def _there(name: str, columns: Columns) -> bool:
    return name in columns or name.split(".")[0] in columns


def type_of(name: str, columns: Columns) -> DataType:
    if name in columns:
        return columns[name]
    head, *rest = name.split(".")
    kind = columns[head]
    for part in rest:
        kind = kind.args[kind.names.index(part)]
    return kind


def _kin(kind: DataType) -> str:
    return "number" if kind.is_numeric else kind.kind


def value_of(row: Row, name: str) -> Any:
    if name in row:
        return row[name]
    head, *rest = name.split(".")
    value = row[head]
    for part in rest:
        value = None if value is None else value[part]
    return value

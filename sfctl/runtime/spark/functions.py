"""The closed list of functions, named formats and lossless casts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from sfctl.model.types import DataType
from sfctl.runtime.representation import Family
from sfctl.runtime.spark import arithmetic, columns, exact, floats, moments, numbers
from sfctl.runtime.spark.columns import STRING
from sfctl.runtime.spark.sql import (
    DataError,
    Term,
    any_error,
    boolean,
    cast,
    either,
    inner,
    joined,
    negated,
)

_INT32 = DataType("INT32")
_TEMPORAL = frozenset(["date", "time", "instant", "naive", "duration"])


def call(name: str, arguments: Sequence[Term]) -> Term:
    """Return a function of `sfctl.model.functions` applied. Raises DataError for strangers."""
    if name == "coalesce":
        return _coalesce(arguments)
    if name == "abs":
        return _absolute(arguments[0])
    if name in _TEXT:
        return _of_text(name, arguments)
    first = arguments[0]
    if first.family not in ("date", "time", "instant", "naive"):
        raise DataError(f"{name} takes a date or time, not {first.dtype}")
    if first.dtype.kind == "NULL":
        return first
    if name == "date":
        return Term(moments.utc_day(first), "date", moments.DATE, first.error)
    value = moments.part(name, first)
    return Term(value, "exact", _INT32, first.error, low=-(2**31), high=2**31 - 1)


def case(branches: Sequence[tuple[Term, Term]], otherwise: Term) -> Term:
    """Return the result of the first branch whose condition holds, else `otherwise`."""
    results = unified([*(then for _, then in branches), otherwise])
    tests = [test for test, _ in branches]
    value, error = results[-1].value, results[-1].error
    if all(test.error is None for test in tests):
        whens = " ".join(
            f"WHEN {test.value} THEN {result.value}"
            for test, result in zip(tests, results[:-1], strict=True)
        )
        value = f"CASE {whens} ELSE {value} END"
    for test, result in reversed(list(zip(tests, results[:-1], strict=True))):
        if any(other.error is not None for other in tests):
            value = f"if({test.value}, {result.value}, {value})"
        error = _chosen_error(test, result.error, error)
        if test.error is not None:
            value = f"if({negated(test.error)}, {value}, NULL)"
    return replace(results[0], value=value, error=error, constant=None, literal=None)


def unified(terms: Sequence[Term]) -> list[Term]:
    """Bring the results of CASE or COALESCE to one representation."""
    some = [term for term in terms if term.dtype.kind != "NULL"]
    families = {term.family for term in some}
    if families == {"exact", "float"}:
        return [floats.as_float(_typed(term, "float")) for term in terms]
    if len(families) > 1:
        raise DataError(f"results of different kinds: {', '.join(sorted(families))}")
    if families == {"exact"}:
        return _exactly([_typed(term, "exact") for term in terms], max(t.scale for t in some))
    if families and families <= {"date", "time", "instant", "naive", "duration"}:
        return _moments(terms, some)
    return [t if t.dtype.kind != "NULL" or not some else _typed(t, some[0].family) for t in terms]


def _moments(terms: Sequence[Term], some: Sequence[Term]) -> list[Term]:
    same = iter(moments.unified(list(some)))
    found = [next(same) if term.dtype.kind != "NULL" else None for term in terms]
    first = next(term for term in found if term is not None)
    return [
        replace(first, value="NULL", error=term.error, constant=None) if made is None else made
        for made, term in zip(found, terms, strict=True)
    ]


def _exactly(terms: list[Term], scale: int) -> list[Term]:
    """Bring exact numbers to one type: BIGINT, a decimal, or whole numbers of 38 digits."""
    low, high = min(t.low for t in terms), max(t.high for t in terms)
    if all(numbers.is_integer(term) for term in terms):
        same = [replace(t, value=numbers.as_long(t), dtype=numbers.INT64) for t in terms]
        return [replace(t, low=low, high=high, constant=None) for t in same]
    before = max(numbers.shape(term)[0] for term in terms)
    if all(term.form == "own" for term in terms) and before + scale <= numbers.DIGITS:
        kind = DataType("DECIMAL", max(before + scale, 1), scale)
        found = []
        for term in terms:
            lift = 10 ** (scale - term.scale)
            value = cast(numbers.as_decimal(term), str(kind))
            ends = {"low": term.low * lift, "high": term.high * lift, "scale": scale}
            found.append(replace(term, value=value, dtype=kind, constant=None, **ends))
    else:
        found = [arithmetic.at_scale(term, scale) for term in terms]
        found = [numbers.wide(numbers.as_wide(t), scale, t.low, t.high, t.error) for t in found]
    low, high = min(t.low for t in found), max(t.high for t in found)
    return [replace(term, low=low, high=high) for term in found]


def _typed(term: Term, family: Family) -> Term:
    """Give a bare NULL the family of the results beside it."""
    if term.dtype.kind != "NULL":
        return term
    kinds: dict[Family, tuple[str, DataType]] = {
        "float": ("DOUBLE", floats.DOUBLE), "exact": ("INT", _INT32),
        "string": ("STRING", STRING), "boolean": ("BOOLEAN", DataType("BOOLEAN")),
    }  # fmt: skip
    if family not in kinds:
        return term
    kind, dtype = kinds[family]
    return Term(cast("NULL", kind), family, dtype, term.error, low=0, high=0)


def _chosen_error(test: Term, chosen: str | None, other: str | None) -> str | None:
    """Return the error of a branch: the condition's own, else that of the branch taken."""
    if test.error is None and chosen is None and other is None:
        return None
    if chosen is None and other is None:
        return test.error
    picked = f"if({test.value}, {chosen or 'FALSE'}, {other or 'FALSE'})"
    return either([test.error, picked])


def _coalesce(arguments: Sequence[Term]) -> Term:
    terms = unified(arguments)
    value = (
        f"coalesce({', '.join(term.value for term in terms)})" if len(terms) > 1 else terms[0].value
    )
    error: str | None = None
    for term in reversed(terms):
        later = None if error is None else f"{inner(error)} AND {inner(term.value)} IS NULL"
        error = either([term.error, later])
    if error is not None:
        value = f"if({negated(error)}, {value}, NULL)"
    return replace(terms[0], value=value, error=error, constant=None, literal=None)


def _absolute(term: Term) -> Term:
    if term.family == "exact":
        return arithmetic.absolute(term)
    if term.family != "float":
        raise DataError(f"abs takes a number, not {term.dtype}")
    return replace(term, value=f"abs({term.value})", literal=None)


def _of_text(name: str, arguments: Sequence[Term]) -> Term:
    arguments = [_typed(term, "string") for term in arguments]
    expected = arguments[:1] if name == "substring" else arguments
    for term in expected:
        if term.family != "string":
            raise DataError(f"{name} takes text, not {term.dtype}")
    error = any_error(*arguments)
    value = _TEXT[name](*(term.value for term in arguments))
    if name == "length":
        return Term(value, "exact", _INT32, error, low=0, high=2**31 - 1)
    if name in ("starts_with", "ends_with", "contains"):
        return boolean(value, error)
    return Term(value, "string", STRING, error)


def _substring(text: str, start: str, length: str | None = None) -> str:
    """Characters from `start` on, counted from 1; positions before the text use up length."""
    first = int(start)
    if length is None:
        return f"substring({text}, {max(first, 1)})"
    size = max(first + int(length) - max(first, 1), 0)
    return f"substring({text}, {max(first, 1)}, {size})"


_TEXT: dict[str, Callable[..., str]] = {
    "length": lambda text: f"char_length({text})",
    "lower": lambda text: f"lower({text})",
    "upper": lambda text: f"upper({text})",
    "trim": lambda text: f"trim({text})",
    "substring": _substring,
    "starts_with": lambda text, other: f"startswith({text}, {other})",
    "ends_with": lambda text, other: f"endswith({text}, {other})",
    "contains": lambda text, other: f"contains({text}, {other})",
    "concat": lambda *texts: f"concat({', '.join(texts)})",
}


def casts_to(operand: Term, want: DataType) -> Term:
    """Return whether a value can be read as `want` without loss; null passes."""
    if operand.dtype.kind == "NULL":
        return boolean("TRUE", operand.error)
    there = f"{inner(operand.value)} IS NOT NULL"
    try:
        read = columns.read_as(operand, want, "value")
    except DataError:
        return boolean(f"if({there}, FALSE, NULL)")
    good = [] if read.error is None else [negated(read.error)]
    if read.family == "exact" and want.is_exact:
        good += _fits(read, want)
    if want.is_float and operand.family in ("exact", "float"):
        good += _holds(operand, want)
    if not good:
        return boolean(f"if({there}, TRUE, NULL)")
    # a value that could not be read makes the other tests unknown
    return boolean(f"if({there}, coalesce({joined('AND', good)}, FALSE), NULL)")


def _fits(term: Term, want: DataType) -> list[str]:
    """Return what must hold of an exact number for a type to hold it; nothing where it must."""
    if want.kind == "DECIMAL":
        if want.precision is None or want.scale is None:
            return []
        most, scale = 10**want.precision - 1, want.scale
        least = -most
    else:
        (least, most), scale = numbers.RANGES[want.kind], 0
    tests = []
    for symbol, end in (("<=", most), (">=", least)):
        shifted = end * 10 ** max(term.scale - scale, 0)
        if (
            (term.high * 10 ** max(scale - term.scale, 0) > shifted)
            if symbol == "<="
            else (term.low * 10 ** max(scale - term.scale, 0) < shifted)
        ):
            tests.append(exact.compare(symbol, term, arithmetic.constant(end, scale)).value)
    if term.scale > scale:
        unit = numbers.number(10 ** (term.scale - scale), decimal=True)
        tests.append(f"{numbers.as_wide(term)} % {unit} = 0")
    return tests


def _holds(term: Term, want: DataType) -> list[str]:
    """Return what must hold for a float type to give a number back as it was.

    Floats need only its range.
    """
    if term.family == "float":
        return [] if want.kind == "DOUBLE" else [_narrow(term.value, want)[1]]
    near = floats.to_float(term).value
    narrow, inside = _narrow(near, want)
    if not term.scale:
        whole = floats.compare(
            "=", replace(term, constant=None), Term(narrow, "float", floats.DOUBLE)
        )
        return [inside, f"{inner(near)} = {inner(narrow)}", whole.value]
    digits = f"round(try_cast({cast(narrow, 'STRING')} AS DECIMAL(38,{term.scale})), {term.scale})"
    return [inside, f"{digits} = {inner(term.value)}"]


def _narrow(value: str, want: DataType) -> tuple[str, str]:
    if want.kind == "DOUBLE":
        return value, "TRUE"
    infinite = f"abs({value}) = {floats.INFINITY}"
    if want.kind == "HALF":
        return value, f"(abs({value}) < 65520D OR {infinite})"
    narrow = f"CAST(CAST({value} AS FLOAT) AS DOUBLE)"
    return narrow, f"(abs({narrow}) < {floats.INFINITY} OR {infinite})"

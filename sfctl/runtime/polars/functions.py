"""The closed list of functions, named formats and lossless casts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

import polars as pl

from sfctl.model.formats import FORMATS
from sfctl.model.types import DataType
from sfctl.runtime.faults import DataError
from sfctl.runtime.polars import columns, exact, floats, texts
from sfctl.runtime.polars.term import RANGES, Term, any_error, boolean
from sfctl.runtime.polars.texts import INTEGER_TYPES
from sfctl.runtime.representation import Family


def call(name: str, arguments: Sequence[Term]) -> Term:
    """Return a function of `sfctl.model.functions` applied. Raises DataError for strangers."""
    if name == "coalesce":
        return _coalesce(arguments)
    if name == "abs":
        return _absolute(arguments[0])
    if name in _TEXT:
        return _of_text(name, arguments)
    first = arguments[0]
    if first.family == "instant":
        first = replace(first, value=first.value.dt.convert_time_zone("UTC"))
    if first.family not in ("date", "time", "instant", "naive"):
        raise DataError(f"{name} takes a date or time, not {first.dtype}")
    if name == "date":
        return Term(first.value.dt.date(), "date", pl.Date(), first.error)
    part = getattr(first.value.dt, name)().cast(pl.Int32)
    return Term(part, "exact", pl.Int32(), first.error, low=-(2**31), high=2**31 - 1)


def unified(terms: Sequence[Term]) -> list[Term]:
    """Bring the results of CASE or COALESCE to one representation."""
    known = [term for term in terms if term.dtype != pl.Null()]
    families = {term.family for term in known}
    if families == {"exact", "float"}:
        return [floats.as_float(_typed(term, "float")) for term in terms]
    if len(families) > 1:
        raise DataError(f"results of different kinds: {', '.join(sorted(families))}")
    if families == {"exact"}:
        scale = max(term.scale for term in known)
        same = [exact.at_scale(_typed(term, "exact"), scale) for term in terms]
        low, high = min(t.low for t in same), max(t.high for t in same)
        dtype = same[0].dtype if len({t.dtype for t in same}) == 1 else pl.Int128()
        return [
            replace(t, value=t.value.cast(dtype) if t.dtype != dtype else t.value, dtype=dtype,
                    scale=scale, low=low, high=high, constant=None, literal=None)
            for t in same
        ]  # fmt: skip
    return [t if t.dtype != pl.Null() or not known else _typed(t, known[0].family) for t in terms]


def chosen_error(test: Term, chosen: pl.Expr | None, other: pl.Expr | None) -> pl.Expr | None:
    """Return the error of a branch: the condition's own, else that of the branch taken."""
    if test.error is None and chosen is None and other is None:
        return None
    no = pl.lit(False)
    picked = pl.when(test.value).then(no if chosen is None else chosen)
    error = picked.otherwise(no if other is None else other)
    return error if test.error is None else test.error | error


def casts_to(operand: Term, want: DataType) -> Term:
    """Return whether a value can be read as `want` without loss; null passes."""
    if operand.dtype == pl.Null():
        return boolean(operand.value.is_null())
    try:
        read = columns.read_as(operand, want, "value")
    except DataError:
        return boolean(pl.when(operand.value.is_not_null()).then(pl.lit(False)))
    good = pl.lit(True) if read.error is None else ~read.error
    if read.family == "exact":
        good = good & _fits(read, want)
    if want.is_float and operand.family in ("exact", "float"):
        good = good & _holds(operand, texts.dtype_of(want))
    return boolean(pl.when(operand.value.is_not_null()).then(good))


def has_format(text: pl.Expr, name: str) -> pl.Expr:
    """Return whether text has a named format of `sfctl.model.formats`; null where it is null."""
    spec = FORMATS[name]
    shaped = text.str.contains(rf"\A(?:{spec.pattern})\z")
    check = spec.check
    if check is None:
        return shaped

    def checked(values: pl.Series) -> pl.Series:
        candidates = values.filter(values.str.contains(rf"\A(?:{spec.pattern})\z")).unique()
        return values.is_in([value for value in candidates if check(value)])

    return text.map_batches(checked, return_dtype=pl.Boolean())


def _fits(term: Term, want: DataType) -> pl.Expr:
    if want.kind == "DECIMAL":
        if want.precision is None or want.scale is None:
            return pl.lit(True)
        most, scale = 10**want.precision - 1, want.scale
    else:
        most, scale = RANGES[INTEGER_TYPES[want.kind]][1], 0
    least = -most if want.kind == "DECIMAL" else RANGES[INTEGER_TYPES[want.kind]][0]
    above = exact.compare("<=", term, exact.constant(most, scale)).value
    below = exact.compare(">=", term, exact.constant(least, scale)).value
    fits = above & below
    if term.scale > scale:
        unit = pl.lit(10 ** (term.scale - scale), dtype=pl.Int128)
        fits = fits & ((term.value.cast(pl.Int128) % unit) == pl.lit(0, dtype=pl.Int128))
    return fits.fill_null(value=False)


def _holds(term: Term, dtype: pl.DataType) -> pl.Expr:
    """Return where a float type gives a number back as it was; floats need only its range."""
    if term.family == "float":
        narrow = term.value.cast(dtype)
        return (narrow.is_finite() | term.value.is_infinite()).fill_null(value=False)
    if not term.scale:
        rounded = term.value.cast(dtype).cast(pl.Float64)
        return (exact.to_float(term).value == rounded) & floats.compare(
            "=", term, Term(rounded, "float", pl.Float64())
        ).value
    unit = 10**term.scale
    nearest = exact.to_float(term).value.cast(dtype).cast(pl.Float64)

    def given_back(pairs: pl.Series) -> pl.Series:
        found = [
            p["whole"] is not None and round(Fraction(p["nearest"]) * unit) == p["whole"]
            for p in pairs
        ]
        return pl.Series(pairs.name, found, dtype=pl.Boolean)

    pairs = pl.struct(term.value.alias("whole"), nearest.alias("nearest"))
    return pairs.map_batches(given_back, return_dtype=pl.Boolean(), is_elementwise=True)


def _typed(term: Term, family: Family) -> Term:
    """Give a bare NULL the family of the results beside it."""
    if term.dtype != pl.Null():
        return term
    dtypes: dict[Family, pl.DataType] = {"float": pl.Float64(), "exact": pl.Int64()}
    dtype = dtypes.get(family, pl.Null())
    return Term(term.value.cast(dtype), family, dtype, term.error, low=0, high=0)


def _coalesce(arguments: Sequence[Term]) -> Term:
    terms = unified(arguments)
    value = pl.coalesce([term.value for term in terms])
    error: pl.Expr | None = None
    for term in reversed(terms):
        later = None if error is None else error & term.value.is_null()
        found = [e for e in (term.error, later) if e is not None]
        error = None if not found else found[0] if len(found) == 1 else found[0] | found[1]
    if error is not None:
        value = pl.when(~error).then(value)
    return replace(terms[0], value=value, error=error, constant=None, literal=None)


def _absolute(term: Term) -> Term:
    if term.family == "exact":
        return exact.absolute(term)
    if term.family != "float":
        raise DataError(f"abs takes a number, not {term.dtype}")
    return replace(term, value=term.value.abs(), literal=None)


def _of_text(name: str, arguments: Sequence[Term]) -> Term:
    arguments = [
        replace(term, value=term.value.cast(pl.String), family="string", dtype=pl.String())
        if term.dtype == pl.Null()
        else term
        for term in arguments
    ]
    text = arguments[0]
    expected = arguments[:1] if name == "substring" else arguments
    for term in expected:
        if term.family != "string":
            raise DataError(f"{name} takes text, not {term.dtype}")
    error = any_error(*arguments)
    if name == "length":
        value = text.value.str.len_chars().cast(pl.Int64)
        return Term(value, "exact", pl.Int64(), error, low=0, high=2**32)
    value = _TEXT[name](*(term.value for term in arguments))
    if name in ("starts_with", "ends_with", "contains"):
        return boolean(value, error)
    return Term(value, "string", pl.String(), error)


def _substring(text: pl.Expr, start: pl.Expr, length: pl.Expr | None = None) -> pl.Expr:
    """Characters from `start` on, counted from 1; positions before the text use up length."""
    first = start.cast(pl.Int64) - 1
    offset = pl.max_horizontal(first, pl.lit(0, dtype=pl.Int64))
    if length is None:
        return text.str.slice(offset)
    last = first + length.cast(pl.Int64)
    return text.str.slice(offset, pl.max_horizontal(last - offset, pl.lit(0, dtype=pl.Int64)))


_TEXT: dict[str, Callable[..., pl.Expr]] = {
    "length": lambda text: text,
    "lower": lambda text: text.str.to_lowercase(),
    "upper": lambda text: text.str.to_uppercase(),
    "trim": lambda text: text.str.strip_chars(" "),
    "substring": _substring,
    "starts_with": lambda text, other: text.str.starts_with(other),
    "ends_with": lambda text, other: text.str.ends_with(other),
    "contains": lambda text, other: text.str.contains(other, literal=True),
    "concat": lambda *texts: pl.concat_str(texts),
}

"""A column as a term: read as the type the policy declares, with the cells that are not of it."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from sfctl.model.binding import path_of
from sfctl.model.expr import Field
from sfctl.model.types import DataType
from sfctl.runtime.faults import DataError
from sfctl.runtime.polars import texts
from sfctl.runtime.polars.term import RANGES, Bounds, Term
from sfctl.runtime.representation import LIMIT, Family

INTEGERS = frozenset(RANGES) - {pl.Int128()}


def term_of(field: Field, schema: Mapping[str, pl.DataType], bounds: Bounds) -> Term:
    """Return a column, or a path into a struct, as its declared type.

    Raises DataError where the column is absent or no cell of it can be of that type.
    """
    value, dtype = raw(field.path, schema)
    term = as_found(value, dtype, bounds.get(field.path))
    return read_as(term, field.type, ".".join(field.path))


def raw(path: tuple[str, ...], schema: Mapping[str, pl.DataType]) -> tuple[pl.Expr, pl.DataType]:
    """Return a column untouched and its type. Raises DataError when it is absent."""
    if path[0] not in schema:
        raise DataError(f"column {path[0]} is absent")
    value, dtype = pl.col(path[0]), schema[path[0]]
    for name in path[1:]:
        inner = {f.name: f.dtype for f in dtype.fields} if isinstance(dtype, pl.Struct) else {}
        if name not in inner:
            raise DataError(f"field {'.'.join(path)} is absent")
        value, dtype = value.struct.field(name), _instance(inner[name])
    return value, dtype


def named(name: str, schema: Mapping[str, pl.DataType]) -> tuple[pl.Expr, pl.DataType]:
    """Return what a written name means, untouched, and its type. Raises DataError if absent."""
    return raw(path_of(name, schema), schema)


def as_found(value: pl.Expr, dtype: pl.DataType, bounds: tuple[int, int] | None = None) -> Term:
    """Return a value as the type it has; NaN is null, dictionaries are their value type."""
    if dtype in INTEGERS:
        low, high = bounds or RANGES[dtype]
        return Term(value, "exact", dtype, low=low, high=high)
    if isinstance(dtype, pl.Decimal):
        low, high = bounds or (1 - 10 ** (dtype.precision or 38), 10 ** (dtype.precision or 38) - 1)
        whole = value.to_physical()
        return Term(whole, "exact", pl.Int128(), scale=dtype.scale, low=low, high=high)
    if dtype == pl.Int128() or dtype == pl.UInt128():
        low, high = bounds or (-LIMIT, LIMIT)
        wide = value if dtype == pl.Int128() else value.cast(pl.Int128, strict=False)
        beyond = (value.is_not_null() & ~wide.is_between(-LIMIT, LIMIT)).fill_null(value=True)
        return Term(wide, "exact", pl.Int128(), low=low, high=high).masked(
            None if bounds else beyond
        )
    if dtype in (pl.Float64(), pl.Float32()) or dtype == pl.Float16():
        plain = value if dtype == pl.Float64() else value.cast(pl.Float64)
        return Term(plain.fill_nan(None), "float", pl.Float64())
    if dtype == pl.String() or isinstance(dtype, pl.Categorical | pl.Enum):
        text = value if dtype == pl.String() else value.cast(pl.String)
        return Term(text, "string", pl.String())
    if isinstance(dtype, pl.Datetime):
        return Term(value, "instant" if dtype.time_zone else "naive", dtype)
    simple = {
        pl.Boolean(): "boolean", pl.Date(): "date", pl.Time(): "time", pl.Binary(): "binary",
    }  # fmt: skip
    if dtype in simple:
        return Term(value, simple[dtype], dtype)  # type: ignore[arg-type]
    return Term(value, "duration" if isinstance(dtype, pl.Duration) else "other", dtype)


def text_of(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Return a value as it is named to people: decimals with their point, -0.0 as 0.0."""
    if dtype.is_float():
        zero = pl.lit(0.0, dtype=dtype)
        value = pl.when(value.fill_nan(None) == zero).then(zero).otherwise(value.fill_nan(None))
    return value.cast(pl.String, strict=False)


def read_as(term: Term, want: DataType, name: str) -> Term:
    """Return the term as the declared type; cells that are not of it are errors.

    Raises DataError where the two types have nothing in common.
    """
    family = family_of(want)
    if family is None or family == term.family:
        return term
    if term.dtype == pl.Null():
        if family == "string":
            return Term(term.value.cast(pl.String), family, pl.String())
        return Term(term.value, family, term.dtype)
    if family == "float" and term.family == "exact":
        from sfctl.runtime.polars.exact import to_float

        return to_float(term)
    if family == "exact" and term.family == "float":
        return whole_number(term) if want.is_integer else _decimal(term, want)
    if family == "naive" and term.family == "date":
        return Term(term.value.cast(pl.Datetime("us")), "naive", pl.Datetime("us"))
    if family == "date" and term.family == "naive":
        day = term.value.dt.date()
        return Term(day, "date", pl.Date()).masked(
            (day.cast(term.dtype) != term.value).fill_null(value=False)
        )
    if term.family == "string":
        return _read(term, want)
    if family == "string" and term.family not in ("other", "binary"):
        return Term(term.value.cast(pl.String), "string", pl.String(), term.error)
    raise DataError(f"column {name} is {term.dtype} where {want} is declared")


def _read(term: Term, want: DataType) -> Term:
    typed = texts.column(term.value, want)
    wrong = term.value.is_not_null() & typed.is_null()
    return as_found(typed, texts.dtype_of(want)).masked(wrong)


def whole_number(term: Term) -> Term:
    """Return the integers that floats stand for; other floats are errors."""
    whole = term.value.cast(pl.Int64, strict=False)
    wrong = term.value.is_not_null() & (whole.cast(pl.Float64) != term.value).fill_null(value=True)
    low, high = RANGES[pl.Int64()]
    return Term(whole, "exact", pl.Int64(), low=low, high=high).masked(wrong)


def _decimal(term: Term, want: DataType) -> Term:
    from sfctl.runtime.polars.exact import to_float

    scale = want.scale or 0
    inside = pl.when(term.value.abs() < float(10 ** (38 - scale))).then(term.value)
    # the part after the point alone: times a power of ten, the whole would be rounded
    rest = ((inside - inside.floor()) * float(10**scale)).round().cast(pl.Int128)
    whole = inside.floor().cast(pl.Int128) * pl.lit(10**scale, dtype=pl.Int128) + rest
    read = Term(whole, "exact", pl.Int128(), scale=scale)
    wrong = (to_float(read).value != term.value).fill_null(value=True)
    return read.masked(term.value.is_not_null() & wrong)


def as_decimal(value: pl.Expr, scale: int) -> pl.Expr:
    """Return doubles as the decimals they are the nearest to, null beyond 38 digits.

    The kernel raises for some that are too great, whatever it is told.
    """
    inside = pl.when(value.abs() < float(10 ** (38 - scale))).then(value)
    return inside.cast(pl.Decimal(38, scale), strict=False)


def family_of(kind: DataType) -> Family | None:
    """Return the family a declared type is computed in; None for ANY and nested types."""
    if kind.is_exact:
        return "exact"
    if kind.is_float:
        return "float"
    named: dict[str, Family] = {
        "BOOLEAN": "boolean", "STRING": "string", "JSON": "string", "DATE": "date", "TIME": "time",
        "TIMESTAMP": "instant", "TIMESTAMP_NTZ": "naive", "DURATION": "duration",
        "BINARY": "binary",
    }  # fmt: skip
    return named.get(kind.kind)


def _instance(dtype: object) -> pl.DataType:
    return dtype() if isinstance(dtype, type) else dtype  # type: ignore[return-value]

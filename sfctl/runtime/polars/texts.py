"""Text read as typed values, cell by cell: what CSV, JSON and untyped columns hold."""

from __future__ import annotations

import polars as pl

from sfctl.model.types import DataType
from sfctl.runtime.polars.term import LIMIT, RANGES, DataError, Term

_NUMBER = r"\A[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?\z"
_WHOLE = r"\A[+-]?[0-9]+(?:\.0*)?\z"
INTEGER_TYPES = {
    "INT8": pl.Int8(), "INT16": pl.Int16(), "INT32": pl.Int32(), "INT64": pl.Int64(),
    "UINT8": pl.UInt8(), "UINT16": pl.UInt16(), "UINT32": pl.UInt32(), "UINT64": pl.UInt64(),
}  # fmt: skip


def parsed(term: Term, want: DataType, name: str) -> Term:
    """Return the values a text column stands for; cells that cannot be read are errors.

    Raises DataError for types that have no written form.
    """
    text = term.value
    if want.is_integer:
        dtype = INTEGER_TYPES[want.kind]
        low, high = RANGES[dtype]
        plain = pl.when(text.str.contains(_WHOLE)).then(text.str.replace(r"\.0*\z", ""))
        found = Term(plain.cast(dtype, strict=False), "exact", dtype, low=low, high=high)
    elif want.kind == "DECIMAL":
        found = _decimal(text, want)
    elif want.is_float:
        value = pl.when(text.str.contains(_NUMBER)).then(text).cast(pl.Float64, strict=False)
        special = text.str.to_lowercase().is_in(["nan"])
        found = Term(value.fill_nan(None), "float", pl.Float64())
        return found.masked(text.is_not_null() & found.value.is_null() & ~special)
    elif want.kind == "BOOLEAN":
        low_text = text.str.to_lowercase()
        found = Term(
            pl.when(low_text == "true").then(True).when(low_text == "false").then(False),
            "boolean", pl.Boolean(),
        )  # fmt: skip
    elif want.kind == "DATE":
        found = Term(text.str.to_date("%Y-%m-%d", strict=False), "date", pl.Date())
    elif want.kind == "TIME":
        found = Term(text.str.to_time("%H:%M:%S%.f", strict=False), "time", pl.Time())
    elif want.kind == "TIMESTAMP_NTZ":
        value = _normal(text).str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False)
        found = Term(value, "naive", pl.Datetime("us"))
    elif want.kind == "TIMESTAMP":
        value = (
            _normal(text)
            .str.replace(r"[zZ]\z", "+00:00")
            .str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", time_unit="us", strict=False)
        )
        found = Term(value, "instant", pl.Datetime("us", "UTC"))
    else:
        raise DataError(f"column {name} is text where {want} is declared")
    return found.masked(text.is_not_null() & found.value.is_null())


def _normal(text: pl.Expr) -> pl.Expr:
    """Bring date and time to the form with `T`, seconds and no blank."""
    return (
        text.str.replace(r"\A(\d{4}-\d\d-\d\d)[ tT]", "${1}T")
        .str.replace(r"\A(\d{4}-\d\d-\d\d)\z", "${1}T00:00:00")
        .str.replace(r"T(\d\d:\d\d)(\z|[zZ+-])", "T${1}:00${2}")
        .str.replace(r"([+-]\d\d)(\d\d)\z", "${1}:${2}")
    )


def _decimal(text: pl.Expr, want: DataType) -> Term:
    """Read digits exactly: more fraction digits than declared is no value of the type."""
    scale = 18 if want.scale is None else want.scale
    digits = 38 if want.precision is None else want.precision
    shape = rf"\A[+-]?[0-9]{{1,{max(digits - scale, 1)}}}(?:\.[0-9]{{0,{scale}}}0*)?\z"
    plain = pl.when(text.str.contains(shape)).then(text)
    value = plain.cast(pl.Decimal(38, scale), strict=False).to_physical()
    return Term(value, "exact", pl.Int128(), scale=scale, low=-LIMIT, high=LIMIT)

"""Text read as typed values, cell by cell: what CSV, JSON and untyped columns hold."""

from __future__ import annotations

import polars as pl

from sfctl.model.types import DataType
from sfctl.runtime.faults import DataError

INTEGER_TYPES: dict[str, pl.DataType] = {
    "INT8": pl.Int8(), "INT16": pl.Int16(), "INT32": pl.Int32(), "INT64": pl.Int64(),
    "UINT8": pl.UInt8(), "UINT16": pl.UInt16(), "UINT32": pl.UInt32(), "UINT64": pl.UInt64(),
}  # fmt: skip
_NUMBER = r"\A[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,3})?\z"
_POWER = r"\A[+-]?[0-9]+(?:\.[0-9]*)?[eE][+-]?[0-9]{1,3}\z"
_WHOLE = r"\A[+-]?[0-9]+(?:\.0*)?\z"
_YEAR = r"(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)"
_DAY = rf"{_YEAR}-[0-9]{{2}}-[0-9]{{2}}"
_CLOCK = r"[0-9]{2}:[0-9]{2}:[0-5][0-9](?:\.[0-9]{1,9})?"
"""The kernel reads a year 0 and a second 60, which are none."""
_ZONE = r"[+-][0-9]{2}:[0-9]{2}"


def dtype_of(want: DataType) -> pl.DataType:
    """Return the Polars type in which `column` holds a type. Raises DataError."""
    if want.is_integer:
        return INTEGER_TYPES[want.kind]
    if want.kind == "DECIMAL":
        return pl.Decimal(want.precision or 38, 18 if want.scale is None else want.scale)
    simple: dict[str, pl.DataType] = {
        "HALF": pl.Float16(), "FLOAT": pl.Float32(), "DOUBLE": pl.Float64(),
        "BOOLEAN": pl.Boolean(), "DATE": pl.Date(), "TIME": pl.Time(),
        "TIMESTAMP_NTZ": pl.Datetime("us"), "TIMESTAMP": pl.Datetime("us", "UTC"),
    }  # fmt: skip
    if want.kind not in simple:
        raise DataError(f"{want} has no written form")
    return simple[want.kind]


def column(text: pl.Expr, want: DataType) -> pl.Expr:
    """Return the values text stands for, null where it cannot be read. Raises DataError.

    `NaN` is read as NaN, infinities are not read; a decimal with more digits than declared is
    not read either. Days and times are of ISO 8601, digit for digit.
    """
    dtype = dtype_of(want)
    if want.is_integer:
        plain = pl.when(text.str.contains(_WHOLE)).then(text.str.replace(r"\.0*\z", ""))
        power = pl.when(text.str.contains(_POWER)).then(text).cast(pl.Float64, strict=False)
        whole = pl.when((power.floor() == power) & (power.abs() < 2.0**53)).then(power)
        return plain.cast(dtype, strict=False).fill_null(whole.cast(dtype, strict=False))
    if want.is_float:
        number = pl.when(text.str.contains(_NUMBER)).then(text).cast(pl.Float64, strict=False)
        # a number that is finite as a double may be none of a narrower type
        narrow = number.cast(dtype)
        finite = pl.when(narrow.is_finite()).then(narrow)
        nan = pl.when(text.str.to_lowercase() == "nan").then(pl.lit(float("nan"), dtype))
        return nan.otherwise(finite)
    if isinstance(dtype, pl.Decimal):
        before = max((want.precision or 38) - dtype.scale, 1)
        shape = rf"\A[+-]?0*[0-9]{{1,{before}}}(?:\.[0-9]{{0,{dtype.scale}}}0*)?\z"
        return pl.when(text.str.contains(shape)).then(text).cast(dtype, strict=False)
    if want.kind == "BOOLEAN":
        word = text.str.to_lowercase()
        no = pl.when(word == "false").then(pl.lit(value=False))
        return pl.when(word == "true").then(pl.lit(value=True)).otherwise(no)
    if want.kind == "DATE":
        return _shaped(text, _DAY).str.to_date("%Y-%m-%d", strict=False)
    if want.kind == "TIME":
        seconds = text.str.replace(r"\A(\d\d:\d\d)\z", "${1}:00")
        return _shaped(seconds, _CLOCK).str.to_time("%H:%M:%S%.f", strict=False)
    normal = _normal(text)
    if want.kind == "TIMESTAMP_NTZ":
        normal = _shaped(normal, f"{_DAY}T{_CLOCK}")
        return normal.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False)
    zoned = _shaped(normal.str.replace(r"[zZ]\z", "+00:00"), f"{_DAY}T{_CLOCK}{_ZONE}")
    return zoned.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", time_unit="us", strict=False)


def _shaped(text: pl.Expr, pattern: str) -> pl.Expr:
    """Keep text of this form: the kernel reads `24-1-1` as a day of the year 24."""
    return pl.when(text.str.contains(rf"\A(?:{pattern})\z")).then(text)


def _normal(text: pl.Expr) -> pl.Expr:
    """Bring date and time to the form with `T`, seconds and no blank."""
    return (
        text.str.replace(r"\A(\d{4}-\d\d-\d\d)[ tT]", "${1}T")
        .str.replace(r"\A(\d{4}-\d\d-\d\d)\z", "${1}T00:00:00")
        .str.replace(r"T(\d\d:\d\d)(\z|[zZ+-])", "T${1}:00${2}")
        .str.replace(r"([+-]\d\d)(\d\d)\z", "${1}:${2}")
    )

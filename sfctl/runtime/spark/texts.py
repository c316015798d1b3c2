"""Text read as typed values, cell by cell: what CSV, JSON and untyped columns hold.

Each reading is shaped by a pattern before Spark sees it: its own casts take blanks around a
number, words such as `today`, days of one digit and, by session, one thing or another for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from sfctl.model.types import DataType
from sfctl.runtime.spark.numbers import RANGES
from sfctl.runtime.spark.patterns import like
from sfctl.runtime.spark.sql import DataError, sharing

_NUMBER = "[+-]?[0-9]+(?:[.][0-9]*)?(?:[eE][+-]?[0-9]{1,3})?"
_POWER = "[+-]?[0-9]+(?:[.][0-9]*)?[eE][+-]?[0-9]{1,3}"
_WHOLE = "[+-]?[0-9]+(?:[.]0*)?"
_YEAR = "(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)"
_DAY = f"{_YEAR}-[0-9]{{2}}-[0-9]{{2}}"
_CLOCK = "(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.][0-9]{1,9})?)?"
_ZONE = "(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):?[0-5][0-9])"
_HALF = 65520.0
"""From here on the nearest number of half precision is infinite."""


@dataclass(frozen=True, slots=True)
class Reading:
    """SQL of the values that text stands for, null where it stands for none, and their type."""

    value: str
    dtype: DataType


def column(text: str, want: DataType) -> Reading:
    """Return the values text stands for, null where it cannot be read. Raises DataError.

    `NaN` is read as NaN, infinities are not read; a decimal with more digits than declared is
    not read either. Days and times are of ISO 8601, digit for digit.
    """
    if want.is_integer:
        return _integer(text, want)
    if want.is_float:
        return Reading(_float(text, want), DataType("DOUBLE"))
    if want.kind == "DECIMAL":
        return _decimal(text, want)
    if want.kind == "BOOLEAN":
        word = f"CASE lower({text}) WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE END"
        return Reading(word, want)
    if want.kind == "DATE":
        return Reading(_when(text, _DAY, f"try_cast({text} AS DATE)"), want)
    if want.kind == "TIME":
        return Reading(_when(text, _CLOCK, _nanoseconds(text)), want)
    if want.kind == "TIMESTAMP_NTZ":
        shape = f"{_DAY}(?:[Tt ]{_CLOCK})?"
        return Reading(_when(text, shape, f"try_cast({_local(text)} AS TIMESTAMP_NTZ)"), want)
    if want.kind == "TIMESTAMP":
        return Reading(_when(text, f"{_DAY}[Tt ]{_CLOCK}{_ZONE}", _instant(text)), want)
    raise DataError(f"{want} has no written form")


def _when(text: str, shape: str, value: str) -> str:
    return f"if({like(text, shape)}, {value}, NULL)"


def _integer(text: str, want: DataType) -> Reading:
    least, most = RANGES[want.kind]
    held = DataType("DECIMAL", 20, 0) if want.kind == "UINT64" else DataType("INT64")
    kind = "DECIMAL(20,0)" if want.kind == "UINT64" else "BIGINT"
    sign = "[+]?" if least == 0 else "[+-]?"
    plain = _when(
        text, _WHOLE.replace("[+-]?", sign), f"try_cast(substring_index({text}, '.', 1) AS {kind})"
    )
    power = f"try_cast({text} AS DOUBLE)"
    exact = f"abs({power}) < {float(2**53)!r}D AND {power} % 1D = 0D"
    whole = f"if({like(text, _POWER)} AND {exact}, CAST({power} AS {kind}), NULL)"
    value = f"coalesce({plain}, {whole})"
    if want.kind != "INT64":
        value = f"if({value} BETWEEN {least} AND {most}, {value}, NULL)"
    return Reading(value, held)


def _float(text: str, want: DataType) -> str:
    number = f"try_cast({text} AS DOUBLE)"
    narrow = number
    if want.kind == "FLOAT":
        narrow = number = f"CAST(CAST({number} AS FLOAT) AS DOUBLE)"
    if want.kind == "HALF":
        narrow = sharing(_half, value=number)
    most = f"{_HALF!r}D" if want.kind == "HALF" else "CAST('Infinity' AS DOUBLE)"
    return (
        f"CASE WHEN lower({text}) = 'nan' THEN CAST('NaN' AS DOUBLE)"
        f" WHEN {like(text, _NUMBER)} AND abs({number}) < {most} THEN {narrow} END"
    )


def _half(value: str) -> str:
    """Round a double to the nearest number of half precision, which Spark has not.

    A number so great that the last bit of a double beside it is the last one of a half, added and
    taken off again, leaves no bit beyond. A logarithm that is off by a hair next to a power of two
    is of no consequence: the values there round to that power either way.
    """
    power = f"CAST(greatest(floor(log2(abs({value}))), -14) AS INT)"
    great = f"CAST(shiftleft(3L, {power} + 41) AS DOUBLE)"
    return f"(({value} + {great}) - {great})"


def _decimal(text: str, want: DataType) -> Reading:
    precision = want.precision or 38
    scale = 18 if want.scale is None else want.scale
    before = max(precision - scale, 1)
    shape = f"[+-]?0*[0-9]{{1,{before}}}(?:[.][0-9]{{0,{scale}}}0*)?"
    value = _when(text, shape, f"try_cast({text} AS DECIMAL({precision},{scale}))")
    return Reading(value, DataType("DECIMAL", precision, scale))


def _nanoseconds(text: str) -> str:
    hours, minutes, seconds = (
        f"coalesce(try_cast(substring({text}, {at}, 2) AS BIGINT), 0L)" for at in (1, 4, 7)
    )
    nanos = f"coalesce(try_cast(rpad(substring({text}, 10), 9, '0') AS BIGINT), 0L)"
    return f"(({hours} * 60L + {minutes}) * 60L + {seconds}) * 1000000000L + {nanos}"


def _local(text: str) -> str:
    """Bring a day, with or without a time, to the form that Spark reads to the microsecond."""
    day, rest = f"substring({text}, 1, 10)", f"substring({text}, 12, 15)"
    clock = f"if(char_length({text}) = 16, concat({rest}, ':00'), {rest})"
    return f"if(char_length({text}) = 10, {text}, concat({day}, 'T', {clock}))"


def _instant(text: str) -> str:
    """Read the time as if in UTC and take off the distance: Spark's zones end at 18 hours."""
    clock = f"regexp_extract({text}, '^.{{11}}([0-9:.]+)', 1)"
    cut = f"substring({text}, 1, 10), 'T', substring({clock}, 1, 15)"
    whole = f"if(char_length({clock}) = 5, ':00Z', 'Z')"
    local = f"unix_micros(try_cast(concat({cut}, {whole}) AS TIMESTAMP_LTZ))"
    zone = f"replace(substring({text}, 12 + char_length({clock})), ':', '')"
    minutes = (
        f"try_cast(substring({zone}, 1, 3) AS BIGINT) * 60L"
        f" + try_cast(concat(substring({zone}, 1, 1), substring({zone}, 4, 2)) AS BIGINT)"
    )
    return f"timestamp_micros({local} - coalesce({minutes}, 0L) * 60000000L)"

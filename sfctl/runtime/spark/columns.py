"""A column as a term: read as the type the policy declares, with the cells that are not of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sfctl.model.binding import path_of
from sfctl.model.expr import Field
from sfctl.model.types import DataType
from sfctl.runtime.representation import Family
from sfctl.runtime.spark import floats, moments, numbers, texts
from sfctl.runtime.spark.floats import DOUBLE
from sfctl.runtime.spark.numbers import RANGES
from sfctl.runtime.spark.sql import (
    DataError,
    Term,
    cast,
    column,
    either,
    inner,
    sharing,
)

STRING = DataType("STRING")
_SAME: dict[str, Family] = {"BOOLEAN": "boolean", "STRING": "string", "JSON": "string",
                            "DATE": "date", "BINARY": "binary", "TIMESTAMP": "instant",
                            "TIMESTAMP_NTZ": "naive"}  # fmt: skip
_SIGNED = {"UINT8": "INT16", "UINT16": "INT32", "UINT32": "INT64"}
"""What holds the unsigned types, which Spark has not."""


def term_of(field: Field, schema: Mapping[str, DataType]) -> Term:
    """Return a column, or a path into a struct, as its declared type.

    Raises DataError where the column is absent or no cell of it can be of that type.
    """
    value, dtype = raw(field.path, schema)
    return read_as(as_found(value, dtype), field.type, ".".join(field.path))


def raw(path: tuple[str, ...], schema: Mapping[str, DataType]) -> tuple[str, DataType]:
    """Return a column untouched and its type. Raises DataError when it is absent."""
    if path[0] not in schema:
        raise DataError(f"column {path[0]} is absent")
    dtype = schema[path[0]]
    for name in path[1:]:
        if name not in dtype.names:
            raise DataError(f"field {'.'.join(path)} is absent")
        dtype = dtype.args[dtype.names.index(name)]
    return column(path), dtype


def named(name: str, schema: Mapping[str, DataType]) -> tuple[str, DataType]:
    """Return what a written name means, untouched, and its type. Raises DataError if absent."""
    return raw(path_of(name, schema), schema)


def as_found(value: str, dtype: DataType) -> Term:
    """Return a value as the type it has; NaN is null.

    Text is cast to text: so it is compared by code point whatever its collation is, and a literal
    beside a CHAR is not filled up with blanks. Of any other text, Spark drops the cast.
    """
    if dtype.is_integer:
        low, high = RANGES[dtype.kind]
        if dtype.kind == "UINT64":
            return Term(value, "exact", DataType("DECIMAL", 20, 0), low=low, high=high)
        held = DataType(_SIGNED.get(dtype.kind, dtype.kind))
        return Term(value, "exact", held, low=low, high=high)
    if dtype.kind == "DECIMAL":
        precision, scale = dtype.precision or 38, dtype.scale or 0
        most = 10**precision - 1
        held = DataType("DECIMAL", precision, scale)
        return Term(value, "exact", held, scale=scale, low=-most, high=most)
    if dtype.is_float:
        plain = value if dtype == DOUBLE else cast(value, "DOUBLE")
        return Term(f"nanvl({plain}, CAST(NULL AS DOUBLE))", "float", DOUBLE)
    if dtype.kind == "STRING":
        return Term(cast(value, "STRING"), "string", STRING)
    if dtype.kind == "TIME":
        return moments.of_clock(value)
    if dtype.kind == "DURATION":
        return moments.of_span(value)
    return Term(value, _SAME.get(dtype.kind, "other"), dtype)


def text_of(value: str, dtype: DataType) -> str:
    """Return a value as it is named to people: decimals with their point, -0.0 as 0.0."""
    if dtype.is_float:
        return sharing(_float_text, value=f"nanvl({value}, CAST(NULL AS {dtype.kind}))")
    if dtype.kind == "DECIMAL" and dtype.scale:
        return f"translate(format_number({value}, {dtype.scale}), ',', '')"
    if dtype.kind in ("TIMESTAMP", "TIMESTAMP_NTZ"):
        return moments.text_of(value, dtype)
    if dtype.kind == "BINARY":
        return f"try_validate_utf8(CAST({value} AS STRING))"
    return cast(value, "STRING")


def _float_text(value: str) -> str:
    """Write a float plainly from 0.00001 to 10^16, beyond as 1.5e-6; Spark changes earlier."""
    plain = f"format_number(try_cast({cast(value, 'STRING')} AS DECIMAL(38,22)), 22)"
    plain = f"rtrim('0', translate({plain}, ',', ''))"
    plain = f"regexp_replace({plain}, '[.]$', '.0')"
    short = f"replace(replace({cast(value, 'STRING')}, '.0E', 'E'), 'E', 'e')"
    short = f"regexp_replace({short}, 'e([0-9])', CAST(X'652b2431' AS STRING))"
    return (
        f"CASE WHEN {value} = 0 THEN '0.0' WHEN abs({value}) = CAST('Infinity' AS DOUBLE)"
        f" THEN if({value} > 0, 'inf', '-inf')"
        f" WHEN abs({value}) >= 1e-5D AND abs({value}) < 1e16D THEN {plain} ELSE {short} END"
    )


def read_as(term: Term, want: DataType, name: str) -> Term:
    """Return the term as the declared type; cells that are not of it are errors.

    Raises DataError where the two types have nothing in common.
    """
    family = family_of(want)
    if family is None or family == term.family:
        return term
    if term.dtype.kind == "NULL":
        if family == "string":
            return Term(cast(term.value, "STRING"), family, STRING)
        return replace(term, family=family)
    if family == "float" and term.family == "exact":
        return floats.to_float(term)
    if family == "exact" and term.family == "float":
        return whole_number(term) if want.is_integer else _decimal(term, want)
    if family == "naive" and term.family == "date":
        return moments.as_naive(term)
    if family == "date" and term.family == "naive":
        day = cast(term.value, "DATE")
        wrong = f"coalesce({cast(day, 'TIMESTAMP_NTZ')} <> {inner(term.value)}, FALSE)"
        return Term(day, "date", DataType("DATE")).masked(wrong)
    if term.family == "string":
        return _read(term, want)
    if family == "string" and term.family not in ("other", "binary"):
        return Term(text_of(term.value, term.dtype), "string", STRING, term.error)
    raise DataError(f"column {name} is {term.dtype} where {want} is declared")


def _read(term: Term, want: DataType) -> Term:
    reading = texts.column(term.value, want)
    wrong = f"{inner(term.value)} IS NOT NULL AND {inner(reading.value)} IS NULL"
    if want.kind == "TIME":
        read = Term(reading.value, "time", want, form="micros")
    else:
        read = as_found(reading.value, reading.dtype)
    # the value is null of itself where it cannot be read
    return replace(read, error=either([term.error, wrong]))


def whole_number(term: Term) -> Term:
    """Return the integers that floats stand for; other floats are errors."""
    low, high = RANGES["INT64"]
    value = inner(term.value)
    # 2^63 itself would become the integer below it
    inside = f"{value} >= {float(low)!r}D AND {value} < {float(2**63)!r}D AND {value} % 1D = 0D"
    whole = f"if({inside}, try_cast({term.value} AS BIGINT), NULL)"
    wrong = f"{value} IS NOT NULL AND NOT ({inside})"
    return Term(whole, "exact", numbers.INT64, wrong, low=low, high=high)


def _decimal(term: Term, want: DataType) -> Term:
    scale = want.scale or 0
    value = inner(term.value)
    held = DataType("DECIMAL", 38, scale)
    # by its shortest text, which is the decimal that a double is the nearest one of
    read = f"try_cast({cast(term.value, 'STRING')} AS DECIMAL(38,{scale}))"
    same = f"coalesce({cast(read, 'DOUBLE')} = {value}, FALSE)"
    wrong = f"{value} IS NOT NULL AND NOT {same}"
    return Term(read, "exact", held, scale=scale).masked(wrong)


def family_of(kind: DataType) -> Family | None:
    """Return the family a declared type is computed in; None for ANY and nested types."""
    if kind.is_exact:
        return "exact"
    if kind.is_float:
        return "float"
    if kind.kind == "TIME":
        return "time"
    return "duration" if kind.kind == "DURATION" else _SAME.get(kind.kind)

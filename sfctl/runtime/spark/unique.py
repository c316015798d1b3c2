"""Uniqueness by groups of equal keys: one shuffle of the keys alone, no row comes to the driver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfctl.model.types import DataType
from sfctl.runtime.spark import columns
from sfctl.runtime.spark.sql import Term, cast, field, inner, joined

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_LOOKS_OTHERWISE = ("HALF", "FLOAT", "DOUBLE", "JSON", "MAP", "STRING")
"""Types of which equal values may look different, or different ones equal by collation."""
OWN, ROWS, RULE, HASH = "_sfctl_own", "_sfctl_rows", "_sfctl_rule", "_sfctl_hash"


@dataclass(frozen=True, slots=True)
class Key:
    """A key as SQL. `covered` tells the rows that have one, None for all."""

    parts: tuple[str, ...]
    types: tuple[DataType, ...]
    covered: str | None = None

    def within(self, scope: Term | None) -> Key:
        """Return the key of the rows that a rule's `where` covers."""
        if scope is None:
            return self
        covered = scope.value if self.covered is None else f"({scope.value}) AND {self.covered}"
        return Key(self.parts, self.types, covered)

    def filled(self) -> Key:
        """Return the key of rows in which no part of it is null."""
        known = joined("AND", [f"{inner(each)} IS NOT NULL" for each in self.parts])
        covered = known if self.covered is None else f"{inner(self.covered)} AND {known}"
        return Key(self.parts, self.types, covered)


def key_of(fields: Sequence[str], schema: Mapping[str, DataType], nulls: str) -> Key:
    """Return a key; where null is not equal to null, rows with one have no key.

    NaN is null, -0.0 is 0.0. Raises DataError for an absent column.
    """
    found = [columns.named(name, schema) for name in fields]
    parts = tuple(part(value, dtype) for value, dtype in found)
    types = tuple(dtype for _, dtype in found)
    key = Key(parts, types)
    return key if nulls == "equal" else key.filled()


def part(value: str, dtype: DataType) -> str:
    """Return a value in the form in which equal ones look the same; Spark knows of -0.0."""
    if dtype.kind == "JSON":
        return f"to_json({value})"
    if dtype.kind == "MAP":
        return f"array_sort(map_entries({value}))"
    if not dtype.args or not _holds(dtype, *_LOOKS_OTHERWISE):
        return columns.as_found(value, dtype).value
    if dtype.kind == "STRUCT":
        inside = ", ".join(
            f"'{index}', {part(field(value, name), kind)}"
            for index, (name, kind) in enumerate(zip(dtype.names, dtype.args, strict=True))
        )
        return f"CASE WHEN {inner(value)} IS NOT NULL THEN named_struct({inside}) END"
    return f"transform({value}, _sfctl_e -> {part('_sfctl_e', dtype.args[0])})"


def _holds(dtype: DataType, *kinds: str) -> bool:
    return dtype.kind in kinds or any(_holds(inner_type, *kinds) for inner_type in dtype.args)


def keyed(frame: DataFrame, key: Key, names: Sequence[str], own: bool = True) -> DataFrame:
    """Return the keys of the covered rows under other names, and whether they are the batch's."""
    covered = frame if key.covered is None else frame.where(key.covered)
    parts = [f"{sql} AS {name}" for sql, name in zip(key.parts, names, strict=True)]
    return covered.selectExpr(*parts, f"{'TRUE' if own else 'FALSE'} AS {OWN}")


def groups(rows: DataFrame, names: Sequence[str]) -> DataFrame:
    """Return how often each key occurs, in all and in the batch."""
    from pyspark.sql import functions as f

    counted = [f.expr("count(1)").alias(ROWS), f.expr(f"count_if({OWN})").alias(OWN)]
    return rows.groupBy(*names).agg(*counted)


def tally() -> list[Column]:
    """Return what groups say of a rule: the three counts of a `UniqueTally`."""
    from pyspark.sql import functions as f

    again = f"{ROWS} > 1"
    # where the table holds a row of the key already, the first of the batch is surplus too
    surplus = f"CASE WHEN {again} THEN {OWN} - CAST({ROWS} = {OWN} AS BIGINT) ELSE 0L END"
    return [
        f.expr(f"sum({OWN})").alias("evaluated"),
        f.expr(f"sum(CASE WHEN {again} THEN {OWN} ELSE 0L END)").alias("failed"),
        f.expr(f"sum({surplus})").alias("surplus"),
    ]


def repeats(found: DataFrame) -> DataFrame:
    """Return the keys that rows of the batch share with another row, each once."""
    return found.where(f"{ROWS} > 1 AND {OWN} > 0").drop(ROWS, OWN)


def hashed(rows: DataFrame, keys: Sequence[tuple[int, Key]], *, own: bool = True) -> DataFrame:
    """Return a 64-bit hash of each numbered key of each row that has one, by one reading."""
    whose = f"{'TRUE' if own else 'FALSE'} AS {OWN}"
    if len(keys) == 1:
        ((number, key),) = keys
        covered = rows if key.covered is None else rows.where(key.covered)
        return covered.selectExpr(f"{number} AS {RULE}", f"{_hash(key)} AS {HASH}", whose)
    pairs = []
    for number, key in keys:
        value = f"named_struct('{RULE}', {number}, '{HASH}', {_hash(key)})"
        pairs.append(value if key.covered is None else f"CASE WHEN {key.covered} THEN {value} END")
    each = rows.selectExpr(f"inline(array({', '.join(pairs)}))").where(f"{RULE} IS NOT NULL")
    return each.selectExpr("*", whose)


def _hash(key: Key) -> str:
    return f"xxhash64({', '.join(key.parts)})"


def alike(value: str, own: DataType, wanted: DataType) -> tuple[str, str]:
    """Return a value read as another type, and whether it is one of that type.

    A value that is none equals no value of the type. One of another kind altogether stays as it is.
    """
    if own.kind == "NULL":
        return f"CAST(NULL AS {sql_type(wanted)})", "TRUE"
    if own == wanted or kin(own) != kin(wanted) or kin(own) == "other":
        return value, "TRUE"
    held = columns.as_found(value, own).value
    read = f"try_cast({held} AS {sql_type(wanted)})"
    if own.is_float and wanted.kind == "DECIMAL":
        # by the shortest text, which is the decimal that a double is the nearest one of
        read = f"try_cast({cast(held, 'STRING')} AS {sql_type(wanted)})"
    back = f"try_cast({read} AS {sql_type(own)})"
    return read, f"{back} <=> {held}"


def comparable(own: DataType, wanted: DataType) -> bool:
    """Tell whether values of two types can be equal."""
    if own == wanted or "NULL" in (own.kind, wanted.kind):
        return True
    return kin(own) == kin(wanted) and kin(own) != "other"


def kin(dtype: DataType) -> str:
    """Return what values of a type can be compared with."""
    family = columns.as_found("NULL", dtype).family
    return "number" if family in ("exact", "float") else family


_SQL = {
    "INT8": "TINYINT", "INT16": "SMALLINT", "INT32": "INT", "INT64": "BIGINT", "FLOAT": "FLOAT",
    "DOUBLE": "DOUBLE", "TIMESTAMP": "TIMESTAMP_LTZ", "TIMESTAMP_NTZ": "TIMESTAMP_NTZ",
    "DATE": "DATE", "STRING": "STRING", "BOOLEAN": "BOOLEAN", "BINARY": "BINARY", "TIME": "TIME(6)",
    "DURATION": "INTERVAL DAY TO SECOND",
}  # fmt: skip


def sql_type(dtype: DataType) -> str:
    """Return a type as Spark SQL writes it."""
    if dtype.kind == "DECIMAL":
        return f"DECIMAL({dtype.precision},{dtype.scale})"
    return _SQL.get(dtype.kind, "STRING")

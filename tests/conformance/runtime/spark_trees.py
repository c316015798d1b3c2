"""Many trees over a few rows through one Spark job, held against the plain interpreter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sfctl.model.expr import Expr
from sfctl.model.types import DataType
from sfctl.runtime.spark.emit import Emitter
from sfctl.runtime.spark.sql import DataError, Term
from tests.reference.interpreter import verdict

_BATCH = 60
_NAMED = {"INT8": "TINYINT", "INT16": "SMALLINT", "INT32": "INT", "INT64": "BIGINT",
          "UINT8": "SMALLINT", "UINT16": "INT", "UINT32": "BIGINT", "UINT64": "DECIMAL(20,0)",
          "HALF": "FLOAT", "JSON": "STRING", "TIMESTAMP": "TIMESTAMP_LTZ",
          "DURATION": "INTERVAL DAY TO SECOND"}  # fmt: skip
_HELD = {"UINT8": "INT16", "UINT16": "INT32", "UINT32": "INT64", "HALF": "FLOAT", "JSON": "STRING"}


@dataclass(frozen=True, slots=True)
class Difference:
    """Where Spark and the interpreter say different things of a row."""

    tree: Expr
    row: Mapping[str, Any]
    found: str
    expected: str
    sql: str


def carried(kind: DataType) -> bool:
    """Tell whether Spark has a type for a column: it has no TIME that a session need not allow."""
    return kind.kind != "TIME" and all(map(carried, kind.args))


def ddl(kind: DataType) -> str:
    """Return a canonical type as Spark writes the type that holds it."""
    if kind.kind == "ARRAY":
        return f"ARRAY<{ddl(kind.args[0])}>"
    if kind.kind == "STRUCT":
        pairs = zip(kind.names, kind.args, strict=True)
        return f"STRUCT<{', '.join(f'`{name}`: {ddl(each)}' for name, each in pairs)}>"
    return _NAMED.get(kind.kind, str(kind))


def held(kind: DataType) -> DataType:
    """Return the canonical type of what Spark holds a type in."""
    if kind.kind == "UINT64":
        return DataType("DECIMAL", 20, 0)
    if kind.args:
        args = tuple(map(held, kind.args))
        return DataType(kind.kind, args=args, names=kind.names)
    return DataType(_HELD.get(kind.kind, kind.kind), kind.precision, kind.scale)


def frame_of(spark: Any, columns: Mapping[str, DataType], rows: Sequence[Mapping[str, Any]]) -> Any:
    """Return typed rows as a Spark frame, each beside its number `#`."""
    schema = ", ".join(f"`{name}` {ddl(kind)}" for name, kind in columns.items())
    values = [(number, *(_value(row[name], kind) for name, kind in columns.items()))
              for number, row in enumerate(rows)]  # fmt: skip
    return spark.createDataFrame(values, f"`#` INT, {schema}")


def _value(value: Any, kind: DataType) -> Any:
    if value is None:
        return None
    if kind.kind == "UINT64":
        return Decimal(value)
    if kind.kind == "STRUCT":
        return tuple(_value(value[n], k) for n, k in zip(kind.names, kind.args, strict=True))
    return value


def verdicts(
    spark_frame: Any, columns: Mapping[str, DataType], trees: Sequence[Expr]
) -> list[list[str] | str]:
    """Return for each tree what Spark says of each row, or why the data do not allow it."""
    emitter = Emitter({name: held(kind) for name, kind in columns.items()})
    found: list[list[str] | str] = []
    wanted: list[tuple[int, str]] = []
    for tree in trees:
        try:
            term = emitter.condition(tree)
        except DataError as error:
            found.append(str(error))
            continue
        wanted.append((len(found), asked(term)))
        found.append([])
    for start in range(0, len(wanted), _BATCH):
        some = wanted[start : start + _BATCH]
        rows = spark_frame.selectExpr("`#`", *(sql for _, sql in some)).collect()
        rows.sort(key=lambda row: row[0])
        for place, (number, _) in enumerate(some, 1):
            found[number] = [said(row[place]) for row in rows]
    return found


def asked(term: Term) -> str:
    """Return what a condition says of a row as one text, which `said` reads."""
    value = f"coalesce(CAST({term.value} AS STRING), 'null')"
    return f"concat_ws(' ', {value}, {term.error or 'FALSE'})"


def said(found: str) -> str:
    """Return `pass`, `fail` or `error`; what contradicts itself is returned as it is."""
    return _SAID.get(found, found)


_SAID = {
    "true false": "pass", "null false": "pass", "false false": "fail", "null true": "error",
}  # fmt: skip


def differences(
    spark_frame: Any,
    columns: Mapping[str, DataType],
    rows: Sequence[Mapping[str, Any]],
    trees: Sequence[Expr],
) -> Iterable[Difference]:
    """Yield every row of which Spark does not say what the interpreter says."""
    emitter = Emitter({name: held(kind) for name, kind in columns.items()})
    for tree, answers in zip(trees, verdicts(spark_frame, columns, trees), strict=True):
        if isinstance(answers, str):
            yield Difference(tree, {}, answers, "answers", "")
            continue
        for row, found in zip(rows, answers, strict=True):
            expected = verdict(tree, row)
            if found != expected:
                yield Difference(tree, row, found, expected, emitter.condition(tree).value)
                break

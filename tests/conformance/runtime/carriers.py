"""Every way in which rows reach a judgement today, from the same typed rows.

A carrier makes of a table's rows what a user would hold: a frame, a query, a file, a table. What
it cannot carry is said in `carriers.yaml`, with the reason.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from sfctl.model.types import DataType
from sfctl.runtime.core.files import ParquetSource
from sfctl.runtime.core.sources import FrameSource
from sfctl.spec.yaml import parse
from tests.conformance.runtime.casebook import HERE, Case, Rows, Table

_SIMPLE: dict[str, pl.DataType] = {
    "BOOLEAN": pl.Boolean(), "INT8": pl.Int8(), "INT16": pl.Int16(), "INT32": pl.Int32(),
    "INT64": pl.Int64(), "UINT8": pl.UInt8(), "UINT16": pl.UInt16(), "UINT32": pl.UInt32(),
    "UINT64": pl.UInt64(), "HALF": pl.Float16(), "FLOAT": pl.Float32(), "DOUBLE": pl.Float64(),
    "STRING": pl.String(), "BINARY": pl.Binary(), "DATE": pl.Date(), "TIME": pl.Time(),
    "TIMESTAMP": pl.Datetime("us", "UTC"), "TIMESTAMP_NTZ": pl.Datetime("us"),
    "DURATION": pl.Duration("us"),
}  # fmt: skip


def dtype_of(kind: DataType) -> pl.DataType:
    """Return the Polars type of a canonical one."""
    if kind.kind == "DECIMAL":
        return pl.Decimal(kind.precision, kind.scale or 0)
    if kind.kind == "ARRAY":
        return pl.List(dtype_of(kind.args[0]))
    if kind.kind == "STRUCT":
        pairs = zip(kind.names, kind.args, strict=True)
        return pl.Struct([pl.Field(name, dtype_of(each)) for name, each in pairs])
    return _SIMPLE[kind.kind]


def frame_of(rows: Rows) -> pl.DataFrame:
    """Return typed rows as a Polars frame."""
    return pl.DataFrame(
        [
            pl.Series(name, [row[name] for row in rows.rows], dtype=dtype_of(kind))
            for name, kind in rows.columns.items()
        ]
    )


@dataclass(frozen=True, slots=True)
class Pieces:
    """A frame in pieces of `size` rows, an empty one before each and one at the end."""

    frame: pl.DataFrame
    size: int

    @property
    def schema(self) -> Mapping[str, pl.DataType]:
        return self.frame.schema

    def chunks(self, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        some = self.frame.select(list(columns) or self.frame.columns[:1])
        for start in range(0, self.frame.height, self.size):
            yield some.clear()
            yield some.slice(start, self.size)
        yield some.clear()


Carry = Callable[[pl.DataFrame, Rows, Path], object]
"""Make of a frame, its typed rows and an empty folder what is handed to `judge`."""


def _parquet(frame: pl.DataFrame, _rows: Rows, folder: Path) -> str:
    frame.write_parquet(folder / "rows.parquet")
    return str(folder / "rows.parquet")


def _many_parquet(frame: pl.DataFrame, _rows: Rows, folder: Path) -> str:
    for number, piece in enumerate(thirds(frame)):
        piece.write_parquet(folder / f"part-{number}.parquet")
    return str(folder)


def thirds(frame: pl.DataFrame) -> list[pl.DataFrame]:
    """Return the first row, nothing, and the rest."""
    return [frame.slice(0, 1), frame.clear(), frame.slice(1)]


def _small_parquet(frame: pl.DataFrame, rows: Rows, folder: Path) -> ParquetSource:
    return ParquetSource((_parquet(frame, rows, folder),), rows=3)


def _delta(frame: pl.DataFrame, _rows: Rows, folder: Path) -> str:
    frame.slice(0, 2).write_delta(str(folder / "table"))
    if frame.height > 2:
        frame.slice(2).write_delta(str(folder / "table"), mode="append")
    return str(folder / "table")


def _csv(_frame: pl.DataFrame, rows: Rows, folder: Path) -> str:
    return _written(folder / "rows.csv", rows, rows.rows)


def _many_csv(_frame: pl.DataFrame, rows: Rows, folder: Path) -> str:
    for number, some in enumerate((rows.rows[:1], (), rows.rows[1:])):
        _written(folder / f"part-{number}.csv", rows, some)
    return str(folder)


def _written(file: Path, rows: Rows, some: Sequence[Mapping[str, Any]]) -> str:
    lines = [",".join(map(_quoted, rows.columns))]
    lines += [",".join(_cell(row[name]) for name in rows.columns) for row in some]
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="")
    return str(file)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return _quoted(value) if isinstance(value, str) else str(_plain(value))


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _plain(value: Any) -> Any:
    """Return a value as JSON holds it; what JSON has no number for is text."""
    match value:
        case bool():
            return str(value).lower()
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case date() | time():
            return value.isoformat()
        case Decimal():
            return format(value, "f")
        case float() if math.isnan(value):
            return "NaN"
    return value


def _jsonl(_frame: pl.DataFrame, rows: Rows, folder: Path) -> str:
    lines = (json.dumps({n: _json(v) for n, v in row.items()}) for row in rows.rows)
    (folder / "rows.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(folder / "rows.jsonl")


def _json(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _json(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_json(each) for each in value]
    return value if isinstance(value, bool) else _plain(value)


def _reader(frame: pl.DataFrame, _rows: Rows, _folder: Path) -> Any:
    import pyarrow as pa

    batches = [b for piece in thirds(frame) for b in (_batches(piece))]
    return pa.RecordBatchReader.from_batches(batches[0].schema, batches)


def _batches(frame: pl.DataFrame) -> list[Any]:
    import pyarrow as pa

    table = pa.table(frame)
    return table.to_batches() or [pa.RecordBatch.from_pylist([], schema=table.schema)]


def _arrow(frame: pl.DataFrame, _rows: Rows, _folder: Path) -> Any:
    import pyarrow as pa

    return pa.table(frame)


CARRIERS: dict[str, Carry] = {
    "polars": lambda frame, _rows, _folder: frame,
    "polars lazy": lambda frame, _rows, _folder: frame.lazy(),
    "chunks of 1": lambda frame, _rows, _folder: FrameSource(frame, rows=1),
    "chunks of 3, some empty": lambda frame, _rows, _folder: Pieces(frame, 3),
    "arrow table": _arrow,
    "arrow reader": _reader,
    "list of dicts": lambda frame, _rows, _folder: frame.to_dicts(),
    "pandas numpy": lambda frame, _rows, _folder: frame.to_pandas(),
    "pandas arrow": lambda frame, _rows, _folder: frame.to_pandas(use_pyarrow_extension_array=True),
    "parquet": _parquet,
    "parquet, slices of 3": _small_parquet,
    "parquet, 3 files": _many_parquet,
    "delta": _delta,
    "csv": _csv,
    "csv, 3 files": _many_csv,
    "jsonl": _jsonl,
}

SPARK = "spark"

UNORDERED = frozenset({"delta"})
"""Carriers that give the rows back in an order of their own."""


@dataclass(frozen=True, slots=True)
class Gap:
    """What a carrier cannot carry. `trait` is one of `traits`."""

    carrier: str
    trait: str
    reason: str


@cache
def gaps() -> tuple[Gap, ...]:
    """Return all gaps, one a carrier and trait."""
    document, problems = parse((HERE / "carriers.yaml").read_text(encoding="utf-8"), "carriers")
    assert document is not None
    assert not problems
    found = []
    for entry in document:
        for carrier in entry.strings("carriers"):
            assert carrier in (*CARRIERS, SPARK), carrier
            found += [Gap(carrier, t, entry.string("reason")) for t in entry.strings("traits")]
    return tuple(found)


def traits(rows: Rows) -> dict[str, set[str]]:
    """Return what is special about each column of some rows, and under `` about the rows."""
    found = {name: _traits(kind, [row[name] for row in rows.rows]) for name, kind in
             rows.columns.items()}  # fmt: skip
    found[""] = {"no rows"} if not rows.rows else set()
    if any(all(value is None for value in row.values()) for row in rows.rows):
        found[""].add("row without a value")
    return found


def _traits(kind: DataType, values: Sequence[Any]) -> set[str]:
    found = {kind.kind}
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        found.add(f"{kind.kind} with null")
    if not known:
        found.add("only nulls")
    if any(isinstance(value, float) and math.isinf(value) for value in known):
        found.add("infinity")
    if any(isinstance(value, dict) and _has_nan(value) for value in known):
        found.add("NaN inside")
    if kind.is_integer and any(abs(value) > 2**53 for value in known):
        found.add("integer beyond 2^53")
        if len(known) < len(values):
            found.add("integer beyond 2^53 with null")
    return found


def _has_nan(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_nan(each) for each in value.values())
    return isinstance(value, float) and math.isnan(value)


def lost(carrier: str, table: Table) -> dict[str, Gap]:
    """Return the columns a carrier cannot carry, each with the gap; under `` the whole table."""
    special = traits(table.data)
    found: dict[str, Gap] = {}
    for gap in gaps():
        if gap.carrier == carrier:
            for name, has in special.items():
                if gap.trait in has:
                    found.setdefault(name, gap)
    return found


def carried(carrier: str, table: Table) -> tuple[Rows, list[Case]]:
    """Return the columns of a table that a carrier carries, and the cases they allow."""
    without = lost(carrier, table)
    if "" in without or len(without) == len(table.data.columns):
        return table.data, []
    rows = table.data.only(set(table.data.columns) - set(without))
    kept = [
        case
        for case in table.cases
        if case.rules and not any(gap_of(rule, table, without) for rule in case.rules)
    ]
    return rows, kept


def gap_of(rule: Any, table: Table, without: Mapping[str, Gap]) -> Gap | None:
    """Return why a rule cannot be judged without some columns, or None where it can."""
    from sfctl.model.binding import columns_of
    from sfctl.model.policy import Unique

    read = set(columns_of(rule, table.data.columns))
    if isinstance(rule.check, Unique) and not rule.check.fields:
        read = set(table.data.columns)
    return next((without[name] for name in ("", *sorted(read)) if name in without), None)

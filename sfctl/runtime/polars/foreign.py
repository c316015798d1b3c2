"""Foreign keys: whether each row's key stands among the certified rows of another dataset."""

from __future__ import annotations

import polars as pl

from sfctl.model.policy import ForeignKey
from sfctl.runtime.faults import DataError
from sfctl.runtime.polars import columns, unique
from sfctl.runtime.polars.program import RowJudge


def judge_for(check: ForeignKey, rows: pl.LazyFrame | None) -> RowJudge:
    """Return what tells of each row whether its key is known; a null part passes.

    Raises DataError where the other dataset has no certified version or lacks a column.
    """
    if rows is None:
        raise DataError(f"{check.dataset} has no certified version to look keys up in")
    schema = rows.collect_schema()
    try:
        unique.key_of(check.references, schema, "distinct")
    except DataError as error:
        raise DataError(f"{error} from {check.dataset}") from None
    names = [f"k{index}" for index in range(len(check.fields))]
    keys: dict[tuple[pl.DataType, ...], pl.DataFrame] = {}

    def known(dtypes: tuple[pl.DataType, ...]) -> pl.DataFrame:
        """Return the keys there as values of the types here; what is no such value is no key."""
        if dtypes not in keys:
            values = [columns.named(name, schema)[0] for name in check.references]
            named = [value.alias(name) for value, name in zip(values, names, strict=True)]
            there = unique.alike(rows.select(named), dict(zip(names, dtypes, strict=True)))
            parts, filled = unique.key_of(names, there.collect_schema(), "distinct")
            query = there if filled is None else there.filter(filled)
            found = query.select(parts).unique()
            keys[dtypes] = found.with_columns(pl.lit(value=True).alias("known")).collect()
        return keys[dtypes]

    def holds(chunk: pl.DataFrame) -> pl.Series:
        if chunk.is_empty():
            return pl.Series("holds", [], dtype=pl.Boolean)
        own, complete = unique.key_of(check.fields, chunk.schema, "distinct")
        mine = chunk.select(
            *(part.alias(name) for part, name in zip(own, names, strict=True)),
            (pl.lit(value=True) if complete is None else complete).alias("complete"),
        )
        dtypes = tuple(columns.named(name, chunk.schema)[1] for name in check.fields)
        if pl.Null() in dtypes:
            return pl.repeat(None, chunk.height, dtype=pl.Boolean, eager=True).alias("holds")
        try:
            found = mine.join(known(dtypes), on=names, how="left", maintain_order="left")
        except pl.exceptions.PolarsError as error:
            raise DataError(f"keys of {check.dataset} are of another type") from error
        answer = pl.when("complete").then(pl.col("known").fill_null(value=False))
        return found.select(answer.alias("holds")).to_series()

    return holds

"""Foreign keys: whether each row's key stands among the certified rows of another dataset."""

from __future__ import annotations

import polars as pl

from sfctl.model.policy import ForeignKey
from sfctl.runtime.polars import unique
from sfctl.runtime.polars.program import RowJudge
from sfctl.runtime.polars.term import DataError


def judge_for(check: ForeignKey, rows: pl.LazyFrame | None) -> RowJudge:
    """Return what tells of each row whether its key is known; a null part passes.

    Raises DataError where the other dataset has no certified version or lacks a column.
    """
    if rows is None:
        raise DataError(f"{check.dataset} has no certified version to look keys up in")
    schema = rows.collect_schema()
    try:
        parts, filled = unique.key_of(check.references, schema, "distinct")
    except DataError as error:
        raise DataError(f"{error} from {check.dataset}") from None
    names = [f"k{index}" for index in range(len(parts))]
    query = rows.filter(filled) if filled is not None else rows
    known = query.select(
        part.alias(name) for part, name in zip(parts, names, strict=True)
    ).unique().collect()  # fmt: skip

    def holds(chunk: pl.DataFrame) -> pl.Series:
        own, complete = unique.key_of(check.fields, chunk.schema, "distinct")
        keys = chunk.select(
            *(part.alias(name) for part, name in zip(own, names, strict=True)),
            (pl.lit(value=True) if complete is None else complete).alias("complete"),
        )
        try:
            found = keys.join(
                known.with_columns(pl.lit(value=True).alias("known")),
                on=names, how="left", maintain_order="left",
            )  # fmt: skip
        except pl.exceptions.PolarsError as error:
            raise DataError(f"keys of {check.dataset} are of another type: {error}") from error
        answer = pl.when("complete").then(pl.col("known").fill_null(value=False))
        return found.select(answer.alias("holds")).to_series()

    return holds

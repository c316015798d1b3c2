"""The rows a table keeps beside those of a write, for keys that are unique in the table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from sfctl.model.policy import Policy, Unique
from sfctl.runtime.tables.formats import open_table

if TYPE_CHECKING:
    import polars as pl

    from sfctl.runtime.publishing.request import PublishRequest


def kept_by(request: PublishRequest, batch: pl.DataFrame) -> pl.LazyFrame | None:
    """Return the rows of the newest version that a write of a batch leaves in the table.

    None for none. A merge leaves those of other primary keys, a write over partitions those of
    the partitions that neither it nor its rows name.
    """
    import polars as pl

    if request.mode == "overwrite":
        return None
    table = open_table(request.path, request.format)
    if table.head() is None:
        return None
    rows = table.scan()
    if request.mode == "overwrite_partitions" and request.partition:
        same = [
            pl.col(n).cast(pl.String).eq_missing(pl.lit(None if v is None else str(v)))
            for n, v in request.partition.items()
        ]
        return rows.filter(~pl.all_horizontal(same))
    if request.mode == "overwrite_partitions":
        return _beside(rows, batch, table.partitioned_by(), nulls=True)
    if request.mode == "merge":
        return _beside(rows, batch, request.policy.primary_key, nulls=False)
    return rows


def in_question(request: PublishRequest, policy: Policy) -> Policy | None:
    """Return a policy with only the rules whose answer changes when rows are held back, or None.

    A row that is held back takes nothing out of the table: what stays there for it may have the
    value of a row that goes in.
    """
    by_rows = request.mode == "merge" or (
        request.mode == "overwrite_partitions" and not request.partition
    )
    rules = tuple(
        rule
        for rule in policy.rules
        if isinstance(rule.check, Unique) and rule.check.scope == "table"
    )
    return replace(policy, rules=rules) if by_rows and rules else None


def _beside(
    rows: pl.LazyFrame, batch: pl.DataFrame, names: Sequence[str], *, nulls: bool
) -> pl.LazyFrame:
    """Return the rows whose values in some columns no row of a batch has.

    Nulls are a value like others where `nulls` says so, else they are never the same.
    """
    import polars as pl

    kinds = rows.collect_schema()
    if not names or not {*names} <= {*batch.columns} & {*kinds}:
        return rows
    known = batch.lazy().select(pl.col(n).cast(kinds[n], strict=False) for n in names)
    return rows.join(known, on=list(names), how="anti", nulls_equal=nulls)

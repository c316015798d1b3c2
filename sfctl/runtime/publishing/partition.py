"""The columns of a write's partition: given by the write where the rows lack them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from sfctl.errors import UsageError
from sfctl.model.schema_change import without
from sfctl.model.verdict import GateResult, Judgement

if TYPE_CHECKING:
    import polars as pl

    from sfctl.runtime.publishing.request import PublishRequest

_LIKE_NULL = ("", "__HIVE_DEFAULT_PARTITION__")
"""An empty text, and the name that folders have for null."""


def with_partition(request: PublishRequest) -> pl.DataFrame:
    """Return the rows with the partition's columns. Raises UsageError SF312 for other values."""
    import polars as pl

    frame: pl.DataFrame = request.frame
    missing = [name for name in request.partition if name not in frame.columns]
    if missing:
        frame = frame.with_columns(pl.lit(request.partition[name]).alias(name) for name in missing)
    for name, value in request.partition.items():
        if name not in missing and frame.height:
            found = frame[name].cast(pl.String).unique().to_list()
            if found != [None if value is None else str(value)]:
                raise contradicts(name, value)
    return frame


def like_null(frame: pl.DataFrame) -> list[str]:
    """Return the columns of texts of which some are null to a Delta table that they partition."""
    import polars as pl

    texts = [name for name, kind in frame.schema.items() if kind == pl.String]
    return [name for name in texts if frame[name].is_in(_LIKE_NULL).any()]


def null_in(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Return the rows with such texts as null, before anybody judges them."""
    import polars as pl

    return frame.with_columns(
        pl.when(~pl.col(name).is_in(_LIKE_NULL)).then(pl.col(name)).alias(name) for name in names
    )


def contradicts(name: str, value: object) -> UsageError:
    """Return what tells the caller that the rows are of other partitions than the write."""
    return UsageError(
        f"column {name} holds other values than the partition {name}={value}",
        hint="write one partition at a time, or leave `partition` out",
        code="SF312",
    )


def without_partition(judgement: Judgement, columns: tuple[str, ...]) -> Judgement:
    """Leave the columns that a write adds for its partition out of what changed."""
    if not columns:
        return judgement
    return replace(judgement, gates=tuple(_told(gate, columns) for gate in judgement.gates))


def _told(gate: GateResult, columns: tuple[str, ...]) -> GateResult:
    listed = gate.details.get("changes")
    if not isinstance(listed, list):
        return gate
    return replace(gate, details={**gate.details, "changes": without(listed, columns)})

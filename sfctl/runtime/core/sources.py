"""Where rows come from, handed out in bounded chunks: frames and queries here, files beside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from sfctl.errors import SourceError

FRAME_CHUNK = 1_000_000
"""Rows a chunk of a frame, which is cut without copying."""
QUERY_CHUNK = 250_000


class Source(Protocol):
    """Rows of one schema, as often as one asks."""

    @property
    def schema(self) -> Mapping[str, pl.DataType]:
        """The columns and their types, in order."""

    def chunks(self, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Yield all rows in order with at least these columns. Raises SourceError."""


@dataclass(frozen=True)
class FrameSource:
    """A frame in memory."""

    frame: pl.DataFrame
    rows: int = FRAME_CHUNK

    @property
    def schema(self) -> Mapping[str, pl.DataType]:
        return self.frame.schema

    def chunks(self, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        frame = self.frame.select(needed(columns, self.frame.schema))
        for start in range(0, self.frame.height, self.rows):
            yield frame.slice(start, self.rows)


@dataclass(frozen=True)
class LazySource:
    """A query, run in batches."""

    query: pl.LazyFrame
    rows: int = QUERY_CHUNK

    @property
    def schema(self) -> Mapping[str, pl.DataType]:
        return self.query.collect_schema()

    def chunks(self, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        query = self.query.select(needed(columns, self.schema))
        try:
            yield from query.collect_batches(chunk_size=self.rows, maintain_order=True)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise SourceError(f"the rows cannot be read: {first_line(error)}") from error


def needed(columns: Sequence[str], schema: Mapping[str, pl.DataType]) -> list[str]:
    """Return the columns to read: at least one, for a frame without columns has no rows.

    Raises SourceError for a name that the kernel would take for a pattern of names.
    """
    for name in columns:
        if name == "*" or (name.startswith("^") and name.endswith("$")):
            raise SourceError(
                f"the column {name!r} cannot be judged: its name reads as a pattern of names",
                hint="rename it",
            )
    return list(columns) or list(schema)[:1]


def first_line(error: Exception) -> str:
    """Return what an error says, without the advice that follows."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]

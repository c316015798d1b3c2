"""Where rows come from: frames, files, folders and tables, handed out in bounded chunks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import polars as pl

CHUNK = 500_000
"""Rows a chunk of a source that is not in memory."""
FRAME_CHUNK = 4_000_000
"""Rows a chunk of a frame, which is cut without copying."""


class Source(Protocol):
    """Rows of one schema, as often as one asks."""

    @property
    def schema(self) -> Mapping[str, pl.DataType]:
        """The columns and their types, in order."""

    @property
    def is_text(self) -> bool:
        """Whether all columns are text to be read by the policy's types."""

    def chunks(self, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Yield all rows in order with at least these columns. Raises SourceError."""


@dataclass(frozen=True, slots=True)
class FrameSource:
    """A frame in memory."""

    frame: pl.DataFrame
    rows: int = FRAME_CHUNK
    is_text: bool = False

    @property
    def schema(self) -> Mapping[str, pl.DataType]:
        return self.frame.schema

    def chunks(self, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        frame = self.frame.select(_some(columns, self.frame.schema))
        for start in range(0, self.frame.height, self.rows):
            yield frame.slice(start, self.rows)


@dataclass(frozen=True, slots=True)
class LazySource:
    """A query, run chunk by chunk."""

    query: pl.LazyFrame
    rows: int = CHUNK
    is_text: bool = False

    @property
    def schema(self) -> Mapping[str, pl.DataType]:
        return self.query.collect_schema()

    def chunks(self, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        query = self.query.select(_some(columns, self.schema))
        yield from query.collect_batches(chunk_size=self.rows, maintain_order=True)


def _some(columns: Sequence[str], schema: Mapping[str, pl.DataType]) -> list[str]:
    """Return the columns to read: at least one, for a frame without columns has no rows."""
    return list(columns) or list(schema)[:1]


def open_source(source: object) -> Source:
    """Return a source for a frame, a query, or a source itself."""
    if isinstance(source, pl.DataFrame):
        return FrameSource(source)
    if isinstance(source, pl.LazyFrame):
        return LazySource(source)
    return source  # type: ignore[return-value]

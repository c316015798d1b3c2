"""How rows are handed over: as Arrow streams of bounded batches, in types all libraries share."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

import polars as pl

from sfctl.runtime.allowance import ROWS

BYTES = 16 << 20
"""Rows are handed over in batches of at most `ROWS` rows and about so many bytes."""


def batches(rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Cut rows so that neither their number nor their size is more than a batch may have."""
    size = rows.estimated_size() / max(1, rows.height)
    most = max(1, min(ROWS, int(BYTES / max(1.0, size))))
    for start in range(0, rows.height, most):
        yield rows.slice(start, most).rechunk()


def stream(rows: pl.DataFrame) -> bytes:
    """Return rows as one Arrow IPC stream; dictionary columns as the texts they stand for."""
    coded = pl.selectors.by_dtype(pl.Categorical, pl.Enum)
    written = BytesIO()
    rows.with_columns(coded.cast(pl.String)).write_ipc_stream(
        written, compat_level=pl.CompatLevel.oldest()
    )
    return written.getvalue()

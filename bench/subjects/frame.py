"""Loading a frame the way every Polars peer is given it."""

from __future__ import annotations

import polars as pl

from bench.subjects.rules import NAMED


def load(file: str, named: bool) -> pl.DataFrame:
    """Read the file whole, or only the columns that rules name."""
    return pl.read_parquet(file, columns=NAMED if named else None)

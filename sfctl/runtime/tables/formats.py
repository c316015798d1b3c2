"""Which adapter holds a table of which format; loaded when such a table is opened."""

from __future__ import annotations

from sfctl.errors import UsageError
from sfctl.runtime.tables.port import Table


def open_table(path: str, format: str = "delta") -> Table:
    """Return the table at `path`. Raises UsageError SF310 for a format we cannot version."""
    if format == "delta":
        from sfctl.runtime.tables.delta import DeltaLake

        return DeltaLake(path)
    if format == "parquet":
        from sfctl.runtime.tables.snapshot import Snapshots

        return Snapshots(path)
    raise UsageError(
        f"format {format!r} has no versions", hint="use delta or parquet", code="SF310"
    )

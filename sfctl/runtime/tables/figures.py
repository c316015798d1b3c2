"""What an operation on a Delta table says it did, in the words of Spark or of delta-rs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

COPIED = ("numTargetRowsCopied", "numCopiedRows", "num_target_rows_copied", "num_copied_rows")
_WRITTEN = ("numOutputRows", "num_added_rows", "num_output_rows")
_UPDATED = ("numUpdatedRows", "num_updated_rows")
_MERGED = (
    ("numTargetRowsInserted", "num_target_rows_inserted"),
    ("numTargetRowsUpdated", "num_target_rows_updated"),
)


def first(metrics: Mapping[str, Any], names: Sequence[str]) -> int | None:
    """Return the first of some figures that is told, None where none is."""
    for name in names:
        try:
            return int(metrics[name])
        except (KeyError, TypeError, ValueError):
            continue
    return None


def rows_written(operation: str, metrics: Mapping[str, Any]) -> int | None:
    """Return how many rows are new or changed, None where that is not told."""
    if operation == "DELETE":
        return 0
    if operation == "UPDATE":
        return first(metrics, _UPDATED)
    if operation == "MERGE":
        parts = [first(metrics, names) for names in _MERGED]
        return None if None in parts else sum(part or 0 for part in parts)
    found = first(metrics, _WRITTEN)
    return None if found is None else max(0, found - (first(metrics, COPIED) or 0))

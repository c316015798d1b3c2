"""A table, a batch, and what a write of the batch leaves of the table, mode by mode."""

from __future__ import annotations

from typing import Any

import polars as pl

THERE = pl.DataFrame({"id": [1, 2, None, 4], "amount": [1.0] * 4, "p": ["a", "b", "c", None]})
MODES: list[tuple[Any, dict[str, Any], list[str] | None]] = [
    ("append", {}, ["1", "2", "4", "None"]),
    ("overwrite", {}, None),
    ("merge", {}, ["1", "4", "None"]),
    ("overwrite_partitions", {"partition_by": ("p",)}, ["1", "2"]),
    ("overwrite_partitions", {"partition": {"p": "b"}}, ["1", "4", "None"]),
    ("overwrite_partitions", {"partition": {"p": None}}, ["1", "2", "None"]),
]
BATCH = pl.DataFrame({"id": [2, None, 9], "amount": [1.0] * 3, "p": ["c", None, None]})

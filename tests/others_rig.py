"""A table, a batch, and what a write of the batch leaves of the table, mode by mode."""

from __future__ import annotations

from typing import Any

import polars as pl

from sfctl.commands.compile import compile as compile_verb
from tests.shop_rig import Shop

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

ONE_NAME_EACH = """
version: 1
schema: {constraints: [{field: id}, {field: n, type: INT64}, {field: name, type: STRING}]}
dq:
  rules:
    - {kind: range, field: n, min: 0}
    - {kind: unique, fields: [name], scope: table}
enforcement: {level: G2, max_quarantine_share: "100%"}
"""
KNOWN = pl.DataFrame({"id": [1, 2, 3], "n": [0, 0, 0], "name": ["a", "b", "c"]})
NAMED = pl.DataFrame(
    {
        "id": [1, 4, 2, 5, 3, 6, 7],
        "n": [-1, 1, 1, 1, 1, 1, 1],
        "name": ["x", "a", "twice", "twice", "b", "c", "z"],
    }
)
"""Merged by id only 7 may go in: 1 is bad, so that `a` stays 1's, 2 is not alone, so that `b` stays
2's and 3 with it, so that `c` stays 3's."""


def name_once(shop: Shop) -> None:
    """Let the names of a dataset be unique in its table."""
    (shop.root / "datasets" / "plain" / "policy_bundle.yaml").write_text(ONE_NAME_EACH)
    compile_verb(project_dir=shop.root, target=None, now=None)

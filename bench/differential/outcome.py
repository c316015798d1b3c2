"""What a rule comes to, and what it is asked of."""

from __future__ import annotations

from typing import NamedTuple

from bench.differential.columns import Values

Table = dict[str, Values]


class Outcome(NamedTuple):
    """`failed` is None where a rule has no count of rows, or the tool tells none."""

    verdict: str
    failed: int | None

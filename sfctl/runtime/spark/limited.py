"""Texts of limited length as Spark's writer stores them, so that just these are judged."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sfctl.runtime.spark.sql import quoted

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_KIND = re.compile(r"(char|varchar)\((\d+)\)")


def as_stored(rows: DataFrame, kinds: Mapping[str, str]) -> DataFrame:
    """Return rows with the blanks that columns of `char(5)` are filled up with.

    Blanks beyond the length are cut off, other texts that are too long left for the writer to
    refuse.
    """
    from pyspark.sql import functions as F  # noqa: N812

    for name, kind in kinds.items():
        found = _KIND.fullmatch(kind)
        if found is None or name not in rows.columns:
            continue
        text, length = quoted(name), int(found[2])
        short = f"rpad({text}, {length}, ' ')" if found[1] == "char" else text
        rest = f"rtrim(substring({text}, {length + 1}))"
        rows = rows.withColumn(
            name,
            F.expr(
                f"CASE WHEN char_length({text}) <= {length} THEN {short} "
                f"ELSE concat(left({text}, {length}), {rest}) END"
            ),
        )
    return rows

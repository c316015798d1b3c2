"""Foreign keys as a join with the certified keys of another dataset, which stay on executors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfctl.model.policy import ForeignKey
from sfctl.model.types import DataType
from sfctl.runtime.faults import DataError
from sfctl.runtime.spark import columns, unique
from sfctl.runtime.spark.schema import of_frame, types_of
from sfctl.runtime.spark.sql import inner, joined

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_KNOWN = "_sfctl_known"


@dataclass(frozen=True, slots=True)
class Lookup:
    """The keys of another dataset, each once and none null, as values of the rows' own types.

    None where a part of the rows' key is null in all of them: no key is looked up then.
    """

    key: unique.Key
    names: tuple[str, ...]
    known: DataFrame | None

    def marked(self, frame: DataFrame, mark: str) -> DataFrame:
        """Return the frame, in any order, with what the rule says of each row; null passes."""
        from pyspark.sql import functions as f

        if self.known is None:
            return frame.withColumn(mark, f.expr("CAST(NULL AS BOOLEAN)"))
        pairs = zip(self.key.parts, self.names, strict=True)
        same = [f"{inner(mine)} = {name}" for mine, name in pairs]
        found = frame.join(self.known, f.expr(joined("AND", same)), "left")
        answer = f"CASE WHEN {self.key.covered} THEN {_KNOWN} IS NOT NULL END"
        return found.withColumn(mark, f.expr(answer)).drop(*self.names, _KNOWN)


def lookup(
    check: ForeignKey, rows: DataFrame | None, schema: Mapping[str, DataType], name: str
) -> Lookup:
    """Return the keys to look up; `name` tells the columns of this rule from those of others.

    Raises DataError where the other dataset has no certified version or lacks a column, or has
    keys of another type.
    """
    if rows is None:
        raise DataError(f"{check.dataset} has no certified version to look keys up in")
    there = types_of(of_frame(rows))
    try:
        found = [columns.named(each, there) for each in check.references]
    except DataError as error:
        raise DataError(f"{error} from {check.dataset}") from None
    key = unique.key_of(check.fields, schema, "distinct")
    names = tuple(f"{name}_{position}" for position in range(len(found)))
    if DataType("NULL") in key.types:
        return Lookup(key, names, None)
    known, parts = rows, []
    for (value, own), wanted in zip(found, key.types, strict=True):
        if not unique.comparable(own, wanted):
            raise DataError(f"keys of {check.dataset} are of another type")
        read, same = unique.alike(value, own, wanted)
        known = known if same == "TRUE" else known.where(same)
        parts.append(unique.part(read, wanted))
    listed = [f"{part} AS {each}" for part, each in zip(parts, names, strict=True)]
    known = known.selectExpr(*listed).dropna().distinct()
    return Lookup(key, names, known.selectExpr("*", f"TRUE AS {_KNOWN}"))

"""The keys of rules on uniqueness: counted by hashes in one pass, compared where these repeat."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING

from sfctl.model.policy import Rule, Unique
from sfctl.runtime.core.surroundings import Others
from sfctl.runtime.spark import columns, unique
from sfctl.runtime.spark.emit import Emitter
from sfctl.runtime.spark.program import Program
from sfctl.runtime.spark.schema import of_frame, types_of
from sfctl.runtime.spark.sql import inner, joined
from sfctl.runtime.spark.unique import Key
from sfctl.runtime.tally import UniqueTally

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_FOUND = "_sfctl_found"


@dataclass(frozen=True, slots=True)
class _Keyed:
    """One rule's key in the rows, and in the rows of the table where it is held against these."""

    number: int
    key: Key
    names: tuple[str, ...]
    table: DataFrame | None = None
    there: Key | None = None

    def rows(self, frame: DataFrame) -> DataFrame:
        """Return the keys themselves, of the batch and of the table."""
        own = unique.keyed(frame, self.key, self.names)
        if self.table is None or self.there is None:
            return own
        return own.union(unique.keyed(self.table, self.there, self.names, own=False))


@dataclass(slots=True)
class Keys:
    """The rules on uniqueness of a program over the rows of a frame."""

    frame: DataFrame
    program: Program
    others: Others | None
    _keyed: dict[str, _Keyed] = field(default_factory=dict)

    def prepare(self, rule: Rule) -> None:
        """Find out what a rule's key is. Raises DataError where a column is absent."""
        check, types = rule.check, self.program.types
        assert isinstance(check, Unique)
        fields = check.fields or tuple(types)
        key = unique.key_of(fields, types, check.nulls).within(self.program.where(rule))
        mark = self.program.marks[rule.id]
        names = tuple(f"{mark}_{position}" for position in range(len(fields)))
        found = _Keyed(len(self._keyed), key, names)
        table = self.others(rule) if self.others and check.scope == "table" else None
        if table is not None:
            found = _with_table(found, rule, check, fields, table)
        self._keyed[rule.id] = found

    def tallies(self, rules: Sequence[Rule]) -> dict[str, UniqueTally]:
        """Count rows that share their key with another, by rule id."""
        keyed = {rule.id: self._keyed[rule.id] for rule in rules}
        found = _tallied(self._hashed(keyed.values()), keyed)
        again = {name: keyed[name] for name, tally in found.items() if tally.failed}
        if again:
            exact = (
                unique.groups(each.rows(self.frame), each.names).selectExpr(
                    f"{each.number} AS {unique.RULE}", unique.OWN, unique.ROWS
                )
                for each in again.values()
            )
            found.update(_tallied(reduce(lambda left, right: left.union(right), exact), again))
        return found

    def _hashed(self, keyed: Iterable[_Keyed]) -> DataFrame:
        """Return how often each hash occurs by rule; different hashes prove different keys."""
        listed = list(keyed)
        rows = unique.hashed(self.frame, [(each.number, each.key) for each in listed])
        for each in listed:
            if each.table is not None and each.there is not None:
                there = unique.hashed(each.table, [(each.number, each.there)], own=False)
                rows = rows.union(there)
        return unique.groups(rows, (unique.RULE, unique.HASH))

    def marked(self, frame: DataFrame, rule: Rule, mark: str) -> DataFrame:
        """Return the frame, in any order, with whether each row's key is its own; never null."""
        from pyspark.sql import functions as f

        each = self._keyed[rule.id]
        again = unique.repeats(unique.groups(each.rows(self.frame), each.names))
        again = again.selectExpr(*each.names, f"TRUE AS {_FOUND}")
        pairs = zip(each.key.parts, each.names, strict=True)
        same = [f"{inner(part)} <=> {name}" for part, name in pairs]
        found = frame.join(again, f.expr(joined("AND", same)), "left")
        shared = f"{_FOUND} IS NOT NULL"
        if each.key.covered is not None:
            shared = f"{shared} AND coalesce({each.key.covered}, FALSE)"
        return found.withColumn(mark, f.expr(f"NOT ({shared})")).drop(*each.names, _FOUND)


def _with_table(
    mine: _Keyed, rule: Rule, check: Unique, fields: Sequence[str], table: DataFrame
) -> _Keyed:
    """Return the key with the table's, as values of the rows' types; none where none can be equal.

    Raises DataError where the table lacks a column.
    """
    known = types_of(of_frame(table))
    parts: list[str] = []
    for name, wanted in zip(fields, mine.key.types, strict=True):
        value, own = columns.named(name, known)
        if not unique.comparable(own, wanted):
            return mine
        read, same = unique.alike(value, own, wanted)
        table = table if same == "TRUE" else table.where(same)
        parts.append(unique.part(read, wanted if own.kind != "NULL" else own))
    where = None if rule.where is None else Emitter(known).condition(rule.where)
    there = Key(tuple(parts), mine.key.types).within(where)
    there = there.filled() if check.nulls == "distinct" else there
    return _Keyed(mine.number, mine.key, mine.names, table, there)


def _tallied(groups: DataFrame, keyed: Mapping[str, _Keyed]) -> dict[str, UniqueTally]:
    told = groups.groupBy(unique.RULE).agg(*unique.tally()).collect()
    names = {each.number: name for name, each in keyed.items()}
    found = dict.fromkeys(keyed, UniqueTally())
    for row in told:
        name = names[row[unique.RULE]]
        found[name] = UniqueTally(row["evaluated"], row["failed"], row["surplus"])
    return found

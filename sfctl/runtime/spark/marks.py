"""What the rows themselves do not say of a rule: other rows, other datasets, a user's function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sfctl.model.policy import Custom, ForeignKey, Policy, Rule, Unique
from sfctl.runtime.core.surroundings import Surroundings
from sfctl.runtime.spark import columns, custom, foreign, unique
from sfctl.runtime.spark.aggregate import aggregated
from sfctl.runtime.spark.emit import Emitter
from sfctl.runtime.spark.program import Program, name_of
from sfctl.runtime.spark.schema import of_frame, types_of
from sfctl.runtime.spark.sql import inner, joined
from sfctl.runtime.tally import UniqueTally

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_FOUND = "_sfctl_found"


@dataclass(frozen=True, slots=True)
class _Keys:
    """The keys of the rows that a rule covers, with those of the table beside them."""

    key: unique.Key
    names: tuple[str, ...]
    rows: DataFrame


@dataclass(slots=True)
class Marks:
    """Columns beside the rows of a frame; `prepare` before anything else is asked."""

    frame: DataFrame
    program: Program
    policy: Policy
    around: Surroundings
    _lookups: dict[str, foreign.Lookup] = field(default_factory=dict)
    _functions: dict[str, custom.Function] = field(default_factory=dict)
    _keys: dict[str, _Keys] = field(default_factory=dict)

    def prepare(self) -> None:
        """Look for what is missing before any row is read: other datasets, users' code, columns."""
        for rule in self.program.sound(ForeignKey, Custom, Unique):
            with self.program.blamed(rule):
                self._prepare(rule)

    def _prepare(self, rule: Rule) -> None:
        check, around, types = rule.check, self.around, self.program.types
        name = self.program.marks[rule.id]
        if isinstance(check, ForeignKey):
            rows = around.references(check.dataset) if around.references else None
            self._lookups[rule.id] = foreign.lookup(check, rows, types, name)
        elif isinstance(check, Custom) and check.function:
            root = (around.root or Path()).absolute()
            self._functions[rule.id] = custom.function_for(
                rule, types, self.frame, root, self.policy.performance, around.hidden
            )
        elif isinstance(check, Unique):
            self._keys[rule.id] = self._keyed(rule, check, name)

    def _keyed(self, rule: Rule, check: Unique, name: str) -> _Keys:
        types = self.program.types
        fields = check.fields or tuple(types)
        key = unique.key_of(fields, types, check.nulls).within(self.program.where(rule))
        names = tuple(f"{name}_{position}" for position in range(len(fields)))
        rows = unique.keyed(self.frame, key, names)
        table = self.around.others(rule) if self.around.others and check.scope == "table" else None
        if table is not None:
            beside = self._background(rule, check, table, fields, key, names)
            rows = rows if beside is None else rows.unionByName(beside)
        return _Keys(key, names, rows)

    def _background(
        self,
        rule: Rule,
        check: Unique,
        table: DataFrame,
        fields: Sequence[str],
        key: unique.Key,
        names: Sequence[str],
    ) -> DataFrame | None:
        """Return the table's keys as values of the rows' types; None where none can be equal."""
        known = types_of(of_frame(table))
        where = None if rule.where is None else Emitter(known).condition(rule.where)
        parts = []
        for name, wanted in zip(fields, key.types, strict=True):
            value, own = columns.named(name, known)
            if not unique.comparable(own, wanted):
                return None
            read, same = unique.alike(value, own, wanted)
            table = table if same == "TRUE" else table.where(same)
            parts.append(unique.part(read, wanted))
        there = unique.Key(tuple(parts), key.types).within(where)
        if check.nulls == "distinct":
            there = there.filled()
        return unique.keyed(table, there, names, own=False)

    def tallies(self, rules: Sequence[Rule], *, clean: bool) -> dict[str, UniqueTally]:
        """Count rows that share their key with another, by rule id; `clean` when no row fails
        a condition of its own, that of `where` included.
        """
        rules = [rule for rule in rules if rule.id in self._keys]
        hashed: dict[str, DataFrame] = {}
        for rule in rules:
            keys = self._keys[rule.id]
            small = unique.hashed(keys.rows, keys.key, keys.names)
            hashed[rule.id] = keys.rows if small is None else small
        found = self._grouped(hashed, dict.fromkeys(hashed, 1))
        again = {
            rule.id: self._keys[rule.id].rows
            for rule in rules
            if found[rule.id].failed and hashed[rule.id] is not self._keys[rule.id].rows
        }
        if again:
            found.update(self._grouped(again, {}))
        wrong = {} if clean else self._beyond(rules)
        return {name: _with_errors(tally, wrong.get(name, 0)) for name, tally in found.items()}

    def _grouped(
        self, rows: Mapping[str, DataFrame], widths: Mapping[str, int]
    ) -> dict[str, UniqueTally]:
        """Group the keys of each rule in one query."""
        parts = []
        for position, (rule_id, some) in enumerate(rows.items()):
            names = self._keys[rule_id].names
            counted = unique.groups(some, names[: widths.get(rule_id, len(names))])
            parts.append(counted.selectExpr(f"{position} AS rule", "*").selectExpr(
                "rule", unique.OWN, unique.ROWS
            ).groupBy("rule").agg(*unique.tally()))  # fmt: skip
        told = reduce(lambda left, right: left.union(right), parts).collect()
        found = dict.fromkeys(rows, UniqueTally())
        listed = list(rows)
        for row in told:
            found[listed[row.rule]] = UniqueTally(row.evaluated, row.failed, row.surplus)
        return found

    def _beyond(self, rules: Sequence[Rule]) -> dict[str, int]:
        """Count the rows on which a rule's `where` cannot be evaluated."""
        wanted: dict[str, list[Rule]] = {}
        for rule in rules:
            where = self.program.where(rule)
            if where is not None and where.error is not None:
                wanted.setdefault(f"count_if({where.error})", []).append(rule)
        if not wanted:
            return {}
        found = aggregated(self.frame, wanted, self.program)
        return {
            rule.id: int(found.get(name_of(sql)) or 0)
            for sql, some in wanted.items()
            for rule in some
        }

    def beside(self, rules: Sequence[Rule]) -> DataFrame:
        """Return the frame with a column for each rule that is said of rows from elsewhere."""
        frame = self.frame
        for rule in rules:
            mark = self.program.marks.get(rule.id, "")
            if rule.id in self._lookups:
                frame = self._lookups[rule.id].marked(frame, mark)
            elif rule.id in self._functions:
                fault = self.program.fault_of(rule)
                function = self._functions[rule.id]
                frame = custom.marked(frame, function, self.program.types, mark, fault)
            elif rule.id in self._keys:
                frame = self._repeated(frame, self._keys[rule.id], mark)
        return frame

    def _repeated(self, frame: DataFrame, keys: _Keys, mark: str) -> DataFrame:
        from pyspark.sql import functions as f

        again = unique.repeats(unique.groups(keys.rows, keys.names))
        again = again.selectExpr("*", f"TRUE AS {_FOUND}")
        same = [f"{inner(a)} <=> {b}" for a, b in zip(keys.key.parts, keys.names, strict=True)]
        found = frame.join(again, f.expr(joined("AND", same)), "left")
        shared = f"{_FOUND} IS NOT NULL"
        if keys.key.covered is not None:
            shared = f"{shared} AND coalesce({keys.key.covered}, FALSE)"
        return found.withColumn(mark, f.expr(f"NOT ({shared})")).drop(*keys.names, _FOUND)

    def faults(self, rules: Sequence[Rule]) -> dict[str, Sequence[Rule]]:
        """Return the aggregates that tell whether a user's function failed on some rows."""
        return {
            f"max({self.program.fault_of(rule)})": [rule]
            for rule in rules
            if rule.id in self._functions
        }

    def blame(self, rules: Sequence[Rule], found: Mapping[str, Any]) -> None:
        """Make faults of what users' functions failed with."""
        for sql, (rule,) in self.faults(rules).items():
            told = found.get(name_of(sql))
            if told is not None:
                self.program.faults[rule.id] = custom.fault_of(told)


def _with_errors(tally: UniqueTally, errors: int) -> UniqueTally:
    return UniqueTally(
        tally.evaluated + errors, tally.failed + errors, tally.surplus, tally.errors + errors
    )

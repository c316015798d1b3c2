"""What the rows themselves do not say of a rule: other rows, other datasets, a user's function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sfctl.model.policy import Custom, ForeignKey, Policy, Rule, Unique
from sfctl.runtime.core.surroundings import Surroundings
from sfctl.runtime.spark import custom, foreign
from sfctl.runtime.spark.aggregate import aggregated
from sfctl.runtime.spark.keys import Keys
from sfctl.runtime.spark.program import Program, name_of
from sfctl.runtime.tally import UniqueTally

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(slots=True)
class Marks:
    """Columns beside the rows of a frame; `prepare` before anything else is asked."""

    frame: DataFrame
    program: Program
    policy: Policy
    around: Surroundings
    _lookups: dict[str, foreign.Lookup] = field(default_factory=dict)
    _functions: dict[str, custom.Function] = field(default_factory=dict)
    _keys: Keys = field(init=False)

    def __post_init__(self) -> None:
        self._keys = Keys(self.frame, self.program, self.around.others)

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
            self._functions[rule.id] = custom.function_for(rule, types, self.frame, root)
        elif isinstance(check, Unique):
            self._keys.prepare(rule)

    def tallies(self, rules: Sequence[Rule], *, clean: bool) -> dict[str, UniqueTally]:
        """Count rows that share their key with another, by rule id.

        `clean` tells that there is no row on which a `where` cannot be evaluated.
        """
        found = self._keys.tallies(rules)
        wrong = {} if clean else self._beyond(rules)
        return {name: _with_errors(tally, wrong.get(name, 0)) for name, tally in found.items()}

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
        frame = self._answered([rule for rule in rules if rule.id in self._functions])
        for rule in rules:
            mark = self.program.marks.get(rule.id, "")
            if rule.id in self._lookups:
                frame = self._lookups[rule.id].marked(frame, mark)
            elif isinstance(rule.check, Unique):
                frame = self._keys.marked(frame, rule, mark)
        return frame

    def _answered(self, rules: Sequence[Rule]) -> DataFrame:
        if not rules:
            return self.frame
        asked = tuple(self._functions[rule.id] for rule in rules)
        functions = custom.Functions(asked, self.policy.performance, self.around.hidden)
        faults = {rule.id: self.program.fault_of(rule) for rule in rules}
        return custom.marked(self.frame, functions, self.program.marks, faults)

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

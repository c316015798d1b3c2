"""What is asked of rows that are held: nothing that was observed already, the rest in few passes.

Rows that fail no rule were counted while they were written, and nothing is read again for them.
Else one aggregate counts every rule. Keys that must be unique, different values, quantiles and
spreads are passes of their own; what other rows or a function say of a row is a column beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sfctl.model.policy import Batch, Custom, ForeignKey, Policy, RowCheck, Rule, Unique
from sfctl.runtime.core.scanned import Scanned
from sfctl.runtime.core.surroundings import Surroundings
from sfctl.runtime.spark import measures, values
from sfctl.runtime.spark.aggregate import aggregated
from sfctl.runtime.spark.marks import Marks
from sfctl.runtime.spark.program import Asked, Program, distinct_failing, name_of
from sfctl.runtime.tally import Distinct, RowTally

if TYPE_CHECKING:
    from sfctl.runtime.spark.held import Held

_ELSEWHERE = (ForeignKey, Custom)
_FLAG = "_sfctl_flag_"
Pairs = Sequence[tuple[Rule, Asked]]


@dataclass(slots=True)
class Scan:
    """One look at rows that are held, on the way to what it counted."""

    held: Held
    program: Program
    marks: Marks
    state: Scanned = field(init=False)

    def __post_init__(self) -> None:
        self.state = Scanned(rows=self.held.height, seen=self.held.height)

    def run(self) -> Scanned:
        """Count everything that the rules ask for."""
        if not self.held.height:
            return self.state
        self._keys()
        self._rows()
        self._later()
        return self.state

    def observed(self, sql: str) -> Any:
        """Return what was observed under an aggregate's text. Raises KeyError for nothing."""
        return (self.held.observed or {})[name_of(sql)]

    @property
    def clean(self) -> bool:
        """Whether it is known that no row fails a rule that is asked of a row by itself."""
        asked = self.program.any_failing()
        try:
            return not asked or self.observed(asked) == 0
        except KeyError:
            return False

    def _keys(self) -> None:
        rules = self.program.sound(Unique)
        if rules:
            self.state.uniques = self.marks.tallies(rules, clean=self.clean)
            self.state.passes += 1

    def _rows(self) -> None:
        """Count rows by rule, and what measures need of all rows, in one pass if in any."""
        while True:
            asked = self._asked()
            before = len(self.program.faults)
            marked = [rule for rule, _ in asked if rule.id in self.program.marks]
            named, flags = _flags(asked)
            found = self._found(self._wanted(named), marked, flags)
            self.marks.blame(marked, found)
            if len(self.program.faults) == before:
                break
            # what a rule said before it failed must not count among the failing rows
        self._counted(named, found)
        known = {rule.id: each for rule, each in asked}
        self.state.passes += values.told(self.marks, self.program, known, self.state.tallies)

    def _asked(self) -> list[tuple[Rule, Asked]]:
        """Return the rules on rows whose outcome is not known yet, as conditions."""
        program, uniques = self.program, self.state.uniques
        kinds: tuple[type, ...] = _ELSEWHERE if self.clean else (RowCheck, *_ELSEWHERE)
        rules = program.sound(*kinds)
        keys = [
            rule
            for rule in program.sound(Unique)
            if uniques[rule.id].failed and rule.severity == "error"
        ]
        # where nothing else can fail, the rows that share one key are all there are
        rules += keys if rules or len(keys) > 1 else []
        return [(rule, each) for rule in rules if (each := program.asked(rule)) is not None]

    def _wanted(self, asked: Pairs) -> dict[str, list[Rule]]:
        """Return every aggregate that nobody has the answer to, with the rules it is asked for."""
        wanted: dict[str, list[Rule]] = {}
        for rule, each in asked:
            if not isinstance(rule.check, Unique):
                for sql in _counts(each).values():
                    wanted.setdefault(sql, []).append(rule)
        for sql in distinct_failing(asked).values():
            wanted.setdefault(sql, []).extend(rule for rule, _ in asked)
        for rule in self.program.sound(Batch):
            for sql in self.program.parts(rule).values():
                wanted.setdefault(sql, []).append(rule)
        if self.clean:
            for rule, sql in self.program.covers():
                wanted.setdefault(sql, []).append(rule)
        known = self.held.observed or {}
        return {sql: rules for sql, rules in wanted.items() if name_of(sql) not in known}

    def _found(
        self,
        wanted: Mapping[str, Sequence[Rule]],
        marked: Sequence[Rule],
        flags: Mapping[str, str],
    ) -> dict[str, Any]:
        found = dict(self.held.observed or {})
        wanted = {**wanted, **self.marks.faults(marked)}
        if not wanted:
            return found
        self.state.passes += 1
        return {**found, **aggregated(self.marks.beside(marked), wanted, self.program, flags)}

    def _counted(self, asked: Pairs, found: Mapping[str, Any]) -> None:
        program, state = self.program, self.state
        for rule in program.sound(RowCheck):
            state.tallies[rule.id] = RowTally(state.rows)
        for rule, sql in program.covers():
            if self.clean:
                state.tallies[rule.id] = RowTally(int(found[name_of(sql)]))
        for rule, each in asked:
            if not isinstance(rule.check, Unique):
                said = {name: int(found[name_of(sql)]) for name, sql in _counts(each).items()}
                evaluated = said.get("covers", state.rows)
                tally = RowTally(evaluated, said["failing"], said.get("errors", 0))
                state.tallies[rule.id] = tally
        counted = {gate: int(found[name_of(s)]) for gate, s in distinct_failing(asked).items()}
        state.distinct = Distinct(counted.pop(None, 0), {g: n for g, n in counted.items() if g})
        joined = {rule.id for rule, _ in asked}
        for rule in program.sound(Unique):
            failed = state.uniques[rule.id].failed
            if failed and rule.severity == "error" and rule.id not in joined:
                state.distinct = state.distinct.merge(Distinct(failed, {rule.gate: failed}))
        for rule in program.sound(Batch):
            self._measured(rule, found)

    def _measured(self, rule: Rule, found: Mapping[str, Any]) -> None:
        check = rule.check
        assert isinstance(check, Batch)
        with self.program.blamed(rule):
            told = {k: found[name_of(sql)] for k, sql in self.program.parts(rule).items()}
            term = self.program.measured(rule)
            self.state.measured[rule.id] = measures.state(check.measure, term, told)

    def _later(self) -> None:
        """Measure what takes more than one pass: spreads, different values, quantiles."""
        self.state.passes += values.spreads(self.held.frame, self.program, self.state.measured)
        self.state.passes += values.different(self.held.frame, self.program, self.state.measured)
        self.state.passes += values.quantiles(self.held.frame, self.program, self.state.measured)


def scanned(held: Held, program: Program, policy: Policy, around: Surroundings) -> Scanned:
    """Count what a program asks of rows that are held."""
    marks = Marks(held.frame, program, policy, around)
    marks.prepare()
    return Scan(held, program, marks).run()


def _flags(asked: Pairs) -> tuple[Pairs, dict[str, str]]:
    """Return the rules with columns in the place of conditions, and the condition of each column.

    No name of one is part of another's.
    """
    flags: dict[str, str] = {}

    def column(sql: str | None) -> str | None:
        if sql is not None:
            flags[f"{_FLAG}{len(flags)}_"] = sql
        return None if sql is None else next(reversed(flags))

    named = [
        (rule, replace(a, failing=column(a.failing) or "", errors=column(a.errors),
                       covers=column(a.covers)))
        for rule, a in asked
    ]  # fmt: skip
    return named, flags


def _counts(asked: Asked) -> dict[str, str]:
    found = {"failing": asked.failing, "errors": asked.errors, "covers": asked.covers}
    return {name: f"count_if({sql})" for name, sql in found.items() if sql is not None}

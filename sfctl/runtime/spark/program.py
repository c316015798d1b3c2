"""The rules of one policy against the rows of a Spark frame, as SQL that counts.

Rules on single rows, and measures that are exact and cheap, may ride on the write of the rows
themselves; what they say there is found again by the very text that was asked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from sfctl.model.policy import Batch, Custom, ForeignKey, Policy, RowCheck, Rule, Unique
from sfctl.model.schema import Schema
from sfctl.model.types import DataType
from sfctl.runtime.core import results
from sfctl.runtime.core.planning import Plan, planned
from sfctl.runtime.core.surroundings import Surroundings
from sfctl.runtime.faults import DataError
from sfctl.runtime.spark import columns, measures
from sfctl.runtime.spark.emit import Emitter
from sfctl.runtime.spark.schema import types_of
from sfctl.runtime.spark.sql import Term, boolean, inner, joined, negated

if TYPE_CHECKING:
    from sfctl.model.policy import Gate

MARK, FAULT = "_sfctl_mark_", "_sfctl_fault_"
"""Prefixes of the columns that hold what other rows, and users' functions, say of each row."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One rule on rows as conditions: unknown is no failure.

    `failing` rows violate it or cannot be evaluated (`errors`), `violating` ones are only the
    former. `covers` tells the rows that `where` covers, None for all.
    """

    failing: str
    violating: str
    errors: str | None = None
    covers: str | None = None


@dataclass(frozen=True)
class Program:
    """Rules to evaluate over rows of columns of `types`.

    `tellable` names the columns whose failing values may be told.
    """

    plan: Plan
    types: Mapping[str, DataType]
    tellable: frozenset[str] = frozenset()
    _asked: dict[str, Asked] = field(default_factory=dict, init=False, repr=False)

    @property
    def faults(self) -> dict[str, Exception]:
        return self.plan.faults

    def sound(self, *kinds: type) -> list[Rule]:
        """Return the rules that nothing went wrong with yet: those of some kinds of check."""
        return [
            rule
            for rule in self.plan.rules
            if rule.id not in self.faults and (not kinds or isinstance(rule.check, kinds))
        ]

    @cached_property
    def marks(self) -> dict[str, str]:
        """The column that holds what is said of each row from elsewhere, by rule id."""
        kinds = (Unique, ForeignKey, Custom)
        return {
            rule.id: f"{MARK}{position}"
            for position, rule in enumerate(self.plan.rules)
            if isinstance(rule.check, kinds)
        }

    def fault_of(self, rule: Rule) -> str:
        """Return the column that holds the fault of the task that asked a user's function."""
        return FAULT + self.marks[rule.id].removeprefix(MARK)

    def riding(self) -> dict[str, str]:
        """Return the aggregates to be measured while the rows are written, by name.

        They tell whether any row fails, and what is exact and cheap to know of all rows. A name is
        a digest of its text: what is asked for another schema is never taken for an answer.
        """
        wanted = [self.any_failing(), *(sql for _, sql in self.covers())]
        for rule in self.sound(Batch):
            wanted += self.parts(rule).values()
        return {name_of(sql): sql for sql in wanted if sql}

    def any_failing(self) -> str:
        """Return the count of rows that fail any rule that can be asked of a row by itself.

        Of keys that must be unique, those rows on which `where` cannot be evaluated.
        """
        failing = [self.asked(rule) for rule in self.sound(RowCheck)]
        listed = [each.failing for each in failing if each is not None]
        listed += [w.error for r in self.sound(Unique) if (w := self.where(r)) and w.error]
        return f"count_if({joined('OR', listed)})" if listed else ""

    def covers(self) -> list[tuple[Rule, str]]:
        """Return the count of rows that a rule's `where` covers, for each that has one."""
        found = [(rule, self.asked(rule)) for rule in self.sound(RowCheck)]
        return [(rule, f"count_if({each.covers})") for rule, each in found if each and each.covers]

    def parts(self, rule: Rule) -> dict[str, str]:
        """Return the aggregates of a measure by short name; none where they cannot be asked."""
        check = rule.check
        assert isinstance(check, Batch)
        try:
            return measures.parts(check.measure, self.measured(rule), self.where(rule))
        except Exception as error:  # noqa: BLE001 - see `blamed`
            self.faults[rule.id] = error
            return {}

    def measured(self, rule: Rule) -> Term | None:
        """Return the column that a measure is of. Raises DataError where it does not apply."""
        check = rule.check
        assert isinstance(check, Batch)
        if not check.field:
            return None
        term = columns.as_found(*columns.named(check.field, self.types))
        return measures.of_numbers(check.measure, term)

    def asked(self, rule: Rule) -> Asked | None:
        """Return a rule on rows as conditions; None, and a fault, where that cannot be."""
        if rule.id not in self._asked:
            with self.blamed(rule):
                self._asked[rule.id] = _asked(self._holds(rule), self.where(rule))
        return self._asked.get(rule.id)

    def where(self, rule: Rule) -> Term | None:
        """Return which rows a rule covers, None for all. Raises DataError."""
        return None if rule.where is None else Emitter(self.types).condition(rule.where)

    @contextmanager
    def blamed(self, rule: Rule) -> Iterator[None]:
        """Let what is raised inside be a fault of this rule, and of no other."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - a fault in one rule is that rule's alone
            self.faults[rule.id] = error

    def _holds(self, rule: Rule) -> Term:
        if isinstance(rule.check, RowCheck):
            return Emitter(self.types).condition(rule.check.expr)
        if isinstance(rule.check, Custom) and not rule.check.function:
            raise DataError("the rule asks for the text of a file, and there is none")
        return boolean(self.marks[rule.id])


def program_for(
    schema: Schema, policy: Policy, stage: str, around: Surroundings | None = None
) -> Program:
    """Return what a stage of a policy asks of rows of a schema. Nothing is run."""
    around = around or Surroundings()
    plan = planned(policy, stage, schema, around.off)
    program = Program(plan, types_of(schema), results.tellable_columns(policy))
    for rule in program.sound(Unique):
        with program.blamed(rule):
            program.where(rule)
    return program


def name_of(sql: str) -> str:
    """Return the name under which an aggregate rides."""
    return (
        "sfctl_" + hashlib.blake2b(sql.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    )


def distinct_failing(rules: Iterable[tuple[Rule, Asked]]) -> dict[Gate | None, str]:
    """Return the counts of rows that fail any of some error rules: under None, and by gate."""
    failing: dict[Gate | None, list[str]] = {}
    for rule, asked in rules:
        if rule.severity == "error":
            failing.setdefault(None, []).append(asked.failing)
            failing.setdefault(rule.gate, []).append(asked.failing)
    return {gate: f"count_if({joined('OR', some)})" for gate, some in failing.items()}


def _asked(holds: Term, where: Term | None) -> Asked:
    failing, violating, errors = holds.failing(), negated(holds.value), holds.error
    if where is None:
        return Asked(failing, violating, errors)
    inside = inner(where.value)
    asked = Asked(
        f"{inner(failing)} AND {inside}",
        f"{inner(violating)} AND {inside}",
        None if errors is None else f"{inner(errors)} AND {inside}",
        where.value,
    )
    if where.error is None:
        return asked
    beyond = inner(where.error)
    return replace(
        asked,
        failing=f"({asked.failing}) OR {beyond}",
        errors=beyond if asked.errors is None else f"({asked.errors}) OR {beyond}",
        covers=f"{inside} OR {beyond}",
    )

"""Good rows and bad rows of rows that are held, by the conditions that counted them.

Both sides read the very rows that were judged, so that each row is on one side; where a user's
function has a say, what it said is kept first, for it might say otherwise when asked again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfctl.model.policy import Check, Custom, ForeignKey, Policy, Rule, Unique
from sfctl.model.verdict import Judgement
from sfctl.runtime.core.joint import Joint, asked
from sfctl.runtime.core.split import REASONS, RULES
from sfctl.runtime.core.surroundings import Surroundings
from sfctl.runtime.faults import DataError
from sfctl.runtime.spark.aggregate import aggregated
from sfctl.runtime.spark.held import Held, computed
from sfctl.runtime.spark.marks import Marks
from sfctl.runtime.spark.program import Program, program_for
from sfctl.runtime.spark.schema import of_frame
from sfctl.runtime.spark.sql import joined, negated, quoted, text

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

FLAG = "_sfctl_fails_"
_NOTHING = "CAST(array() AS ARRAY<STRING>)"


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides of a batch, lazily. `bad` has two more columns: rule ids and reasons per row."""

    good: Held
    bad: Held


@dataclass(frozen=True, slots=True)
class Flagged:
    """Rows with one more column per rule, true where a row fails it; never null."""

    rows: DataFrame
    rules: tuple[Rule, ...]
    columns: tuple[str, ...]
    flags: dict[str, str]
    """The column of each rule, by rule id."""

    def any_of(self, rules: Sequence[str]) -> str:
        """Return the rows that fail one of some rules as a condition."""
        listed = [self.flags[name] for name in rules if name in self.flags]
        return joined("OR", listed) if listed else "FALSE"

    def sides(self, bad: str, heights: tuple[int, int] | None, rules: Sequence[Rule]) -> Sides:
        """Return both sides of a condition; counted in one pass where no heights are given."""
        names = [quoted(name) for name in self.columns]
        if heights is None:
            told = self.rows.selectExpr("count(1) AS rows", f"count_if({bad}) AS bad").first()
            assert told is not None
            heights = (told["rows"] - told["bad"], told["bad"])
        good = self.rows.where(negated(bad)).selectExpr(*names)
        failing = self.rows.where(bad)
        told_of = [f"{_listed(self, rules, 'id')} AS {RULES}",
                   f"{_listed(self, rules, 'signature')} AS {REASONS}"]  # fmt: skip
        return Sides(Held(good, heights[0]), Held(failing.selectExpr(*names, *told_of), heights[1]))


def split(
    held: Held,
    policy: Policy,
    stage: str,
    *,
    judgement: Judgement | None = None,
    around: Surroundings | None = None,
) -> Sides:
    """Divide rows; bad ones fail at least one error-severity row rule of the stage.

    With the judgement of the same rows only rules that failed are asked again. Nothing is run then,
    unless other rows or a function had a say, for they may say otherwise by now: both sides are
    counted.
    """
    around = around or Surroundings()
    failed = None if judgement is None else {r.id for r in judgement.rules if r.failed}
    found = flagged(held, policy, stage, around, failed)
    heights = None if judgement is None or _counts(found.rules) else (judgement.good, judgement.bad)
    return found.sides(found.any_of(list(found.flags)), heights, found.rules)


def split_both(
    held: Held, joint: Joint, stage: str, *, judgement: Judgement, around: Surroundings
) -> Sides:
    """Divide rows: bad ones fail in both versions, and carry what they fail in either."""
    found = flagged(held, asked(joint, judgement), stage, around, None)
    heights = None if _counts(found.rules) else (judgement.good, judgement.bad)
    return found.sides(in_both(found, joint), heights, found.rules)


def together(sides: Sides, again: Sides) -> Sides:
    """Return the sides of a batch whose good rows were divided again."""
    bad = sides.bad.frame.unionByName(again.bad.frame)
    return Sides(again.good, Held(bad, sides.bad.height + again.bad.height))


def in_both(found: Flagged, joint: Joint) -> str:
    """Return the rows that fail in both versions as a condition."""
    new = [name for name in found.flags if name not in joint.only_earlier]
    earlier = [name for name in found.flags if name not in joint.only_new]
    return joined("AND", [found.any_of(new), found.any_of(earlier)])


def flagged(
    held: Held, policy: Policy, stage: str, around: Surroundings, failed: set[str] | None
) -> Flagged:
    """Return rows with a flag for each error-severity row rule; only for `failed` ones if given."""
    from pyspark.sql import functions as f

    program = program_for(of_frame(held.frame), policy, stage, around)
    marks = Marks(held.frame, program, policy, around)
    marks.prepare()
    rules = [
        rule
        for rule in program.plan.rules
        if rule.is_row_rule and rule.severity == "error" and (failed is None or rule.id in failed)
    ]
    asking = [rule for rule in rules if rule.id not in program.faults and program.asked(rule)]
    rows = marks.beside(asking)
    if _asks(asking):
        # asked twice, a function may say otherwise, and a row be on both sides or on none
        rows = computed(rows)
        marks.blame(asking, aggregated(rows, marks.faults(asking), program))
    conditions = {rule.id: _fails(program, rule) for rule in rules}
    rules = [rule for rule in rules if conditions[rule.id]]
    flags = {rule.id: f"{FLAG}{number}" for number, rule in enumerate(rules)}
    if rules:
        fails = {rule.id: f"coalesce({conditions[rule.id]}, FALSE)" for rule in rules}
        rows = rows.withColumns({flags[name]: f.expr(sql) for name, sql in fails.items()})
    return Flagged(rows, tuple(rules), tuple(held.frame.columns), flags)


def _fails(program: Program, rule: Rule) -> str:
    """Return the rows that fail a rule as a condition; empty where that is not known of any."""
    asked_of = program.asked(rule) if rule.id not in program.faults else None
    if asked_of is not None:
        return asked_of.failing
    # what the data do not allow to be evaluated, no row passes
    return "TRUE" if isinstance(program.faults.get(rule.id), DataError) else ""


def _asks(rules: Sequence[Rule]) -> bool:
    return any(isinstance(rule.check, Custom) for rule in rules)


def _counts(rules: Sequence[Rule]) -> bool:
    """Tell whether others had a say in it, who may say otherwise than when the rows were judged."""
    kinds = (Custom, ForeignKey)
    return any(isinstance(r.check, kinds) or _in_table(r.check) for r in rules)


def _in_table(check: Check) -> bool:
    return isinstance(check, Unique) and check.scope == "table"


def _listed(found: Flagged, rules: Sequence[Rule], what: str) -> str:
    """Return the ids or signatures of the rules that a row fails, as a list of text."""
    each = [
        f"CASE WHEN {found.flags[rule.id]} THEN {text(str(getattr(rule, what)))} END"
        for rule in rules
    ]
    return f"array_compact(array({', '.join(each)}))" if each else _NOTHING

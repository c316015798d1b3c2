"""What takes the values themselves: those that fail, how many differ, how far they spread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from sfctl.model.policy import Batch, Rule
from sfctl.runtime.measured import Measured
from sfctl.runtime.spark import columns, measures, unique
from sfctl.runtime.spark.aggregate import aggregated
from sfctl.runtime.spark.marks import Marks
from sfctl.runtime.spark.program import Asked, Program, name_of
from sfctl.runtime.spark.quantile import quantile
from sfctl.runtime.spark.sql import cast
from sfctl.runtime.tally import KEPT_VALUES, RowTally

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True, slots=True)
class Found:
    """What was found out of all values at once; there is nothing to merge it with."""

    count: int = 0
    at: Fraction | float | None = None

    def joined(self, other: Found) -> Found:
        """Raise TypeError: numbers of some of the rows each do not tell that of all of them."""
        raise TypeError(f"{self} and {other} do not add up")

    def distinct(self) -> int:
        """Return how many different values there are."""
        return self.count

    def quantile(self, share: float) -> Fraction | float | None:  # noqa: ARG002
        """Return the value at the share that was asked for."""
        return self.at


def told(
    marks: Marks, program: Program, asked: Mapping[str, Asked], tallies: dict[str, RowTally]
) -> int:
    """Count the failing values that may be told, in one pass; return how many passes it took."""
    failing: list[tuple[Rule, str]] = []
    for rule in program.sound():
        tally = tallies.get(rule.id)
        if rule.id not in asked or tally is None or tally.failed == tally.errors:
            continue
        if rule.detail_field in program.tellable:
            with program.blamed(rule):
                text = columns.text_of(*columns.named(rule.detail_field, program.types))
                violating = asked[rule.id].violating
                failing.append((rule, f"CASE WHEN {violating} THEN {cast(text, 'STRING')} END"))
    if not failing:
        return 0
    pairs = (f"named_struct('rule', {n}, 'value', {sql})" for n, (_, sql) in enumerate(failing))
    beside = marks.beside([rule for rule, _ in failing if rule.id in program.marks])
    each = beside.selectExpr(f"inline(array({', '.join(pairs)}))").where("value IS NOT NULL")
    counted = each.groupBy("rule", "value").count()
    place = "row_number() OVER (PARTITION BY rule ORDER BY value) AS place"
    first = counted.selectExpr("*", place).where(f"place <= {KEPT_VALUES}")
    values: dict[int, dict[str, int]] = {}
    for row in first.select("rule", "value", "count").collect():
        values.setdefault(row["rule"], {})[row["value"]] = row["count"]
    for number, (rule, _) in enumerate(failing):
        tallies[rule.id] = tallies[rule.id].merge(RowTally(values=values.get(number, {})))
    return 1


def spreads(frame: DataFrame, program: Program, measured: dict[str, Measured]) -> int:
    """Measure standard deviations, which need the ends of the values; return passes."""
    wanted: dict[str, list[Rule]] = {}
    parts: dict[str, dict[str, str]] = {}
    for rule in _of(program, "stddev", measured):
        with program.blamed(rule):
            term = program.measured(rule)
            assert term is not None
            parts[rule.id] = measures.spread(term, program.where(rule), measured[rule.id])
            for sql in parts[rule.id].values():
                wanted.setdefault(sql, []).append(rule)
    if not wanted:
        return 0
    found = aggregated(frame, wanted, program)
    for rule in _of(program, "stddev", measured):
        with program.blamed(rule):
            term = program.measured(rule)
            assert term is not None
            said = {name: found[name_of(sql)] for name, sql in parts[rule.id].items()}
            measured[rule.id] = measures.spread_state(term, measured[rule.id], said)
    return 1


def different(frame: DataFrame, program: Program, measured: dict[str, Measured]) -> int:
    """Count different values; return passes."""
    wanted: dict[str, list[Rule]] = {}
    for rule in _of(program, "distinct_count", measured):
        with program.blamed(rule):
            wanted.setdefault(_distinct(rule, program), []).append(rule)
    if not wanted:
        return 0
    found = aggregated(frame, wanted, program)
    for sql, rules in wanted.items():
        for rule in rules:
            if name_of(sql) in found:
                kept = Found(count=int(found[name_of(sql)]))
                measured[rule.id] = replace(measured[rule.id], kept=kept)
    return 1


def quantiles(frame: DataFrame, program: Program, measured: dict[str, Measured]) -> int:
    """Find the values at a share of the way; return passes."""
    passes = 0
    for rule in _of(program, "quantile", measured):
        check, where = rule.check, program.where(rule)
        assert isinstance(check, Batch)
        with program.blamed(rule):
            term = program.measured(rule)
            assert term is not None
            share = 0.5 if check.quantile is None else check.quantile
            value = measures.inside(term.value, where)
            count = measured[rule.id].values
            at, jobs = quantile(frame, value, term, count, share)
            measured[rule.id] = replace(measured[rule.id], kept=Found(at=at))
            passes += jobs
    return passes


def _distinct(rule: Rule, program: Program) -> str:
    check = rule.check
    assert isinstance(check, Batch)
    value = unique.part(*columns.named(check.field, program.types))
    return f"count(DISTINCT {measures.inside(value, program.where(rule))})"


def _of(program: Program, measure: str, measured: Mapping[str, Measured]) -> list[Rule]:
    """Return the rules of a measure for which there is something to measure."""
    return [
        rule
        for rule in program.sound(Batch)
        if isinstance(rule.check, Batch)
        and rule.check.measure == measure
        and rule.id in measured
        and measured[rule.id].values
        and not measured[rule.id].errors
    ]

"""The engines that judge rows by rules which a test writes down, each given the same rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import polars as pl

from sfctl.model.expr import Expr
from sfctl.model.policy import Policy, RowCheck, Rule
from sfctl.model.verdict import Judgement, RuleResult
from sfctl.runtime.core import judge as core
from sfctl.runtime.polars.emit import Emitter as PolarsEmitter
from sfctl.runtime.spark.emit import Emitter as SparkEmitter
from sfctl.runtime.spark.held import Held
from sfctl.runtime.spark.judge import judge as judge_on_spark
from sfctl.runtime.spark.program import program_for
from sfctl.runtime.spark.schema import of_frame, types_of
from tests.conformance.runtime import rules
from tests.conformance.runtime.spark_sessions import SESSIONS, session
from tests.conformance.runtime.spark_trees import asked, said


class Engine(Protocol):
    """One engine; rows come as a Polars frame of types that every engine has."""

    def by(self, rows: pl.DataFrame, policy: Policy) -> Judgement:
        """Judge rows by a policy."""

    def failing(self, rows: pl.DataFrame, text: str, **types: str) -> list[str]:
        """Return for each row `pass`, `fail` or `error` under an expression."""

    def holds(self, rows: pl.DataFrame, trees: list[Expr]) -> list[list[bool | None]]:
        """Return for each tree its value on each row."""


@dataclass(frozen=True, slots=True)
class Polars:
    """The engine of frames that fit into memory."""

    def by(self, rows: pl.DataFrame, policy: Policy) -> Judgement:
        return core.judge(rows, policy, "gold", now=rules.NOW)

    def failing(self, rows: pl.DataFrame, text: str, **types: str) -> list[str]:
        return rules.failing(rows, text, **types)

    def holds(self, rows: pl.DataFrame, trees: list[Expr]) -> list[list[bool | None]]:
        emitter = PolarsEmitter(rows.schema)
        asked = [emitter.condition(tree).value.alias(str(n)) for n, tree in enumerate(trees)]
        return [column.to_list() for column in rows.select(asked)]


@dataclass(frozen=True, slots=True)
class Spark:
    """The engine of frames that do not."""

    spark: Any

    def by(self, rows: pl.DataFrame, policy: Policy) -> Judgement:
        return judge_on_spark(Held(self._frame(rows), rows.height), policy, "gold", now=rules.NOW)

    def failing(self, rows: pl.DataFrame, text: str, **types: str) -> list[str]:
        frame = self._frame(rows)
        given = rules.policy(rules.rule(RowCheck(rules.condition(text, **types))))
        program = program_for(of_frame(frame), given, "gold")
        (rule,) = program.sound()
        assert isinstance(rule.check, RowCheck)
        term = SparkEmitter(program.types).condition(rule.check.expr)
        return [said(row[0]) for row in frame.selectExpr(asked(term)).collect()]

    def holds(self, rows: pl.DataFrame, trees: list[Expr]) -> list[list[bool | None]]:
        frame = self._frame(rows)
        emitter = SparkEmitter(types_of(of_frame(frame)))
        found = frame.selectExpr(*(emitter.condition(tree).value for tree in trees)).collect()
        return [[row[position] for row in found] for position in range(len(trees))]

    def _frame(self, rows: pl.DataFrame) -> Any:
        table = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
        with session(self.spark, SESSIONS["moments without zone"]):
            return self.spark.createDataFrame(table)


def result(engine: Engine, rows: pl.DataFrame, rule: Rule) -> RuleResult:
    """Return the outcome of one rule."""
    return engine.by(rows, rules.policy(rule)).rules[0]

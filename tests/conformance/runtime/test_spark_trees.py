"""Trees on Spark against the plain interpreter: drawn, written, of every case, in hostile sessions.

`SFCTL_SPARK_TREES` asks for so many trees of each kind instead of the few of every day, a fifth of
them in each session, and for those of every case; `SFCTL_SPARK_SEED` for others than yesterday's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

from sfctl.model.expr import Expr, fields_of
from sfctl.model.policy import RowCheck, Rule
from sfctl.model.types import DataType
from tests.conformance.runtime import generated, trees
from tests.conformance.runtime.casebook import Rows, compiled, gathered, made
from tests.conformance.runtime.spark_sessions import SESSIONS, session
from tests.conformance.runtime.spark_trees import carried, differences, frame_of
from tests.reference import texts

COUNT = int(os.environ.get("SFCTL_SPARK_TREES", "0"))
SEED = int(os.environ.get("SFCTL_SPARK_SEED", "20"))
DAILY = 160
ALONE = 8
"""Trees of each kind in every session that differs in one setting."""
PARSER = {
    "spark.sql.parser.manageParserCaches": "true",
    "spark.sql.parser.parserDfaCacheFlushThreshold": "10000",
}
"""Spark's parser remembers all that it ever looked ahead: half a megabyte a drawn tree."""
Columns = Mapping[str, DataType]
Made = tuple[Columns, list[dict[str, Any]], list[Expr]]


def wrong(spark: Any, columns: Columns, rows: Sequence[Any], some: Sequence[Expr]) -> list[str]:
    frame = frame_of(spark, columns, rows)
    with session(spark, PARSER):
        return [str(each) for each in differences(frame, columns, rows, some)]


def written(number: int, count: int) -> Made:
    """Return rows, and trees of random texts that compile over them."""
    random = Random(number)
    columns = {name: kind for name, kind in texts.COLUMNS.items() if carried(kind)}
    rows = [{name: row[name] for name in columns} for row in texts.rows(random, 24)]
    found: dict[Expr, None] = {}
    while len(found) < count:
        rule = made({"id": "r", "kind": "expression", "expression": texts.sound(random)})
        policy, problems = compiled(columns, rule)
        if not any(problem.severity == "error" for problem in problems):
            found.update(
                (r.check.expr, None) for r in policy.rules if isinstance(r.check, RowCheck)
            )
    return columns, rows, list(found)


def ruled(number: int, count: int) -> Made:
    """Return rows, and trees of random rules of every kind that judges rows."""
    random = Random(number)
    rows: list[Any] = []
    while len(rows) < 20:
        rows += generated.rows(random).rows
    found: dict[Expr, None] = {}
    while len(found) < count:
        found.update(dict.fromkeys(trees_of(generated.rules(random, 20))))
    return generated.COLUMNS, rows, list(found)


def drawn(number: int, count: int) -> Made:
    """Return rows and typed conditions over them as Hypothesis draws them."""
    rows = [row for some in examples(trees.rows, number, 12) for row in some]
    found = dict.fromkeys(examples(trees.typed_conditions(), number, count))
    return trees.TYPES, rows[-24:], list(found)


def examples(strategy: SearchStrategy[Any], number: int, count: int) -> list[Any]:
    """Return about so many examples, the same for the same number."""
    found: list[Any] = []

    @seed(number)
    @settings(
        max_examples=count, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(strategy)
    def collect(each: Any) -> None:
        found.append(each)

    collect()
    return found


def trees_of(rules: Sequence[Rule]) -> Iterator[Expr]:
    for rule in rules:
        if isinstance(rule.check, RowCheck):
            yield rule.check.expr
        if rule.where is not None:
            yield rule.where


def cases() -> Iterator[tuple[str, Rows, list[Expr]]]:
    """Yield the rows of every table of cases that Spark carries, with all trees over them."""
    for table in gathered():
        kept = {name for name, kind in table.data.columns.items() if carried(kind)}
        rows = table.data.only(kept)
        rules = [rule for case in table.cases for rule in case.rules]
        some = [tree for tree in trees_of(rules) if set(fields_of(tree)) <= kept]
        if rows.rows and some:
            yield f"{table.kind}/{table.name}", rows, list(dict.fromkeys(some))


MAKERS = {"drawn": drawn, "texts": written, "rules": ruled}


@pytest.mark.parametrize("kind", MAKERS)
def test_random_trees_mean_on_spark_what_they_say(spark: Any, kind: str) -> None:
    few = DAILY if kind == "drawn" else DAILY // 4
    assert wrong(spark, *MAKERS[kind](SEED, COUNT or few)) == []


@pytest.mark.parametrize("name", SESSIONS)
def test_no_setting_of_a_session_changes_what_is_meant(spark: Any, name: str) -> None:
    few = DAILY // 6 if name == "all at once" else ALONE
    with session(spark, SESSIONS[name]):
        found = [
            wrong(spark, *make(SEED + number, COUNT // 5 or few))
            for number, make in enumerate(MAKERS.values(), 1)
        ]
    assert found == [[]] * len(MAKERS)


@pytest.mark.asked_by("SFCTL_SPARK_TREES")
def test_the_trees_of_every_case(spark: Any) -> None:
    found = [(label, *wrong(spark, rows.columns, rows.rows, some)) for label, rows, some in cases()]
    assert len(found) > 10
    assert [each for each in found if len(each) > 1] == []

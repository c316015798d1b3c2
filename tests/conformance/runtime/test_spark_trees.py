"""Trees on Spark against the plain interpreter: drawn, written, of every case, in hostile sessions.

`SFCTL_SPARK_TREES` asks for so many drawn trees of each kind instead of the few of every day.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest

from sfctl.model.expr import Expr, fields_of
from sfctl.model.policy import RowCheck, Rule
from sfctl.model.types import DataType
from tests.conformance.runtime import generated
from tests.conformance.runtime.casebook import Rows, compiled, gathered, made
from tests.conformance.runtime.spark_trees import carried, differences, frame_of
from tests.reference import texts

COUNT = int(os.environ.get("SFCTL_SPARK_TREES", "40"))
SESSIONS = {
    "ANSI off": {"spark.sql.ansi.enabled": "false"},
    "New York": {"spark.sql.session.timeZone": "America/New_York"},
    "case-sensitive": {"spark.sql.caseSensitive": "true"},
    "backslashes as they are": {"spark.sql.parser.escapedStringLiterals": "true"},
    "no loss of precision": {"spark.sql.decimalOperations.allowPrecisionLoss": "false"},
    "all at once": {
        "spark.sql.ansi.enabled": "false",
        "spark.sql.session.timeZone": "Asia/Kathmandu",
        "spark.sql.caseSensitive": "true",
        "spark.sql.parser.escapedStringLiterals": "true",
        "spark.sql.decimalOperations.allowPrecisionLoss": "false",
        "spark.sql.timestampType": "TIMESTAMP_NTZ",
        "spark.sql.legacy.literal.pickMinimumPrecision": "false",
        "spark.sql.legacy.exponentLiteralAsDecimal.enabled": "true",
        "spark.sql.codegen.wholeStage": "false",
    },
}
Columns = Mapping[str, DataType]


@contextmanager
def session(spark: Any, settings: Mapping[str, str]) -> Iterator[None]:
    """Let a session have these settings, and afterwards those it had."""
    before = {name: spark.conf.get(name, None) for name in settings}
    for name, value in settings.items():
        spark.conf.set(name, value)
    try:
        yield
    finally:
        for name, old in before.items():
            if old is None:
                spark.conf.unset(name)
            else:
                spark.conf.set(name, old)


def wrong(spark: Any, columns: Columns, rows: Sequence[Any], trees: Sequence[Expr]) -> list[str]:
    frame = frame_of(spark, columns, rows)
    return [str(each) for each in differences(frame, columns, rows, trees)]


def written(seed: int, count: int) -> tuple[Columns, list[dict[str, Any]], list[Expr]]:
    """Return rows, and trees of random texts that compile over them."""
    random = Random(seed)
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


def ruled(seed: int, count: int) -> tuple[Columns, list[Any], list[Expr]]:
    """Return rows, and trees of random rules of every kind that judges rows."""
    random = Random(seed)
    rows: list[Any] = []
    while len(rows) < 20:
        rows += generated.rows(random).rows
    found: dict[Expr, None] = {}
    while len(found) < count:
        found.update(dict.fromkeys(trees_of(generated.rules(random, 20))))
    return generated.COLUMNS, rows, list(found)


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
        trees = [tree for tree in trees_of(rules) if set(fields_of(tree)) <= kept]
        if rows.rows and trees:
            yield f"{table.kind}/{table.name}", rows, list(dict.fromkeys(trees))


def test_random_texts_mean_on_spark_what_they_say(spark: Any) -> None:
    assert wrong(spark, *written(20, COUNT)) == []


def test_random_rules_mean_on_spark_what_they_say(spark: Any) -> None:
    assert wrong(spark, *ruled(21, COUNT)) == []


@pytest.mark.parametrize("name", SESSIONS)
def test_no_setting_of_a_session_changes_what_is_meant(spark: Any, name: str) -> None:
    with session(spark, SESSIONS[name]):
        found = wrong(spark, *written(22, COUNT // 2)) + wrong(spark, *ruled(23, COUNT // 2))
    assert found == []


def test_the_trees_of_every_case(spark: Any) -> None:
    found = [
        (label, *wrong(spark, rows.columns, rows.rows, trees)) for label, rows, trees in cases()
    ]
    assert len(found) > 10
    assert [each for each in found if len(each) > 1] == []

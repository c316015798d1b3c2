"""Every case on Spark: the outcome, counts, signatures and rows apart that every carrier gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from sfctl.model.policy import Policy
from sfctl.model.verdict import Judgement
from sfctl.runtime.core.split import REASONS, RULES
from sfctl.runtime.spark.judge import judge
from sfctl.runtime.spark.split import Sides, split
from tests.conformance.runtime import spark_carrier
from tests.conformance.runtime.carriers import SPARK, carried, frame_of
from tests.conformance.runtime.casebook import NOW, Case, Rows, Table, gathered
from tests.conformance.runtime.test_cases import told

KINDS = sorted({table.kind for table in gathered()})


@pytest.mark.parametrize("kind", KINDS)
def test_spark_gives_the_expected_outcome(kind: str, spark: Any, tmp_path: Path) -> None:
    wrong = []
    with spark_carrier.set_up(spark):
        for table in gathered():
            if table.kind == kind:
                wrong += differences(spark, table, tmp_path / table.name)
    assert not wrong, "\n".join(wrong)


def differences(spark: Any, table: Table, folder: Path) -> list[str]:
    """Judge a table's cases on Spark; return what differs from what is expected."""
    rows, cases = carried(SPARK, table)
    if not cases:
        return []
    without = set(table.data.columns) - set(rows.columns)
    policy = table.policy(cases)
    kept = tuple(spec for spec in policy.schema.columns if spec.name not in without)
    policy = replace(policy, schema=replace(policy.schema, columns=kept))
    around = spark_carrier.surroundings(spark, table, folder)
    held = spark_carrier.held(spark, rows, folder / "rows")
    judgement = judge(held, policy, "gold", now=NOW, around=around)
    answers = {result.id: result for result in judgement.rules}
    wrong = [
        f"{case.kind}/{case.table} {case.id}: {what}"
        for case in cases
        for rule, expected in zip(case.rules, case.expected, strict=True)
        for what in told(case.kind, answers[rule.id], expected)
    ]
    sides = split(held, policy, "gold", judgement=judgement, around=around)
    wrong += [
        f"{table.kind}/{table.name}: {w}" for w in divided(judgement, sides, rows, cases, policy)
    ]
    return wrong


def divided(
    judgement: Judgement, sides: Sides, rows: Rows, cases: list[Case], policy: Policy
) -> Iterator[str]:
    """Yield where the good and the bad rows, and what the bad ones failed, are not as expected."""
    failing: dict[int, set[str]] = {}
    for case in cases:
        for rule, expected in zip(case.rules, case.expected, strict=True):
            if rule.severity == "error" and expected.rows is not None:
                for number in expected.rows:
                    failing.setdefault(number, set()).add(rule.id)
    frame = frame_of(rows)
    good = [repr(row) for number, row in enumerate(frame.iter_rows(), 1) if number not in failing]
    signatures = {rule.id: rule.signature for rule in policy.rules}
    bad = Counter(
        (repr(row), *_both(failing[number], signatures))
        for number, row in enumerate(frame.iter_rows(), 1)
        if number in failing
    )
    if (judgement.good, judgement.bad) != (len(good), bad.total()):
        yield f"{judgement.good} good and {judgement.bad} bad rows (expected {bad.total()} bad)"
    found_good = spark_carrier.collected(sides.good.frame, rows)
    if Counter(map(repr, found_good.iter_rows())) != Counter(good):
        yield f"the good rows are not those but {sorted(failing)}"
    found_bad = spark_carrier.collected(sides.bad.frame, rows)
    if (found_good.height, found_bad.height) != (sides.good.height, sides.bad.height):
        yield f"the sides are said to be {sides.good.height} and {sides.bad.height} rows"
    found = Counter(
        (repr(row[:-2]), frozenset(row[-2]), tuple(sorted(row[-1])))
        for row in found_bad.select(*frame.columns, RULES, REASONS).iter_rows()
    )
    if found != bad:
        yield f"the bad rows are {found - bad} (expected {bad - found})"


def _both(ids: set[str], signatures: dict[str, str]) -> tuple[frozenset[str], tuple[str, ...]]:
    return frozenset(ids), tuple(sorted(signatures[each] for each in ids))


def test_one_of_the_three_partitions_is_empty(spark: Any, tmp_path: Path) -> None:
    table = next(t for t in gathered() if len(t.data.rows) > 2 and carried(SPARK, t)[1])
    with spark_carrier.set_up(spark):
        frame = spark_carrier.frame(spark, carried(SPARK, table)[0], tmp_path)
        rows = [len(part) for part in frame.rdd.glom().collect()]
    assert sorted(rows)[:2] == [0, 1]
    assert len(rows) == 3

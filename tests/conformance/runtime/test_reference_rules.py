"""Cases and generated data, judged by the plain interpreter of rules as well."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from random import Random
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from msgspec.structs import replace

from sfctl.model.policy import Custom, Policy
from sfctl.runtime.core.judge import Surroundings
from sfctl.runtime.core.judge import judge as judge_source
from sfctl.runtime.core.split import RULES, split
from tests.conformance.runtime import generated
from tests.conformance.runtime.carriers import Pieces, frame_of
from tests.conformance.runtime.casebook import NOW, Rows, Table, compiled, tables
from tests.reference.rules import Around, Outcome, judge, type_of, value_of


def around(table: Table) -> Around:
    """Return what the interpreter may ask for besides a table's rows."""

    def function(check: Custom) -> Any:
        module, _, name = check.function.partition(":")

        def answers(rows: Sequence[Any]) -> list[bool | None]:
            columns = {name: type_of(name, table.data.columns) for name in check.fields}
            picked = Rows(
                columns, tuple({name: value_of(row, name) for name in columns} for row in rows)
            )
            batch = pa.table(frame_of(picked)).combine_chunks().to_batches()[0]
            return list(getattr(import_module(module), name)(batch))

        return answers

    references = {urn: (rows.columns, rows.rows) for urn, rows in table.references.items()}
    return Around(NOW, references, table.others.rows if table.others else (), function)


@pytest.mark.parametrize("kind", sorted({table.kind for table in tables()}))
def test_the_interpreter_expects_what_the_cases_expect(kind: str) -> None:
    wrong = []
    for table in tables():
        if table.kind != kind:
            continue
        for case in table.cases:
            for rule, expected in zip(case.rules, case.expected, strict=True):
                if kind == "custom" and expected.status == "error":
                    continue  # what becomes of a function that raises is the engine's to say
                found = judge(rule, table.data.columns, table.data.rows, around(table))
                wanted = Outcome(
                    expected.status, expected.evaluated, expected.failed, expected.rows,
                    expected.signatures, expected.measured, expected.reason,
                    found.surplus if expected.surplus is None else expected.surplus,
                )  # fmt: skip
                if found != wanted:
                    wrong.append(f"{table.name} {case.id}:\n  {found}\n  {wanted}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("seed", range(20))
def test_engine_and_interpreter_agree_on_generated_rules(seed: int) -> None:
    assert disagreements(seed) == []


def disagreements(seed: int) -> list[str]:
    """Judge random rows by random rules in random pieces; return where the two differ."""
    random = Random(seed)
    data, there, table = (generated.rows(random) for _ in range(3))
    rules = generated.rules(random, 24)
    policy = replace(compiled(generated.COLUMNS, None)[0], rules=tuple(rules))
    known = {"urn:dp:ref:rows": frame_of(there).lazy()}
    surroundings = Surroundings(references=known.get, others=lambda _rule: frame_of(table).lazy())
    frame = frame_of(data)
    pieces = Pieces(frame, random.choice((1, 2, 3, 100)))
    found = {
        r.id: r for r in judge_source(pieces, policy, "gold", now=NOW, around=surroundings).rules
    }
    failing = rows_failing(frame, policy, surroundings)
    plain = Around(NOW, {"urn:dp:ref:rows": (there.columns, there.rows)}, table.rows)
    wrong = []
    for rule in rules:
        wanted = judge(rule, data.columns, data.rows, plain)
        got = found[rule.id]
        rows = failing.get(rule.id, ()) if rule.is_row_rule else None
        outcome = Outcome(
            got.status, got.evaluated, got.failed, rows, dict(got.signatures), got.measured,
            got.reason, got.surplus,
        )  # fmt: skip
        if outcome != wanted and not got.subsumed_by:
            wrong.append(f"{rule}\n  {outcome}\n  {wanted}")
    return wrong


def rows_failing(frame: pl.DataFrame, policy: Policy, around: Surroundings) -> dict[str, Any]:
    """Return the numbers of the rows that fail each error rule."""
    numbered = frame.with_row_index("_number", 1)
    marked = split(numbered.drop("_number"), policy, "gold", around=around)
    good = [repr(row) for row in marked.good.iter_rows()]
    found: dict[str, Any] = {}
    bad = iter(marked.bad.get_column(RULES).to_list())
    for number, row in enumerate(frame.iter_rows(), 1):
        if good and repr(row) == good[0]:
            good.pop(0)
            continue
        for rule_id in next(bad):
            found[rule_id] = (*found.get(rule_id, ()), number)
    return found

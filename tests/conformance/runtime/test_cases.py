"""Every case on every carrier: one verdict, the same counts and signatures, the same rows apart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from msgspec.structs import replace

from sfctl.model.policy import Policy
from sfctl.model.verdict import Judgement, RuleResult
from sfctl.runtime.core.judge import Surroundings, judge
from sfctl.runtime.core.opening import open_source
from sfctl.runtime.core.split import RULES, Split, split
from tests.conformance.runtime.carriers import CARRIERS, UNORDERED, carried, frame_of
from tests.conformance.runtime.casebook import NOW, Case, Expected, Table, gathered, tables

KINDS = sorted({table.kind for table in gathered()})


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_carrier_gives_the_expected_outcome(kind: str, carrier: str, tmp_path: Path) -> None:
    wrong = []
    for table in gathered():
        if table.kind == kind:
            folder = tmp_path / table.name
            folder.mkdir()
            wrong += differences(carrier, table, folder)
    assert not wrong, "\n".join(wrong)


def differences(carrier: str, table: Table, folder: Path) -> list[str]:
    """Judge a table's cases as a carrier brings it; return what differs from what is expected."""
    rows, cases = carried(carrier, table)
    if not cases:
        return []
    without = set(table.data.columns) - set(rows.columns)
    policy = table.policy(cases)
    kept = tuple(spec for spec in policy.schema.columns if spec.name not in without)
    policy = replace(policy, schema=replace(policy.schema, columns=kept))
    around = surroundings(table)
    frame = frame_of(rows)
    source = open_source(CARRIERS[carrier](frame, rows, folder), policy)
    judgement = judge(source, policy, "gold", now=NOW, around=around)
    answers = {result.id: result for result in judgement.rules}
    wrong = [
        f"{case.kind}/{case.table} {case.id} on {carrier}: {what}"
        for case in cases
        for rule, expected in zip(case.rules, case.expected, strict=True)
        for what in told(case.kind, answers[rule.id], expected)
    ]
    wrong += [
        f"{table.kind}/{table.name} on {carrier}: {what}"
        for what in divided(carrier, judgement, source, frame, policy, cases, around)
    ]
    return wrong


def surroundings(table: Table) -> Surroundings:
    """Return the other datasets and the rows of the whole table, as frames."""
    known = {urn: frame_of(rows).lazy() for urn, rows in table.references.items()}
    others = None if table.others is None else frame_of(table.others).lazy()
    return Surroundings(references=known.get, others=lambda _rule: others)


def told(kind: str, found: RuleResult, expected: Expected) -> Iterator[str]:
    """Yield each thing a rule says that was not expected of it."""
    signatures = {name.replace(f":{kind}/", ":"): n for name, n in found.signatures.items()}
    pairs: dict[str, tuple[Any, Any]] = {
        "status": (found.status, expected.status),
        "failed": (found.failed, expected.failed),
        "evaluated": (found.evaluated, expected.evaluated),
        "signatures": (signatures, dict(expected.signatures)),
        "measured": (found.measured, expected.measured),
        "reason": (found.reason, expected.reason),
    }
    if expected.surplus is not None:
        pairs["surplus"] = (found.surplus, expected.surplus)
    for name, (got, wanted) in pairs.items():
        if got != wanted:
            yield f"{name} {got!r} (expected {wanted!r})"


def divided(
    carrier: str,
    judgement: Judgement,
    source: Any,
    frame: pl.DataFrame,
    policy: Policy,
    cases: list[Case],
    around: Surroundings,
) -> Iterator[str]:
    """Yield where the good and the bad rows, and what the bad ones failed, are not as expected."""
    failing: dict[int, set[str]] = {}
    for case in cases:
        for rule, expected in zip(case.rules, case.expected, strict=True):
            if rule.severity == "error" and expected.rows is not None:
                for number in expected.rows:
                    failing.setdefault(number, set()).add(rule.id)
    rows = pl.concat(_all(source))
    numbers = _numbers(rows, frame) if carrier in UNORDERED else range(1, rows.height + 1)
    bad = [number for number in numbers if number in failing]
    if (judgement.good, judgement.bad) != (rows.height - len(bad), len(bad)):
        yield f"{judgement.good} good and {judgement.bad} bad rows (expected {len(bad)} bad)"
    parts = _split(rows, policy, judgement, around)
    is_bad = pl.Series([number in failing for number in numbers], dtype=pl.Boolean)
    if not parts.good.equals(rows.filter(~is_bad)):
        yield f"the good rows are not those but {bad}"
    if not parts.bad.select(rows.columns).equals(rows.filter(is_bad)):
        yield f"the bad rows are not {bad}"
    found = [set(each) for each in parts.bad.get_column(RULES)]
    if found != [failing[number] for number in bad]:
        yield f"rows {bad} fail {found} (expected {[failing[n] for n in bad]})"


_SPLITS: dict[str, list[tuple[pl.DataFrame, Split]]] = {}
"""What became of frames by policy: most carriers hand over equal ones."""


def _split(rows: pl.DataFrame, policy: Policy, judgement: Judgement, around: Surroundings) -> Split:
    failed = [(rule.id, rule.failed) for rule in judgement.rules]
    known = _SPLITS.setdefault(f"{policy.rules} {failed}", [])
    for frame, parts in known:
        if frame.schema == rows.schema and frame.equals(rows):
            return parts
    parts = split(rows, policy, "gold", judgement=judgement, around=around)
    known.append((rows, parts))
    return parts


def _numbers(rows: pl.DataFrame, frame: pl.DataFrame) -> list[int]:
    """Return which row of a table each row is; equal rows are interchangeable."""
    places: dict[str, list[int]] = {}
    for number, row in enumerate(frame.iter_rows(), 1):
        places.setdefault(repr(row), []).append(number)
    return [places[repr(row)].pop(0) for row in rows.iter_rows()]


def _all(source: Any) -> list[pl.DataFrame]:
    found = list(source.chunks(list(source.schema)))
    plain = [chunk.select(list(source.schema)) for chunk in found]
    return plain or [pl.DataFrame(schema=dict(source.schema))]


def test_every_kind_has_a_dozen_cases() -> None:
    counted: dict[str, int] = {}
    for table in tables():
        counted[table.kind] = counted.get(table.kind, 0) + len(table.cases)
    assert {kind: n for kind, n in counted.items() if n < 12} == {}


def test_no_case_has_the_name_of_another() -> None:
    names = [(case.kind, case.id) for table in tables() for case in table.cases]
    assert len(set(names)) == len(names)

"""Writes docs/conformance.md from the cases: `python -m tests.conformance.runtime.page`."""

from __future__ import annotations

from collections.abc import Iterator

from tests.conformance.runtime import writebook
from tests.conformance.runtime.carriers import CARRIERS, SPARK, Gap, carried, gap_of, gaps, lost
from tests.conformance.runtime.casebook import ROOT, Case, Expected, Table, tables

PAGE = ROOT / "docs" / "conformance.md"
_HEAD = """\
# Rule conformance

Written by `python -m tests.conformance.runtime.page` from `tests/conformance/runtime/cases`; a test
holds it to them.

A case is data: typed rows, a rule as its author writes it, and what must come out: status, failing
rows by number, rows evaluated, signatures with their counts, the number measured, the reason. The
expectations are thought out from [the rules](rules.md), not taken down from a run. Every case is
judged on every *carrier*, every way in which rows reach a judgement today, with the same outcome,
the same good rows and the same bad rows with the same rules against them. An interpreter in plain
Python (`tests/reference/rules.py`), which knows no engine, expects the same of each case, and of
random rows and rules besides. A case may also be a rule that is refused when it is compiled.

On Spark the rows are three partitions, one of them empty, and rules are Spark SQL; the outcome,
counts, signatures, numbers and rows on both sides are held to the same expectations. Spark has no
unsigned types: there UINT64 is DECIMAL(20,0). Its TIME is behind a setting, which is on.

[Whole writes](#whole-writes) are cases too: gates, levels, the split, actions on personal data,
drift of the schema, modes. Each is written by pandas, Arrow and Spark into a project of its own;
answer, evidence with fingerprints, table and opened quarantine are what the case says, and equal
among the three. A null among pandas' doubles is NaN to it, and stored so.

Every case is judged at 2024-01-15T12:00:00Z.
"""
_BIG = 60
_CARRIERS = (*CARRIERS, SPARK)


def page() -> str:
    """Return the page."""
    parts = [_HEAD, "## Kinds", "", *_kinds(), "", "## Carriers", "", *_carriers(), ""]
    parts += ["## What a carrier cannot carry", "", *_gaps(), ""]
    parts += ["## Whole writes", "", *_writes(), ""]
    for kind in _by_kind():
        parts += [f"## `{kind.replace('_', ' ') if _of_aggregate(kind) else kind}`", ""]
        parts += [
            line for table in _by_kind()[kind] for case in table.cases for line in _line(case)
        ]
        parts.append("")
    return "\n".join(parts)


def _by_kind() -> dict[str, list[Table]]:
    found: dict[str, list[Table]] = {}
    for table in tables():
        found.setdefault(table.kind, []).append(table)
    return found


def _of_aggregate(kind: str) -> bool:
    return kind.startswith("aggregate_")


def _kinds() -> Iterator[str]:
    yield "| kind | cases | of them refused | judgements on all carriers |"
    yield "|---|--:|--:|--:|"
    total = [0, 0, 0]
    for kind, some in _by_kind().items():
        every = [case for table in some for case in table.cases]
        judged = sum(len(carried(name, table)[1]) for name in _CARRIERS for table in some)
        numbers = [len(every), sum(bool(case.refused) for case in every), judged]
        total = [a + b for a, b in zip(total, numbers, strict=True)]
        name = kind.replace("_", " ") if _of_aggregate(kind) else kind
        yield f"| `{name}` | {numbers[0]} | {numbers[1]} | {numbers[2]:,} |"
    yield f"| all | {total[0]} | {total[1]} | {total[2]:,} |"


def _carriers() -> Iterator[str]:
    every = sum(bool(case.rules) for table in tables() for case in table.cases)
    yield "| carrier | cases judged | not carried |"
    yield "|---|--:|--:|"
    for name in _CARRIERS:
        judged = sum(len(carried(name, table)[1]) for table in tables())
        yield f"| {name} | {judged} | {every - judged} |"


def _gaps() -> Iterator[str]:
    yield "| carrier | what | why | cases |"
    yield "|---|---|---|--:|"
    for gap in gaps():
        yield f"| {gap.carrier} | {gap.trait} | {gap.reason} | {cases_lost(gap)} |"


def _writes() -> Iterator[str]:
    yield "| of | case | what holds | each write: verdict, certification, rows published and held |"
    yield "|---|---|---|---|"
    for case in writebook.cases():
        told = "; ".join(_answered(step) for step in case.steps)
        yield f"| {case.file} | {case.id} | {case.says} | {told} |"


def _answered(step: writebook.Step) -> str:
    said = step.answer
    gates = "".join(f", {gate} {result}" for gate, result in step.gates.items())
    schema = f", {step.schema} schema" if step.schema else ""
    rows = f"{said['rows_published']} and {said['rows_quarantined']}"
    return f"{said['verdict']}, {said['certification']}, {rows}{gates}{schema}"


def cases_lost(gap: Gap) -> int:
    """Return how many cases a gap keeps from being judged on its carrier."""
    found = 0
    for table in tables():
        without = lost(gap.carrier, table)
        if not without:
            continue
        kept = {case.id for case in carried(gap.carrier, table)[1]}
        for case in table.cases:
            if case.rules and case.id not in kept:
                reasons = [gap_of(rule, table, without) for rule in case.rules]
                first = next((each for each in reasons if each is not None), None)
                found += (first or next(iter(without.values()))) == gap
    return found


def _line(case: Case) -> Iterator[str]:
    yield f"- **{case.id}**: {case.says}  "
    yield f"  `{case.written}`  "
    if case.refused:
        yield f"  refused with {case.refused}"
    else:
        yield "  " + "; ".join(map(_told, case.expected))


def _told(expected: Expected) -> str:
    if expected.status == "skipped":
        return f"skipped, {expected.reason}"
    parts = [expected.status]
    if expected.reason:
        parts.append(expected.reason)
    if expected.rows is None:
        parts += [f"measured {expected.measured}"] if expected.measured else []
    elif expected.rows:
        listed = ", ".join(map(str, expected.rows))
        rows = f"rows {listed}" if len(listed) < _BIG else f"{len(expected.rows)} rows"
        parts.append(f"{rows} of {expected.evaluated}")
    else:
        parts.append(f"no row of {expected.evaluated}")
    return ", ".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

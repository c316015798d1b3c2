"""The cases of `cases/*.yaml`: typed rows, a rule as its author writes it, and what must come out.

Nothing here knows an engine. A value is what `tests.reference.interpreter` calls a row's value,
with `int` for whole numbers. A row is numbered from 1.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as revised
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from sfctl.compiler.policy import compile_policy
from sfctl.errors import Problem
from sfctl.model.policy import Policy, Rule
from sfctl.model.types import DataType
from sfctl.model.types import parse as parse_type
from sfctl.spec.dataset import DatasetFiles
from sfctl.spec.document import check
from sfctl.spec.documents.policy import POLICY
from sfctl.spec.tree import Node
from sfctl.spec.yaml import parse

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
NOW = datetime(2024, 1, 15, 12, tzinfo=UTC)
"""The moment at which every case is judged."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rows:
    """Typed rows."""

    columns: Mapping[str, DataType]
    rows: tuple[Row, ...]

    def only(self, names: set[str]) -> Rows:
        """Return the rows with only those columns, in their order."""
        kept = {name: kind for name, kind in self.columns.items() if name in names}
        return Rows(kept, tuple({name: row[name] for name in kept} for row in self.rows))


@dataclass(frozen=True, slots=True)
class Expected:
    """What a rule must say. `rows` are the rows that fail it; None for a rule on the batch."""

    status: str
    evaluated: int
    rows: tuple[int, ...] | None = None
    failed: int = 0
    signatures: Mapping[str, int] = field(default_factory=dict)
    measured: str | None = None
    reason: str = ""
    surplus: int | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One case: the rules its entry compiles to, one a column, and what each must say.

    `refused` holds the code of the compile error that is expected instead; `written` the rule as
    it stands in the file.
    """

    kind: str
    table: str
    id: str
    says: str
    rules: tuple[Rule, ...]
    expected: tuple[Expected, ...]
    refused: str = ""
    written: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with the cases over them.

    `declared` are the columns of the policy, of which the rows may lack some. `others` are the
    rows that the whole table holds besides.
    """

    kind: str
    name: str
    data: Rows
    declared: Mapping[str, DataType]
    references: Mapping[str, Rows]
    others: Rows | None
    cases: tuple[Case, ...]

    def policy(self, cases: Sequence[Case]) -> Policy:
        """Return one policy with the rules of these cases, so that one judgement answers them."""
        rules = tuple(rule for case in cases for rule in case.rules)
        return replace(compiled(self.declared, None)[0], rules=rules)


@cache
def tables() -> tuple[Table, ...]:
    """Return every table of every file, in the order of the files' names."""
    return tuple(table for path in sorted(HERE.glob("cases/*.yaml")) for table in _read(path))


@cache
def gathered() -> tuple[Table, ...]:
    """Return the tables with those of the same rows made one, so that one judgement answers all.

    The first gives the kind and the name. Rules are called `<kind>/<id>`, for ids may meet.
    """
    same: dict[str, list[Table]] = {}
    for table in tables():
        known = repr((table.data, table.declared, table.references, table.others))
        same.setdefault(known, []).append(table)
    return tuple(
        revised(some[0], cases=tuple(_renamed(case) for each in some for case in each.cases))
        for some in same.values()
    )


def _renamed(case: Case) -> Case:
    rules = tuple(replace(rule, id=f"{case.kind}/{rule.id}") for rule in case.rules)
    return revised(case, rules=rules)


def compiled(columns: Mapping[str, DataType], rule: Node | None) -> tuple[Policy, list[Problem]]:
    """Compile one rule as if it stood in a bundle that declares these columns."""
    bundle: dict[str, Node] = {
        "schema": made({"constraints": [{"field": n, "type": str(k)} for n, k in columns.items()]})
    }
    if rule is not None:
        bundle["dq"] = made({"rules": [rule]})
    document = check(made(bundle), POLICY, None)
    if document.node is None:
        return Policy("", ""), list(document.problems)
    dataset = made({"urn": "ds://cases/rows", "owner_team": "nobody", "tier": "TIER_3"})
    files = DatasetFiles("rows", dataset, document.node, None)
    return compile_policy(files, root=ROOT)


def made(value: Any) -> Node:
    """Return a plain value as the tree that YAML would give."""
    if isinstance(value, Node):
        return value
    if isinstance(value, dict):
        return Node({key: made(each) for key, each in value.items()}, "bundle", 1, 1)
    if isinstance(value, list):
        return Node(tuple(made(each) for each in value), "bundle", 1, 1)
    return Node(value, "bundle", 1, 1, text=str(value))


def _read(path: Path) -> Iterator[Table]:
    document, problems = parse(path.read_text(encoding="utf-8"), path.name)
    assert document is not None
    assert not problems, problems
    for name, node in document["tables"].items():
        data = _rows(node)
        more = node.get("declares")
        declared = dict(data.columns)
        for column, kind in more.items() if more else ():
            declared[column] = parse_type(str(kind.value))
        others = node.get("others")
        references = node.get("references")
        yield Table(
            path.stem,
            name,
            data,
            declared,
            {urn: _rows(each) for urn, each in (references.items() if references else ())},
            None if others is None else _rows(others),
            tuple(_case(path.stem, name, data, declared, *each) for each in node["cases"].items()),
        )


def _rows(node: Node) -> Rows:
    columns = {name: parse_type(str(kind.value)) for name, kind in node["columns"].items()}
    rows = [
        {name: value(each, kind) for (name, kind), each in zip(columns.items(), row, strict=True)}
        for row in node["rows"]
    ]
    return Rows(columns, tuple(rows))


def _case(
    kind: str,
    table: str,
    data: Rows,
    declared: Mapping[str, DataType],
    case_id: str,
    node: Node,
) -> Case:
    rule, expect = node["rule"], node["expect"]
    line = rule.source.splitlines()[rule.line - 1]
    written = line[rule.col - 1 :].strip()
    if rule.is_mapping and "id" not in rule:
        rule = Node({**dict(rule.items()), "id": made(case_id)}, rule.path, rule.line, rule.col)
    policy, problems = compiled(declared, rule)
    codes = [problem.code for problem in problems if problem.severity == "error"]
    refused = expect.string("refused")
    if refused:
        assert refused in codes, f"{rule.path}:{rule.line} {case_id}: {codes} of {refused}"
        return Case(kind, table, case_id, node.string("says"), (), (), refused, written)
    assert not codes, f"{rule.path}:{rule.line} {case_id}: {problems}"
    per_rule = tuple(expect) if expect.is_sequence else (expect,)
    assert len(per_rule) == len(policy.rules), f"{rule.path}:{rule.line} {case_id}"
    expected = tuple(_expected(each, len(data.rows)) for each in per_rule)
    says = node.string("says")
    return Case(kind, table, case_id, says, policy.rules, expected, written=written)


def _expected(node: Node, rows: int) -> Expected:
    listed = node.get("rows")
    failing = None if listed is None else tuple(int(each.text) for each in listed)
    status = node.string("status")
    whole = 0 if status == "skipped" else rows if failing is not None else 1
    bad = len(failing) if failing is not None else status in ("fail", "warn", "error")
    failed = node.scalar("failed", int(bad))
    evaluated = node.scalar("evaluated", whole)
    surplus = node.scalar("surplus")
    signatures = node.get("signatures")
    assert isinstance(failed, int)
    assert isinstance(evaluated, int)
    return Expected(
        status,
        evaluated,
        failing,
        failed,
        {name: int(each.text) for name, each in (signatures.items() if signatures else ())},
        node.string("measured") or None,
        node.string("reason"),
        surplus if isinstance(surplus, int) else None,
    )


def value(node: Node, kind: DataType) -> Any:
    """Return what a YAML value stands for in a column of a type."""
    if node.value is None:
        return None
    if kind.kind == "ARRAY":
        return [value(each, kind.args[0]) for each in node]
    if kind.kind == "STRUCT":
        return {n: value(node[n], k) for n, k in zip(kind.names, kind.args, strict=True)}
    if kind.kind == "STRING":
        assert isinstance(node.value, str), f"{node.path}:{node.line} quote {node.text}"
        return node.value
    text = node.value if isinstance(node.value, str) else node.text
    return _scalar(text, kind)


def _scalar(text: str, kind: DataType) -> Any:
    if kind.is_integer:
        return int(text)
    if kind.is_float:
        found = float(text.replace(".inf", "inf").replace(".nan", "nan"))
        single = {"FLOAT": "f", "HALF": "e"}.get(kind.kind)
        return struct.unpack(single, struct.pack(single, found))[0] if single else found
    match kind.kind:
        case "DECIMAL":
            return Decimal(text)
        case "BOOLEAN":
            return {"true": True, "false": False}[text]
        case "DATE":
            return date.fromisoformat(text)
        case "TIME":
            return time.fromisoformat(text)
        case "TIMESTAMP":
            return datetime.fromisoformat(text).astimezone(UTC)
        case "TIMESTAMP_NTZ":
            return datetime.fromisoformat(text)
        case "DURATION":
            return timedelta(microseconds=int(Decimal(text) * 1_000_000))
        case "BINARY":
            return bytes.fromhex(text)
    raise ValueError(f"no way to write a {kind}")

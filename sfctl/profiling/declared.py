"""What a policy bundle already says: types, nullability, personal data, rules."""

from __future__ import annotations

from pathlib import Path

from sfctl.compiler.policy import compile_policy
from sfctl.model.schema import Column, Schema
from sfctl.model.types import DataType, parse
from sfctl.runtime.pii.kinds import Kind, kind_for
from sfctl.spec.dataset import DatasetFiles
from sfctl.spec.tree import Node


def declared_schema(policy: Node | None) -> Schema:
    """Return the declared columns; what is not typed, or wrongly, is of any type."""
    columns: list[Column] = []
    for entry in _list(policy, "schema", "constraints"):
        nullable = entry.scalar("nullable")
        columns.append(
            Column(
                entry.string("field"),
                _type(entry.string("type", "ANY")),
                nullable if isinstance(nullable, bool) else None,
            )
        )
    return Schema(tuple(columns))


def hidden_columns(policy: Node | None) -> frozenset[str]:
    """Return the columns a detection names: their values stay out of the baseline."""
    named = [entry.strings("columns") for entry in _list(policy, "pii", "detection")]
    return frozenset(column for columns in named for column in columns)


def further_kinds(files: DatasetFiles, root: Path) -> tuple[Kind, ...]:
    """Return the kinds of personal data that a policy looks for in every column of text."""
    if not any(entry.get("columns") is None for entry in _list(files.policy, "pii", "detection")):
        return ()
    policy, _ = compile_policy(files, root=root, open_columns=True)
    return tuple(
        kind_for(each.kind, each.pattern)
        for each in policy.pii
        if each.pattern and not each.columns
    )


def known_rules(files: DatasetFiles, root: Path) -> frozenset[tuple[str, ...]]:
    """Return what a dataset's rules are about: kind and columns, or an expression's text."""
    if files.policy is None:
        return frozenset()
    policy, _ = compile_policy(files, root=root, open_columns=True)
    found = {(rule.kind, *sorted(rule.fields)) for rule in policy.rules}
    for entry in _list(files.policy, "contract_lite", "invariants"):
        expression = entry.string("expression") if entry.is_mapping else str(entry.value)
        found.add(("expression", " ".join(expression.split())))
    found |= {("pii", column) for column in hidden_columns(files.policy)}
    return frozenset(found)


def _list(policy: Node | None, block: str, key: str) -> list[Node]:
    found = policy.get(block) if policy is not None else None
    entries = found.get(key) if found is not None else None
    return list(entries) if entries is not None else []


def _type(text: str) -> DataType:
    try:
        return parse(text)
    except ValueError:
        return DataType("ANY")

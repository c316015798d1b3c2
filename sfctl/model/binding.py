"""A policy bound to the schema that a run really meets: types that compile left open are filled in.

An expression keeps the declared type of a column while the actual one is of the same family, for
then the adapter casts; a column of unknown type takes the actual type.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from msgspec.structs import replace

from sfctl.model.expr import Expr, Field, fields_of
from sfctl.model.families import family
from sfctl.model.inference import infer, infer_condition
from sfctl.model.policy import Batch, Custom, ForeignKey, Policy, RowCheck, Rule, Unique
from sfctl.model.schema import Schema
from sfctl.model.types import DataType


@dataclass(frozen=True, slots=True)
class Binding:
    """A policy with its types resolved, and why some of its rules cannot be evaluated.

    `missing` maps a rule's id to the first column that is absent; `mistyped` to a sentence about
    types that do not fit. Both are faults of the data.
    """

    policy: Policy
    missing: dict[str, str]
    mistyped: dict[str, str]


def bind(policy: Policy, schema: Schema) -> Policy:
    """Return the policy with every expression typed by the actual schema."""
    return resolve(policy, schema).policy


def resolve(policy: Policy, schema: Schema) -> Binding:
    """Bind, and say which rules the schema leaves without meaning; those stay as they were."""
    binder = _Binder({column.name: column.type for column in schema.columns})
    missing: dict[str, str] = {}
    mistyped: dict[str, str] = {}
    rules: list[Rule] = []
    for rule in policy.rules:
        absent = next((name for name in columns_of(rule) if name not in binder.types), None)
        if absent is not None:
            missing[rule.id] = absent
            rules.append(rule)
            continue
        bound = binder.rule(rule)
        if binder.faults:
            mistyped[rule.id] = binder.faults[0]
            bound = rule
        rules.append(bound)
    return Binding(replace(policy, rules=tuple(rules)), missing, mistyped)


def columns_of(rule: Rule) -> tuple[str, ...]:
    """Return the top-level columns a rule reads, those of its `where` included."""
    found: dict[str, None] = {}
    for expr in (rule.check.expr if isinstance(rule.check, RowCheck) else None, rule.where):
        if expr is not None:
            found.update(dict.fromkeys(fields_of(expr)))
    match rule.check:
        case Unique(fields=fields) | ForeignKey(fields=fields) | Custom(fields=fields):
            found.update(dict.fromkeys(fields))
        case Batch(field=field) if field:
            found[field] = None
        case _:
            pass
    return tuple(found)


def typed_field(node: Field, types: dict[str, DataType]) -> Field | str | None:
    """Resolve a path against column types: the typed field, a hint where a part is missing.

    None where the column's inside is not known.
    """
    dotted = ".".join(node.path)
    if node.path[0] not in types and dotted in types:
        return Field((dotted,), types[dotted])
    kind = types.get(node.path[0])
    if kind is None:
        return near_hint(node.path[0], types)
    for part in node.path[1:]:
        if kind.kind in ("ANY", "JSON") or (kind.kind == "STRUCT" and not kind.args):
            return Field(node.path, DataType("ANY"))
        if kind.kind != "STRUCT":
            return f"`{node.path[0]}` is {kind}, it has no parts"
        inner = dict(zip(kind.names, kind.args, strict=True))
        if part not in inner:
            return near_hint(part, inner)
        kind = inner[part]
    return Field(node.path, kind)


def near_hint(name: str, known: Iterable[str]) -> str:
    """Return a hint that names the nearest known column, else lists some of them."""
    from difflib import get_close_matches

    names = list(known)
    near = get_close_matches(name, names, 1, 0.6)
    if near:
        return f"did you mean `{near[0]}`?"
    if not names:
        return "declare it in schema.constraints, or run `sfctl profile`"
    shown = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
    return f"known columns: {shown}"


class _Binder:
    def __init__(self, types: dict[str, DataType]) -> None:
        self.types = types
        self.faults: list[str] = []

    def rule(self, rule: Rule) -> Rule:
        self.faults = []
        where = None if rule.where is None else infer_condition(rule.where, self.field, self.fault)
        check = rule.check
        if isinstance(check, RowCheck):
            check = RowCheck(infer(check.expr, self.field, self.fault))
        return replace(rule, where=where, check=check)

    def field(self, node: Field) -> Field | str | None:
        found = typed_field(node, self.types)
        if not isinstance(found, Field) or node.type.kind == "ANY":
            return found
        same = family(node.type) == family(found.type)
        return found if same else Field(found.path, node.type)

    def fault(self, _node: Expr, _code: str, message: str, _hint: str = "") -> None:
        self.faults.append(message)

"""A policy bound to the schema that a run really meets: types that compile left open are filled in.

An expression keeps the declared type of a column while the actual one is of the same family, for
then the adapter casts; a column of unknown type takes the actual type.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from sfctl.model.expr import Expr, Field, children
from sfctl.model.families import family
from sfctl.model.inference import infer, infer_condition
from sfctl.model.policy import Batch, Custom, ForeignKey, Policy, RowCheck, Rule, Unique
from sfctl.model.schema import Schema
from sfctl.model.types import DataType

AMBIGUOUS = "give one of the two another name"
"""What to do about a name with two meanings."""


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
    declared = {c.name for c in (*policy.schema.columns, *(policy.schema.baseline or ()))}
    missing: dict[str, str] = {}
    mistyped: dict[str, str] = {}
    rules: list[Rule] = []
    for rule in policy.rules:
        read = columns_of(rule, binder.types)
        absent = next((name for name in read if name not in binder.types), None)
        if absent is not None:
            missing[rule.id] = absent
            rules.append(rule)
            continue
        bound = binder.rule(rule)
        twofold = next((n for n in _dotted(rule) if is_ambiguous(n, binder.types)), None)
        if twofold is not None and twofold not in declared:
            binder.faults.insert(0, two_meanings(twofold))
        if binder.faults:
            mistyped[rule.id] = binder.faults[0]
            bound = rule
        rules.append(bound)
    return Binding(replace(policy, rules=tuple(rules)), missing, mistyped)


def columns_of(rule: Rule, known: Container[str] = ()) -> tuple[str, ...]:
    """Return the top-level columns a rule reads, those of its `where` included.

    `known` holds the names of the columns there are: it decides what a dot in a name means.
    """
    found: dict[str, None] = {}
    for expr in (rule.check.expr if isinstance(rule.check, RowCheck) else None, rule.where):
        for path in _paths(expr):
            head = path[0] if path[0] in known else path_of(".".join(path), known)[0]
            found[head] = None
    found.update(dict.fromkeys(path_of(name, known)[0] for name in names_of(rule)))
    return tuple(found)


def names_of(rule: Rule) -> tuple[str, ...]:
    """Return the columns, or paths into columns, that a rule on sets of rows names."""
    match rule.check:
        case Unique(fields=fields) | ForeignKey(fields=fields) | Custom(fields=fields):
            return fields
        case Batch(field=field) if field:
            return (field,)
        case _:
            return ()


def path_of(name: str, known: Container[str]) -> tuple[str, ...]:
    """Return the path a written name means.

    A column of just that name comes first, then the longest known column that the name begins
    with and the fields inside it, then every dot as a step.
    """
    parts = name.split(".")
    if name in known or not all(parts):
        return (name,)
    for end in range(len(parts) - 1, 0, -1):
        head = ".".join(parts[:end])
        if head in known:
            return (head, *parts[end:])
    return tuple(parts)


def is_ambiguous(name: str, types: Mapping[str, DataType]) -> bool:
    """Tell whether a dotted name is a column and a field inside another column as well."""
    if name not in types or "." not in name:
        return False
    others = {column: kind for column, kind in types.items() if column != name}
    path = path_of(name, others)
    return path[0] in others and isinstance(_inside(path, others), Field)


def two_meanings(name: str) -> str:
    """Say why a name cannot be used."""
    return f"`{name}` is a column and a field inside another column as well"


def typed_field(node: Field, types: dict[str, DataType]) -> Field | str | None:
    """Resolve a path against column types: the typed field, a hint where a part is missing.

    None where the column's inside is not known.
    """
    dotted = ".".join(node.path)
    if len(node.path) > 1 and is_ambiguous(dotted, types):
        return two_meanings(dotted)
    return _inside(node.path if node.path[0] in types else path_of(dotted, types), types)


def _inside(path: tuple[str, ...], types: Mapping[str, DataType]) -> Field | str:
    kind = types.get(path[0])
    if kind is None:
        return near_hint(path[0], types)
    for part in path[1:]:
        if kind.kind in ("ANY", "JSON") or (kind.kind == "STRUCT" and not kind.args):
            return Field(path, DataType("ANY"))
        if kind.kind != "STRUCT":
            return f"`{path[0]}` is {kind}, it has no parts"
        inner = dict(zip(kind.names, kind.args, strict=True))
        if part not in inner:
            return near_hint(part, inner)
        kind = inner[part]
    return Field(path, kind)


def _dotted(rule: Rule) -> Iterator[str]:
    """Yield the names that hold a dot which may be part of the name or a step."""
    yield from names_of(rule)
    for expr in (rule.check.expr if isinstance(rule.check, RowCheck) else None, rule.where):
        yield from (".".join(path) for path in _paths(expr) if len(path) > 1)


def _paths(expr: Expr | None) -> Iterator[tuple[str, ...]]:
    """Yield the paths a tree reads, in order of appearance."""
    stack = [] if expr is None else [expr]
    while stack:
        node = stack.pop()
        if isinstance(node, Field):
            yield node.path
        stack.extend(reversed(children(node)))


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

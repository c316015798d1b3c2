"""The vocabulary in which a document's shape is declared: it checks trees and writes JSON Schema.

A shape reports every departure at once, each at its place; containers are here, single values in
`values.py`, the tables of each kind of document in `documents/`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, Protocol

from sfctl.errors import Problem
from sfctl.spec.tree import Node
from sfctl.spec.wording import clipped, listed, shown, suggestion

MAX_PROBLEMS = 100
JsonSchema = dict[str, object]
TEMPLATE: JsonSchema = {"$ref": "#/$defs/template"}
_WRONG = {
    "SF112": "has the wrong type",
    "SF113": "is not a known value",
    "SF114": "has the wrong form",
    "SF115": "is out of range",
}


class Report:
    """Collects the problems of one document, up to a bound."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    @property
    def full(self) -> bool:
        """Whether further problems would only bury the first."""
        return len(self.problems) >= MAX_PROBLEMS

    def add(self, problem: Problem) -> None:
        """Keep a problem, unless the bound is reached."""
        if not self.full:
            self.problems.append(problem)

    def wrong(
        self, node: Node, name: str, expected: str, *, code: str = "", hint: str = ""
    ) -> None:
        """Report that the value under `name` is not what was expected."""
        if node.value is None:
            self.add(
                node.problem(
                    code or "SF112",
                    f"{_quoted(name)} is {'null' if node.text else 'empty'} (expected {expected})",
                    hint=hint or f"give {_quoted(name)} a value, or remove it",
                )
            )
        else:
            code = code or "SF112"
            message = f"{_quoted(name)} {_WRONG[code]} (got {shown(node)}, expected {expected})"
            self.add(node.problem(code, message, hint=hint))


class Shape(Protocol):
    """What one value must be. `what` completes the sentence "expected …"."""

    what: str

    def check(self, node: Node, name: str, report: Report) -> None:
        """Report everything that is wrong with `node`, which stands under `name`."""

    def schema(self, defs: JsonSchema, /) -> JsonSchema:
        """Return the JSON Schema (draft 2020-12) that accepts the same values.

        Definitions it refers to are put into `defs`, which becomes `$defs`.
        """


class Field:
    """One key of a mapping: its shape, whether it must be there, what it is for."""

    __slots__ = ("doc", "required", "shape")

    def __init__(self, shape: Shape, doc: str, *, required: bool = False) -> None:
        self.shape = shape
        self.doc = doc
        self.required = required


def need(shape: Shape, doc: str) -> Field:
    """Return a required key."""
    return Field(shape, doc, required=True)


def may(shape: Shape, doc: str) -> Field:
    """Return an optional key."""
    return Field(shape, doc)


Relation = tuple[Literal["some", "one", "not_both"], tuple[str, ...]]


class Fields:
    """A mapping with a closed set of keys; `noun` is what messages call it.

    `relations` tie keys together: `("some", keys)` at least one of them, `("one", keys)` exactly
    one, `("not_both", keys)` at most one.
    """

    def __init__(
        self, noun: str, fields: Mapping[str, Field], relations: Iterable[Relation] = ()
    ) -> None:
        self.noun = noun
        self.what = f"a mapping with {_some(fields)}"
        self.fields = dict(fields)
        self.relations = tuple(relations)
        self.required = tuple(key for key, field in fields.items() if field.required)

    def check(self, node: Node, name: str, report: Report) -> None:
        entries = node.value
        if not isinstance(entries, dict):
            report.wrong(node, name, self.what)
            return
        fields = self.fields
        for key, child in entries.items():
            field = fields.get(key)
            if field is not None:
                field.shape.check(child, key, report)
            elif not report.full:
                self._unknown(node, key, report)
        for key in self.required:
            if key not in entries:
                message = f"{self.noun} needs `{key}` (expected {fields[key].shape.what})"
                report.add(node.problem("SF111", message, hint=f"add `{key}:`"))
        for kind, keys in self.relations:
            given = [key for key in keys if key in entries]
            if not given and kind != "not_both":
                message = f"{self.noun} needs {listed(keys)}"
                report.add(node.problem("SF116", message, hint=f"add {listed(keys)}"))
            elif len(given) > 1 and kind != "some":
                message = f"`{given[1]}` cannot stand beside `{given[0]}`"
                report.add(node.key_problem(given[1], "SF116", message, hint="keep one of them"))

    def _unknown(self, node: Node, key: str, report: Report) -> None:
        hint = suggestion(key, self.fields)
        message = f"unknown key `{clipped(key)}` in {self.noun}"
        report.add(node.key_problem(key, "SF110", message, hint=hint))

    def schema(self, defs: JsonSchema, /) -> JsonSchema:
        properties: dict[str, object] = {}
        for key, field in self.fields.items():
            properties[key] = {"description": field.doc, **field.shape.schema(defs)}
        result: JsonSchema = {
            "type": "object",
            "properties": properties,
            "additionalProperties": False,
        }
        if self.required:
            result["required"] = list(self.required)
        rules = [_relation_schema(kind, keys) for kind, keys in self.relations]
        if rules:
            result["allOf"] = rules
        return result


class Seq:
    """A list of values of one shape, or a template that gives one."""

    def __init__(self, item: Shape, *, at_least: int = 0, what: str = "") -> None:
        self.item = item
        self.at_least = at_least
        self.what = what or f"a list, each {item.what}"

    def check(self, node: Node, name: str, report: Report) -> None:
        if node.unrendered:
            return
        if not isinstance(node.value, tuple):
            report.wrong(node, name, self.what)
            return
        if len(node.value) < self.at_least:
            found = f"(got {len(node.value)}, expected at least {self.at_least})"
            report.add(node.problem("SF115", f"{_quoted(name)} has too few entries {found}"))
        for index, item in enumerate(node.value):
            self.item.check(item, f"{name}[{index}]", report)

    def schema(self, defs: JsonSchema, /) -> JsonSchema:
        result: JsonSchema = {"type": "array", "items": self.item.schema(defs)}
        if self.at_least:
            result["minItems"] = self.at_least
        return {"anyOf": [result, TEMPLATE]}


class MapOf:
    """A mapping from names of the author's choice to values of one shape."""

    def __init__(self, value: Shape, what: str, *, reserved: Mapping[str, Field] | None = None):
        self.value = value
        self.what = what
        self.reserved = reserved or {}

    def check(self, node: Node, name: str, report: Report) -> None:
        if not isinstance(node.value, dict):
            report.wrong(node, name, self.what)
            return
        for key, child in node.value.items():
            field = self.reserved.get(key)
            (field.shape if field else self.value).check(child, key, report)
        for key, field in self.reserved.items():
            if field.required and key not in node.value:
                message = f"`{name}` needs `{key}` (expected {field.shape.what})"
                report.add(node.problem("SF111", message, hint=f"add `{key}:`"))

    def schema(self, defs: JsonSchema, /) -> JsonSchema:
        result: JsonSchema = {"type": "object", "additionalProperties": self.value.schema(defs)}
        if self.reserved:
            result["properties"] = {
                key: {"description": field.doc, **field.shape.schema(defs)}
                for key, field in self.reserved.items()
            }
            result["required"] = [key for key, field in self.reserved.items() if field.required]
        return result


class Either:
    """One of several shapes, told apart by what is written: a mapping, a list or a scalar."""

    def __init__(
        self,
        what: str,
        *,
        scalar: Shape | None = None,
        mapping: Shape | None = None,
        sequence: Shape | None = None,
    ) -> None:
        self.what = what
        self.scalar = scalar
        self.mapping = mapping
        self.sequence = sequence

    def check(self, node: Node, name: str, report: Report) -> None:
        value = node.value
        if isinstance(value, dict):
            shape = self.mapping
        elif isinstance(value, tuple):
            shape = self.sequence
        else:
            shape = None if value is None else self.scalar
        if shape is None:
            report.wrong(node, name, self.what)
        else:
            shape.check(node, name, report)

    def schema(self, defs: JsonSchema, /) -> JsonSchema:
        shapes = (self.scalar, self.mapping, self.sequence)
        return {"anyOf": [shape.schema(defs) for shape in shapes if shape is not None]}


class Tagged:
    """A mapping whose other keys depend on the value of one key."""

    def __init__(self, noun: str, by: str, shapes: Mapping[str, Shape]) -> None:
        self.noun = noun
        self.what = f"a mapping with `{by}`"
        self.by = by
        self.shapes = dict(shapes)

    def check(self, node: Node, name: str, report: Report) -> None:
        if not isinstance(node.value, dict):
            report.wrong(node, name, self.what)
            return
        tag = node.value.get(self.by)
        if tag is None:
            known = ", ".join(self.shapes)
            message = f"{self.noun} needs `{self.by}` (expected one of {known})"
            meant = next((key for key in node.value if key in self.shapes), "")
            report.add(
                node.problem("SF111", message, hint=f"add `{self.by}: {meant}".rstrip() + "`")
            )
            return
        shape = self.shapes.get(tag.value) if isinstance(tag.value, str) else None
        if shape is None:
            unknown_value(tag, self.by, self.shapes, report)
        else:
            shape.check(node, name, report)

    def schema(self, defs: JsonSchema, /) -> JsonSchema:
        tag: JsonSchema = {"enum": list(self.shapes)}
        cases: list[JsonSchema] = []
        for value, shape in self.shapes.items():
            condition = {"properties": {self.by: {"const": value}}, "required": [self.by]}
            cases.append({"if": condition, "then": shape.schema(defs)})
        return {
            "type": "object",
            "properties": {self.by: tag},
            "required": [self.by],
            "allOf": cases,
        }


class Named:
    """A shape that stands in many places; its schema is written once, under `name`."""

    def __init__(self, name: str, shape: Shape) -> None:
        self.name = name
        self.shape = shape
        self.what = shape.what

    def check(self, node: Node, name: str, report: Report) -> None:
        self.shape.check(node, name, report)

    def schema(self, defs: JsonSchema, /) -> JsonSchema:
        if self.name not in defs:
            defs[self.name] = {}
            defs[self.name] = self.shape.schema(defs)
        return {"$ref": f"#/$defs/{self.name}"}


def unknown_value(node: Node, name: str, known: Iterable[str], report: Report) -> None:
    """Report a value outside its closed set, naming the nearest member."""
    names = list(known)
    hint = suggestion(node.text, names, closed=False)
    report.wrong(node, name, f"one of {', '.join(names)}", code="SF113", hint=hint)


def _quoted(name: str) -> str:
    return f"`{name}`" if name else "the file"


def _some(fields: Mapping[str, Field]) -> str:
    keys = [key for key, field in fields.items() if field.required] or list(fields)
    return ", ".join(f"`{key}`" for key in keys[:4]) + (", …" if len(keys) > 4 else "")


def _relation_schema(kind: str, keys: tuple[str, ...]) -> JsonSchema:
    present: list[JsonSchema] = [{"required": [key]} for key in keys]
    if kind == "some":
        return {"anyOf": present}
    if kind == "one":
        return {"oneOf": present}
    return {"not": {"required": list(keys)}}

"""The vocabulary in which ODCS documents are described: JSON Schema's meaning, our messages.

It accepts what JSON Schema (draft 2019-09) accepts under the keywords that the standard uses:
`1.0` is an integer, empty text is text, an unknown key passes where an object is open. The shapes
in `sfctl.spec` are stricter on purpose and cannot stand in for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from sfctl.spec.shape import Report
from sfctl.spec.tree import Node
from sfctl.spec.wording import clipped, listed, shown, suggestion


class Grammar(Protocol):
    """What one value must be. `what` completes the sentence "expected …"."""

    what: str

    def check(self, node: Node, name: str, report: Report) -> None:
        """Report everything that is wrong with `node`, which stands under `name`."""


class Anything:
    """Any value, null included."""

    what = "any value"

    def check(self, node: Node, name: str, report: Report) -> None:
        """Report nothing."""


class Text:
    """Text, the empty one included; with `pattern`, text in which that is found."""

    def __init__(self, what: str = "text", pattern: str = "") -> None:
        self.what = what
        self.pattern = pattern

    def check(self, node: Node, name: str, report: Report) -> None:
        if not isinstance(node.value, str):
            quotable = node.is_scalar and node.text
            hint = f'quote it: "{clipped(node.text)}"' if quotable else ""
            wrong(report, node, name, self.what, hint=hint)
        elif self.pattern and not re.search(self.pattern, node.value):
            wrong(report, node, name, self.what)


class OneOf:
    """One word of a closed set."""

    def __init__(self, *words: str) -> None:
        self.words = words
        self.what = f"one of {', '.join(words)}" if len(words) > 1 else words[0]

    def check(self, node: Node, name: str, report: Report) -> None:
        if not isinstance(node.value, str) or node.value not in self.words:
            near = suggestion(node.text, self.words) if node.is_scalar else ""
            wrong(report, node, name, self.what, hint=near)


class Boolean:
    """`true` or `false`."""

    what = "true or false"

    def check(self, node: Node, name: str, report: Report) -> None:
        if not isinstance(node.value, bool):
            wrong(report, node, name, self.what)


class Number:
    """A number; `whole` without a fraction, at least `low` or above `above`."""

    def __init__(
        self, *, whole: bool = False, low: int | None = None, above: int | None = None
    ) -> None:
        self.whole = whole
        self.low = low
        self.above = above
        limit = f" of {low} or more" if low is not None else ""
        limit = f" above {above}" if above is not None else limit
        self.what = f"a {'whole ' if whole else ''}number{limit}"

    def check(self, node: Node, name: str, report: Report) -> None:
        value = node.value
        if isinstance(value, bool) or not isinstance(value, int | float):
            hint = "write it without quotes" if node.style in ("single", "double") else ""
            wrong(report, node, name, self.what, hint=hint)
        elif (
            (self.whole and isinstance(value, float) and not value.is_integer())
            or (self.low is not None and value < self.low)
            or (self.above is not None and value <= self.above)
        ):
            wrong(report, node, name, self.what)


class Scalar:
    """Text, a number, a boolean or null: anything but a list or a mapping."""

    what = "one value"

    def check(self, node: Node, name: str, report: Report) -> None:
        if not node.is_scalar:
            wrong(report, node, name, self.what)


class Items:
    """A list of values of one grammar."""

    def __init__(
        self, item: Grammar, *, least: int = 0, most: int | None = None, distinct: bool = False
    ) -> None:
        self.item = item
        self.least = least
        self.most = most
        self.distinct = distinct
        size = f" of {least}" if most is not None else " that is not empty" if least else ""
        self.what = f"a list{size}, each {item.what}"

    def check(self, node: Node, name: str, report: Report) -> None:
        values = node.value
        if not isinstance(values, tuple):
            wrong(report, node, name, self.what)
            return
        if len(values) < self.least or (self.most is not None and len(values) > self.most):
            wrong(report, node, name, self.what)
        for index, item in enumerate(values):
            self.item.check(item, f"{name}[{index}]", report)
        if self.distinct:
            plain = [_comparable(item.plain()) for item in values]
            twice = next((i for i, each in enumerate(plain) if each in plain[:i]), None)
            if twice is not None:
                message = f"`{name}` holds {shown(values[twice])} twice"
                report.add(values[twice].problem("SF286", message, hint="keep one of them"))


class Either:
    """One of several kinds of value, told apart by what is written: text, a list, a mapping."""

    def __init__(
        self,
        *,
        scalar: Grammar | None = None,
        sequence: Grammar | None = None,
        mapping: Grammar | None = None,
    ) -> None:
        self.scalar = scalar
        self.sequence = sequence
        self.mapping = mapping
        self.what = " or ".join(g.what for g in (scalar, mapping, sequence) if g is not None)

    def check(self, node: Node, name: str, report: Report) -> None:
        found = self.mapping if node.is_mapping else self.scalar
        found = self.sequence if node.is_sequence else found
        if found is None:
            wrong(report, node, name, self.what)
        else:
            found.check(node, name, report)


class Keys:
    """What a mapping may hold. An open one takes other keys too, whatever they hold."""

    def __init__(
        self,
        noun: str,
        fields: Mapping[str, Grammar],
        *,
        needs: Iterable[str] = (),
        open: bool = False,
        cases: Callable[[Node], Iterable[Keys]] | None = None,
        also: Callable[[Node, Report], None] | None = None,
    ) -> None:
        """`cases` gives the further keys that hold for one mapping; `also` checks what ties keys.

        A case that is closed closes nothing but itself: the keys of all cases add up.
        """
        self.noun = noun
        self.fields = dict(fields)
        self.needs = tuple(needs)
        self.open = open
        self.cases = cases
        self.also = also
        keys = self.needs or tuple(self.fields)
        some = ", ".join(f"`{key}`" for key in keys[:4]) + (", …" if len(keys) > 4 else "")
        self.what = f"a mapping with {some}" if some else "a mapping"

    def check(self, node: Node, name: str, report: Report) -> None:
        entries = node.value
        if not isinstance(entries, dict):
            wrong(report, node, name, self.what)
            return
        parts = [self, *(self.cases(node) if self.cases else ())]
        for key, child in entries.items():
            found = [part.fields[key] for part in parts if key in part.fields]
            for grammar in found:
                grammar.check(child, key, report)
            if not found and not self.open:
                self._unknown(node, key, parts, report)
        for part in parts:
            for key in part.needs:
                if key not in entries:
                    grammar = part.fields.get(key, Anything())
                    message = f"{part.noun} needs `{key}` (expected {grammar.what})"
                    report.add(node.problem("SF284", message, hint=f"add `{key}:`"))
            if part.also is not None:
                part.also(node, report)

    def _unknown(self, node: Node, key: str, parts: list[Keys], report: Report) -> None:
        if report.full:
            return
        known = dict.fromkeys(key for part in parts for key in part.fields)
        hint = suggestion(key, known) or f"{self.noun} has no keys of its own here"
        hint = hint if len(hint) < 200 else hint[:199] + "…"
        message = f"{self.noun} knows no key `{clipped(key)}`"
        report.add(node.key_problem(key, "SF285", message, hint=hint))


def exactly_one(fields: Mapping[str, Grammar], noun: str) -> Callable[[Node, Report], None]:
    """Return the check that one of these keys, and no second one, stands with a fitting value."""

    def check(node: Node, report: Report) -> None:
        given = [key for key in fields if isinstance(node.value, dict) and key in node.value]
        if not given:
            message = f"{noun} needs one of {listed(fields)}"
            report.add(
                node.problem(
                    "SF284", message, hint=f"say what must hold: `{next(iter(fields))}: 0`"
                )
            )
        elif len(given) > 1:
            message = f"`{given[1]}` cannot stand beside `{given[0]}`"
            report.add(node.key_problem(given[1], "SF286", message, hint="write two entries"))

    return check


def wrong(report: Report, node: Node, name: str, expected: str, *, hint: str = "") -> None:
    """Report that the value under `name` is not what the standard expects there."""
    got = "null" if node.value is None else shown(node)
    quoted = f"`{name}`" if name else "the document"
    message = f"{quoted} is not what the standard has there (got {got}, expected {expected})"
    if name:
        report.add(node.problem("SF286", message, hint=hint or f"write {expected}"))
    else:
        start = "a contract begins with apiVersion, kind, id, version and status"
        report.add(node.problem("SF281", message, hint=start))


def _comparable(value: object) -> object:
    """Return a value that equals another where JSON says so: 1 is 1.0, but not true."""
    if isinstance(value, list):
        return ("list", tuple(_comparable(each) for each in value))
    if isinstance(value, dict):
        return ("map", frozenset((key, _comparable(each)) for key, each in value.items()))
    return (isinstance(value, bool), value)

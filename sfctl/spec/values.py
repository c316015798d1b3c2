"""Shapes of single values: text, closed sets, numbers, shares, durations, schedules, secrets.

A template that is not rendered yet (another target's, or a credential during `validate`) passes
wherever a single value stands.
"""

from __future__ import annotations

import math
import re

from sfctl.errors import Problem
from sfctl.model import schedule
from sfctl.spec.shape import TEMPLATE, Either, JsonSchema, Report, Seq, Shape, unknown_value
from sfctl.spec.tree import Node
from sfctl.spec.wording import clipped

_PERCENT = r"(?:100(?:\.0+)?|[0-9]{1,2}(?:\.[0-9]+)?) ?%"
_DURATION = r"(?:[0-9]+(?:ms|s|m|h|d|w))+"


def is_template(node: Node) -> bool:
    """Tell whether the value is a template that nobody rendered."""
    return node.unrendered


class Text:
    """Text that is not empty; with `pattern`, text that matches it as a whole."""

    def __init__(self, what: str = "text", pattern: str = "", *, hint: str = "") -> None:
        self.what = what
        self.pattern = pattern
        self.hint = hint

    def check(self, node: Node, name: str, report: Report) -> None:
        value = node.value
        if not isinstance(value, str):
            quotable = node.is_scalar and node.text and not node.rendered
            quote = f'quote it: "{clipped(node.text)}"' if quotable else ""
            report.wrong(node, name, self.what, hint=self.hint or quote)
        elif not self._matches(value) and not is_template(node):
            report.wrong(node, name, self.what, code="SF114", hint=self.hint)

    def _matches(self, value: str) -> bool:
        return bool(re.fullmatch(self.pattern, value) if self.pattern else value)

    def schema(self, _: JsonSchema, /) -> JsonSchema:
        if not self.pattern:
            return {"type": "string", "minLength": 1}
        return {"anyOf": [{"type": "string", "pattern": f"^(?:{self.pattern})$"}, TEMPLATE]}


class Label(Text):
    """Text that is shown and never read: it may stay a template where nobody can render it."""


class Enum:
    """One of a closed set of words."""

    def __init__(self, *values: str) -> None:
        self.values = values
        self.what = f"one of {', '.join(values)}" if len(values) > 1 else values[0]

    def check(self, node: Node, name: str, report: Report) -> None:
        if node.value in self.values and isinstance(node.value, str):
            return
        if not node.is_scalar or node.value is None:
            report.wrong(node, name, self.what)
        elif not is_template(node):
            unknown_value(node, name, self.values, report)

    def schema(self, _: JsonSchema, /) -> JsonSchema:
        return {"anyOf": [{"enum": list(self.values)}, TEMPLATE]}


class Boolean:
    """`true` or `false`; YAML 1.2 knows no `yes` and `no`."""

    what = "true or false"

    def check(self, node: Node, name: str, report: Report) -> None:
        if isinstance(node.value, bool) or is_template(node):
            return
        word = node.text.casefold() if node.is_scalar else ""
        hint = ""
        if word in ("yes", "on", "y", "no", "off", "n", "true", "false", "1", "0"):
            meant = "true" if word in ("yes", "on", "y", "true", "1") else "false"
            hint = f"write {meant}, without quotes"
        report.wrong(node, name, self.what, hint=hint)

    def schema(self, _: JsonSchema, /) -> JsonSchema:
        return {"anyOf": [{"type": "boolean"}, TEMPLATE]}


class Number:
    """A finite number within bounds, both included."""

    def __init__(
        self,
        what: str = "a number",
        *,
        low: float | None = None,
        high: float | None = None,
        whole: bool = False,
    ) -> None:
        self.what = what
        self.low = low
        self.high = high
        self.whole = whole

    def check(self, node: Node, name: str, report: Report) -> None:
        value = node.value
        if is_template(node):
            return
        if isinstance(value, bool) or not isinstance(value, int | float):
            report.wrong(node, name, self.what, hint=self._hint(node))
        elif isinstance(value, float) and (self.whole or not math.isfinite(value)):
            report.wrong(node, name, self.what)
        elif (self.low is not None and value < self.low) or (
            self.high is not None and value > self.high
        ):
            report.wrong(node, name, self.what, code="SF115")

    def _hint(self, node: Node) -> str:
        if not isinstance(node.value, str):
            return ""
        if node.rendered:
            return "env_var() and file() give text: add `| int` or `| float`"
        return "write it without quotes" if node.style in ("single", "double") else ""

    def schema(self, _: JsonSchema, /) -> JsonSchema:
        result: JsonSchema = {"type": "integer" if self.whole else "number"}
        if self.low is not None:
            result["minimum"] = self.low
        if self.high is not None:
            result["maximum"] = self.high
        return {"anyOf": [result, TEMPLATE]}


def count(what: str = "a whole number of 0 or more", *, low: int = 0) -> Number:
    """Return the shape of a whole number of at least `low`."""
    return Number(what, low=low, whole=True)


class Share:
    """A share: a number from 0 to 1, or a percentage. With `or_count`, a whole number counts."""

    def __init__(self, *, or_count: bool = False) -> None:
        self.or_count = or_count
        self.what = (
            'a count of rows, or a share such as "1%" or 0.01'
            if or_count
            else 'a share such as "5%" or 0.05'
        )

    def check(self, node: Node, name: str, report: Report) -> None:
        value = node.value
        if isinstance(value, str):
            if not re.fullmatch(_PERCENT, value) and not is_template(node):
                report.wrong(node, name, self.what, code="SF114")
        elif isinstance(value, bool) or not isinstance(value, int | float):
            report.wrong(node, name, self.what)
        elif not self._within(value):
            report.wrong(node, name, self.what, code="SF115")

    def _within(self, value: float) -> bool:
        if not self.or_count:
            return 0 <= value <= 1
        return value >= 0 if isinstance(value, int) else 0 <= value < 1

    def schema(self, _: JsonSchema, /) -> JsonSchema:
        numbers: list[JsonSchema] = [{"type": "number", "minimum": 0, "maximum": 1}]
        if self.or_count:
            numbers = [
                {"type": "integer", "minimum": 0},
                {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
            ]
        percent: JsonSchema = {"type": "string", "pattern": f"^(?:{_PERCENT})$"}
        return {"anyOf": [*numbers, percent, TEMPLATE]}


class Duration(Text):
    """A length of time such as 30m, 36h or 1h30m."""

    def __init__(self) -> None:
        super().__init__(
            "a duration such as 30m or 36h", _DURATION, hint="units: ms, s, m, h, d, w"
        )


class Schedule(Text):
    """When something is due: `02:00 ET daily`, or a cron line; one that comes due, in a zone."""

    def __init__(self) -> None:
        super().__init__(
            'a time such as "02:00 ET daily", or a cron line',
            r".*(?:[01]?[0-9]|2[0-3]):[0-5][0-9].*|\S+(?: +\S+){4,5}|@[a-z]+(?: +\S+)?",
            hint="a time of day and a zone, or the five fields of cron",
        )

    def check(self, node: Node, name: str, report: Report) -> None:
        value = node.value
        if not isinstance(value, str) or not self._matches(value) or is_template(node):
            super().check(node, name, report)
            return
        try:
            schedule.parse(value)
        except ValueError as error:
            report.wrong(node, name, self.what, code="SF114", hint=f"{error}; write {self.hint}")


class Literal:
    """A value that data is compared with: text, a number or a boolean, never null."""

    def __init__(self, what: str = "text, a number or a boolean", *, boolean: bool = True) -> None:
        self.what = what
        self.boolean = boolean

    def check(self, node: Node, name: str, report: Report) -> None:
        value = node.value
        wrong = (
            not node.is_scalar or value is None or (isinstance(value, bool) and not self.boolean)
        )
        if wrong or (isinstance(value, float) and not math.isfinite(value)):
            report.wrong(node, name, self.what)

    def schema(self, _: JsonSchema, /) -> JsonSchema:
        return {"type": ["string", "number", *(["boolean"] if self.boolean else [])]}


class Secret(Text):
    """A credential; written as a template, because a literal would be in version control."""

    def __init__(self) -> None:
        super().__init__("a secret from env_var() or file()")

    def check(self, node: Node, name: str, report: Report) -> None:
        if not node.is_scalar or node.value is None:
            report.wrong(node, name, self.what)
        elif not node.rendered and not is_template(node):
            report.add(secret_problem(node, name))

    def schema(self, _: JsonSchema, /) -> JsonSchema:
        return dict(TEMPLATE)


def secret_problem(node: Node, name: str) -> Problem:
    """Return the problem of a literal that is, or looks like, a credential; never its value."""
    message = f"`{name}` holds a secret in plain text"
    hint = f"write \"{{{{ env_var('{_variable(name)}') }}}}\" or \"{{{{ file('path') }}}}\""
    return node.problem("SF120", message, hint=hint)


def _variable(name: str) -> str:
    return re.sub(r"\W+", "_", name).strip("_").upper() or "SECRET"


def one_or_more(item: Shape, what: str) -> Shape:
    """Return the shape of a value or a list of such values."""
    return Either(what, scalar=item, sequence=Seq(item, at_least=1, what=what))

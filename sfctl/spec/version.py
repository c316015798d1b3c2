"""The shape of a contract's version: a whole number, or text as other standards have it."""

from __future__ import annotations

from sfctl.spec.shape import JsonSchema, Report
from sfctl.spec.tree import Node


class Version:
    """A whole number of 1 or more, or text such as 1.2.0; `1.10` unquoted is neither."""

    what = "a whole number of 1 or more, or text such as 1.2.0"

    def check(self, node: Node, name: str, report: Report) -> None:
        value = node.value
        if isinstance(value, bool) or not isinstance(value, int | str):
            quote = f'quote it: "{node.text}"' if isinstance(value, float) else ""
            report.wrong(node, name, self.what, hint=quote)
        elif value == "" or (isinstance(value, int) and value < 1):
            report.wrong(node, name, self.what, code="SF115" if value != "" else "SF114")

    def schema(self, _: JsonSchema, /) -> JsonSchema:
        return {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "minLength": 1}]}

"""An expression of the user's YAML: parsed, typed against the known columns, problems placed."""

from __future__ import annotations

from sfctl.compiler.columns import Columns
from sfctl.compiler.findings import Findings
from sfctl.compiler.lexer import ExpressionError
from sfctl.compiler.parser import parse
from sfctl.model.expr import Expr
from sfctl.model.inference import infer_condition
from sfctl.spec.tree import Node


def compile_condition(node: Node, columns: Columns, findings: Findings) -> Expr | None:
    """Return the typed condition a scalar holds, or None where it has an error."""
    text = str(node.value)
    try:
        parsed = parse(text)
    except ExpressionError as error:
        findings.error(node, error.code, error.message, error.hint, error.offset)
        return None
    before = len(findings.problems)

    def report(place: Expr, code: str, message: str, hint: str = "") -> None:
        offset = parsed.offset(place)
        if code == "SF204" and text[offset] == '"' and not hint.startswith("did you mean"):
            hint = "double quotes name a column; a text stands in single quotes"
        findings.error(node, code, message, hint, offset)

    found = infer_condition(parsed.expr, columns.resolve, report)
    return found if len(findings.problems) == before else None

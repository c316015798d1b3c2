"""Patterns of the closed subset as Java reads them, and the plain tests that some of them are."""

from __future__ import annotations

from sfctl.runtime.spark.sql import Term, boolean, inner, text


def matches(operand: Term, pattern: str) -> Term:
    """Return whether a whole value matches a rewritten pattern."""
    return boolean(like(operand.value, pattern), operand.error)


def like(value: str, pattern: str) -> str:
    """Return whether text matches a pattern as a whole, which Java says without a backslash."""
    return f"{inner(value)} RLIKE {text(f'(?s)^(?:{pattern})(?!.)')}"

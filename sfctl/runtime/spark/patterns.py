"""Whole-value matches as Spark says them: by Java's patterns, or by the plain test that one is."""

from __future__ import annotations

from functools import lru_cache

from sfctl.runtime.spark import regex
from sfctl.runtime.spark.sql import Term, boolean, either, inner, known, text

LONGEST = 500
"""Characters of a text up to which Java's stack is surely enough for a pattern that needs it."""


def matches(operand: Term, pattern: str) -> Term:
    """Return whether a whole value matches a rewritten pattern.

    Under a pattern that needs stack for each round of a repeat, a text that is too long for it
    cannot be evaluated.
    """
    read = _java(pattern)
    if read.chars is not None:
        return boolean(_plainly(operand.value, read), operand.error)
    found = said(operand.value, read.text)
    if not read.rounds:
        return boolean(found, operand.error)
    long = f"char_length({operand.value}) > {LONGEST}"
    value = f"if(char_length({operand.value}) <= {LONGEST}, {found}, NULL)"
    return boolean(value, either([operand.error, f"coalesce({long}, FALSE)"]))


def like(value: str, pattern: str) -> str:
    """Return whether text matches a pattern that needs no stack."""
    read = _java(pattern)
    if read.chars is not None:
        return _plainly(value, read)
    return said(value, read.text)


@lru_cache(maxsize=512)
def _java(pattern: str) -> regex.Java:
    return regex.java(pattern)


def said(value: str, pattern: str) -> str:
    """Return whether text matches a pattern of Java's as a whole, without a backslash of ours."""
    # `.` is any character here and stands nowhere else: nothing may follow
    return f"{inner(value)} RLIKE {text(f'(?s)^(?:{pattern})(?!.)')}"


def _plainly(value: str, read: regex.Java) -> str:
    chars = text(read.chars or "")
    if not read.before and not read.after:
        return f"{inner(value)} = {chars}"
    if not read.chars:
        return known(value, answer=True)
    name = "contains" if read.before and read.after else "endswith" if read.before else "startswith"
    return f"{name}({value}, {chars})"

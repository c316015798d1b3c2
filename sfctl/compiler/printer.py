"""A tree as expression text: `parse` of the text gives the tree back, before typing.

What expressions cannot say, such as the test of a `pattern` rule, is printed for people only.
"""

from __future__ import annotations

from sfctl.model.expr import (
    Arithmetic,
    Between,
    Call,
    Case,
    CastsTo,
    Compare,
    Constant,
    Expr,
    Field,
    Format,
    IsNull,
    Logic,
    Matches,
    Negate,
    Not,
    Null,
    Within,
)

_ANY = r"[\s\S]"


def to_text(expr: Expr) -> str:
    """Return the expression, fully parenthesised."""
    match expr:
        case Field(path=path):
            return ".".join(_name(part) for part in path)
        case Constant():
            return _constant(expr)
        case Null():
            return "NULL"
        case Compare(operator=operator, left=left, right=right):
            return f"{_inner(left)} {operator} {_inner(right)}"
        case Arithmetic(operator=operator, left=left, right=right):
            return f"{_inner(left)} {operator} {_inner(right)}"
        case Logic(operator=operator, operands=operands):
            return f" {operator.upper()} ".join(_inner(each) for each in operands)
        case Not(operand=operand):
            return f"NOT {_inner(operand)}"
        case Negate(operand=operand):
            return f"-{_inner(operand)}"
        case Within(operand=operand, values=values):
            listed = ", ".join(to_text(value) for value in values)
            return f"{_inner(operand)} {_not(expr)}IN ({listed})"
        case Between(operand=operand, low=low, high=high):
            return f"{_inner(operand)} {_not(expr)}BETWEEN {_inner(low)} AND {_inner(high)}"
        case IsNull(operand=operand, negated=negated):
            return f"{_inner(operand)} IS {'NOT ' if negated else ''}NULL"
        case Matches(operand=operand, pattern=pattern):
            like = _like(pattern)
            said = f"MATCHES {_quoted(pattern)}" if like is None else f"LIKE {like}"
            return f"{_inner(operand)} {_not(expr)}{said}"
        case Format(operand=operand, format=name):
            return f"{_inner(operand)} HAS FORMAT {name}"
        case CastsTo(operand=operand, type=kind):
            return f"{_inner(operand)} READS AS {kind}"
        case Case(branches=branches, otherwise=otherwise):
            parts = " ".join(f"WHEN {to_text(w)} THEN {to_text(t)}" for w, t in branches)
            return f"CASE {parts} ELSE {to_text(otherwise)} END"
        case Call(function=function, arguments=arguments):
            return f"{function}({', '.join(to_text(each) for each in arguments)})"


def _inner(expr: Expr) -> str:
    text = to_text(expr)
    simple = isinstance(expr, Field | Null | Call)
    if isinstance(expr, Constant):
        simple = not text.startswith("-")
    return text if simple else f"({text})"


def _not(expr: Within | Between | Matches) -> str:
    return "NOT " if expr.negated else ""


def _name(part: str) -> str:
    return f'"{part.replace(chr(34), chr(34) * 2)}"'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _constant(constant: Constant) -> str:
    kind = constant.type.kind
    if constant.type.is_numeric or kind == "BOOLEAN":
        return constant.text
    if kind in ("DATE", "TIME"):
        return f"{kind} {_quoted(constant.text)}"
    if kind in ("TIMESTAMP", "TIMESTAMP_NTZ"):
        return f"TIMESTAMP {_quoted(constant.text)}"
    if kind == "DURATION":
        return f"INTERVAL '{constant.text} seconds'"
    return _quoted(constant.text)


def _like(pattern: str) -> str | None:
    """Return the LIKE text, with its ESCAPE, that a pattern was made from; None for others."""
    found: list[str] = []
    at = 0
    while at < len(pattern):
        if pattern.startswith(f"{_ANY}*", at):
            found.append("%")
            at += len(_ANY) + 1
        elif pattern.startswith(_ANY, at):
            found.append("_")
            at += len(_ANY)
        else:
            escaped = pattern[at] == "\\"
            char = pattern[at + escaped : at + escaped + 1]
            if (
                not char
                or (escaped and char.isalnum())
                or (not escaped and char in "[](){}?*+|.^$")
            ):
                return None
            found.append(f"!{char}" if char in "%_!" else char)
            at += 1 + escaped
    return f"{_quoted(''.join(found))} ESCAPE '!'"

"""The typed expression tree: what a row rule means, independent of any engine.

Logic is three-valued as in SQL. A row violates only where the tree yields FALSE; unknown passes.
NaN counts as null. A row on which a node cannot be evaluated (division by zero, a result beyond
38 digits) is an evaluation error and fails.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal as Choice

import msgspec

from sfctl.model.types import DataType


class _Node(msgspec.Struct, frozen=True, tag_field="op"):
    pass


class Field(_Node, frozen=True, tag="field"):
    """A column, or a path into a struct column."""

    path: tuple[str, ...]
    type: DataType

    @property
    def name(self) -> str:
        return self.path[0]


class Constant(_Node, frozen=True, tag="constant"):
    """A literal. `text` is its exact written value: digits, ISO date/time, or the string itself."""

    text: str
    type: DataType

    def number(self) -> Decimal:
        """Return the exact numeric value."""
        return Decimal(self.text)


class Null(_Node, frozen=True, tag="null"):
    """The literal NULL."""

    type: DataType


class Compare(_Node, frozen=True, tag="compare"):
    """`left <operator> right`; operands are of one type family."""

    operator: Choice["=", "!=", "<", "<=", ">", ">="]
    left: Expr
    right: Expr


class Logic(_Node, frozen=True, tag="logic"):
    """AND or OR over two or more operands."""

    operator: Choice["and", "or"]
    operands: tuple[Expr, ...]


class Not(_Node, frozen=True, tag="not"):
    """Logical negation."""

    operand: Expr


class Arithmetic(_Node, frozen=True, tag="arithmetic"):
    """`left <operator> right`. Exact for integers and decimals, IEEE for floats."""

    operator: Choice["+", "-", "*", "/", "//", "%"]
    left: Expr
    right: Expr
    type: DataType


class Negate(_Node, frozen=True, tag="negate"):
    """Arithmetic negation."""

    operand: Expr
    type: DataType


class Within(_Node, frozen=True, tag="within"):
    """`operand [NOT] IN (values)`; values are constants without NULL."""

    operand: Expr
    values: tuple[Constant, ...]
    negated: bool = False


class Between(_Node, frozen=True, tag="between"):
    """`operand [NOT] BETWEEN low AND high`, both ends included."""

    operand: Expr
    low: Expr
    high: Expr
    negated: bool = False


class IsNull(_Node, frozen=True, tag="is_null"):
    """`operand IS [NOT] NULL`; never unknown."""

    operand: Expr
    negated: bool = False


class Matches(_Node, frozen=True, tag="matches"):
    """Whole-value match against a pattern of the closed regex subset.

    `pattern` is already rewritten: ASCII classes, non-capturing, anchored as `\\A(?:…)\\z` by
    the adapter. LIKE is compiled to it too.
    """

    operand: Expr
    pattern: str
    negated: bool = False


class Format(_Node, frozen=True, tag="format"):
    """Value has a named format (email, uuid, date, …); meaning in `sfctl.model.formats`."""

    operand: Expr
    format: str


class Case(_Node, frozen=True, tag="case"):
    """CASE WHEN … THEN … [ELSE …] END."""

    branches: tuple[tuple[Expr, Expr], ...]
    otherwise: Expr
    type: DataType


class Call(_Node, frozen=True, tag="call"):
    """A function of the closed list."""

    function: str
    arguments: tuple[Expr, ...]
    type: DataType


class CastsTo(_Node, frozen=True, tag="casts_to"):
    """Whether a value can be read as `type` without loss (the `type` rule); null passes."""

    operand: Expr
    type: DataType


Expr = (
    Field
    | Constant
    | Null
    | Compare
    | Logic
    | Not
    | Arithmetic
    | Negate
    | Within
    | Between
    | IsNull
    | Matches
    | Format
    | Case
    | Call
    | CastsTo
)


def fields_of(expr: Expr) -> tuple[str, ...]:
    """Return the names of the top-level columns a tree reads, each once, in order of appearance."""
    found: dict[str, None] = {}
    stack: list[Expr] = [expr]
    while stack:
        node = stack.pop()
        if isinstance(node, Field):
            found[node.name] = None
        stack.extend(reversed(children(node)))
    return tuple(found)


def children(node: Expr) -> tuple[Expr, ...]:
    """Return the direct operands of a node."""
    match node:
        case Compare(left=left, right=right) | Arithmetic(left=left, right=right):
            return (left, right)
        case Logic(operands=operands):
            return operands
        case Call(arguments=arguments):
            return arguments
        case Within(operand=operand, values=values):
            return (operand, *values)
        case Between(operand=operand, low=low, high=high):
            return (operand, low, high)
        case Case(branches=branches, otherwise=otherwise):
            return (*(part for branch in branches for part in branch), otherwise)
        case Field() | Constant() | Null():
            return ()
        case _:
            return (node.operand,)

"""Expression trees to Spark SQL: three-valued logic, exact numbers, errors row by row."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from sfctl.model import expr as tree
from sfctl.model.expr import Expr
from sfctl.model.types import DataType
from sfctl.runtime.spark import (
    arithmetic,
    columns,
    exact,
    floats,
    formats,
    functions,
    numbers,
    patterns,
    temporal,
)
from sfctl.runtime.spark.sql import (
    NO_TRUTH,
    DataError,
    Term,
    any_error,
    boolean,
    cast,
    inner,
    joined,
    negated,
    text,
)

_TEMPORAL = frozenset(["date", "time", "instant", "naive", "duration"])
_EXACT: dict[str, Callable[[Term, Term], Term]] = {
    "+": arithmetic.add,
    "-": arithmetic.subtract,
    "*": arithmetic.multiply,
    "//": arithmetic.floor_divide,
    "%": arithmetic.modulo,
}
_NULLS = {"boolean": "BOOLEAN", "float": "DOUBLE", "string": "STRING", "exact": "BIGINT"}


@dataclass(frozen=True, slots=True)
class Emitter:
    """Emits trees for rows of one schema, as SQL that no setting of a session gives a new sense."""

    schema: Mapping[str, DataType]

    def term(self, node: Expr) -> Term:
        """Return the value and the errors of a tree.

        Raises DataError where the data at hand do not allow it to be evaluated at all.
        """
        return _EMIT[type(node)](self, node)

    def condition(self, node: Expr) -> Term:
        """Return a truth value. Raises DataError as `term` does."""
        term = self.term(node)
        return boolean(term.value if term.dtype.kind != "NULL" else NO_TRUTH, term.error)

    def _field(self, node: tree.Field) -> Term:
        return columns.term_of(node, self.schema)

    def _constant(self, node: tree.Constant) -> Term:
        kind = node.type
        if kind.is_exact:
            number = node.number()
            scale = max(0, -int(number.as_tuple().exponent))
            # not Decimal.scaleb, which rounds to the 28 digits of the ambient context
            return arithmetic.constant(int(Fraction(number) * 10**scale), scale)
        if kind.is_float:
            return floats.constant(float(node.text), single=kind.kind == "FLOAT")
        if kind.kind == "BOOLEAN":
            return boolean("TRUE" if node.text.upper() == "TRUE" else "FALSE")
        if kind.is_temporal or kind.kind == "DURATION":
            return temporal.constant(node)
        return Term(text(node.text), "string", columns.STRING)

    def _null(self, node: tree.Null) -> Term:
        family = columns.family_of(node.type) or "other"
        if family not in _NULLS:
            return Term("NULL", family, DataType("NULL"), low=0, high=0)
        kinds = {"boolean": "BOOLEAN", "float": "DOUBLE", "string": "STRING", "exact": "INT64"}
        value = f"CAST(NULL AS {_NULLS[family]})"
        return Term(value, family, DataType(kinds[family]), low=0, high=0)

    def _compare(self, node: tree.Compare) -> Term:
        return self.compared(node.operator, self.term(node.left), self.term(node.right))

    def compared(self, symbol: str, left: Term, right: Term) -> Term:
        """Return the truth of a comparison of two terms. Raises DataError for strangers."""
        families = {left.family, right.family}
        if "NULL" in (left.dtype.kind, right.dtype.kind):
            return boolean(NO_TRUTH, any_error(left, right))
        if families == {"exact"}:
            return exact.compare(symbol, left, right)
        if families == {"exact", "float"}:
            return floats.compare(symbol, left, right)
        if families <= _TEMPORAL:
            return temporal.compare(symbol, left, right)
        if len(families) > 1:
            raise DataError(f"{left.dtype} cannot be compared with {right.dtype}")
        return boolean(exact.compared(symbol, left.value, right.value), any_error(left, right))

    def _logic(self, node: tree.Logic) -> Term:
        terms = [self.term(operand) for operand in node.operands]
        values = [NO_TRUTH if term.dtype.kind == "NULL" else term.value for term in terms]
        value = joined(node.operator.upper(), values)
        error = any_error(*terms)
        if error is None:
            return boolean(value)
        # an operand that decides alone makes the other's error irrelevant, in either order
        return boolean(value, joined("AND", [error, f"({value}) IS NULL"]))

    def _not(self, node: tree.Not) -> Term:
        operand = self.condition(node.operand)
        return boolean(negated(operand.value), operand.error)

    def _arithmetic(self, node: tree.Arithmetic) -> Term:
        left, right = self.term(node.left), self.term(node.right)
        if "NULL" in (left.dtype.kind, right.dtype.kind):
            return Term("NULL", "other", DataType("NULL"), any_error(left, right))
        if left.family in _TEMPORAL or right.family in _TEMPORAL:
            return temporal.arithmetic(node.operator, left, right)
        if node.operator != "/" and left.family == right.family == "exact":
            return _EXACT[node.operator](left, right)
        # exact quotients are multiplied out at compile; what is left to divide are floats
        return floats.computed(node.operator, left, right, self._most(node))

    def _most(self, node: Expr) -> int | None:
        """Return what a number is proven not to exceed, whatever its sign; None for no proof."""
        if isinstance(node, tree.Constant):
            return math.ceil(abs(Fraction(node.number())))
        if isinstance(node, tree.Field):
            _, dtype = columns.raw(node.path, self.schema)
            return 10**numbers.DIGITS if dtype.is_exact else None
        if isinstance(node, tree.Negate):
            return self._most(node.operand)
        if not isinstance(node, tree.Arithmetic) or node.operator not in ("+", "-", "*"):
            return None
        left, right = self._most(node.left), self._most(node.right)
        if left is None or right is None:
            return None
        return left * right if node.operator == "*" else left + right

    def _negate(self, node: tree.Negate) -> Term:
        operand = self.term(node.operand)
        if operand.dtype.kind == "NULL":
            return operand
        if operand.family == "exact":
            return arithmetic.negate(operand)
        if operand.family == "duration":
            return temporal.arithmetic("-", temporal.span(0), operand)
        return replace(operand, value=f"(- {inner(operand.value)})", literal=None)

    def _within(self, node: tree.Within) -> Term:
        operand = self.term(node.operand)
        value = self._member(operand, node.values)
        head = f"{inner(operand.value)} IN ("
        if node.negated and value.startswith(head):
            listed = value.removeprefix(head)
            return boolean(f"{inner(operand.value)} NOT IN ({listed}", operand.error)
        return boolean(negated(value) if node.negated else value, operand.error)

    def _member(self, operand: Term, values: tuple[tree.Constant, ...]) -> str:
        if operand.dtype.kind == "NULL":
            return NO_TRUTH
        terms = [self.term(value) for value in values]
        if operand.family == "exact" and all(t.constant is not None for t in terms):
            return exact.within(operand, [(t.constant or 0, t.scale) for t in terms])
        if operand.family == "string":
            listed = ", ".join(text(value.text) for value in values)
            return f"{inner(operand.value)} IN ({listed})"
        return joined("OR", (self.compared("=", operand, term).value for term in terms))

    def _between(self, node: tree.Between) -> Term:
        operand, low, high = self.term(node.operand), self.term(node.low), self.term(node.high)
        above = self.compared(">=", operand, low)
        below = self.compared("<=", operand, high)
        value = joined("AND", [above.value, below.value])
        error = any_error(operand, low, high)
        if error is not None:
            value = f"if({negated(error)}, {value}, NULL)"
        return boolean(negated(value) if node.negated else value, error)

    def _is_null(self, node: tree.IsNull) -> Term:
        operand = self.term(node.operand)
        value = f"{inner(operand.value)} IS {'NOT ' if node.negated else ''}NULL"
        if operand.error is not None:
            value = f"if({negated(operand.error)}, {value}, NULL)"
        return boolean(value, operand.error)

    def _matches(self, node: tree.Matches) -> Term:
        operand = self._text(node.operand)
        found = patterns.matches(operand, node.pattern)
        return replace(found, value=negated(found.value)) if node.negated else found

    def _format(self, node: tree.Format) -> Term:
        return formats.has(self._text(node.operand), node.format)

    def _text(self, node: Expr) -> Term:
        operand = self.term(node)
        if operand.family == "string" and operand.dtype.kind != "NULL":
            return operand
        if operand.dtype.kind == "NULL":
            return Term(cast("NULL", "STRING"), "string", columns.STRING, operand.error)
        raise DataError(f"{operand.dtype} is no text")

    def _case(self, node: tree.Case) -> Term:
        branches = [(self.condition(test), self.term(then)) for test, then in node.branches]
        return functions.case(branches, self.term(node.otherwise))

    def _call(self, node: tree.Call) -> Term:
        return functions.call(node.function, [self.term(a) for a in node.arguments])

    def _casts_to(self, node: tree.CastsTo) -> Term:
        if isinstance(node.operand, tree.Field):
            operand = columns.as_found(*columns.raw(node.operand.path, self.schema))
        else:
            operand = self.term(node.operand)
        return functions.casts_to(operand, node.type)


_EMIT: dict[type, Callable[[Emitter, Any], Term]] = {
    tree.Field: Emitter._field,
    tree.Constant: Emitter._constant,
    tree.Null: Emitter._null,
    tree.Compare: Emitter._compare,
    tree.Logic: Emitter._logic,
    tree.Not: Emitter._not,
    tree.Arithmetic: Emitter._arithmetic,
    tree.Negate: Emitter._negate,
    tree.Within: Emitter._within,
    tree.Between: Emitter._between,
    tree.IsNull: Emitter._is_null,
    tree.Matches: Emitter._matches,
    tree.Format: Emitter._format,
    tree.Case: Emitter._case,
    tree.Call: Emitter._call,
    tree.CastsTo: Emitter._casts_to,
}

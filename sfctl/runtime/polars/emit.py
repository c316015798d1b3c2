"""Expression trees to Polars expressions: three-valued logic, exact numbers, errors row by row."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import polars as pl

from sfctl.model import expr as tree
from sfctl.model.expr import Expr
from sfctl.runtime.faults import DataError
from sfctl.runtime.polars import columns, exact, floats, functions, temporal
from sfctl.runtime.polars.term import Bounds, Term, any_error, boolean

_TEMPORAL = frozenset(["date", "time", "instant", "naive", "duration"])
_EXACT: dict[str, Callable[[Term, Term], Term]] = {
    "+": exact.add,
    "-": exact.subtract,
    "*": exact.multiply,
    "//": exact.floor_divide,
    "%": exact.modulo,
}


@dataclass(frozen=True, slots=True)
class Emitter:
    """Emits trees for rows of one schema; `bounds` lets arithmetic stay in 64 bits."""

    schema: Mapping[str, pl.DataType]
    bounds: Bounds = field(default_factory=dict)

    def term(self, node: Expr) -> Term:
        """Return the value and the errors of a tree.

        Raises DataError where the data at hand do not allow it to be evaluated at all.
        """
        method = _EMIT[type(node)]
        return method(self, node)

    def condition(self, node: Expr) -> Term:
        """Return a truth value of as many rows as there are. Raises DataError as `term` does.

        The kernel makes one row of a CASE that takes the same literal on every row, as of
        literals themselves: counted, it would be one failing row instead of all.
        """
        term = self.term(node)
        rows = pl.repeat(value=True, n=pl.len(), dtype=pl.Boolean)
        error = None if term.error is None else rows & term.error
        return boolean(rows & term.value, error)

    def _field(self, node: tree.Field) -> Term:
        return columns.term_of(node, self.schema, self.bounds)

    def _constant(self, node: tree.Constant) -> Term:
        kind = node.type
        if kind.is_exact:
            number = node.number()
            scale = max(0, -int(number.as_tuple().exponent))
            # not Decimal.scaleb, which rounds to the 28 digits of the ambient context
            return exact.constant(int(Fraction(number) * 10**scale), scale)
        if kind.is_float:
            return floats.constant(float(node.text), single=kind.kind == "FLOAT")
        if kind.kind == "BOOLEAN":
            return boolean(pl.lit(node.text.upper() == "TRUE"))
        if kind.is_temporal or kind.kind == "DURATION":
            return temporal.constant(node)
        return Term(pl.lit(node.text), "string", pl.String())

    def _null(self, node: tree.Null) -> Term:
        family = columns.family_of(node.type) or "other"
        dtype = {"boolean": pl.Boolean(), "float": pl.Float64(), "string": pl.String(),
                 "exact": pl.Int64()}.get(family, pl.Null())  # fmt: skip
        return Term(pl.lit(None, dtype=dtype), family, dtype, low=0, high=0)

    def _compare(self, node: tree.Compare) -> Term:
        return self.compared(node.operator, self.term(node.left), self.term(node.right))

    def compared(self, symbol: str, left: Term, right: Term) -> Term:
        """Return the truth of a comparison of two terms. Raises DataError for strangers."""
        families = {left.family, right.family}
        if pl.Null() in (left.dtype, right.dtype):
            nothing = pl.lit(None, dtype=pl.Boolean) & (left.value.is_null() | True)
            return boolean(nothing, any_error(left, right))
        if families == {"exact"}:
            return exact.compare(symbol, left, right)
        if families == {"exact", "float"}:
            return floats.compare(symbol, left, right)
        if families <= _TEMPORAL:
            return temporal.compare(exact.COMPARE[symbol], left, right)
        if len(families) > 1:
            raise DataError(f"{left.dtype} cannot be compared with {right.dtype}")
        return boolean(exact.COMPARE[symbol](left.value, right.value), any_error(left, right))

    def _logic(self, node: tree.Logic) -> Term:
        terms = [self.term(operand) for operand in node.operands]
        combine = operator.and_ if node.operator == "and" else operator.or_
        value = terms[0].value
        for term in terms[1:]:
            value = combine(value, term.value)
        error = any_error(*terms)
        # an operand that decides alone makes the other's error irrelevant, in either order
        return boolean(value, None if error is None else error & value.is_null())

    def _not(self, node: tree.Not) -> Term:
        operand = self.term(node.operand)
        return boolean(~operand.value, operand.error)

    def _arithmetic(self, node: tree.Arithmetic) -> Term:
        left, right = self.term(node.left), self.term(node.right)
        if pl.Null() in (left.dtype, right.dtype):
            return Term(pl.lit(None), "other", pl.Null(), any_error(left, right))
        if left.family in _TEMPORAL or right.family in _TEMPORAL:
            return temporal.arithmetic(node.operator, left, right)
        if node.operator != "/" and left.family == right.family == "exact":
            return _EXACT[node.operator](left, right)
        # exact quotients are multiplied out at compile; what is left to divide are floats
        return floats.arithmetic(node.operator, left, right, self._most(node))

    def _most(self, node: Expr) -> int | None:
        """Return what a number is proven not to exceed, whatever its sign; None for no proof."""
        if isinstance(node, tree.Constant):
            return math.ceil(abs(Fraction(node.number())))
        if isinstance(node, tree.Field):
            ends = self.bounds.get(node.path)
            return None if ends is None else max(abs(end) for end in ends)
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
        if operand.family == "exact":
            return exact.negate(operand)
        return replace(operand, value=-operand.value, literal=None)

    def _within(self, node: tree.Within) -> Term:
        operand = self.term(node.operand)
        value = self._member(operand, node.values)
        return boolean(~value if node.negated else value, operand.error)

    def _member(self, operand: Term, values: tuple[tree.Constant, ...]) -> pl.Expr:
        terms = [self.term(value) for value in values]
        if operand.family == "exact" and all(t.constant is not None for t in terms):
            return exact.within(operand, [(t.constant or 0, t.scale) for t in terms])
        if operand.family == "string":
            texts = [value.text for value in values]
            return operand.value.is_in(pl.Series(texts, dtype=pl.String).implode())
        answers = [self.compared("=", operand, term).value for term in terms]
        found = answers[0]
        for answer in answers[1:]:
            found = found | answer
        return found

    def _between(self, node: tree.Between) -> Term:
        operand, low, high = self.term(node.operand), self.term(node.low), self.term(node.high)
        above = self.compared(">=", operand, low)
        below = self.compared("<=", operand, high)
        value = above.value & below.value
        error = any_error(operand, low, high)
        if error is not None:
            value = pl.when(~error).then(value)
        return boolean(~value if node.negated else value, error)

    def _is_null(self, node: tree.IsNull) -> Term:
        operand = self.term(node.operand)
        value = operand.value.is_not_null() if node.negated else operand.value.is_null()
        if operand.error is not None:
            value = pl.when(~operand.error).then(value)
        return boolean(value, operand.error)

    def _matches(self, node: tree.Matches) -> Term:
        operand = self._text(node.operand)
        value = operand.value.str.contains(rf"\A(?:{node.pattern})\z")
        return boolean(~value if node.negated else value, operand.error)

    def _format(self, node: tree.Format) -> Term:
        operand = self._text(node.operand)
        return boolean(functions.has_format(operand.value, node.format), operand.error)

    def _text(self, node: Expr) -> Term:
        operand = self.term(node)
        if operand.family == "string":
            return operand
        if operand.dtype == pl.Null():
            return replace(operand, value=operand.value.cast(pl.String), family="string")
        raise DataError(f"{operand.dtype} is no text")

    def _case(self, node: tree.Case) -> Term:
        results = [self.term(then) for _, then in node.branches] + [self.term(node.otherwise)]
        results = functions.unified(results)
        value, error = results[-1].value, results[-1].error
        for (condition, _), result in reversed(list(zip(node.branches, results[:-1], strict=True))):
            test = self.term(condition)
            value = pl.when(test.value).then(result.value).otherwise(value)
            error = functions.chosen_error(test, result.error, error)
            if test.error is not None:
                value = pl.when(~test.error).then(value)
        return replace(results[0], value=value, error=error, constant=None, literal=None)

    def _call(self, node: tree.Call) -> Term:
        return functions.call(node.function, [self.term(a) for a in node.arguments])

    def _casts_to(self, node: tree.CastsTo) -> Term:
        if isinstance(node.operand, tree.Field):
            value, dtype = columns.raw(node.operand.path, self.schema)
            operand = columns.as_found(value, dtype)
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

"""Which values of one column a condition lets pass: an interval, a closed set, values refused."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from sfctl.model.expr import (
    Between,
    Call,
    Compare,
    Constant,
    Expr,
    Field,
    Format,
    Logic,
    Matches,
    Within,
)
from sfctl.model.families import family, type_of
from sfctl.model.literal import value_of
from sfctl.model.types import DataType

Subject = tuple[str, ...]
"""A column's path; `length()` before it stands for the length of its text."""
_FLIPPED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_INTEGERS = {
    "INT8": (-(2**7), 2**7 - 1), "INT16": (-(2**15), 2**15 - 1), "INT32": (-(2**31), 2**31 - 1),
    "INT64": (-(2**63), 2**63 - 1), "UINT8": (0, 2**8 - 1), "UINT16": (0, 2**16 - 1),
    "UINT32": (0, 2**32 - 1), "UINT64": (0, 2**64 - 1),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Domain:
    """The values that pass. `low` and `high` are None where unbounded, `accepted` where open."""

    low: Any = None
    high: Any = None
    low_open: bool = False
    high_open: bool = False
    accepted: frozenset[Any] | None = None
    refused: frozenset[Any] = frozenset()
    tests: tuple[Matches | Format, ...] = ()
    whole: bool = False
    """Whether only whole numbers occur."""

    def has(self, value: Any) -> bool:
        """Tell whether a value passes."""
        if self.low is not None and (value < self.low or (self.low_open and value == self.low)):
            return False
        if self.high is not None and (value > self.high or (self.high_open and value == self.high)):
            return False
        if self.accepted is not None and value not in self.accepted:
            return False
        return value not in self.refused and all(_passes(test, value) for test in self.tests)

    @property
    def empty(self) -> bool:
        """Whether no value passes; False where that cannot be told."""
        if self.accepted is not None:
            return not any(self.has(value) for value in self.accepted)
        if self.low is None or self.high is None:
            return False
        if self.whole:
            least, most = self._ends()
            return bool(least > most)
        return bool(
            self.low > self.high or (self.low == self.high and (self.low_open or self.high_open))
        )

    def _ends(self) -> tuple[int, int]:
        least, most = math.ceil(self.low), math.floor(self.high)
        least += self.low_open and least == self.low
        most -= self.high_open and most == self.high
        return least, most

    def meet(self, other: Domain) -> Domain:
        """Return what passes both. Raises TypeError for values that cannot be compared."""
        low, low_open = self.low, self.low_open
        if other.low is not None and (low is None or (other.low, other.low_open) > (low, low_open)):
            low, low_open = other.low, other.low_open
        high, high_open = self.high, self.high_open
        if other.high is not None and (
            high is None
            or other.high < high
            or (other.high == high and other.high_open and not high_open)
        ):
            high, high_open = other.high, other.high_open
        accepted = self.accepted
        if other.accepted is not None:
            accepted = other.accepted if accepted is None else accepted & other.accepted
        return Domain(
            low, high, low_open, high_open, accepted, self.refused | other.refused,
            self.tests + other.tests, self.whole or other.whole,
        )  # fmt: skip

    def covers(self, other: Domain) -> bool:
        """Tell whether an interval holds another one wholly, so that it refuses nothing there."""
        if self.accepted is not None or self.refused or self.tests:
            return False
        if self.low is None and self.high is None:
            return False
        low = self.low is None or (
            other.low is not None
            and (other.low > self.low or (other.low == self.low and not self.low_open))
        )
        high = self.high is None or (
            other.high is not None
            and (other.high < self.high or (other.high == self.high and not self.high_open))
        )
        return low and high


def of_type(kind: DataType, subject: Subject) -> Domain:
    """Return the values a column of a type can have."""
    if subject[0] == "length()":
        return Domain(low=Decimal(0), whole=True)
    if kind.is_integer:
        low, high = _INTEGERS[kind.kind]
        return Domain(Decimal(low), Decimal(high), whole=True)
    if kind.kind == "DECIMAL" and kind.precision is not None and kind.scale is not None:
        # put together from digits, as arithmetic would round them to the ambient context's 28
        nines = (9,) * kind.precision
        return Domain(Decimal((1, nines, -kind.scale)), Decimal((0, nines, -kind.scale)))
    return Domain()


def domains(expr: Expr) -> dict[Subject, Domain]:
    """Return, for each column, what a condition lets pass as far as that can be read off.

    Looks at comparisons with literals, joined by AND. Raises TypeError for literals of a kind.
    """
    if isinstance(expr, Logic) and expr.operator == "and":
        found: dict[Subject, Domain] = {}
        for operand in expr.operands:
            for name, domain in domains(operand).items():
                found[name] = found[name].meet(domain) if name in found else domain
        return found
    single = _single(expr)
    if single is None:
        return {}
    subject = _subject(single[0])
    if subject is None:
        return {}
    return {subject: replace(single[1], whole=type_of(single[0]).is_integer)}


def _single(expr: Expr) -> tuple[Expr, Domain] | None:
    match expr:
        case Compare(operator=operator, left=left, right=Constant() as constant):
            return _compared(left, operator, constant)
        case Compare(operator=operator, left=Constant() as constant, right=right):
            return _compared(right, _FLIPPED[operator], constant)
        case Between(
            operand=operand, low=Constant() as low, high=Constant() as high, negated=False
        ):
            if _known(operand, low) and _known(operand, high):
                return operand, Domain(value_of(low), value_of(high))
        case Within(operand=operand, values=values, negated=negated):
            if all(_known(operand, value) for value in values):
                listed = frozenset(value_of(value) for value in values)
                return operand, Domain(refused=listed) if negated else Domain(accepted=listed)
        case Matches(operand=operand, negated=False) | Format(operand=operand):
            return operand, Domain(tests=(expr,))
        case _:
            pass
    return None


def _compared(operand: Expr, operator: str, constant: Constant) -> tuple[Expr, Domain] | None:
    if not _known(operand, constant):
        return None
    value = value_of(constant)
    match operator:
        case "=":
            return operand, Domain(accepted=frozenset([value]))
        case "!=":
            return operand, Domain(refused=frozenset([value]))
        case "<" | "<=":
            return operand, Domain(high=value, high_open=operator == "<")
        case _:
            return operand, Domain(low=value, low_open=operator == ">")


def _known(operand: Expr, constant: Constant) -> bool:
    kind = type_of(operand)
    return kind.kind == "ANY" or (
        family(kind) == family(constant.type) and kind.is_float == constant.type.is_float
    )


def _subject(operand: Expr) -> Subject | None:
    if isinstance(operand, Field):
        return operand.path
    if isinstance(operand, Call) and operand.function == "length":
        inner = operand.arguments[0]
        return ("length()", *inner.path) if isinstance(inner, Field) else None
    return None


def _passes(test: Matches | Format, value: Any) -> bool:
    import re

    from sfctl.model.formats import FORMATS

    if not isinstance(value, str):
        return True
    if isinstance(test, Format):
        return FORMATS[test.format].valid(value)
    return re.fullmatch(test.pattern, value) is not None

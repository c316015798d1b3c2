"""Under which values a condition may be true, false or unknown, as far as that can be read off.

Each answer is a union of regions, and never too small: where no region is left, the condition
cannot have that outcome; where one is left, it may or may not.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

import msgspec

from sfctl.compiler.domain import Domain
from sfctl.compiler.subject import inside, may_fail, of_subject, stable, strict_fields
from sfctl.model import literal
from sfctl.model.expr import (
    Between,
    Call,
    Case,
    Compare,
    Constant,
    Expr,
    Field,
    Format,
    IsNull,
    Logic,
    Matches,
    Not,
    Null,
    Within,
    children,
)
from sfctl.model.families import family, type_of
from sfctl.model.literal import value_of

MOST = 48
"""Regions beyond which a condition is not looked into."""
_FLIPPED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

_ANY_TEXT = (r"[\s\S]*", r"[\S\s]*")


class TooMany(Exception):
    """A condition is of too many parts to be looked into."""


class Region(msgspec.Struct, frozen=True):
    """Values by what has them, and which columns are null or are not."""

    values: dict[Expr, Domain] = {}
    nulls: dict[Expr, bool] = {}

    def meet(self, other: Region) -> Region | None:
        """Return what lies in both; None where nothing does."""
        nulls = {**self.nulls, **other.nulls}
        if any(other.nulls.get(key, null) is not null for key, null in self.nulls.items()):
            return None
        values = dict(self.values)
        for subject, domain in other.values.items():
            mine = values.get(subject)
            joined = domain if mine is None else _met(mine, domain)
            if mine is not None and joined.empty:
                return None
            values[subject] = joined
        return Region(values, nulls)


Regions = tuple[Region, ...]
EVERYWHERE: Regions = (Region(),)
NOWHERE: Regions = ()


class Outcomes(msgspec.Struct, frozen=True):
    """Where a condition may be true, and where it may be false."""

    true: Regions
    false: Regions


def _met(one: Domain, other: Domain) -> Domain:
    try:
        return one.meet(other)
    except TypeError:
        return one


def both(one: Regions, other: Regions) -> Regions:
    """Return where two conditions may hold together. Raises TooMany."""
    if one == EVERYWHERE:
        return other
    if other == EVERYWHERE:
        return one
    if len(one) * len(other) > MOST * MOST:
        raise TooMany
    found = tuple(r for a in one for b in other if (r := a.meet(b)) is not None)
    return either(found, ())


def either(one: Regions, other: Regions) -> Regions:
    """Return where one of two conditions may hold. Raises TooMany."""
    if not one or not other:
        return one or other
    found = tuple({id(region): region for region in (*one, *other)}.values())
    if any(not region.values and not region.nulls for region in found):
        return EVERYWHERE
    if len(found) > MOST:
        raise TooMany
    return found


def outcomes(expr: Expr) -> Outcomes:
    """Return where a condition may be true and false. Raises TooMany.

    A row on which it cannot be evaluated fails, also where NOT stands around what cannot be.
    """
    found = _outcomes(expr)
    return Outcomes(found.true, EVERYWHERE) if may_fail(expr) else found


def _outcomes(expr: Expr) -> Outcomes:
    match expr:
        case Logic(operator=operator, operands=operands):
            parts = [_outcomes(each) for each in operands]
            every, some = [p.true for p in parts], [p.false for p in parts]
            if operator == "or":
                every, some = some, every
            conj = reduce(both, every, EVERYWHERE)
            disj: Regions = reduce(either, some, NOWHERE)
            return Outcomes(conj, disj) if operator == "and" else Outcomes(disj, conj)
        case Not(operand=operand):
            turned = _outcomes(operand)
            return Outcomes(turned.false, turned.true)
        case IsNull(operand=operand, negated=negated):
            null, filled = _nullness(operand)
            return Outcomes(filled, null) if negated else Outcomes(null, filled)
        case Case():
            return _case(expr)
        case Constant():
            holds = expr.text == "TRUE"
            return Outcomes(EVERYWHERE if holds else (), () if holds else EVERYWHERE)
        case Null():
            return Outcomes((), ())
        case Compare(left=left, right=right) if left == right:
            return _same(expr)
        case _:
            return _atom(expr)


def conjuncts(expr: Expr) -> dict[Expr, Domain]:
    """Return, by subject, what comparisons joined by AND ask of it, types left out of account."""
    if isinstance(expr, Logic) and expr.operator == "and":
        found: dict[Expr, Domain] = {}
        for operand in expr.operands:
            for subject, domain in conjuncts(operand).items():
                found[subject] = _met(found[subject], domain) if subject in found else domain
        return found
    single = _single(expr)
    return {single[0]: single[1][0]} if single is not None and len(single[1]) == 1 else {}


def unknown(expr: Expr) -> Regions:
    """Return where a condition may be neither true nor false."""
    found: dict[Expr, None] = {}
    stack = [expr]
    while stack:
        node = stack.pop()
        match node:
            case IsNull():
                continue
            case Field():
                found[node] = None
            case Null() | Case():
                return EVERYWHERE
            case Call(function="coalesce"):
                return EVERYWHERE
            case _:
                stack.extend(children(node))
    return tuple(Region(nulls={each: True}) for each in found)


def unreachable(case: Case) -> tuple[int, ...]:
    """Return the numbers of the branches that nothing reaches; -1 for ELSE. Raises TooMany."""
    rest = EVERYWHERE
    dead = []
    for number, (condition, _) in enumerate(case.branches):
        found = outcomes(condition)
        if not both(rest, found.true):
            dead.append(number)
        rest = both(rest, either(found.false, unknown(condition)))
    return (*dead, -1) if not rest and not isinstance(case.otherwise, Null) else tuple(dead)


def _case(case: Case) -> Outcomes:
    rest = EVERYWHERE
    true: Regions = ()
    false: Regions = ()
    for condition, value in case.branches:
        met, given = _outcomes(condition), _outcomes(value)
        reached = both(rest, met.true)
        true = either(true, both(reached, given.true))
        false = either(false, both(reached, given.false))
        rest = both(rest, either(met.false, unknown(condition)))
    last = _outcomes(case.otherwise)
    return Outcomes(either(true, both(rest, last.true)), either(false, both(rest, last.false)))


def _nullness(operand: Expr) -> tuple[Regions, Regions]:
    """Return where a value is null, and where it is not."""
    if isinstance(operand, Constant):
        return (), EVERYWHERE
    if isinstance(operand, Null):
        return EVERYWHERE, ()
    if isinstance(operand, Call) and operand.function == "coalesce":
        parts = [_nullness(each) for each in operand.arguments]
        null = reduce(both, [part[0] for part in parts], EVERYWHERE)
        return null, reduce(either, [part[1] for part in parts], NOWHERE)
    fields = strict_fields(operand)
    if fields is None:
        return EVERYWHERE, EVERYWHERE
    null = tuple(Region(nulls={each: True}) for each in fields)
    return null, (Region(nulls=dict.fromkeys(fields, False)),)


def _same(compare: Compare) -> Outcomes:
    where = _nullness(compare.left)[1]
    fails = EVERYWHERE if may_fail(compare) else ()
    if compare.operator in ("=", "<=", ">="):
        return Outcomes(where, fails)
    return Outcomes((), either(where, fails))


def _atom(expr: Expr) -> Outcomes:
    """Return the outcomes of one comparison with literals; of all others nothing is known."""
    found = _single(expr)
    if found is None:
        fields = strict_fields(expr)
        where = EVERYWHERE if fields is None else (Region(nulls=dict.fromkeys(fields, False)),)
        return Outcomes(where, EVERYWHERE if may_fail(expr) else where)
    subject, true, false = found
    fails = EVERYWHERE if may_fail(subject) else ()
    return Outcomes(_on(subject, true), either(_on(subject, false), fails))


def _on(subject: Expr, domains: Iterable[Domain]) -> Regions:
    nulls: dict[Expr, bool] = dict.fromkeys(strict_fields(subject) or (), False)
    possible = of_subject(subject)
    found = []
    for domain in domains:
        met = stable(subject, _met(domain, possible))
        if not met.empty:
            found.append(Region({subject: met}, nulls))
    return tuple(found)


def _single(expr: Expr) -> tuple[Expr, tuple[Domain, ...], tuple[Domain, ...]] | None:
    """Return what a condition is about, and the values for which it is true and false."""
    read = _read(expr)
    if read is None:
        return None
    operand, domain, negated = read
    if not _comparable(operand, domain):
        return None
    subject = operand if isinstance(operand, Field) else inside(operand)
    true: tuple[Domain, ...] = (domain,)
    false = domain.complement()
    if subject is not operand:
        sized = domain.as_lengths()
        if sized is None:
            subject = operand
        else:
            others = [each.complement() for each in sized]
            false = reduce(_crossed, others, (Domain(),))
            true = sized
    return (subject, false, true) if negated else (subject, true, false)


def _crossed(one: tuple[Domain, ...], other: tuple[Domain, ...]) -> tuple[Domain, ...]:
    return tuple(m for a in one for b in other if not (m := a.meet(b)).empty)


def _read(expr: Expr) -> tuple[Expr, Domain, bool] | None:
    match expr:
        case Compare(operator=operator, left=left, right=Constant() as constant):
            return left, _compared(operator, constant), operator == "!="
        case Compare(operator=operator, left=Constant() as constant, right=right):
            return right, _compared(_FLIPPED[operator], constant), operator == "!="
        case Between(operand=operand, low=Constant() as low, high=Constant() as high):
            return operand, Domain(value_of(low), value_of(high)), expr.negated
        case Within(operand=operand, values=values):
            listed = frozenset(value_of(value) for value in values)
            return operand, Domain(accepted=listed), expr.negated
        case Matches(operand=operand, pattern=pattern):
            if pattern in _ANY_TEXT:
                return operand, Domain(), expr.negated
            test = Matches(Null(type_of(operand)), pattern)
            return operand, Domain(tests=frozenset([(test, True)])), expr.negated
        case Format(operand=operand):
            form = Format(Null(type_of(operand)), expr.format)
            return operand, Domain(tests=frozenset([(form, True)])), False
        case Field() | Call() if type_of(expr).kind == "BOOLEAN":
            return expr, Domain(accepted=frozenset([True])), False
        case _:
            return None


def _compared(operator: str, constant: Constant) -> Domain:
    value = value_of(constant)
    match operator:
        case "=" | "!=":
            return Domain(accepted=frozenset([value]))
        case "<" | "<=":
            return Domain(high=value, high_open=operator == "<")
        case _:
            return Domain(low=value, low_open=operator == ">")


def _may_be_read(text: str) -> bool:
    """Tell whether a text becomes a number or a time once its column's type is known."""
    kinds = ("DATE", "TIME", "TIMESTAMP", "TIMESTAMP_NTZ")
    return literal.number(text) is not None or any(literal.temporal(text, k) for k in kinds)


def _comparable(operand: Expr, domain: Domain) -> bool:
    """Tell whether the literals of a condition are of the kind its values have."""
    kind = type_of(operand)
    if isinstance(operand, Constant):
        return False
    literals = [domain.low, domain.high, *(domain.accepted or ())]
    if kind.kind == "ANY":
        return not any(isinstance(each, str) and _may_be_read(each) for each in literals)
    given = [each for each in literals if each is not None]
    floats = [isinstance(each, float) for each in given]
    return family(kind) not in ("nested", "any") and all(kind.is_float is each for each in floats)

"""Spark SQL text: quoting that no setting of a session can bend, and what a tree becomes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from sfctl.model.types import DataType
from sfctl.runtime.faults import DataError as DataError
from sfctl.runtime.representation import LIMIT, Family

Form = Literal["own", "unscaled", "micros"]
"""How a value is held: as the engine's own type; a decimal as its whole number, in
DECIMAL(38,0); a moment as microseconds since the epoch, in BIGINT."""

_PLAIN = re.compile(r"(?:[^\x00-\x1f\x7f'\\$\ud800-\udfff]|\$(?!\{))*")
_SIMPLE = re.compile(r"-?[A-Za-z0-9_.]+|`(?:[^`]|``)*`(?:\['[^'\\]*'\])*|(?:[A-Z_]+)?'[^'\\]*'")
_LITERAL = re.compile(r"-?[0-9.]+(?:[eE][+-]?[0-9]+)?(?:L|D|BD)?")
_LONG = 120
_SAFE = re.compile(r"[^\x00-\x1f\x7f'\\\ud800-\udfff]*")
_SHARED, _OWNER = "_sfctl_shared", "_sfctl_owner"
"""Names inside of lambdas; any other would hide a column that is called so."""
_JOINS = re.compile(r"\b(?:AND|OR|BETWEEN|NOT)\b")
NO_TRUTH = "CAST(NULL AS BOOLEAN)"


@dataclass(frozen=True, slots=True)
class Term:
    """One emitted expression.

    `error` is a condition that is never null and marks rows on which the value could not be
    computed; there `value` is null. Exact numbers are whole numbers times 10^-scale; `low` and
    `high` are proven bounds of the whole number, whatever `form` it is held in. `dtype` is the
    type of the value as it is held. `constant` is the whole number of a literal, `literal` the
    value of a float one.
    """

    value: str
    family: Family
    dtype: DataType
    error: str | None = None
    scale: int = 0
    low: int = -LIMIT
    high: int = LIMIT
    constant: int | None = None
    literal: float | None = None
    form: Form = "own"

    def failing(self) -> str:
        """Return a condition that is true where a row violates: FALSE, or not to be computed."""
        if self.error is None:
            return negated(self.value)
        return f"coalesce({negated(self.value)}, {self.error})"

    def masked(self, error: str | None) -> Term:
        """Return the term with `error` added, its value null wherever there is an error."""
        if error is None:
            return self
        value = f"if({negated(error)}, {self.value}, NULL)"
        both = either([self.error, error])
        return replace(self, value=value, error=both, constant=None, literal=None)


def quoted(name: str) -> str:
    """Return a name of one column or field as SQL."""
    return column((name,))


def column(path: tuple[str, ...]) -> str:
    """Return a column, or a path into a struct, as SQL. Raises DataError as `field` does.

    Spark replaces `${…}` in a text before it reads it, inside of quotes as well; such names are
    given by bytes.
    """
    name = "`" + path[0].replace("`", "``") + "`"
    found = f"IDENTIFIER({_bytes(name)})" if "${" in name else name
    for step in path[1:]:
        found = field(found, step)
    return found


def field(struct: str, name: str) -> str:
    """Return a field of a struct, as SQL. Raises DataError for a name that cannot be written.

    Not by a point: `a`.`b` would be column b of a frame that is called a, parentheses or not.
    """
    if _SAFE.fullmatch(name):
        # a literal in two pieces is none that anything is replaced in
        split = name.replace("${", "$' '{")
        return f"{inner(struct)}['{split}']"
    if "${" in name:
        raise DataError(f"field {name!r} has a name that Spark SQL cannot be told")
    own = f"{_OWNER}.`{name.replace('`', '``')}`"
    return f"get(transform(array({struct}), {_OWNER} -> {own}), 0)"


def text(value: str) -> str:
    """Return a string literal that means the same under every setting of the parser.

    Backslashes, quotes and `${…}` mean this or that by session, so such text is given by bytes.
    """
    return f"'{value}'" if _PLAIN.fullmatch(value) else _bytes(value)


def inner(sql: str) -> str:
    """Return SQL that may stand beside any operator: with parentheses where it needs them."""
    return sql if _SIMPLE.fullmatch(sql) or _is_one(sql) else f"({sql})"


def negated(condition: str) -> str:
    """Return NOT of a condition."""
    return f"NOT {inner(condition)}"


def joined(word: str, parts: Iterable[str]) -> str:
    """Return conditions joined by AND or OR.

    Parentheses stand only where they are needed: Spark's parser reads ahead through all of each.
    """
    some = list(parts)
    if len(some) == 1:
        return some[0]
    return f" {word} ".join(inner(part) if _JOINS.search(part) else part for part in some)


def either(errors: Iterable[str | None]) -> str | None:
    """Return where any of some conditions that are never null holds, None where there is none."""
    found = list(dict.fromkeys(error for error in errors if error is not None))
    return joined("OR", found) if found else None


def any_error(*terms: Term) -> str | None:
    """Return where any of the terms could not be computed."""
    return either(term.error for term in terms)


def boolean(value: str, error: str | None = None) -> Term:
    """Return a truth value; `error` is already reflected as null in `value`."""
    return Term(value, "boolean", DataType("BOOLEAN"), error)


def known(value: str, *, answer: bool) -> str:
    """Return one answer wherever a value is known."""
    return f"if({inner(value)} IS NOT NULL, {'TRUE' if answer else 'FALSE'}, NULL)"


def cast(value: str, kind: str) -> str:
    """Return a cast that is proven to fit; one that may not fit is a `try_cast`."""
    return f"CAST({value} AS {kind})"


def sharing(body: Callable[..., str], **values: str) -> str:
    """Return `body` of some values, those that are long computed once and called by a name.

    Written out at each place, nested arithmetic would double with every level. A name costs
    generated code, so that short values, as columns are, stand where they are used.
    """
    long = {name: v for name, v in values.items() if len(v) > _LONG or _SHARED in v}
    if not long:
        return body(**{name: inner(value) for name, value in values.items()})
    fields = ", ".join(f"{value} AS {name}" for name, value in long.items())
    short = {name: inner(value) for name, value in values.items() if name not in long}
    said = body(**short, **{name: f"{_SHARED}.{name}" for name in long})
    return f"get(transform(array(struct({fields})), {_SHARED} -> {said}), 0)"


def undone(result: str, *operands: str) -> str:
    """Return where all operands are known and what was computed of them is not."""
    known = [f"{inner(value)} IS NOT NULL" for value in operands if not _LITERAL.fullmatch(value)]
    return " AND ".join([f"{inner(result)} IS NULL", *known])


def _bytes(value: str) -> str:
    return f"CAST(X'{value.encode('utf-8', 'surrogatepass').hex()}' AS STRING)"


def _is_one(sql: str) -> bool:
    """Tell whether SQL is one call, or one pair of parentheses, from its first letter to its last.

    Whatever looks like anything else is taken for more, which costs a pair of parentheses.
    """
    head = re.match(r"[A-Za-z_0-9]*\(", sql)
    if head is None or not sql.endswith(")"):
        return False
    depth, at, quote = 0, head.end() - 1, ""
    for at, char in enumerate(sql[at:], at):  # noqa: B020 - the start is read once
        if quote:
            quote = "" if char == quote else quote
        elif char in "'`":
            quote = char
        elif char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
            if not depth:
                return at == len(sql) - 1
    return False

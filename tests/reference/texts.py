"""Random texts of expressions over columns of every type: sound, ill-typed, damaged, nonsense.

`sound` texts follow the grammar and the types, so that they mean something; `clashing` ones put
two types together that must not meet; `damaged` ones are sound texts with a few tokens lost,
doubled, swapped or exchanged; `nonsense` is no language at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from sfctl.model.functions import FUNCTIONS
from sfctl.model.types import parse

COLUMNS = {
    name: parse(kind)
    for name, kind in {
        "i": "INT64", "j": "INT32", "k": "INT8", "u": "UINT64", "v": "UINT16", "x": "DOUBLE",
        "f": "FLOAT", "d": "DECIMAL(10,2)", "e": "DECIMAL(38,4)", "b": "BOOLEAN", "s": "STRING",
        "t": "STRING", "day": "DATE", "clock": "TIME", "at": "TIMESTAMP", "ntz": "TIMESTAMP_NTZ",
        "span": "DURATION", "raw": "BINARY", "l": "ARRAY<INT64>",
        "st": "STRUCT<n:INT64,s:STRING,x:DOUBLE,in:STRUCT<d:DECIMAL(10,2)>>",
    }.items()
}  # fmt: skip
_TEXTS = ("", "a", "A", "ab", "a\n", "\u00e9", "e\u0301", "12", " x ", "%", "a_b", "\U0001D518",
          "\u0130", "2024-02-29")  # fmt: skip
VALUES: dict[str, tuple[Any, ...]] = {
    "i": (0, 1, 2, -3, 7, 2**63 - 1, -(2**63), 2**53 + 1),
    "j": (0, 1, -2, 5, 2**31 - 1, -(2**31)),
    "k": (0, 1, -1, 127, -128),
    "u": (0, 1, 3, 2**64 - 1, 2**53 + 1),
    "v": (0, 2, 65535),
    "x": (0.0, -0.0, 1.0, -1.5, 0.1, 1e308, 5e-324, 2.0**53, float("nan"), float("inf")),
    "f": (0.0, -0.0, 0.5, -2.25, 0.10000000149011612, float("nan")),
    "d": tuple(map(Decimal, ("0.00", "1.10", "0.10", "-0.01", "5.00", "99999999.99"))),
    "e": tuple(map(Decimal, ("0.0000", "1.5000", "-2.2500", "9" * 34 + ".9999", "0.0001"))),
    "b": (True, False),
    "s": _TEXTS,
    "t": _TEXTS,
    "day": (date(2024, 2, 29), date(2024, 1, 1), date(1969, 12, 31)),
    "clock": (time(0), time(10, 30), time(23, 59, 59, 999999)),
    "at": (datetime(2024, 11, 3, 5, 30, tzinfo=UTC), datetime(2024, 2, 29, tzinfo=UTC),
           datetime(1969, 12, 31, 23, 59, 59, 1, tzinfo=UTC)),
    "ntz": (datetime(2024, 3, 10, 2, 30), datetime(2024, 2, 29), datetime(1969, 12, 31, 23)),
    "span": (timedelta(0), timedelta(days=1), timedelta(microseconds=-1)),
    "raw": (b"", b"\x00\xff"),
    "l": ([], [1], [None, 2]),
}  # fmt: skip
SYMBOLS = ("=", "!=", "<>", "<", "<=", ">", ">=", "==")
_PIECES = (*SYMBOLS, "+", "-", "*", "/", "//", "%", "(", ")", ",", ".", "AND", "OR", "NOT", "IN",
           "BETWEEN", "LIKE", "ESCAPE", "IS", "NULL", "TRUE", "CASE", "WHEN", "THEN", "ELSE", "END",
           "i", "s", "b", "x", "day", "1", "0", "2.5", "1e3", "'a'", "''", "length", "coalesce",
           "DATE '2024-01-01'", "INTERVAL '1 day'", "\"s\"", "st.n", "st")  # fmt: skip
_TOKEN = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|\w+(?:\.\w+)*|<=|>=|<>|!=|==|//|\S")


def rows(random: Random, count: int) -> list[dict[str, Any]]:
    """Return rows of `COLUMNS`, a sixth of their values null."""

    def drawn(name: str) -> Any:
        return None if random.random() < 1 / 6 else random.choice(VALUES[name])

    def inside() -> Any:
        found = {"n": drawn("i"), "s": drawn("s"), "x": drawn("x")}
        return {**found, "in": None if random.random() < 0.2 else {"d": drawn("d")}}

    return [
        {
            **{name: drawn(name) for name in VALUES},
            "st": None if random.random() < 0.2 else inside(),
        }
        for _ in range(count)
    ]


def sound(random: Random) -> str:
    """Return a condition that the grammar and the types allow."""
    return _boolean(random, random.choice((1, 1, 2, 2, 3)))


def clashing(random: Random) -> str:
    """Return a condition in which two types meet that must not."""
    number, text, moment, truth = (each(random, 1) for each in (_numeric, _text, _day, _truth))
    symbol = random.choice(SYMBOLS)
    return random.choice(
        (
            f"{number} {symbol} t", f"s {symbol} {number}", f"{number} + s > 1", f"day {symbol} i",
            f"at {symbol} ntz", f"at {symbol} day", f"length({number}) > 1", f"{truth} + 1 = 2",
            f"{number} LIKE 'a%'", f"{number}", f"{text}", "lower(b) = 'a'", f"abs({text}) = 1",
            "year(clock) = 2024", "hour(day) = 1", f"NOT {number}", f"{truth} AND {number}",
            "day + day > day", f"{moment} * 2 = {moment}", "raw = raw", "l = l", "st = st",
            "l > 1", "raw LIKE 'a'", "s IN (1, 2)", "i IN ('a', 'b')", "b < TRUE",
            "coalesce(i, s) = 1", "CASE WHEN b THEN 1 ELSE 'a' END = 1", "missing = 1",
            "st.missing = 1", "i.n = 1", "i IN (1, NULL)", "i = NULL", "substring(s, i) = 'a'",
            "clock = at", "span = 1", "i BETWEEN 'a' AND 'b'", "nosuch(i) = 1",
            "length(s, t) = 1", "day = '2023-02-30'", "at = '2024-01-01T00:00:00'",
            "starts_with(s, 1)", f"{number} || {text} = 'a'", "st.in = 1", "-s = 'a'", "-b",
        )
    )  # fmt: skip


def damaged(random: Random) -> str:
    """Return a sound text with one to three tokens lost, doubled, swapped or exchanged.

    Half of the exchanges are for a token of the same sort, which is what may be accepted.
    """
    tokens = _TOKEN.findall(sound(random))
    if random.random() < 0.5:
        for _ in range(random.randint(1, 3)):
            at = random.randrange(len(tokens))
            tokens[at] = _same_sort(random, tokens[at])
        return " ".join(tokens)
    for _ in range(random.randint(1, 3)):
        at = random.randrange(len(tokens)) if tokens else 0
        match random.randrange(5):
            case 0 if tokens:
                del tokens[at]
            case 1 if tokens:
                tokens.insert(at, tokens[at])
            case 2 if tokens:
                other = random.randrange(len(tokens))
                tokens[at], tokens[other] = tokens[other], tokens[at]
            case 3 if tokens:
                tokens[at] = random.choice(_PIECES)
            case _:
                tokens.insert(at, random.choice(_PIECES))
    return random.choice((" ", " ", "  ", "\n")).join(tokens)


def _same_sort(random: Random, token: str) -> str:
    if token.split(".")[0] in COLUMNS:
        return random.choice((*COLUMNS, "st.n", "st.s", "st.x", "st.in.d"))
    if token[0].isdigit():
        return _number(random)
    if token[0] == "'":
        return _quoted(random)
    for group in (SYMBOLS, ("+", "-", "*", "/", "//", "%"), ("AND", "OR"), tuple(FUNCTIONS)):
        if token in group:
            return random.choice(group)
    return token


def nonsense(random: Random) -> str:
    """Return tokens in any order, or characters of any kind."""
    if random.random() < 0.5:
        return " ".join(random.choices(_PIECES, k=random.randint(1, 12)))
    alphabet = "ab i=<>'\"()%.,-+*/0123456789\\\t\n;#@`{}[]|&^~!?$:é\u0000\u2028\ud7ff𝔘"
    return "".join(random.choices(alphabet, k=random.randint(1, 30)))


def _one_of(random: Random, *makers: Callable[[], str]) -> str:
    return random.choice(makers)()


def _boolean(random: Random, depth: int) -> str:
    if depth <= 0:
        return _comparison(random, 0)
    inner = lambda: _boolean(random, depth - 1)  # noqa: E731
    return _one_of(
        random,
        lambda: _comparison(random, depth),
        lambda: _comparison(random, depth),
        lambda: _truth(random, depth),
        lambda: f"({inner()} {random.choice(('AND', 'OR', 'and', 'or'))} {inner()})",
        lambda: f"{inner()} {random.choice(('AND', 'OR'))} {inner()}",
        lambda: f"NOT ({inner()})",
        lambda: f"({inner()}) IS {random.choice(('', 'NOT '))}{random.choice(('TRUE', 'FALSE'))}",
        lambda: f"CASE WHEN {inner()} THEN {inner()} ELSE {inner()} END",
    )


def _truth(random: Random, depth: int) -> str:
    text = lambda: _text(random, depth - 1)  # noqa: E731
    return _one_of(
        random,
        lambda: "b",
        lambda: f"b IS {random.choice(('', 'NOT '))}{random.choice(('TRUE', 'FALSE', 'NULL'))}",
        lambda: f"b {random.choice(('=', '<>'))} {random.choice(('TRUE', 'FALSE'))}",
        lambda: f"coalesce(b, {random.choice(('TRUE', 'FALSE'))})",
        lambda: f"{random.choice(('starts_with', 'ends_with', 'contains'))}({text()}, {text()})",
        lambda: f"{text()} {random.choice(('', 'NOT '))}LIKE {_like(random)}",
        lambda: f"{_any(random)} IS {random.choice(('', 'NOT '))}NULL",
    )


def _like(random: Random) -> str:
    pattern = "".join(random.choices(("a", "%", "_", "b", "é", "."), k=random.randint(0, 3)))
    return f"'{pattern}'" if random.random() < 0.8 else f"'{pattern}!%' ESCAPE '!'"


def _any(random: Random) -> str:
    return random.choice((*COLUMNS, "st.n", "st.in.d", "st.in", _numeric(random, 1)))


def _comparison(random: Random, depth: int) -> str:
    maker = random.choice((_numeric, _numeric, _text, _day, _instant, _local, _clock, _span))
    negated = random.choice(("", "", "NOT "))
    one = maker(random, depth - 1)
    match random.randrange(6):
        case 0:
            low, high = maker(random, 0), maker(random, 0)
            return f"{one} {negated}BETWEEN {low} AND {high}"
        case 1:
            listed = [_literal(random, maker) for _ in range(random.randint(1, 3))]
            return f"{one} {negated}IN ({', '.join(listed)})"
    return f"{one} {random.choice(SYMBOLS)} {maker(random, depth - 1)}"


def _numeric(random: Random, depth: int) -> str:
    if depth <= 0:
        return random.choice((*"ijkuvxfde", "st.n", "st.x", "st.in.d", _number(random)))
    inner = lambda: _numeric(random, depth - 1)  # noqa: E731
    return _one_of(
        random,
        lambda: _numeric(random, 0),
        lambda: f"({inner()} {random.choice(('+', '-', '*', '//', '%'))} {inner()})",
        lambda: f"{inner()} {random.choice(('+', '-', '*'))} {inner()}",
        lambda: f"{inner()} / {inner()}",
        lambda: f"-({inner()})",
        lambda: f"abs({inner()})",
        lambda: f"coalesce({inner()}, {inner()})",
        lambda: f"nullif({inner()}, {inner()})",
        lambda: f"length({_text(random, depth - 1)})",
        lambda: f"CASE WHEN {_boolean(random, depth - 1)} THEN {inner()} ELSE {inner()} END",
        lambda: f"{random.choice(('year', 'month', 'day'))}({random.choice(('day', 'at', 'ntz'))})",
        lambda: f"{random.choice(('hour', 'minute'))}({random.choice(('clock', 'at', 'ntz'))})",
    )


def _number(random: Random) -> str:
    return random.choice(
        ("0", "1", "2", "3", "7", "-1", "0.5", "1.10", "-2.25", "1e3", "2.5e-1", "9007199254740993",
         "9223372036854775807", "18446744073709551615", "0.0001", "99999999.99", "9" * 38, "00",
         ".5")
    )  # fmt: skip


def _text(random: Random, depth: int) -> str:
    if depth <= 0:
        return random.choice(("s", "t", '"s"', "st.s", _quoted(random)))
    inner = lambda: _text(random, depth - 1)  # noqa: E731
    start = random.randint(1, 3)
    return _one_of(
        random,
        lambda: _text(random, 0),
        lambda: f"{random.choice(('lower', 'upper', 'trim', 'LOWER'))}({inner()})",
        lambda: f"substring({inner()}, {start})",
        lambda: f"substring({inner()}, {start}, {random.randint(0, 2)})",
        lambda: f"concat({inner()}, {inner()})",
        lambda: f"coalesce({inner()}, {inner()})",
        lambda: f"CASE {inner()} WHEN {inner()} THEN {inner()} ELSE {inner()} END",
        lambda: f"nullif({inner()}, {inner()})",
    )


def _quoted(random: Random) -> str:
    return random.choice(("''", "'a'", "'A'", "'ab'", "'é'", "'it''s'", "'12'", "'%'", "' '"))


def _day(random: Random, depth: int) -> str:
    if depth > 0 and random.random() < 0.3:
        return f"date({random.choice(('at', 'ntz', 'day'))})"
    return random.choice(("day", "day", "DATE '2024-02-29'", "DATE '1970-01-01'"))


def _instant(random: Random, depth: int) -> str:
    if depth > 0 and random.random() < 0.4:
        return f"at {random.choice('+-')} {_span(random, 0)}"
    return random.choice(("at", "at", "TIMESTAMP '2024-11-03T01:30:00-04:00'"))


def _local(random: Random, depth: int) -> str:
    if depth > 0 and random.random() < 0.4:
        return f"{random.choice(('ntz', 'day'))} {random.choice('+-')} {_span(random, 0)}"
    return random.choice(("ntz", "ntz", "day", "TIMESTAMP '2024-03-10 02:30:00'"))


def _clock(random: Random, depth: int) -> str:
    return random.choice(("clock", "clock", "TIME '10:30'", "TIME '23:59:59.999999'"))


def _span(random: Random, depth: int) -> str:
    if depth > 0 and random.random() < 0.4:
        return random.choice(("at - at", "ntz - ntz", "day - day", "span + span", "-span"))
    return random.choice(("span", "INTERVAL '1 day'", "INTERVAL '2' HOUR", "INTERVAL '0 seconds'"))


_LITERALS: dict[Callable[[Random, int], str], tuple[str, ...]] = {
    _text: ("'a'", "''", "'é'"),
    _day: ("DATE '2024-02-29'", "'2024-01-01'"),
    _instant: ("TIMESTAMP '2024-02-29T00:00:00Z'",),
    _local: ("TIMESTAMP '2024-02-29T00:00:00'",),
    _clock: ("TIME '10:30'", "TIME '00:00:00'"),
    _span: ("INTERVAL '1 day'",),
}


def _literal(random: Random, maker: Callable[[Random, int], str]) -> str:
    return _number(random) if maker is _numeric else random.choice(_LITERALS[maker])

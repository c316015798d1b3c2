"""Random typed rows and random rules over them, for engines and the interpreter to agree on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random
from typing import Any

from sfctl.model.policy import Rule
from sfctl.model.types import parse
from tests.conformance.runtime.casebook import Rows, compiled, made

COLUMNS = {
    name: parse(kind)
    for name, kind in {
        "i": "INT64", "j": "INT32", "u": "UINT64", "b": "BOOLEAN", "x": "DOUBLE", "f": "FLOAT",
        "d": "DECIMAL(10,2)", "w": "DECIMAL(38,4)", "s": "STRING", "day": "DATE",
        "at": "TIMESTAMP", "ntz": "TIMESTAMP_NTZ", "st": "STRUCT<n:INT64,s:STRING>",
    }.items()
}  # fmt: skip
VALUES: dict[str, tuple[Any, ...]] = {
    "i": (0, 1, 2, 3, -7, 2**63 - 1, -(2**63), 2**53 + 1, 2**53),
    "j": (0, 1, 2, -2, 5, 2**31 - 1, -(2**31)),
    "u": (0, 1, 2, 7, 2**64 - 1, 2**63),
    "b": (True, False),
    "x": (0.0, -0.0, 1.0, -1.5, 0.1, 2.5, float("nan"), float("inf"), 2.0**53),
    "f": (0.0, -0.0, 0.5, -2.25, 1.0, float("nan")),
    "d": tuple(map(Decimal, ("0.00", "1.10", "1.11", "-0.01", "5.00", "99999999.99"))),
    "w": tuple(map(Decimal, ("0", "1.5", "1.1000", "9" * 34 + ".9999", "-" + "9" * 34 + ".9999"))),
    "s": ("", "a", "A", "ab", "a\n", "\u00e9", "e\u0301", "12", " 12", "\u0661", "2024-02-29",
          "1.0", "\U0001D518", "true"),
    "day": (date(2024, 2, 29), date(2024, 1, 1), date(1969, 12, 31)),
    "at": (datetime(2024, 11, 3, 5, 30, tzinfo=UTC), datetime(2024, 11, 3, 6, 30, tzinfo=UTC),
           datetime(2024, 1, 1, 0, 0, 0, 1, tzinfo=UTC)),
    "ntz": (datetime(2024, 3, 10, 2, 30), datetime(2024, 1, 1), datetime(1969, 12, 31, 23)),
}  # fmt: skip
WHERES = (
    "b", "NOT b", "i > 0", "x < 1", "10 // j > 0", "s = 'a' OR b", "st.n >= 0", "d IS NULL",
    "d <= 1.10", "x IS NOT NULL", "w * 10 > 0", "length(s) < 2",
)  # fmt: skip
CONDITIONS = (
    "i + j > 0", "i * i >= i", "10 % j = 0", "d * 2 <= w", "x >= f", "s < 'b'", "u > i",
    "w + 1 > w", "at >= TIMESTAMP '2024-11-03T05:30:00Z'", "ntz > day", "s LIKE '_%'",
    "coalesce(i, j, 0) <> 0", "CASE WHEN b THEN i > 0 ELSE d > 1 END", "abs(j) < 5 OR j IS NULL",
    "lower(s) = s", "i = 9007199254740993", "st.n = i OR st.s = s", "d / 3 > 0.36", "u - 1 > 0",
    "hour(at) = 5", "-i < 1", "i // 2 * 2 + i % 2 = i",
)  # fmt: skip
_BOUNDS = {
    "i": ("-5", "0", "2", "2.5", "9007199254740992", "9223372036854775807"),
    "j": ("-2", "0", "3"), "u": ("0", "3", "18446744073709551614"),
    "x": ("-1", "0", "0.1", "2.5"), "f": ("-1", "0.5"), "d": ("0", "1.1", "1.105", "50"),
    "w": ("0", "1.1", "9" * 34 + ".9998"), "s": ("a", "b", "~"),
    "day": ("2024-01-01", "2024-02-29"), "at": ("2024-11-03T05:30:00Z",),
    "ntz": ("2024-01-01T00:00:00", "2024-03-10"), "st.n": ("0", "2"),
}  # fmt: skip
_LISTS: dict[str, tuple[Any, ...]] = {
    "i": ("0", "1", "9007199254740993", "1.5"), "j": ("0", "1", "2"), "u": ("7", str(2**64 - 1)),
    "x": ("0", "1", "0.1"), "d": ("1.1", "5", "0.00"), "s": ("", "a", "ab", "\u00e9"),
    "day": ("2024-02-29",), "b": (True,), "st.s": ("a", ""),
}  # fmt: skip
_NUMBERS = ("i", "j", "u", "x", "f", "d", "w", "st.n")


def rows(random: Random) -> Rows:
    """Return up to a dozen rows, a fifth of their values null."""
    count = random.choice((0, 1, 2, 5, 8, 12))
    return Rows(COLUMNS, tuple(_row(random) for _ in range(count)))


def _row(random: Random) -> dict[str, Any]:
    found = {name: _or_null(random, random.choice(values)) for name, values in VALUES.items()}
    inside = {name: _or_null(random, random.choice(VALUES[own])) for name, own in
              (("n", "i"), ("s", "s"))}  # fmt: skip
    return {**found, "st": _or_null(random, inside)}


def _or_null(random: Random, value: Any) -> Any:
    return None if random.random() < 0.2 else value


def rules(random: Random, count: int) -> list[Rule]:
    """Return rules of every kind that compile, about as many as wanted."""
    found: list[Rule] = []
    for number in range(count):
        written = random.choice(_KINDS)(random)
        written["id"] = f"r{number}"
        batch = written["kind"] in _BATCH
        if not batch and random.random() < 0.5:
            written["threshold"] = random.choice((0, 1, 2, "10%", "33.3%", "50%", 0.25))
        if random.random() < 0.5:
            written["where"] = random.choice(WHERES)
        policy, problems = compiled(COLUMNS, made(written))
        if not any(problem.severity == "error" for problem in problems):
            found += policy.rules
    return found


def _null(random: Random) -> dict[str, Any]:
    kind = random.choice(("required", "not_null"))
    return {"kind": kind, "field": random.choice((*COLUMNS, "st.n", "st.s"))}


def _type(random: Random) -> dict[str, Any]:
    wanted = ("INT8", "INT32", "INT64", "UINT64", "DOUBLE", "FLOAT", "DECIMAL(10,2)",
              "DECIMAL(38,0)", "STRING", "DATE", "TIMESTAMP", "TIMESTAMP_NTZ", "BOOLEAN",
              )  # fmt: skip
    return {
        "kind": "type",
        "field": random.choice((*VALUES, "st.s")),
        "type": random.choice(wanted),
    }


def _values(random: Random) -> dict[str, Any]:
    name = random.choice(list(_LISTS))
    some = random.sample(_LISTS[name], random.randint(1, len(_LISTS[name])))
    kind = random.choice(("accepted_values", "not_accepted_values"))
    return {"kind": kind, "field": name, "values": list(some)}


def _ends(random: Random, bounds: tuple[str, ...]) -> dict[str, Any]:
    low, high = random.choice(("min", "exclusive_min")), random.choice(("max", "exclusive_max"))
    shape = random.choice(((low,), (high,), (low, high)))
    some = sorted(random.choices(bounds, k=2), key=bounds.index)
    return dict(zip(shape, some if len(shape) == 2 else some[:1], strict=True))


def _range(random: Random) -> dict[str, Any]:
    name = random.choice(list(_BOUNDS))
    return {"kind": "range", "field": name, **_ends(random, _BOUNDS[name])}


def _length(random: Random) -> dict[str, Any]:
    least = random.randint(0, 3)
    ends = random.choice(({"min": least}, {"max": least}, {"min": least, "max": least + 1}))
    return {"kind": "length", "field": random.choice(("s", "st.s")), **ends}


def _pattern(random: Random) -> dict[str, Any]:
    pattern = random.choice((r"\w+", ".", "[^a]*", r"a|\d+", "(a|A)b?", r"\s?\d*"))
    return {"kind": "pattern", "field": random.choice(("s", "st.s")), "pattern": pattern}


def _format(random: Random) -> dict[str, Any]:
    return {"kind": "format", "field": "s", "format": random.choice(("date", "uuid", "hostname"))}


def _expression(random: Random) -> dict[str, Any]:
    return {"kind": "expression", "expression": random.choice(CONDITIONS)}


def _unique(random: Random) -> dict[str, Any]:
    names = random.sample((*VALUES, "st.n", "st.s"), random.randint(1, 2))
    more = {
        "nulls": random.choice(("equal", "distinct")),
        "scope": random.choice(("batch", "table")),
    }
    return {"kind": "unique", "fields": names, **more}


def _copies(random: Random) -> dict[str, Any]:
    return {"kind": "duplicate_rows", "nulls": random.choice(("equal", "distinct"))}


def _foreign(random: Random) -> dict[str, Any]:
    name = random.choice((*VALUES, "st.n", "st.s"))
    there = random.choice((name.replace("st.n", "i").replace("st.s", "s"), "i", "d", "u"))
    return {"kind": "foreign_key", "field": name,
            "references": {"dataset": "ds://ref/rows", "field": there}}  # fmt: skip


def _row_count(random: Random) -> dict[str, Any]:
    return {"kind": "row_count", random.choice(("min", "max")): random.randint(1, 9)}


def _null_rate(random: Random) -> dict[str, Any]:
    return {"kind": "null_rate", "field": random.choice((*COLUMNS, "st.n")),
            random.choice(("min", "max")): random.choice((0.1, "20%", 0.5))}  # fmt: skip


def _distinct(random: Random) -> dict[str, Any]:
    return {"kind": "distinct_count", "field": random.choice((*VALUES, "st.s")),
            random.choice(("min", "max")): random.randint(1, 5)}  # fmt: skip


def _aggregate(random: Random) -> dict[str, Any]:
    function = random.choice(("sum", "avg", "min", "max", "stddev", "quantile"))
    share = {"quantile": random.choice((0, 0.1, 0.5, 0.9, 1))} if function == "quantile" else {}
    name = random.choice(_NUMBERS)
    return {"kind": "aggregate", "function": function, "field": name, **share,
            **_ends(random, _BOUNDS[name])}  # fmt: skip


def _fresh(random: Random) -> dict[str, Any]:
    return {"kind": "freshness", "field": random.choice(("at", "ntz", "day")),
            "max_age": random.choice(("1h", "60d", "20000d"))}  # fmt: skip


_KINDS: tuple[Callable[[Random], dict[str, Any]], ...] = (
    _null, _type, _values, _range, _length, _pattern, _format, _expression, _unique, _copies,
    _foreign, _row_count, _null_rate, _distinct, _aggregate, _fresh,
)  # fmt: skip
_BATCH = frozenset({"row_count", "null_rate", "distinct_count", "aggregate", "freshness"})

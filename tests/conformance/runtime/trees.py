"""Random rows and random typed expressions over them, for every adapter to agree on."""

from __future__ import annotations

import struct
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from sfctl.model import expr as tree
from sfctl.model.expr import Constant, Expr, Field
from sfctl.model.inference import infer_condition
from sfctl.model.types import DataType, parse

ANY = DataType("ANY")
TYPES = {
    "i": parse("INT64"), "j": parse("INT32"), "u": parse("UINT64"), "d": parse("DECIMAL(12,2)"),
    "e": parse("DECIMAL(38,4)"), "x": parse("DOUBLE"), "y": parse("DOUBLE"), "f": parse("FLOAT"),
    "s": parse("STRING"), "t": parse("STRING"), "b": parse("BOOLEAN"), "day": parse("DATE"),
    "at": parse("TIMESTAMP"), "ntz": parse("TIMESTAMP_NTZ"),
}  # fmt: skip

_small = st.integers(-5, 5)
_doubles = st.sampled_from(
    [0.0, -0.0, 1.0, -1.5, 0.1, 2.5, 1e308, -1e308, 5e-324, 2.0**53, float("nan"), 1e15]
)
_moments = st.datetimes(datetime(2023, 12, 31), datetime(2024, 1, 2)).map(
    lambda m: m.replace(second=0, microsecond=0)
)
_texts = st.sampled_from(["", "a", "A", "ab", "AB\n", "é", "日本", "x y", " x ", "٣", "12", "a|b"])
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "i": st.one_of(_small, st.sampled_from([2**63 - 1, -(2**63), 2**53 + 1, 10**18])),
    "j": st.one_of(_small, st.sampled_from([2**31 - 1, -(2**31)])),
    "u": st.one_of(st.integers(0, 5), st.just(2**64 - 1)),
    "d": st.one_of(_small, st.integers(-(10**12) + 1, 10**12 - 1)).map(
        lambda n: Decimal(n).scaleb(-2)
    ),
    "e": st.sampled_from(["0", "0.0001", "1.5", "-2.25", "9" * 34 + ".9999", "-" + "9" * 34]).map(
        Decimal
    ),
    "x": _doubles,
    "y": _doubles,
    "f": st.sampled_from([0.0, 1.5, -2.25, 0.1, 3e38]).map(
        lambda v: struct.unpack("f", struct.pack("f", v))[0]
    ),
    "s": _texts,
    "t": _texts,
    "b": st.booleans(),
    "day": st.dates(date(2023, 12, 31), date(2024, 1, 2)),
    "at": _moments.map(lambda m: m.replace(tzinfo=UTC)),
    "ntz": _moments,
}
rows = st.lists(
    st.fixed_dictionaries({name: st.none() | value for name, value in VALUES.items()}),
    min_size=1,
    max_size=6,
)

_numbers = st.sampled_from(["0", "1", "-3", "2", "7"]).map(lambda t: Constant(t, parse("INT64")))
_decimals = st.sampled_from(["0.5", "1.25", "-2.10", "0.0001"]).map(
    lambda t: Constant(
        t, parse(f"DECIMAL({len(t.strip('-').replace('.', ''))},{len(t.split('.')[1])})")
    )
)
_strings = st.sampled_from(["", "a", "AB", "é", "x"]).map(lambda t: Constant(t, parse("STRING")))
_dates = st.sampled_from(["2024-01-01", "2023-12-31"]).map(lambda t: Constant(t, parse("DATE")))


def _field(*names: str) -> st.SearchStrategy[Expr]:
    return st.sampled_from(names).map(lambda name: Field((name,), ANY))


def _binary(node: Any, operators: list[str], side: Any) -> Any:
    return st.builds(
        lambda symbol, a, b: node(symbol, a, b, *([ANY] if node is tree.Arithmetic else [])),
        st.sampled_from(operators), side, side,
    )  # fmt: skip


_numeric_leaf = st.one_of(_field("i", "j", "u", "d", "e", "x", "y", "f"), _numbers, _decimals)
numeric = st.recursive(
    _numeric_leaf,
    lambda inner: st.one_of(
        _binary(tree.Arithmetic, ["+", "-", "*", "//", "%"], inner),
        st.builds(lambda a, b: tree.Arithmetic("/", a, b, ANY), _field("x", "y"), inner),
        st.builds(lambda a: tree.Negate(a, ANY), inner),
        st.builds(lambda a: tree.Call("abs", (a,), ANY), inner),
        st.builds(lambda a, b: tree.Call("coalesce", (a, b), ANY), inner, inner),
    ),
    max_leaves=4,
)
text = st.one_of(
    _field("s", "t"),
    _strings,
    st.builds(
        lambda name, a: tree.Call(name, (a,), ANY), st.sampled_from(["lower", "upper", "trim"]),
        _field("s"),
    ),
    st.builds(
        lambda a, n: tree.Call("substring", (a, Constant(str(n), parse("INT64"))), ANY),
        _field("s"), st.integers(1, 3),
    ),
    st.builds(lambda a, b: tree.Call("concat", (a, b), ANY), _field("s"), _field("t")),
)  # fmt: skip
_COMPARISONS = ["=", "!=", "<", "<=", ">", ">="]
_atom = st.one_of(
    _binary(tree.Compare, _COMPARISONS, numeric),
    _binary(tree.Compare, _COMPARISONS, text),
    _binary(tree.Compare, _COMPARISONS, st.one_of(_field("day", "ntz"), _dates)),
    _binary(tree.Compare, _COMPARISONS, _field("at")),
    st.builds(tree.Between, numeric, _numbers, _numeric_leaf, st.booleans()),
    st.builds(
        lambda a, v, n: tree.Within(a, tuple(v), n), numeric,
        st.lists(st.one_of(_numbers, _decimals), min_size=1, max_size=3), st.booleans(),
    ),
    st.builds(
        lambda a, v, n: tree.Within(a, tuple(v), n), text,
        st.lists(_strings, min_size=1, max_size=3), st.booleans(),
    ),
    st.builds(tree.IsNull, st.one_of(numeric, text, _field("b", "at")), st.booleans()),
    st.builds(
        tree.Matches, text, st.sampled_from(["[a-z]+", "a|b", "(?:A|AB)", r"[0-9]{1,2}", ".*"]),
        st.booleans(),
    ),
    st.builds(lambda name, a, b: tree.Call(name, (a, b), ANY),
              st.sampled_from(["starts_with", "ends_with", "contains"]), text, text),
    _field("b"),
    st.builds(lambda a, n: tree.Compare("=", tree.Call("length", (a,), ANY), n), text, _numbers),
    st.builds(lambda p, a, n: tree.Compare(">", tree.Call(p, (a,), ANY), n),
              st.sampled_from(["year", "month", "day"]), _field("day", "at", "ntz"), _numbers),
)  # fmt: skip
conditions = st.recursive(
    _atom,
    lambda inner: st.one_of(
        st.builds(
            lambda symbol, operands: tree.Logic(symbol, tuple(operands)),
            st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3),
        ),
        st.builds(tree.Not, inner),
        st.builds(lambda c, a, b: tree.Case(((c, a),), b, ANY), inner, inner, inner),
    ),
    max_leaves=4,
)  # fmt: skip


@st.composite
def typed_conditions(draw: st.DrawFn) -> Expr:
    """Draw a condition that compiles against `TYPES`."""
    wrong: list[str] = []

    def report(_node: Expr, _code: str, message: str, _hint: str = "") -> None:
        wrong.append(message)

    found = infer_condition(
        draw(conditions), lambda field: Field(field.path, TYPES[field.path[0]]), report
    )
    assume(not wrong)
    return found

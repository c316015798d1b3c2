"""The state of a column: whatever the cut and the order, the figures are those of all rows."""

from __future__ import annotations

import math
from functools import reduce
from itertools import pairwise
from typing import Any

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfctl.profiling.chunk import states_of
from sfctl.profiling.column import DISTINCT_ERROR, KEEP, ColumnState
from sfctl.profiling.figures import column_figures

FLOATS = st.one_of(
    st.none(),
    st.sampled_from([0.0, -0.0, math.nan, math.inf, -math.inf, 1e300, -2.5]),
    st.floats(-1e6, 1e6),
)
TEXTS = st.one_of(st.none(), st.sampled_from(["", " ", " a", "ß", "日本"]), st.text(max_size=4))
VALUES: dict[Any, st.SearchStrategy[Any]] = {
    pl.Int64: st.one_of(st.none(), st.integers(-5, 5), st.integers(-(2**63), 2**63 - 1)),
    pl.Float64: FLOATS,
    pl.String: TEXTS,
    pl.Boolean: st.one_of(st.none(), st.booleans()),
    pl.Date: st.one_of(st.none(), st.dates()),
    pl.Decimal(12, 2): st.one_of(st.none(), st.decimals(-99999, 99999, places=2)),
}


def state_of(values: list[Any], dtype: Any) -> ColumnState:
    return states_of(pl.DataFrame({"v": pl.Series(values, dtype=dtype)}), {})["v"]


def assert_same(left: ColumnState, right: ColumnState) -> None:
    a, b = column_figures(left, None, 0), column_figures(right, None, 0)
    assert a.keys() == b.keys()
    for key, value in a.items():
        if key in ("mean", "stddev") and isinstance(value, float):
            scale = max(abs(float(left.figures.least or 0)), abs(float(left.figures.most or 0)))
            assert math.isclose(value, b[key], rel_tol=1e-9, abs_tol=1e-7 * scale)
        else:
            assert value == b[key], key


@pytest.mark.parametrize("dtype", VALUES, ids=str)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_parts_in_any_order_give_what_all_rows_give(dtype: Any, data: st.DataObject) -> None:
    rows = data.draw(st.lists(VALUES[dtype], max_size=40))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=4)))
    bounds = [0, *cuts, len(rows)]
    parts = [state_of(rows[a:b], dtype) for a, b in pairwise(bounds)]
    shuffled = data.draw(st.permutations(parts))
    whole = state_of(rows, dtype)
    assert_same(reduce(ColumnState.merge, shuffled), whole)
    right = reduce(lambda done, part: part.merge(done), reversed(shuffled))
    assert_same(right, whole)


@pytest.mark.parametrize("kind", ["number", "text"])
@pytest.mark.parametrize("cut", [1, 400, KEEP, 1_500, 2_999])
def test_past_the_bound_parts_still_give_what_all_rows_give(kind: str, cut: int) -> None:
    numbers = [(n * 7919) % 3_001 - 40.5 for n in range(3_000)]
    values: list[Any] = (
        [f" {n}"[: int(n) % 6] + str(n) for n in numbers] if kind == "text" else numbers
    )
    dtype = pl.String if kind == "text" else pl.Float64
    whole, head, tail = (state_of(part, dtype) for part in (values, values[:cut], values[cut:]))
    assert whole.wide is not None
    assert_same(head.merge(tail), whole)
    assert_same(tail.merge(head), whole)
    assert head.merge(tail).kept == whole.kept


@pytest.mark.parametrize("distinct", [KEEP, 5_000, 60_000])
def test_distinct_values_are_counted_exactly_and_then_estimated(distinct: int) -> None:
    found = state_of([n % distinct for n in range(80_000)], pl.Int64)
    if distinct <= KEEP:
        assert found.distinct == distinct
    else:
        assert abs(found.distinct / distinct - 1) < 3 * DISTINCT_ERROR
    assert ("distinct_error" in column_figures(found, None, 0)) is (distinct > KEEP)


@pytest.mark.parametrize("spread", [1, 1000])
def test_quantiles_are_exact_and_then_within_their_error(spread: int) -> None:
    values = [
        float((n * 7919 % 40_009) // (40_009 // spread if spread == 1 else 1))
        for n in range(40_009)
    ]
    figures = column_figures(state_of(values, pl.Float64), None, 0)
    error = figures.get("quantile_error", 0.0)
    for name, value in figures["quantiles"].items():
        true = sorted(values)[round(float(name) * (len(values) - 1))]
        assert abs(value - true) <= error * abs(true) + 1e-9, name


def test_a_hidden_column_keeps_nothing_that_tells_a_value() -> None:
    secret = state_of(["anna@example.com", "ben@example.com", None], pl.String).scrubbed()
    both = secret.merge(state_of(["cleo@example.com"], pl.String))
    for state in (secret, both):
        assert b"example" not in msgspec.msgpack.encode(state)
        assert not state.kept
    assert column_figures(both, None, 0) == {
        "nulls": 1,
        "null_rate": 0.25,
        "presence": "optional",
        "confidence": 0.25,
        "distinct": 2,
        "length": {"min": 15, "max": 16, "mean": 15.6666666667},
        "empty": 0,
        "padded": 0,
        "personal": True,
    }

"""What a sample says of texts: shapes, formats, personal data; and that samples add up."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfctl.profiling.texts import MAX_SHAPES, TextState, kind_in, texts_of

_COUNTS = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(1, 9))
_MANY = st.integers(0, MAX_SHAPES).map(lambda n: {f"s{i}": 1 for i in range(n)})
STATES = st.builds(
    TextState, st.integers(0, 99), st.one_of(st.none(), _COUNTS, _MANY), _COUNTS, _COUNTS, _COUNTS
)


@settings(max_examples=80, deadline=None)
@given(STATES, STATES, STATES)
def test_samples_add_up_in_any_order(a: TextState, b: TextState, c: TextState) -> None:
    assert a.merge(b) == b.merge(a)
    assert a.merge(b).merge(c) == a.merge(b.merge(c))


@pytest.mark.parametrize(
    ("values", "shapes"),
    [
        (["AB-1", "cd-22", None], {"AA-9": 1, "aa-99": 1}),
        (["é1", "E1"], {"é9": 1, "A9": 1}),
        ([""], {"": 1}),
        ([f"word {'x' * n}" for n in range(MAX_SHAPES + 1)], None),
    ],
)
def test_shapes(values: list[str | None], shapes: dict[str, int] | None) -> None:
    assert texts_of(pl.DataFrame({"v": values}))["v"].shapes == shapes


@pytest.mark.parametrize(
    ("values", "formats"),
    [
        (["2026-01-31", "2026-02-28", "2026-02-30"], {"date": 2}),
        (["a@example.com", "b@example.com"], {"email": 2}),
        (["6f1c1f3e-0b0a-4f5e-9d3c-1234567890ab"], {"uuid": 1}),
        (["2026-01-31T10:00:00Z"], {"datetime": 1}),
        (["https://example.com/a"], {"url": 1}),
        (["word", "other"], {}),
        (["2125551234", "2125551235"], {}),
        ([None], {}),
    ],
)
def test_formats(values: list[str | None], formats: dict[str, int]) -> None:
    sample = pl.DataFrame({"v": pl.Series(values, dtype=pl.String)})
    assert texts_of(sample)["v"].formats == formats


def test_personal_data_is_told_by_the_share_of_values() -> None:
    rows = [f"row {n}" for n in range(400)]
    few, enough = [*rows, "x@example.com"], [*rows, *["x@example.com"] * 3]
    assert texts_of(pl.DataFrame({"v": few}))["v"].kind is None
    assert texts_of(pl.DataFrame({"v": enough}))["v"].kind == "EMAIL"
    assert kind_in(few) == "EMAIL"
    assert kind_in([1, None, "row"]) is None

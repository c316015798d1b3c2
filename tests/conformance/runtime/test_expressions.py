"""Random texts of expressions: refused with a reason, or judged as the interpreter judges."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conformance.runtime.expressions import Tried, trial, tried


@pytest.mark.parametrize("part", range(6))
def test_random_texts_mean_what_they_say(part: int) -> None:
    found = [trial(Random(seed)) for seed in range(part * 40, part * 40 + 40)]
    assert [each for each in found if each.wrong] == []
    assert {each.accepted for each in found} == {True, False}


@settings(max_examples=30, deadline=None)
@given(st.randoms(use_true_random=False))
def test_drawn_texts_mean_what_they_say(random: Random) -> None:
    assert trial(random).wrong == ()


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_refused_or_read(text: str) -> None:
    assert tried("nonsense", text, Random(0)).wrong == ()


@pytest.mark.parametrize(
    ("origin", "text"),
    [
        ("clashing", "s IN (1, 2)"),  # and it would have to raise nothing if it were accepted
        ("sound", "x > 1 AND i = i"),
    ],
)
def test_named_texts(origin: str, text: str) -> None:
    found: Tried = tried(origin, text, Random(0))
    assert found.wrong == ()
    assert found.accepted == (origin == "sound")

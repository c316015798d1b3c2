"""Patterns: one meaning on every engine, and nothing outside the subset gets through."""

from __future__ import annotations

import re
import time

import polars as pl
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from sfctl.compiler.regex import PatternError, rewrite
from sfctl.compiler.regex_match import matches

ATOMS = st.sampled_from(
    ["a", "B", "7", "é", ".", r"\d", r"\w", r"\s", r"\D", r"\W", r"\S", r"\.", r"\-", "[a-c]",
     "[^a-c]", r"[\d\-x]", r"[\s_]", r"[^\w]", r"\t", r"\x41", "-", " ", "/", "#", "&&", "~"]
)  # fmt: skip
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map("".join)
        | st.tuples(inner, inner).map(lambda p: f"(?:{p[0]}|{p[1]})")
        | inner.map(lambda p: f"({p})")
        | st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{0,}", "*?"])).map(
            lambda p: f"({p[0]}){p[1]}"
        )
    ),
    max_leaves=6,
)
TEXTS = st.text("aBbc7é.- _x/#&~\n\t٣Aß", max_size=8)


@given(PATTERNS, TEXTS)
@settings(max_examples=300)
def test_the_rewriting_means_the_pattern_in_ascii(pattern: str, text: str) -> None:
    wanted = re.fullmatch(pattern, text, re.ASCII) is not None
    found = rewrite(pattern)
    assert (re.fullmatch(found, text) is not None) == wanted
    anchored = pl.Series([text]).str.contains(rf"\A(?:{found})\z")
    assert anchored.to_list() == [wanted]


@given(st.text(r"ab1\dwsxAbBpz.^$*+?{},:=!<>|()[]-_&~# é", max_size=20))
@settings(max_examples=400)
def test_no_text_breaks_the_reader_and_what_it_lets_through_compiles(text: str) -> None:
    try:
        found = rewrite(text)
    except PatternError as error:
        place = error.offset
    else:
        place = 0
        re.compile(found)
        pl.Series(["x"]).str.contains(rf"\A(?:{found})\z")
        assert rewrite(found) == found
    assert 0 <= place <= len(text)


@pytest.mark.parametrize(
    ("pattern", "text", "whole"),
    [
        ("^AB$", "AB", True),
        ("^AB$", "AB\n", False),
        ("a|bc", "abc", False),
        ("a|bc", "bc", True),
        (r"\d+", "٣", False),
        (".", "\n", False),
        (r"[\s\S]*", "a\nb", True),
        ("", "", True),
        ("(a|)b", "b", True),
        ("a{2,3}?", "aaa", True),
    ],
)
def test_whole_values_match(pattern: str, text: str, whole: bool) -> None:
    assert (re.fullmatch(rewrite(pattern), text) is not None) == whole


def test_a_pattern_has_a_longest_size() -> None:
    with pytest.raises(PatternError) as caught:
        rewrite("a" * 2001)
    assert caught.value.code == "SF211"
    with pytest.raises(PatternError):
        rewrite("(" * 40 + "a" + ")" * 40)


@given(PATTERNS, TEXTS)
@example("(a|)*", "aa")
@example("(a{2,3}|b?){2}", "aab")
def test_the_matcher_of_compile_agrees_with_pythons(pattern: str, text: str) -> None:
    try:
        found = rewrite(pattern)
    except PatternError:
        assume(False)
    assert matches(found, text) == (re.fullmatch(found, text) is not None)


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a)*b", "(a|aa)+b", "(a*)*b", "(a?){500}b"])
def test_no_pattern_makes_the_matcher_explode(pattern: str) -> None:
    begun = time.process_time()
    assert not matches(rewrite(pattern), "a" * 300)
    assert time.process_time() - begun < 2

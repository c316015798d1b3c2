"""Text for people: aligned, rounded, and complete without colour."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfctl.report import text


@given(st.text(min_size=1, max_size=50).filter(str.isprintable), st.sampled_from(["ok", "FAILED"]))
def test_a_status_line_is_filled_up_and_ends_in_its_word(name: str, word: str) -> None:
    line = text.status_line(name, word, columns=61)
    assert len(line) == 61
    assert line.startswith(f"{name} ...")
    assert line.endswith(f". {word}")


def test_a_long_name_is_not_cut() -> None:
    name = "urn:dp:a:" + "x" * 100
    assert text.status_line(name, "ok", columns=40) == f"{name} ... ok"


@pytest.mark.parametrize(("columns", "want"), [("20", 40), ("70", 70), ("300", 80)])
def test_the_window_bounds_the_width(
    columns: str, want: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert text.width() == want


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.04, "40 ms"), (1.5, "1.5 s"), (89, "89.0 s"), (180, "3 min"), (7200, "2.0 h")],
)
def test_durations_are_rounded_as_people_say_them(seconds: float, said: str) -> None:
    assert text.duration(seconds) == said


@pytest.mark.parametrize(
    ("octets", "said"),
    [(888, "888 B"), (1300, "1.3 KiB"), (5 << 30, "5.0 GiB"), (1 << 50, "1024.0 TiB")],
)
def test_sizes_carry_their_unit(octets: int, said: str) -> None:
    assert text.size(octets) == said


def test_counts_and_shares() -> None:
    assert text.count(1, "row") == "1 row"
    assert text.count(2000, "row") == "2,000 rows"
    assert text.count(2, "entry", "entries") == "2 entries"
    assert text.share(0.05) == "5%"
    assert text.share(0.9964) == "99.64%"


def test_tables_are_aligned() -> None:
    assert text.table([("a", "bbb", "c"), ("aa", "b", "c")], indent=" ") == [
        " a   bbb  c",
        " aa  b    c",
    ]
    assert text.table([]) == []


@given(st.text(alphabet="abc. \n", max_size=80), st.sampled_from(["ok", "FAILED", "blocked", "x"]))
def test_colour_adds_nothing_that_words_do_not_say(body: str, word: str) -> None:
    plain = f"{body} {word}"
    painted = text.painted(plain)
    assert re.sub(r"\x1b\[\d+m", "", painted) == plain
    assert ("\x1b[" in painted) or word == "x"

"""Hints: the nearest name, else names enough to go on with."""

from __future__ import annotations

import pytest

from sfctl.spec.wording import LISTED, suggestion


def test_the_nearest_name_is_suggested() -> None:
    assert suggestion("order", ["orders", "planes"]) == "did you mean `orders`?"


@pytest.mark.parametrize("more", [0, 1, 500])
def test_a_long_list_is_cut(more: int) -> None:
    names = [f"table_{n:03}" for n in range(LISTED + more)]
    hint = suggestion("nothing like it", names)
    assert hint.count("table_") == LISTED
    assert hint.endswith(f" and {more} more" if more else names[-1])
    assert suggestion("nothing like it", names, closed=False) == ""

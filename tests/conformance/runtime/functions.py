"""Functions of users, for the cases of `custom`: an Arrow batch in, one boolean a row out."""

from __future__ import annotations

from typing import Any

import polars as pl


def positive(batch: Any) -> Any:
    """Say of each number whether it is above zero; of null nothing."""
    return (pl.DataFrame(batch).to_series() > 0).to_list()


def not_null(batch: Any) -> Any:
    """Say of each row whether its first column is filled."""
    return pl.DataFrame(batch).to_series().is_not_null().to_list()


def ascending(batch: Any) -> Any:
    """Say of each row whether its second column is no less than the first."""
    rows = pl.DataFrame(batch)
    first, second = rows.get_columns()
    return (second >= first).to_list()


def even_length(batch: Any) -> Any:
    """Say of each text whether it has an even number of code points."""
    return [None if t is None else len(t) % 2 == 0 for t in pl.DataFrame(batch).to_series()]


def later(batch: Any) -> Any:
    """Say of each instant whether it lies after the hour that came twice began again."""
    from datetime import UTC, datetime

    edge = datetime(2024, 11, 3, 6, tzinfo=UTC)
    return [None if t is None else t > edge for t in pl.DataFrame(batch).to_series()]


def exact_tenth(batch: Any) -> Any:
    """Say of each decimal whether it is 0.1, digit for digit."""
    from decimal import Decimal

    return [None if d is None else d == Decimal("0.1") for d in pl.DataFrame(batch).to_series()]


def fails_on_seven(batch: Any) -> Any:
    """Raise where a seven is among the numbers."""
    numbers = pl.DataFrame(batch).to_series().to_list()
    if 7 in numbers:
        raise ValueError("seven")
    return [True] * len(numbers)


def one_answer(batch: Any) -> Any:
    """Answer once, whatever the number of rows."""
    return [True] * (len(pl.DataFrame(batch)) + 1)


def numbers(batch: Any) -> Any:
    """Answer with numbers instead of booleans."""
    return [1] * len(pl.DataFrame(batch))


def knows_nothing(batch: Any) -> Any:
    """Answer null for every row."""
    return [None] * len(pl.DataFrame(batch))

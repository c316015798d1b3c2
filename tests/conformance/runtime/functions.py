"""Functions of users, for the cases of `custom`: an Arrow batch in, one boolean a row out."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any


def positive(batch: Any) -> Any:
    """Say of each number whether it is above zero; of null nothing."""
    return [None if value is None else value > 0 for value in _first(batch)]


def not_null(batch: Any) -> Any:
    """Say of each row whether its first column is filled."""
    return [value is not None for value in _first(batch)]


def ascending(batch: Any) -> Any:
    """Say of each row whether its second column is no less than the first."""
    first, second = (column.to_pylist() for column in batch.columns)
    pairs = zip(first, second, strict=True)
    return [None if a is None or b is None else b >= a for a, b in pairs]


def even_length(batch: Any) -> Any:
    """Say of each text whether it has an even number of code points."""
    return [None if text is None else len(text) % 2 == 0 for text in _first(batch)]


def later(batch: Any) -> Any:
    """Say of each instant whether it lies after the hour that came twice began again."""
    edge = datetime(2024, 11, 3, 6, tzinfo=UTC)
    return [None if moment is None else moment > edge for moment in _first(batch)]


def exact_tenth(batch: Any) -> Any:
    """Say of each decimal whether it is 0.1, digit for digit."""
    return [None if number is None else number == Decimal("0.1") for number in _first(batch)]


def raises(batch: Any) -> Any:
    """Answer nothing."""
    raise ValueError("seven")


def numbers(batch: Any) -> Any:
    """Answer with numbers instead of booleans."""
    return [1] * batch.num_rows


def knows_nothing(batch: Any) -> Any:
    """Answer null for every row."""
    return [None] * batch.num_rows


def _first(batch: Any) -> list[Any]:
    found: list[Any] = batch.column(0).to_pylist()
    return found

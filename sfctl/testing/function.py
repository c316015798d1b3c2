"""A custom rule's function held to its contract, on rows at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

Function = Callable[[Any], Any] | str
"""A function of a `pyarrow.RecordBatch`, or its import path `module:name`."""

SAID = {0: False, 1: True, 2: None}
SHOWN = 10
"""Rows that a message names."""


def answers(function: Function, rows: object) -> list[bool | None]:
    """Return what a function says of each row, once it is shown to keep the contract.

    `rows` are a list of dicts, a frame or an Arrow table with the rule's columns, in order. They
    are handed over whole, one by one, in halves and backwards, as a `RecordBatch` each time; a row
    must be told the same every time. Raises AssertionError where the function raises, answers with
    anything but a boolean a row, minds its neighbours, or alters what it was given.
    """
    called, frame = _resolved(function), _frame(rows)
    whole = _asked(called, frame, "all rows")
    if _asked(called, frame, "all rows again") != whole:
        raise AssertionError(f"{_name(called)} does not answer the same twice")
    for order, how in _cuts(frame):
        parts = [answer for some in order for answer in _asked(called, frame[some], how)]
        numbers = [number for some in order for number in some]
        wrong = sorted(n for n, said in zip(numbers, parts, strict=True) if said is not whole[n])
        if wrong:
            raise AssertionError(
                f"{_name(called)} answers otherwise of {_listed(wrong)} when given {how}: a row's "
                "answer may depend on that row alone, for batches are cut anywhere"
            )
    return whole


def assert_rule(
    function: Function,
    *,
    good: Sequence[Mapping[str, object]] = (),
    bad: Sequence[Mapping[str, object]] = (),
    unknown: Sequence[Mapping[str, object]] = (),
) -> None:
    """Assert that a function passes, fails, and has nothing to say of the rows given.

    All rows are judged together, as `answers` does. Raises AssertionError that lists every row of
    which the function says something else.
    """
    expected = [True] * len(good) + [False] * len(bad) + [None] * len(unknown)
    given = [*good, *bad, *unknown]
    found = answers(function, given)
    wrong = [
        f"  {row}: expected {want}, got {said}"
        for row, want, said in zip(given, expected, found, strict=True)
        if said is not want
    ]
    if wrong:
        lines = [f"{_name(_resolved(function))} differs on {len(wrong)} of {len(given)} rows:"]
        raise AssertionError("\n".join(lines + wrong[:SHOWN]))


def _frame(rows: object) -> pl.DataFrame:
    from sfctl.runtime.core.adapt import to_polars

    frame = None if isinstance(rows, Sequence) and not rows else to_polars(rows)
    if frame is None or not frame.height:
        raise AssertionError("no rows were given to try the function on")
    return frame


def _cuts(frame: pl.DataFrame) -> Iterator[tuple[list[list[int]], str]]:
    """Yield ways to hand rows over: lists of row numbers a batch."""
    numbers = list(range(frame.height))
    middle = frame.height // 2
    yield [[number] for number in numbers[:1_000]], "one by one"
    yield [half for half in (numbers[:middle], numbers[middle:]) if half], "in halves"
    yield [numbers[::-1]], "backwards"


def _asked(function: Callable[[Any], Any], rows: pl.DataFrame, how: str) -> list[bool | None]:
    import pyarrow as pa

    from sfctl.runtime.custom.answers import WrongAnswer, record_batch, truths
    from sfctl.runtime.custom.batches import stream

    sent = stream(rows)
    batch = record_batch(pa.ipc.open_stream(sent).read_all())
    untouched = record_batch(pa.ipc.open_stream(bytes(bytearray(sent))).read_all())
    try:
        told = truths(function(batch), rows.height)
    except WrongAnswer as error:
        raise AssertionError(f"{_name(function)} {error} (given {how})") from None
    except Exception as error:
        raise AssertionError(
            f"{_name(function)} raised {type(error).__name__}: {error} (given {how})"
        ) from error
    if not batch.equals(untouched):
        raise AssertionError(f"{_name(function)} alters the rows it is given")
    return [SAID[byte] for byte in told]


def _resolved(function: Function) -> Callable[[Any], Any]:
    if not isinstance(function, str):
        return function
    module, _, name = function.partition(":")
    found: Callable[[Any], Any] = getattr(import_module(module), name)
    return found


def _name(function: Callable[[Any], Any]) -> str:
    return getattr(function, "__qualname__", None) or type(function).__name__


def _listed(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:SHOWN])) + (", …" if len(numbers) > SHOWN else "")
    return f"row {shown}" if len(numbers) == 1 else f"rows {shown}"

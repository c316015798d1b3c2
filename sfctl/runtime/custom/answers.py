"""What a function is given and what it may answer. Needs pyarrow and nothing of ours."""

from __future__ import annotations

import sys
from typing import Any

FALSE, TRUE, UNKNOWN = 0, 1, 2
"""One byte a row."""

_MADE_LATER = 1 << 9
"""Flag of a class that no library was compiled with."""


class WrongAnswer(Exception):
    """The function returned no boolean a row; `str()` says what instead, never a value."""


def class_name(value: Any) -> str:
    """Return the name of a value's class, or of the nearest base that stands in a module.

    A class made at run time may bear any name, a cell of a row too.
    """
    for known in type(value).__mro__:
        name = type.__dict__["__name__"].__get__(known)
        if not type.__dict__["__flags__"].__get__(known) & _MADE_LATER:
            return str(name)
        found: Any = sys.modules.get(str(type.__dict__["__module__"].__get__(known)))
        for part in type.__dict__["__qualname__"].__get__(known).split("."):
            found = getattr(found, part, None)
        if found is known:
            return str(name)
    return "object"


def record_batch(rows: Any) -> Any:
    """Return the `pyarrow.RecordBatch` of a `pyarrow.Table`."""
    import pyarrow as pa

    batches = rows.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=rows.schema)


def truths(answer: Any, rows: int) -> bytes:
    """Return FALSE, TRUE or UNKNOWN of each row; null is unknown. Raises WrongAnswer.

    Any Arrow, Polars, pandas or NumPy array of booleans will do, and any iterable of them.
    """
    import pyarrow as pa

    try:
        if isinstance(answer, pa.Array | pa.ChunkedArray):
            found = answer
        elif hasattr(answer, "__arrow_c_stream__"):
            found = pa.chunked_array(answer)
        elif hasattr(answer, "__arrow_c_array__"):
            found = pa.array(answer)
        else:
            found = pa.array(answer, from_pandas=True)
        found = found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  the message of any refusal may quote a value
        raise WrongAnswer(f"returned {class_name(answer)}, no booleans") from None
    if not (pa.types.is_boolean(found.type) or pa.types.is_null(found.type)):
        raise WrongAnswer(f"returned values of type {found.type}, no booleans")
    if len(found) != rows:
        raise WrongAnswer(f"returned {len(found)} answers for {rows} rows")
    if pa.types.is_null(found.type):
        return bytes([UNKNOWN]) * rows
    return bytes(found.cast(pa.uint8()).fill_null(UNKNOWN).to_numpy(zero_copy_only=False))

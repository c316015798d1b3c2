"""Whether it was the driver's full heap that ended in an exception, by the causes Java names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

FILLED = "DRIVER_OUT_OF_MEMORY"
"""How a job's failure is told whose driver found its heap full."""
_ERROR = "java.lang.OutOfMemoryError"
_ABORTED = "Job aborted due to stage failure"
_EXECUTOR = re.compile(r"Lost task \S+ in stage \S+ \(TID \d+\) \(\S+ executor (\S+)\)")
_LONGEST = 20


def filled(error: BaseException) -> bool:
    """Say whether the driver's JVM ran out of memory on the way to an exception. Never raises.

    A task's memory is the driver's only where the task ran in it.
    """
    try:
        return any(_filled(thrown) for thrown in _thrown(error))
    except Exception:  # noqa: BLE001  a JVM that is gone or stuck tells nothing
        return False


def _thrown(error: BaseException) -> Iterator[Any]:
    """Yield what Java threw behind an exception and those that it came from."""
    each: BaseException | None = error
    for _ in range(_LONGEST):
        if each is None:
            return
        if type(each).__module__.partition(".")[0] in ("py4j", "pyspark"):
            for name in ("java_exception", "_origin"):
                if (java := getattr(each, name, None)) is not None:
                    yield java
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)


def _filled(java: Any) -> bool:
    for _ in range(_LONGEST):
        if java is None:
            return False
        if java.getClass().getName() == _ERROR:
            return True
        message = str(java.getMessage())
        if message.startswith(_ABORTED):
            where = _EXECUTOR.search(message)
            if where is None or where[1] != "driver":
                return False
        java = java.getCause()
    return False

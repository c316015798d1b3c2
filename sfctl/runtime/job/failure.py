"""What an exception may say in evidence: its class, where in the user's code, never its values."""

from __future__ import annotations

import re
import sysconfig
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sfctl.runtime
from sfctl.evidence import sanitizer
from sfctl.runtime.spark import heap

FRAMES = 50
_OURS = str(Path(sfctl.runtime.__file__).parents[1])
_NULL = re.compile(r"'?NoneType'? object")


def signature(error: BaseException) -> str:
    """Return `JOB_ERROR:<class>[:<top own frame>]`, `NULL_REF:…` where None was used.

    Where the driver's heap was full that is all it says.
    """
    if heap.filled(error):
        return heap.FILLED
    kind = "NULL_REF" if _is_null_reference(error) else f"JOB_ERROR:{_name(error)}"
    own = [frame for frame in _frames(error) if frame["own"]]
    return f"{kind}:{own[-1]['function']}" if own else kind


def describe(error: BaseException) -> dict[str, Any]:
    """Return failure_reason, message and stack_trace, as evidence may hold them."""
    frames = [{k: v for k, v in f.items() if k != "own"} for f in _frames(error)]
    return {
        "failure_reason": signature(error),
        "message": sanitizer.clean_message(str(error)),
        "stack_trace": sanitizer.clean_frames(frames[-FRAMES:]),
    }


def is_failure(error: BaseException | None) -> bool:
    """Tell whether a job that ended with `error` failed: leaving by `sys.exit(0)` did not."""
    return error is not None and not (
        isinstance(error, SystemExit) and error.code in (None, 0, False)
    )


def _frames(error: BaseException) -> list[Mapping[str, Any]]:
    library = tuple({sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})
    return [
        {
            "file": frame.filename,
            "line": frame.lineno,
            "function": frame.name.strip("<>"),
            "own": not frame.filename.startswith((*library, _OURS, "<")),
        }
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(_OURS)
    ]


def _is_null_reference(error: BaseException) -> bool:
    return isinstance(error, AttributeError | TypeError) and bool(_NULL.search(str(error)))


def _name(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"SystemExit({error.code})" if isinstance(error.code, int) else "SystemExit"
    return type(error).__name__

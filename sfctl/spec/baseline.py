"""`baseline.json`, the one document of a data repo that is written by the tool itself."""

from __future__ import annotations

from pathlib import Path

from sfctl.errors import Problem
from sfctl.spec.document import read

MAX_BYTES = 64 * 1024 * 1024
"""One to three kilobytes a column: a table of ten thousand columns has a baseline too."""
_HINT = "`sfctl profile` writes it anew"


def load_baseline(file: Path, path: str) -> dict[str, object] | Problem:
    """Return a baseline as plain JSON, or what is wrong with the file."""
    data = read(file, path, MAX_BYTES)
    if isinstance(data, Problem):
        return data
    if len(data) > MAX_BYTES:
        return Problem(path, 0, 0, "SF104", "file is too large (expected at most 64 MiB)", _HINT)
    import json

    try:
        value = json.loads(data)
    except json.JSONDecodeError as error:
        message = f"not JSON: {error.msg[:1].lower()}{error.msg[1:]}"
        return Problem(path, error.lineno, error.colno, "SF135", message, _HINT)
    except (UnicodeDecodeError, RecursionError) as error:
        message = (
            f"not JSON: {'nested too deep' if isinstance(error, RecursionError) else 'not UTF-8'}"
        )
        return Problem(path, 0, 0, "SF135", message, _HINT)
    if not isinstance(value, dict):
        return Problem(path, 1, 1, "SF135", "not a baseline (expected a JSON object)", _HINT)
    return value

"""Cases as files: what a case printed is held against the text that stands beside it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sfctl.errors import Problem


def printed(problems: Iterable[Problem]) -> str:
    """Return problems as a person sees them, warnings marked."""
    return "".join(f"{problem}\n" for problem in problems)


def agree(expected: Path, actual: str) -> None:
    """Compare `actual` with the file; where they differ, leave it as `<file>.actual`."""
    beside = expected.with_name(f"{expected.name}.actual")
    if expected.is_file() and expected.read_text(encoding="utf-8") == actual:
        beside.unlink(missing_ok=True)
        return
    beside.write_text(actual, encoding="utf-8")
    wanted = expected.read_text(encoding="utf-8") if expected.is_file() else "(no such file)\n"
    raise AssertionError(
        f"{beside} differs from {expected.name}:\n{actual}--- expected ---\n{wanted}"
    )

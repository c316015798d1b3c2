"""What a verb hands back: a value to render and an exit code. Verbs never print."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sfctl import exit_codes


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found, for the formats that CI systems read. `line` 0 means no place."""

    code: str
    message: str
    severity: Literal["error", "warning", "note"]
    path: str = ""
    line: int = 0
    col: int = 0
    suite: str = ""
    """Grouping for JUnit: the dataset or file."""
    name: str = ""
    """Test-case name for JUnit: the rule or check."""
    passed: bool = False
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """`payload` is JSON-ready and gets `"schema": "sfctl.<verb>.v1"`; `text` is for people."""

    verb: str
    payload: Mapping[str, Any]
    text: str
    exit_code: int = exit_codes.OK
    notes: tuple[str, ...] = ()
    """Lines for stderr."""
    findings: tuple[Finding, ...] = field(default=())


def place_of(source: str) -> tuple[str, int, int]:
    """Return path, line and column of `path:line:col`; line 0 where the text is no such place."""
    file, line, col = [*source.rsplit(":", 2), "", ""][:3]
    return (file, int(line), int(col)) if line.isdigit() and col.isdigit() else (source, 0, 0)

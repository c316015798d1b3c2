"""An exception of ours as text and as JSON: what is wrong, and what to do."""

from __future__ import annotations

from typing import Any

from sfctl.errors import SfctlError, SpecError


def as_text(error: SfctlError) -> str:
    """Return `CODE what is wrong` and an indented hint; a SpecError lists all its problems."""
    if isinstance(error, SpecError):
        return "\n".join([*map(str, error.problems), str(error)])
    text = f"{error.code} {error}"
    return f"{text}\n    hint: {error.hint}" if error.hint else text


def as_payload(error: SfctlError, verb: str) -> dict[str, Any]:
    """Return the body of `sfctl.error.v1`."""
    problems = error.problems if isinstance(error, SpecError) else ()
    return {
        "verb": verb,
        "exit_code": error.exit_code,
        "error": {"code": error.code, "message": str(error), "hint": error.hint},
        "problems": [
            {
                "path": p.path,
                "line": p.line,
                "col": p.col,
                "code": p.code,
                "message": p.message,
                "hint": p.hint,
                "severity": p.severity,
            }
            for p in problems
        ],
    }

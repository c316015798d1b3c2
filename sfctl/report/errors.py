"""An exception of ours as text, as JSON, and for CI: what is wrong, and what to do."""

from __future__ import annotations

from typing import Any

from sfctl.errors import SfctlError, SpecError
from sfctl.report.outcome import Finding, Outcome


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
                "hint": p.advice,
                "severity": p.severity,
            }
            for p in problems
        ],
    }


def as_outcome(error: SfctlError, verb: str) -> Outcome:
    """Return an error as an outcome, so that what CI reads of a verb tells of it as well."""
    if isinstance(error, SpecError):
        findings = [
            Finding(
                p.code, p.message, p.severity, p.path, p.line, p.col,
                suite=p.path, name=f"{p.path}:{p.line}:{p.col}",
            )
            for p in error.problems
        ]  # fmt: skip
    else:
        findings = [Finding(error.code, str(error), "error", suite=verb, name=error.code)]
    return Outcome(verb, {}, f"{error.code} {error}", error.exit_code, findings=tuple(findings))

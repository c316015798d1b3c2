"""One outcome in, one rendering out: text, JSON, JUnit, SARIF, GitHub annotations."""

from __future__ import annotations

from sfctl.model import legible
from sfctl.report.outcome import Outcome


def render(outcome: Outcome, format: str, *, color: bool = False) -> str:
    """Return the outcome in one of the formats `text json junit sarif github`.

    With `github` the step summary is appended to where GITHUB_STEP_SUMMARY points.
    """
    if format == "json":
        from sfctl.report import json

        return legible.escaped(json.document(f"sfctl.{outcome.verb}.v1", outcome.payload))
    if format == "junit":
        from sfctl.report import junit

        return junit.document(outcome)
    if format == "sarif":
        from sfctl.report import sarif

        return sarif.document(outcome)
    if format == "github":
        from sfctl.report import github

        github.append_summary(outcome)
        return github.workflow_commands(outcome)
    from sfctl.report import text

    shown = legible.lines(outcome.text)
    return text.painted(shown) if color else shown

"""An outcome for GitHub Actions: annotations on stdout, a summary of the step beside it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from sfctl.report.outcome import Finding, Outcome

_LEVELS = {"error": "error", "warning": "warning", "note": "notice"}


def workflow_commands(outcome: Outcome) -> str:
    """Return one workflow command for each finding that did not pass, then the last sentence."""
    lines = [_command(f) for f in outcome.findings if not f.passed and not f.skipped]
    closing = outcome.text.rstrip().rpartition("\n")[2]
    return "\n".join([*lines, closing]) if closing else "\n".join(lines)


def append_summary(outcome: Outcome, environ: Mapping[str, str] = os.environ) -> None:
    """Append the outcome as Markdown to the file GITHUB_STEP_SUMMARY names, if it names one."""
    path = environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return
    with Path(path).open("a", encoding="utf-8") as handle:
        handle.write(summary(outcome))


def summary(outcome: Outcome) -> str:
    """Return a Markdown table of what did not pass and the last sentence of the text."""
    lines = [f"### sfctl {outcome.verb}", ""]
    found = [f for f in outcome.findings if not f.passed and not f.skipped]
    if found:
        lines += ["| where | what | |", "|---|---|---|"]
        lines += [f"| {_where(f)} | {_said(f)} | {f.severity} |" for f in found]
        lines.append("")
    lines.append(_cell(outcome.text.rstrip().rpartition("\n")[2]))
    return "\n".join(lines) + "\n\n"


def _command(finding: Finding) -> str:
    fields = {"file": finding.path, "title": finding.code or finding.name}
    if finding.path and finding.line:
        fields |= {"line": str(finding.line), "col": str(finding.col)}
    given = ",".join(f"{k}={_property(v)}" for k, v in fields.items() if v)
    return f"::{_LEVELS[finding.severity]} {given}::{_data(finding.message)}"


def _where(finding: Finding) -> str:
    place = finding.path or finding.suite
    return _cell(f"{place}:{finding.line}" if finding.path and finding.line else place)


def _said(finding: Finding) -> str:
    return _cell(f"{finding.code or finding.name} {finding.message}")


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").strip()

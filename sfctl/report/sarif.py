"""An outcome as SARIF 2.1.0, the format code-scanning services read."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from sfctl import __version__
from sfctl.codes import CODES
from sfctl.report.outcome import Finding, Outcome

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def document(outcome: Outcome) -> str:
    """Return what did not pass as one SARIF run."""
    findings = [f for f in outcome.findings if not f.passed and not f.skipped]
    rules = sorted({f.code or f.name for f in findings})
    run = {
        "tool": {
            "driver": {
                "name": "sfctl",
                "version": __version__,
                "rules": [_rule(rule) for rule in rules],
            }
        },
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, rules) for finding in findings],
    }
    return json.dumps(
        {"version": "2.1.0", "$schema": SCHEMA, "runs": [run]}, indent=2, ensure_ascii=False
    )


def _rule(rule: str) -> dict[str, Any]:
    code = CODES.get(rule)
    if code is None:
        return {"id": rule}
    return {
        "id": rule,
        "shortDescription": {"text": code.title},
        "fullDescription": {"text": code.meaning},
        "help": {"text": code.remedy},
    }


def _result(finding: Finding, rules: list[str]) -> dict[str, Any]:
    rule = finding.code or finding.name
    result: dict[str, Any] = {
        "ruleId": rule,
        "ruleIndex": rules.index(rule),
        "level": finding.severity,
        "message": {"text": finding.message},
    }
    if finding.path:
        place: dict[str, Any] = {"artifactLocation": {"uri": quote(finding.path)}}
        if finding.line:
            place["region"] = {"startLine": finding.line, "startColumn": max(finding.col, 1)}
        result["locations"] = [{"physicalLocation": place}]
    return result

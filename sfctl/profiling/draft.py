"""Suggestions as YAML: a draft of a policy bundle at level G0, every rule with its reason."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sfctl.profiling.suggest import Suggestion

FILE = "policy_bundle.yaml"


def write(folder: Path, document: Mapping[str, Any], found: Sequence[Suggestion]) -> str:
    """Write the draft into a dataset's folder; return its path from the repo's root."""
    (folder / FILE).write_text(bundle(document, found), encoding="utf-8")
    return f"datasets/{folder.name}/{FILE}"


def bundle(document: Mapping[str, Any], found: Sequence[Suggestion]) -> str:
    """Return a policy bundle that sees everything and enforces nothing."""
    lines = [
        f"# drafted by `sfctl profile --suggest` from {document['rows']:,} rows; now it is yours.",
        "# Level G0 sees and counts. Raise it when the rules are what you mean.",
        "version: 1",
        "enforcement: {level: G0}",
        "schema:",
        "  mode: compatible",
        "  constraints:",
    ]
    for column in document["schema"]:
        lines.append(f"    - {flow({'field': column['name'], 'type': column['type']})}")
    required = [each for each in found if each.block == "contract_lite"]
    if required:
        lines += ["contract_lite:", "  required_fields:"]
        for each in required:
            lines.append(f"    - {_scalar(each.rule['required_fields'][0])}  # {each.reason}")
    for block, heading in (("dq", "  rules:"), ("pii", "  detection:")):
        chosen = [each for each in found if each.block == block]
        if chosen:
            lines += [f"{block}:", heading]
        for each in chosen:
            lines += [f"    # {each.reason}", f"    - {flow(_asleep(each.rule))}"]
    return "\n".join(lines) + "\n"


def _asleep(rule: Mapping[str, Any]) -> Mapping[str, Any]:
    """PII actions apply at every level, so a draft may only look."""
    return {**rule, "action": "none"} if "action" in rule else rule


def short(block: str, rule: Mapping[str, Any]) -> str:
    """Return a suggestion on one line, as it would be written."""
    return f"{block}: {flow(rule)}"


def flow(value: Any) -> str:
    """Return a value in YAML's flow style; text that could be read otherwise is quoted."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(each) for each in value) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, str) and value.isidentifier() and value.lower() not in _WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)


_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}

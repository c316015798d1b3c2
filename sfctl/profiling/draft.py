"""Suggestions as YAML: a draft of a policy bundle at level G0, every rule with its reason.

A draft is told by its first line, which carries the time it was written; who has reviewed the
rules takes the line out, and owns the file from then on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sfctl.clock import format_instant
from sfctl.profiling.atomic import replace
from sfctl.profiling.review import MARK
from sfctl.profiling.suggest import BUDGET, Suggested, Suggestion
from sfctl.spec.template import has_template

FILE = "policy_bundle.yaml"


def write(folder: Path, document: Mapping[str, Any], found: Suggested, now: datetime) -> str:
    """Write the draft into a dataset's folder; return its path from the repo's root."""
    replace(folder / FILE, bundle(document, found, now).encode())
    return f"datasets/{folder.name}/{FILE}"


def bundle(document: Mapping[str, Any], found: Suggested, now: datetime) -> str:
    """Return a policy bundle that sees everything and enforces nothing."""
    lines = [
        f"{MARK}{format_instant(now)} take this line out once you have reviewed the rules.",
        f"# Drafted from {document['rows']:,} rows{_over(found)}.",
        f"# {total(found)}",
        "# Level G0 sees and counts. Raise it when the rules are what you mean.",
        "version: 1",
        "enforcement: {level: G0}",
        "schema:",
        "  mode: compatible",
        "  constraints:",
    ]
    for column in document["schema"]:
        lines.append(f"    - {flow({'field': column['name'], 'type': column['type']})}")
    lite = [each for each in found.rules if each.block == "contract_lite"]
    if lite:
        lines.append("contract_lite:")
    for key in ("required_fields", "invariants"):
        chosen = [each for each in lite if key in each.rule]
        if chosen:
            lines.append(f"  {key}:")
        said = ""
        for each in chosen:
            if note(each) != said:
                said = note(each)
                lines.append(f"    # {printable(said)}")
            lines.append(f"    - {_scalar(each.rule[key][0])}")
    for block, heading in (("dq", "  rules:"), ("pii", "  detection:")):
        chosen = [each for each in found.rules if each.block == block]
        if chosen:
            lines += [f"{block}:", heading]
        for each in chosen:
            lines += [f"    # {printable(note(each))}", f"    - {flow(_asleep(each.rule))}"]
    return "\n".join(lines) + "\n"


def _over(found: Suggested) -> str:
    return f" of {found.days} days" if found.days else ", which nothing tells the days of"


def total(found: Suggested) -> str:
    """Return how often the rules together are expected to be wrong, as a sentence."""
    rate = found.expected_false_alarm_rate
    if rate is None:
        return "Too few days to say how often these rules would alarm on healthy data."
    said = f"None failed on a day it had not seen; expected on {rate:.1%} of healthy days"
    return f"{said}, all rules together{'' if rate <= BUDGET else ' at most: history is short'}."


def note(each: Suggestion) -> str:
    """Return why a rule is suggested, and what was seen of its false alarms."""
    if each.alarms is None:
        return f"{each.reason} ({each.confidence:.0%} sure)"
    return f"{each.reason}; {each.alarms} of {each.days} left-out days fail"


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
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(flow(each) for each in value) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, str) and value.isidentifier() and value.lower() not in _WORDS:
        return value
    if isinstance(value, str) and has_template(value):
        # files of this repo are filled in: what stands in the data must not be
        value = re.sub(r"\{[{%#]", lambda match: f"{{{{ '{match[0]}' }}}}", value)
    return printable(json.dumps(value, ensure_ascii=False))


def printable(text: str) -> str:
    """Return a text on one line, what YAML takes for a break or refuses written as it escapes."""
    return "".join(each if each.isprintable() else _escaped(each) for each in text)


def _escaped(sign: str) -> str:
    code = ord(sign)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x1_0000 else f"\\U{code:08x}"


_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}

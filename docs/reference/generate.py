"""Write the reference pages from the code: `python docs/reference/generate.py`. A test compares."""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path

from sfctl.cli import main
from sfctl.codes import CODES
from sfctl.commands.functions import functions_of
from sfctl.verbs import GLOBALS, VERBS, help_text

HERE = Path(__file__).parent
BLOCKS = {
    "SF0": "Usage",
    "SF1": "YAML and structure",
    "SF2": "Policies: meaning",
    "SF3": "Publishing and enforcement",
    "SF4": "Approval, keys, personal data",
    "SF5": "Sources",
    "SF6": "Stores and tables",
    "SF7": "Environment and jobs",
    "SF80": "Evidence",
    "SF82": "Signal engines",
    "SF83": "Lineage",
    "SF84": "Graph",
    "SF85": "Incidents",
    "SF86": "Root cause",
    "SF87": "Wrappers",
    "SF88": "Personal data",
    "SF89": "Spark",
    "SF9": "Ours",
}


def pages() -> dict[str, str]:
    """Return the reference pages by file name."""
    os.environ["COLUMNS"] = "80"
    return {"verbs.md": verbs(), "codes.md": codes()}


def verbs() -> str:
    """Return the page of verbs: what each prints as its help."""
    lines = ["# Verbs", "", "Made from the code by `docs/reference/generate.py`.", ""]
    lines += ["```text", help_text(), "```", ""]
    for verb in VERBS:
        lines += [f"## {verb}", "", "```text", _help(verb), "```", ""]
        for name in functions_of(verb):
            if name != verb:
                lines += [f"### {verb} {name}", "", "```text", _help(verb, name), "```", ""]
    lines += ["## Options for every verb", "", "| option | variable | |", "|---|---|---|"]
    lines += [f"| `{o}` | `{variable}` | {line} |" for o, (variable, _, line) in GLOBALS.items()]
    return "\n".join(lines) + "\n"


def codes() -> str:
    """Return the page of codes, by block."""
    lines = [
        "# Codes",
        "",
        "Made from the code by `docs/reference/generate.py`; `sfctl explain CODE`",
    ]
    lines += ["prints the same offline. A code is never reused."]
    for block, title in BLOCKS.items():
        lines += ["", f"## {title}", ""]
        for name, code in CODES.items():
            if name.startswith(block):
                lines += [f"**{name} {code.title}.** {code.meaning} *{code.remedy}*", ""]
    return "\n".join(lines).rstrip() + "\n"


def _help(*words: str) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        main([*words, "--help"])
    return "\n".join(line.rstrip() for line in out.getvalue().strip().splitlines())


if __name__ == "__main__":
    for file, text in pages().items():
        (HERE / file).write_text(text, encoding="utf-8")

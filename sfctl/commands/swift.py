"""Plain command lines of verbs that people wait for, read without loading the command line.

Typer costs more than judging a small file. What is not plain, help and mistakes included, is left
to it: None means that the ordinary way has to be taken.
"""

from __future__ import annotations

from sfctl.report.outcome import Outcome
from sfctl.settings import Settings


def outcome(verb: str, words: list[str], settings: Settings) -> Outcome | None:
    """Run a plain `check PATH --policy FILE [--stage STAGE]`; None for anything else."""
    if verb != "check":
        return None
    given: dict[str, str] = {}
    pending = iter(words)
    for word in pending:
        name, equals, value = word.partition("=")
        if not word.startswith("-"):
            name, value = "", word
        elif name not in ("--policy", "--stage"):
            return None
        elif not equals:
            value = next(pending, "")
        if not value or value.startswith("-") or name in given:
            return None
        given[name] = value
    stage = given.get("--stage", "gold")
    if "" not in given or "--policy" not in given or stage not in ("bronze", "silver", "gold"):
        return None
    from pathlib import Path

    from sfctl.commands.checking import checked

    return checked(given[""], Path(given["--policy"]), stage, settings.now)

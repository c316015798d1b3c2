"""What holds for every verb: the global options, from the command line, else the environment."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sfctl.clock import parse_instant
from sfctl.errors import UsageError
from sfctl.verbs import GLOBALS

SHORT = {"-q": "--quiet", "-v": "--verbose"}
FORMATS = ("text", "json", "junit", "sarif", "github")
FINDING_VERBS = frozenset({"validate", "check", "run"})
"""Verbs whose findings CI systems can read: the only ones with junit, sarif and github."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The global options of one invocation."""

    project_dir: Path
    target: str | None
    format: str
    now: datetime | None
    quiet: bool
    verbose: bool
    debug: bool
    color: bool


def take_globals(words: list[str]) -> tuple[dict[str, str], list[str]]:
    """Return the global options found anywhere before `--`, and the other words in order.

    Raises UsageError SF003 where an option's value is missing.
    """
    end = words.index("--") if "--" in words else len(words)
    found: dict[str, str] = {}
    rest: list[str] = []
    pending = iter(words[:end])
    for word in pending:
        name, equals, value = word.partition("=")
        name = SHORT.get(name, name)
        if name not in GLOBALS:
            rest.append(word)
        elif not GLOBALS[name][1]:
            if equals:
                raise UsageError(f"option {name} takes no value (got {value!r})", code="SF003")
            found[name] = "1"
        else:
            given = value if equals else next(pending, None)
            if given is None:
                raise UsageError(
                    f"option {name} needs a value (expected {GLOBALS[name][1]})", code="SF003"
                )
            found[name] = given
    return found, rest + words[end:]


def settings_from(
    given: Mapping[str, str], verb: str, environ: Mapping[str, str] = os.environ
) -> Settings:
    """Return the settings: each option as given, else its variable, else its default.

    Raises UsageError SF004 for a value outside its closed set or form.
    """

    def value(option: str) -> str:
        return given.get(option) or environ.get(GLOBALS[option][0], "")

    def flag(option: str) -> bool:
        return value(option).lower() not in ("", "0", "false", "no", "off")

    format = value("--format") or "text"
    allowed = FORMATS if verb in FINDING_VERBS else FORMATS[:2]
    if format not in allowed:
        raise UsageError(
            f"--format {format} does not exist for `{verb}` (expected {' or '.join(allowed)})",
            code="SF004",
        )
    now = value("--now")
    try:
        instant = parse_instant(now) if now else None
    except ValueError:
        raise UsageError(
            f"--now is no time (got {now!r}, expected RFC 3339)",
            hint="for example 2013-01-08T06:00:00Z",
            code="SF004",
        ) from None
    return Settings(
        project_dir=Path(value("--project-dir") or "."),
        target=value("--target") or None,
        format=format,
        now=instant,
        quiet=flag("--quiet"),
        verbose=flag("--verbose"),
        debug=flag("--debug"),
        color=not (flag("--no-color") or environ.get("NO_COLOR")),
    )


def known_word(word: str, known: Iterable[str], wrong: str, what: str) -> None:
    """Raise UsageError SF001 with the nearest of `known` unless `word` is one of them."""
    known = list(known)
    if word not in known:
        raise UsageError(
            f"{wrong} {what} `{word}` (expected one of {', '.join(known)})",
            hint=nearest(word, known) or "see sfctl --help",
        )


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a question that names the nearest of `known`, or nothing where none is near."""
    import difflib

    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"did you mean `{close[0]}`?" if close else ""

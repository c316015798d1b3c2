"""The exception tree, and the value that says what is wrong where.

    SfctlError                 anything we raise on purpose; carries code, hint, exit code
    ├── UsageError        (2)  a wrong command line or an impossible request
    ├── SpecError         (2)  problems in YAML or policy, all of them at once
    ├── PolicyRejected    (2)  a compiled policy that is missing, altered or not approved
    ├── SourceError       (3)  data that cannot be read
    ├── StoreError        (3)  bus, state, table or file system that does not answer
    │   ├── StoreLocked        held by another process for longer than we wait
    │   └── Conflict           a compare-and-set that lost
    ├── MissingExtra      (3)  an optional library that is not installed
    ├── Undelivered       (4)  evidence that is safe but not yet on the bus
    └── PublishBlocked    (1)  enforcement said no; raised to the user's job after evidence is safe

Codes (`SF…`) are explained offline by `sfctl explain CODE`; the catalogue is `sfctl/codes/`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from sfctl import exit_codes


@dataclass(frozen=True, order=True, slots=True)
class Problem:
    """One thing that is wrong, with its place. Lines and columns count from 1; 0 means unknown."""

    path: str
    line: int
    col: int
    code: str
    message: str
    hint: str = ""
    severity: Literal["error", "warning"] = "error"
    included: str = ""
    """Where the pack it stands in was included, the nearest place first; empty outside packs."""

    @property
    def advice(self) -> str:
        """The hint, and where the pack was included."""
        said = f"included from {self.included}" if self.included else ""
        return "; ".join(part for part in (self.hint, said) if part)

    @property
    def bundle(self) -> str:
        """The path of the file that brought it in: the bundle that includes, else its own."""
        outermost = self.included.rpartition(", ")[2]
        return outermost.rsplit(":", 2)[0] if outermost else self.path

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}:{self.col}" if self.line else self.path
        weight = "warning: " if self.severity == "warning" else ""
        text = f"{place} {self.code} {weight}{self.message}"
        return f"{text}\n    hint: {self.advice}" if self.advice else text


def told_once(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return the problems sorted, one that several bundles brought in by a pack only once."""
    found: dict[tuple[object, ...], list[Problem]] = {}
    for each in sorted(problems):
        key = (each.path, each.line, each.col, each.code, each.message, each.severity)
        found.setdefault(key if each.included else (each,), []).append(each)
    return tuple(_joined(same) for same in found.values())


def _joined(same: list[Problem]) -> Problem:
    more = len(same) - 1
    if not more:
        return same[0]
    plural = "s" if more > 1 else ""
    return replace(same[0], included=f"{same[0].included} and {more} more place{plural}")


class SfctlError(Exception):
    """Base of everything we raise on purpose. `str()` is one line; `hint` says what to do."""

    code = "SF900"
    exit_code = exit_codes.UNABLE

    def __init__(self, message: str, *, hint: str = "", code: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        if code is not None:
            self.code = code
        if hint:  # a traceback in a job shows notes, and nothing else shows the hint there
            self.add_note(f"hint: {hint} (sfctl explain {self.code})")


class UsageError(SfctlError):
    """The request cannot be meant this way."""

    code = "SF001"
    exit_code = exit_codes.USAGE


class SpecError(SfctlError):
    """One or more problems in the user's files."""

    code = "SF002"
    exit_code = exit_codes.USAGE

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        warnings = sum(each.severity == "warning" for each in self.problems)
        count = len(self.problems) - warnings
        found = f"{count} problem{'s' if count != 1 else ''}"
        if warnings:
            found += f" and {warnings} warning{'s' if warnings != 1 else ''}"
        super().__init__(f"{found} found")


class PolicyRejected(SfctlError):
    """A compiled policy is missing, altered, unsigned or signed by the wrong key."""

    code = "SF401"
    exit_code = exit_codes.USAGE


class SourceError(SfctlError):
    """Data cannot be read."""

    code = "SF501"


class StoreError(SfctlError):
    """A store of ours or the user's table does not answer."""

    code = "SF601"


class StoreLocked(StoreError):
    """Another process holds the store for longer than we wait."""

    code = "SF602"


class Conflict(StoreError):
    """A compare-and-set lost against another writer."""

    code = "SF603"


class MissingExtra(SfctlError):
    """An optional library is not installed."""

    code = "SF701"

    def __init__(self, library: str, extra: str) -> None:
        wanted = f"'sfctl[{extra}]'" if extra else library
        super().__init__(f"{library} is not installed", hint=f"pip install {wanted}")


class Undelivered(SfctlError):
    """Evidence is safe in the outbox but not on the bus."""

    code = "SF801"
    exit_code = exit_codes.UNDELIVERED


class PublishBlocked(SfctlError):
    """Enforcement refused to publish a batch. `result` holds counts, verdicts and where it went."""

    code = "SF301"
    exit_code = exit_codes.FOUND

    def __init__(self, message: str, *, result: object = None, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.result = result

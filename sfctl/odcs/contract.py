"""A contract as a file: read, judged by the standard of its version, nothing else looked at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from sfctl.errors import Problem, SpecError
from sfctl.odcs.standard import VERSIONS, contract
from sfctl.spec.document import read
from sfctl.spec.shape import Report
from sfctl.spec.tree import Node
from sfctl.spec.wording import shown, suggestion
from sfctl.spec.yaml import parse

STRICT = ("v3.1.0",)
"""Versions that close their objects to unknown keys; the others are read as 3.0.2."""


@dataclass(frozen=True, slots=True)
class Contract:
    """A document that its version's schema accepts. `text` is the file as it was written."""

    path: str
    text: str
    node: Node
    values: dict[str, Any]

    @property
    def version(self) -> str:
        """The `apiVersion`."""
        return str(self.values["apiVersion"])


def load(file: Path, shown_as: str = "") -> Contract:
    """Return the contract in a file. Raises SpecError with every problem, each at its place."""
    path = shown_as or str(file)
    data = read(file, path)
    if isinstance(data, Problem):
        raise SpecError([data])
    return parsed(data, path)


@lru_cache(maxsize=4)
def parsed(data: bytes, path: str) -> Contract:
    """Return the contract in a text. Raises SpecError with every problem, each at its place.

    The last few are remembered, for every table of a contract asks for it: do not change `values`.
    """
    node, problems = parse(data, path)
    if node is None and not problems:
        hint = "a contract begins with apiVersion, kind, id, version and status"
        problems = [Problem(path, 1, 1, "SF108", "file is empty", hint)]
    if node is not None and not problems:
        problems = judged(node)
    if node is None or problems:
        raise SpecError(set(problems))
    values = node.plain()
    assert isinstance(values, dict)
    return Contract(path, data.decode("utf-8-sig"), node, values)


def judged(node: Node) -> list[Problem]:
    """Return what keeps a tree from being a contract of the version that it names."""
    said = node.get("apiVersion")
    if said is not None and isinstance(said.value, str) and said.value not in VERSIONS:
        near = suggestion(said.value, VERSIONS, closed=False)
        message = f"contracts of this version are not read (got {shown(said)}, "
        hint = near or "version 3.1 is the newest that is read; see docs/odcs.md"
        return [
            said.problem("SF280", f"{message}expected one of {', '.join(VERSIONS)})", hint=hint)
        ]
    strict = said is None or said.value in STRICT
    report = Report()
    contract(strict).check(node, "", report)
    return report.problems

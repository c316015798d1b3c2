"""One table of a contract on its way to facts: what was taken from where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sfctl.odcs.account import Account, Path
from sfctl.odcs.facts import RULES, Facts, Key, put


@dataclass(slots=True)
class Taking:
    """The facts of one table, and the parts of the document that each of them came from."""

    account: Account
    facts: Facts = field(default_factory=dict)
    origins: dict[Key, list[Path]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    """Names of properties, and their ids, to columns."""

    def fact(self, key: Key, value: Any, *paths: Path) -> None:
        """Take parts of the document as one fact."""
        self.facts[key] = value
        self._from(key, paths)

    def entry(self, of: Key, value: Any, *paths: Path) -> None:
        """Take parts of the document as one entry of a list."""
        self._from(put(self.facts, of, value), paths)

    def rule(self, rule: Mapping[str, Any], *paths: Path) -> None:
        """Take parts of the document as one rule of the contract."""
        self.entry(RULES, dict(rule), *paths)

    def _from(self, key: Key, paths: tuple[Path, ...]) -> None:
        self.origins.setdefault(key, []).extend(paths)
        self.account.take(*paths)

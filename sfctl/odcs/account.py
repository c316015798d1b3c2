"""What became of each part of a document: taken over, or left, with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Path = tuple[str | int, ...]
"""Keys and list positions from the top of the document."""

_REASONS = {
    "apiVersion": "", "kind": "",
    "authoritativeDefinitions": "a link, for people",
    "businessImpact": "for people",
    "businessName": "for people; the description is taken where there is one",
    "contractCreatedTs": "history of the document",
    "criticalDataElement": "no rule follows from it",
    "customProperties": "means something to the tool that wrote it",
    "dataGranularityDescription": "for people",
    "dataProduct": "for people",
    "description": "for people",
    "dimension": "a heading of checks; gates follow from the section of a policy",
    "domain": "used only to name a new dataset",
    "driver": "for people",
    "encryptedName": "actions on personal data are stated in `pii`",
    "examples": "for people; `profile` measures real values",
    "id": "a name inside the document",
    "limitations": "for people",
    "items": "elements of a list are not judged one by one",
    "logicalTypeOptions": "sizes of lists and mappings are not judged",
    "members": "owner_team is one team; its members are not kept here",
    "method": "for people",
    "name": "for people",
    "partitionKeyPosition": "how a table is cut is its `storage`'s",
    "partitioned": "how a table is cut is its `storage`'s",
    "physicalName": "tables are found by `storage`",
    "physicalType": "the kind of object, not a column's type",
    "price": "nothing to enforce",
    "roles": "access is granted where the data lies",
    "schedule": "rules run with every write",
    "scheduler": "rules run with every write",
    "slaDefaultElement": "no freshness is stated for it",
    "slaProperties": "no engine measures it",
    "status": "the life of the document; enforcement levels are set by `enforcement`",
    "support": "who is told follows from the owner and the notifiers",
    "tags": "labels of columns and checks have no counterpart",
    "team": "owner_team is one team; its members are not kept here",
    "tenant": "for people",
    "transformDescription": "how the column is made is the job's",
    "transformLogic": "how the column is made is the job's",
    "transformSourceObjects": "lineage is recorded from runs and specs",
    "usage": "for people",
}  # fmt: skip
_OTHERWISE = "has no counterpart here"
_DEMANDS = ("items", "logicalTypeOptions", "partitioned", "partitionKeyPosition", "slaProperties")
"""Words of `_REASONS` under which something is demanded of the data, and not only told."""


@dataclass(frozen=True, slots=True, order=True)
class Left:
    """A part of a document that nothing here enforces, and why."""

    path: str
    reason: str
    demands: bool
    """Whether it demands something of the data; if not, it is for people or other tools."""


class Account:
    """Keeps which parts of one document were taken. What is neither taken nor told is left."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.taken: set[Path] = set()
        self.told: dict[Path, str] = {}

    def take(self, *paths: Path) -> None:
        """Say that these parts, and all below them, have been taken over."""
        self.taken.update(paths)

    def leave(self, path: Path, reason: str) -> None:
        """Say that a part is not taken over, and why."""
        self.told.setdefault(path, reason)

    def left(self) -> list[Left]:
        """Return every part that was not taken, the highest that is whole."""
        met = {path[:end] for path in (*self.taken, *self.told) for end in range(len(path) + 1)}
        return list(self._left(self.document, (), met))

    def _left(self, value: Any, path: Path, met: set[Path]) -> Iterator[Left]:
        if path in self.told:
            yield Left(written(path), self.told[path], demands=True)
        elif path in self.taken:
            return
        elif path in met and isinstance(value, dict | list):
            keys = range(len(value)) if isinstance(value, list) else value
            for key in keys:
                yield from self._left(value[key], (*path, key), met)
        elif value not in ([], {}, None):
            word = next((each for each in reversed(path) if isinstance(each, str)), "")
            reason = _REASONS.get(word, _OTHERWISE)
            if reason:
                demands = word in _DEMANDS or word not in _REASONS
                yield Left(written(path), reason, demands)


def written(path: Path) -> str:
    """Return a path as messages and results write it: `schema[0].properties[2].required`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")

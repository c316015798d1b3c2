"""Datasets as a contract: what the standard can say in its words, the rest beside it.

A dataset that came from a contract starts from the kept document, so all of it is given back;
what changed since is changed in it. The result is read again, and must say what the files say.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sfctl.odcs.account import Account, Path
from sfctl.odcs.checks import own_rule
from sfctl.odcs.contract import STRICT, Contract
from sfctl.odcs.facts import CONSTRAINTS, Facts, Key, canonical, member, named, same
from sfctl.odcs.giving import described, give, put_beside, take_away
from sfctl.odcs.table import Table, take_table

_STORAGE = ("dataset", "storage")
_UNITS = ("quality", "relationships", "slaProperties")
_TYPED = ("logicalTypeOptions", "items", "properties")
"""What a property holds only because of its logical type."""


@dataclass(frozen=True, slots=True)
class Source:
    """One dataset to export, with the table of the kept contract that it came from, if any."""

    name: str
    facts: Facts
    base: Table | None = None
    refused: frozenset[Key] = frozenset()
    """What the kept contract says and the compiler refused: it stays there, and is no fact."""
    known: frozenset[Key] = frozenset()
    """Facts of this repo alone, which a contract from elsewhere never held."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A document, and per dataset what stands in it under our own name."""

    document: dict[str, Any]
    beside: tuple[tuple[str, str], ...]
    """(dataset, fact)"""


def exported(
    sources: Sequence[Source],
    version: str,
    kept: Contract | None = None,
    *,
    server: str = "",
    dataset_of: Callable[[str], str] = str,
) -> Exported:
    """Return the contract of some datasets; all of them came from `kept`, or none did."""
    document: dict[str, Any] = copy.deepcopy(kept.values) if kept else _new(sources, version)
    document["apiVersion"] = version
    tables = [source.base.index if source.base else at for at, source in enumerate(sources)]
    for index, source in zip(tables, sources, strict=True):
        was: Mapping[Key, Any] = source.base.facts if source.base else {}
        gone = {key for key in was if _differs(was, source.facts, key)} - source.refused
        for place, rests in _retyped(source, document, strict=version in STRICT):
            gone |= rests
            take_away(document, [(*place, part) for part in _TYPED])
        take_away(document, [path for key in gone for path in _removable(source, key)])
        fresh = {k: v for k, v in source.facts.items() if k not in was or k in gone}
        fresh = {k: v for k, v in fresh.items() if k not in source.known}
        give(document, index, fresh, strict=version in STRICT, dataset_of=dataset_of)

    def read(index: int) -> Facts:
        account = Account(document)
        return take_table(document, index, account, server=server, dataset_of=dataset_of).facts

    beside: list[tuple[str, str]] = []
    for index, source in zip(tables, sources, strict=True):
        table = document["schema"][index]
        put_beside(table, {}, ())
        wanted = {k: v for k, v in source.facts.items() if k not in source.known}
        said = read(index)
        more = {key: value for key, value in wanted.items() if _differs(wanted, said, key)}
        without = [key for key in said if key not in source.facts and key not in source.refused]
        put_beside(table, more, without)
        beside += [(source.name, named(key)) for key in more]
        beside += [(source.name, each) for each in _ours(table)]
        after = {k: v for k, v in read(index).items() if k not in source.refused | source.known}
        assert same(after, wanted), "an export must say what the files say"
    return Exported(document, tuple(beside))


def _ours(table: Mapping[str, Any]) -> Iterator[str]:
    """Yield the rules that stand in a table's checks under our own name."""
    for place in (table, *(table.get("properties") or ())):
        for check in place.get("quality") or ():
            found = own_rule(check)
            if found is not None:
                yield named(member(("policy", *found[0].split(".")), found[1]))


def _differs(one: Mapping[Key, Any], other: Mapping[Key, Any], key: Key) -> bool:
    return key not in other or canonical(one[key]) != canonical(other[key])


def _removable(source: Source, key: Key) -> list[Path]:
    """Return the parts that say a fact which no longer holds, without those that say others too.

    A part without which another could not stand, such as a type beside its options, stays: what it
    says too much is told beside the table.
    """
    base = source.base
    assert base is not None
    if key == _STORAGE:
        return []
    holding = [k for k in base.origins if k in source.facts or k in source.refused]
    others = {_whole(path) for k in holding if k != key for path in base.origins[k]}
    wanted = ("description", "businessName") if key[:-1] == CONSTRAINTS else ()
    return [
        _whole(path)
        for path in base.origins.get(key, ())
        if len(path) > 1 and (not wanted or path[-1] in wanted) and _whole(path) not in others
    ]


def _whole(path: Path) -> Path:
    """Return the part that goes when something in it goes: a check, a relationship, a promise."""
    at = max((i for i, step in enumerate(path) if step in _UNITS), default=len(path))
    return path[: at + 2]


def _retyped(
    source: Source, document: dict[str, Any], *, strict: bool
) -> Iterator[tuple[Path, set[Key]]]:
    """Yield the properties whose logical type changes, and the facts that rest on the old one."""
    base = source.base
    for key, was in base.facts.items() if base else ():
        now = source.facts.get(key)
        if base is None or key[:-1] != CONSTRAINTS or now is None or "type" not in now:
            continue
        place = next((p[:-1] for p in base.origins[key] if p[-1] == "name"), ())
        if now["type"] == was.get("type") or not place:
            continue
        column: Any = document
        for step in place:
            column = column[step]
        if described(now["type"], strict).get("logicalType") != column.get("logicalType"):
            rests = {
                k
                for k, paths in base.origins.items()
                if k != key
                for p in paths
                if p[: len(place)] == place and len(p) > len(place) and p[len(place)] in _TYPED
            }
            yield place, rests


def _new(sources: Sequence[Source], version: str) -> dict[str, Any]:
    first = sources[0].facts
    urn = str(first.get(("dataset", "urn"), sources[0].name))
    return {
        "apiVersion": version,
        "kind": "DataContract",
        "id": str(first.get(("policy", "contract", "id"), urn)),
        "name": sources[0].name
        if len(sources) == 1
        else str(first.get(("policy", "contract", "id"), urn)),
        "version": str(first.get(("policy", "contract", "version"), "1")),
        "status": "active",
        "schema": [
            {"name": source.name, "physicalType": "table", "logicalType": "object"}
            for source in sources
        ],
    }

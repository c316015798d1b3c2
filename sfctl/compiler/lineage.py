"""What the files under `lineage/` declare, as the manifest keeps it: every name canonical.

A dataset that nobody registered is kept as it is named: it may be another team's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sfctl.model import urn
from sfctl.model.manifest import (
    AssetEntry,
    ChannelEntry,
    ConsumerEntry,
    LineageEntry,
    ServiceEntry,
    SpecEntry,
    TeamEntry,
)
from sfctl.spec.tree import Node

_CONSUMERS = {"dashboards": "Dashboard", "pipelines": "Pipeline"}


def lineage_entry(documents: Iterable[Node], names: Mapping[str, str]) -> LineageEntry:
    """Return the entries of all documents, each kind in order of file and place.

    `names` maps the project's own names of datasets to URNs.
    """
    files = list(documents)

    def each(key: str) -> list[Node]:
        return [item for file in files for item in file.get(key) or ()]

    return LineageEntry(
        specs=tuple(_spec(item, names) for item in each("lineage")),
        assets=tuple(
            AssetEntry(_canonical(item.string("urn"), names), _tier(item), item.string("owner"))
            for item in each("datasets")
        ),
        services=tuple(
            ServiceEntry(item.string("urn"), item.string("owner"), _names(item, "owns", names))
            for item in each("services")
        ),
        consumers=tuple(
            ConsumerEntry(
                urn=item.string("urn"),
                kind=kind,
                tier=_tier(item),
                owner=item.string("owner"),
                consumes=_names(item, "consumes", names),
            )
            for key, kind in _CONSUMERS.items()
            for item in each(key)
        ),
        teams=tuple(TeamEntry(item.string("urn"), _channels(item)) for item in each("teams")),
    )


def _spec(item: Node, names: Mapping[str, str]) -> SpecEntry:
    return SpecEntry(
        producer=item.string("producer"),
        inputs=_names(item, "inputs", names),
        outputs=_names(item, "outputs", names),
        columns=tuple(
            {"from": list(column.strings("from")), "to": column.string("to")}
            for column in item.get("columns") or ()
        ),
        confidence=item.string("confidence", "HIGH"),
        commit=item.string("commit"),
    )


def _channels(item: Node) -> tuple[ChannelEntry, ...]:
    """Return a team's channels; a bare word is a channel's type."""
    found = []
    for channel in item.get("channels") or ():
        if channel.is_mapping:
            found.append(ChannelEntry(channel.string("type"), channel.string("address")))
        else:
            found.append(ChannelEntry(str(channel.value)))
    return tuple(found)


def _names(item: Node, key: str, names: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_canonical(text, names) for text in item.strings(key)))


def _canonical(text: str, names: Mapping[str, str]) -> str:
    if text in names:
        return names[text]
    return urn.canonical(text) if urn.is_dataset(text) else text


def _tier(item: Node) -> int:
    return int(item.string("tier", "TIER_3").removeprefix("TIER_"))

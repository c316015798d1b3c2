"""What the files under `lineage/` declare, as the manifest keeps it: every name canonical.

A dataset that nobody registered is kept as it is named: it may be another team's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from sfctl.compiler.findings import Findings
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

_READS_SECRET = re.compile(r"\b(?:env_var|file)\s*\(")
_PLAIN_CALL = re.compile(r"\{\{\s*(?:env_var|file)\(\s*['\"][^'\"]+['\"]\s*\)\s*\}\}")
_CONSUMERS = {"dashboards": "Dashboard", "pipelines": "Pipeline"}


def lineage_entry(
    documents: Iterable[Node], names: Mapping[str, str], findings: Findings
) -> LineageEntry:
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
        teams=tuple(
            TeamEntry(item.string("urn"), _channels(item, findings)) for item in each("teams")
        ),
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


def _channels(item: Node, findings: Findings) -> tuple[ChannelEntry, ...]:
    """Return a team's channels; a bare word is a channel's type."""
    found = []
    for channel in item.get("channels") or ():
        if channel.is_mapping:
            found.append(_channel(channel, findings))
        else:
            found.append(ChannelEntry(str(channel.value)))
    return tuple(found)


def _channel(node: Node, findings: Findings) -> ChannelEntry:
    """Return a channel; an address from a variable or a file stays the template that names it."""
    kind, address = node.string("type"), node.get("address")
    template = (address.template or address.text) if address is not None else ""
    if address is None or not _READS_SECRET.search(template):
        return ChannelEntry(kind, node.string("address"))
    if "{{" in _PLAIN_CALL.sub("", template) or "{%" in template:
        hint = "write it of plain text, {{ env_var('NAME') }} and {{ file('path') }}"
        findings.error(address, "SF358", "the address mixes a secret with another template", hint)
    return ChannelEntry(kind, "", template.strip())


def _names(item: Node, key: str, names: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_canonical(text, names) for text in item.strings(key)))


def _canonical(text: str, names: Mapping[str, str]) -> str:
    if text in names:
        return names[text]
    return urn.canonical(text) if urn.is_dataset(text) else text


def _tier(item: Node) -> int:
    return int(item.string("tier", "TIER_3").removeprefix("TIER_"))

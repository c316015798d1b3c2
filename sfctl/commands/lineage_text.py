"""Lineage in words: one line a neighbour, what is weak about it, one sentence last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sfctl.graph.impact import Touched
from sfctl.model.resolver import DATASET
from sfctl.report import text


def dataset_text(found: Mapping[str, Any]) -> str:
    """Return a dataset's readers, writers, columns and last run."""
    lines = [_head(found)]
    lines += _ends("written by", found["writers"])
    lines += _ends("read by", found["readers"])
    lines += [text.status_line(each, "feeds it") for each in found["fed_by"]]
    lines += [text.status_line(each, "fed by it") for each in found["feeds"]]
    lines += _columns(found["columns"])
    lines += _last_run(found["last_run"])
    lines += _orphans(found["orphans"])
    readers, writers = (
        len({each["node"] for each in found[name]}) for name in ("readers", "writers")
    )
    lines.append(f"{text.count(readers, 'reader')}, {text.count(writers, 'writer')}")
    return "\n".join(lines)


def job_text(found: Mapping[str, Any]) -> str:
    """Return what a job reads and writes, and its last run."""
    lines = [_head(found)]
    lines += _ends("reads", found["reads"])
    lines += _ends("writes", found["writes"])
    lines += [f"  reads column {each}" for each in found["columns_read"]]
    lines += [f"  writes column {each}" for each in found["columns_written"]]
    lines += _last_run(found["last_run"])
    lines += _orphans(found["orphans"])
    reads, writes = len(found["reads"]), len(found["writes"])
    lines.append(f"reads {text.count(reads, 'dataset')}, writes {text.count(writes, 'dataset')}")
    return "\n".join(lines)


def impact_text(
    node: str, up: Sequence[Touched], down: Sequence[Touched], hops: int, raw: bool
) -> str:
    """Return what is up and down from a node, nearest first."""
    lines = []
    for word, listed in (("upstream", up), ("downstream", down)):
        for each in listed:
            notes = [text.count(each.hops, "hop")]
            if each.tier is not None:
                notes.append(f"tier {each.tier}")
            if each.confidence != "HIGH":
                notes.append(f"{each.confidence} confidence")
            name = each.raw if raw else each.id
            lines.append(text.status_line(f"{name} ({each.kind}, {', '.join(notes)})", word))
    lines.append(
        f"{node}: {len(up)} upstream, {len(down)} downstream within {text.count(hops, 'hop')}"
    )
    return "\n".join(lines)


def orphans_text(found: Sequence[str]) -> str:
    """Return the names that stand for nothing registered."""
    lines = [text.status_line(each, "orphan") for each in found]
    datasets = any(each.startswith(DATASET) for each in found)
    hint = "; a dataset's other names are `aliases` of its dataset.yaml" if datasets else ""
    lines.append(f"{text.count(len(found), 'orphan')}{hint}")
    return "\n".join(lines)


def _head(found: Mapping[str, Any]) -> str:
    notes = [str(found["kind"])]
    if found["tier"] is not None:
        notes.append(f"tier {found['tier']}")
    if found["owner"]:
        notes.append(f"owned by {found['owner']}")
    return f"{found['node']} ({', '.join(notes)})"


def _ends(word: str, ends: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = []
    for each in ends:
        basis = "observed" if each["observed"] else "declared"
        notes = [f"{each['confidence']} confidence", basis]
        if each["version"] is not None:
            notes.append(f"version {each['version']}")
        if each["rows"] is not None:
            notes.append(text.count(each["rows"], "row"))
        if each["bytes"] is not None:
            notes.append(text.size(each["bytes"]))
        table = str(each.get("table") or "")
        stage = table.partition("#")[2]
        name = f"{each['node']} #{stage}" if stage else each["node"]
        lines.append(f"  {word} {name}: {', '.join(notes)}")
    return lines


def _columns(columns: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = []
    for each in columns:
        line = f"  column {each['name']}" + (f" {each['type']}" if each["type"] else "")
        lines.append(line + (f" from {', '.join(each['from'])}" if each["from"] else ""))
    return lines


def _last_run(run: Mapping[str, Any] | None) -> list[str]:
    if run is None:
        return []
    notes = [str(run["status"] or "no end seen")]
    if run["rows"] is not None:
        notes.append(f"wrote {text.count(run['rows'], 'row')} in all")
    if run["bytes"] is not None:
        notes.append(text.size(run["bytes"]))
    if run["parent"]:
        notes.append(f"part of {run['parent']}")
    return [f"  last run {run['run']}: {', '.join(notes)}"]


def _orphans(found: Sequence[str]) -> list[str]:
    return [f"  not registered: {each}" for each in found]

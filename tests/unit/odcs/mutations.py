"""Documents changed in one or two places: dropped, renamed, retyped, grafted from elsewhere."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sfctl.spec.yaml import parse

DOCUMENTS = Path(__file__).parent / "documents"
_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 1.0, 2.5, 10**20, "", "x", "a.b", "a.b.c",
    "schema/a/properties/b", "library", "sql", "custom", "text", "string", "date", "timestamp",
    "integer", "number", "object", "array", "boolean", "rowCount", "nullValues", "sftp://h/x",
    "i64", "f32", "v3.0.2", "v3.1.0", "v3.2.0", "v2.2.1", "foreignKey", "delta", "new_line",
    "hive", "kafka", "local", "completeness", [], {}, ["x"], ["x", "x"], [1, 2], [1, 1.0],
    [1, 2, 3], ["a.b"], [None], {"a": 1}, [{"name": "n"}], [{}], [{"username": "u"}],
    {"members": []}, {"name": "n"},
)  # fmt: skip
Place = tuple[Any, Any]
"""A container and the key or index of one value in it."""


def documents() -> dict[str, Any]:
    """Return the corpus as plain values, by file name."""
    return {file.name: plain(file.read_bytes()) for file in sorted(DOCUMENTS.glob("*.yaml"))}


def plain(text: str | bytes) -> Any:
    """Return a document's plain values, read as we read every YAML file."""
    node, problems = parse(text, "document")
    assert node is not None
    assert not problems
    return node.plain()


def slices(document: Any) -> list[Any]:
    """Return small documents that together hold all of one: a section, or one property, in each."""
    head = {key: document[key] for key in ("apiVersion", "kind", "id", "version", "status")}
    found = [
        {**head, key: value} for key, value in document.items() if key not in (*head, "schema")
    ]
    for table in document.get("schema", ()):
        rest = {key: value for key, value in table.items() if key != "properties"}
        found.append({**head, "schema": [rest]})
        for column in table.get("properties", ()):
            found.append({**head, "schema": [{"name": table["name"], "properties": [column]}]})
    return found or [head]


def single(document: Any) -> Iterator[Any]:
    """Yield the document without each of its values, and with each of them under another name."""
    for number, (_, key) in enumerate(places(document)):
        dropped = copy.deepcopy(document)
        place, _ = places(dropped)[number]
        del place[key]
        yield dropped
        if isinstance(key, str):
            renamed = copy.deepcopy(document)
            place, _ = places(renamed)[number]
            place[key + "s"] = place.pop(key)
            yield renamed


def retyped(document: Any, chance: random.Random, each: int) -> Iterator[Any]:
    """Yield the document with each of its values replaced, `each` times."""
    for number in range(len(places(document))):
        for _ in range(each):
            changed = copy.deepcopy(document)
            place, key = places(changed)[number]
            place[key] = copy.deepcopy(chance.choice(_VALUES))
            yield changed


def grafted(document: Any, others: list[Any], chance: random.Random, count: int) -> Iterator[Any]:
    """Yield the document with keys and values of any document put anywhere in it."""
    stock = [(key, place[key]) for other in others for place, key in places(other)]
    words = sorted({key for key, _ in stock if isinstance(key, str)})
    for _ in range(count):
        changed = copy.deepcopy(document)
        for _ in range(chance.choice((1, 1, 2))):
            mappings = [changed, *(p[k] for p, k in places(changed) if isinstance(p[k], dict))]
            lists = [p[k] for p, k in places(changed) if isinstance(p[k], list)]
            key, value = chance.choice(stock)
            if not isinstance(key, str):
                key = chance.choice(words)
            if lists and chance.random() < 0.2:
                chance.choice(lists).append(copy.deepcopy(value))
            else:
                chance.choice(mappings)[key] = copy.deepcopy(value)
        yield changed


def places(document: Any) -> list[Place]:
    """Return every place of a value below the top, in document order."""
    found: list[Place] = []
    keys = range(len(document)) if isinstance(document, list) else document
    if isinstance(document, dict | list):
        for key in keys:
            found += [(document, key), *places(document[key])]
    return found


def text_of(document: Any) -> str:
    """Return a document as text that is JSON and YAML."""
    return json.dumps(document)

"""The graph as a JSON document: nothing is taken from a file that is hostile or cut short."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NoReturn

from sfctl.errors import Problem, SpecError
from sfctl.graph.definition import MAX_ID
from sfctl.model.graph import EDGES, LABELS, Edge, Elements, Node

MAX_BYTES = 512 * 1024 * 1024
MAX_TEXT = 65_536
"""The longest text a property may hold, in characters."""
SHOWN = 20
"""How many problems are told at most."""
_HINT = "a graph is {nodes: [{id, label, props}], edges: [{from, to, label, props}]}"


def plain(elements: Elements) -> dict[str, Any]:
    """Return elements as `graph export` prints them."""
    return {
        "nodes": [
            {"id": node.id, "label": node.label, "props": node.props} for node in elements.nodes
        ],
        "edges": [
            {"from": edge.source, "to": edge.target, "label": edge.label, "props": edge.props}
            for edge in elements.edges
        ],
    }


def read(path: Path) -> Elements:
    """Return the elements of a file, or raise SpecError with the first of what is wrong in it."""
    name = str(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            _refuse(name, f"is larger than {MAX_BYTES // 1024**2} MiB", "SF840")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        _refuse(name, f"cannot be read: {(error.strerror or 'unreadable').lower()}", "SF840")
    except UnicodeDecodeError as error:
        _refuse(name, f"is not UTF-8 (byte {error.start})", "SF840")
    return elements_of(name, _parsed(name, text))


def elements_of(name: str, document: Any) -> Elements:
    """Return the elements of a parsed document; `name` is what its problems are told under."""
    problems = _first(_problems(name, document))
    if problems:
        raise SpecError(problems)
    return Elements(
        tuple(Node(x["id"], x["label"], x.get("props", {})) for x in document["nodes"]),
        tuple(Edge(x["from"], x["to"], x["label"], x.get("props", {})) for x in document["edges"]),
    )


def loose_ends(name: str, elements: Elements, known: Collection[str]) -> list[Problem]:
    """Return the edges that lead to what neither the file nor `known` has."""
    there = {node.id for node in elements.nodes}.union(known)
    return _first(
        _at(name, f"/edges/{index}/{key}", f"there is no node {end!r}", "SF842")
        for index, edge in enumerate(elements.edges)
        for key, end in (("from", edge.source), ("to", edge.target))
        if end not in there
    )


def _parsed(name: str, text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        cut = not text[error.pos :].strip() or error.msg.startswith("Unterminated string")
        what = "the file ends too early" if cut else f"not JSON: {error.msg.lower()}"
        raise SpecError([Problem(name, error.lineno, error.colno, "SF840", what, _HINT)]) from None
    except RecursionError:
        _refuse(name, "is nested too deep", "SF840")
    except ValueError as error:
        _refuse(name, str(error), "SF840")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object has the same key twice")
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number in JSON")


def _problems(name: str, document: Any) -> Iterator[Problem]:
    if not isinstance(document, dict):
        yield _at(name, "", f"expected an object, got {_kind(document)}")
        return
    for key in sorted(set(document) - {"schema", "nodes", "edges"}):
        yield _at(name, f"/{_pointer(key)}", "unknown key")
    if document.get("schema", "sfctl.graph.v1") != "sfctl.graph.v1":
        yield _at(name, "/schema", "expected sfctl.graph.v1")
    for part, keys, labels in (
        ("nodes", ("id",), {*LABELS, ""}),
        ("edges", ("from", "to"), set(EDGES)),
    ):
        items = document.get(part)
        if not isinstance(items, list):
            yield _at(name, f"/{part}", f"expected a list, got {_kind(items)}")
            continue
        for index, item in enumerate(items):
            yield from _element(name, f"/{part}/{index}", item, keys, labels)


def _element(
    name: str, place: str, item: Any, keys: tuple[str, ...], labels: Collection[str]
) -> Iterator[Problem]:
    if not isinstance(item, dict):
        yield _at(name, place, f"expected an object, got {_kind(item)}")
        return
    for key in sorted(set(item) - {*keys, "label", "props"}):
        yield _at(name, f"{place}/{_pointer(key)}", "unknown key")
    for key in keys:
        if trouble := _bad_id(item.get(key)):
            yield _at(name, f"{place}/{key}", trouble)
    label = item.get("label")
    if not isinstance(label, str) or label not in labels:
        known = ", ".join(sorted(filter(None, labels)))
        got = repr(label[:40]) if isinstance(label, str) else _kind(label)
        yield _at(name, f"{place}/label", f"unknown label (got {got})", "SF841", f"one of {known}")
    props = item.get("props", {})
    if not isinstance(props, dict):
        yield _at(name, f"{place}/props", f"expected an object, got {_kind(props)}")
        return
    for key, value in props.items():
        values = value if isinstance(value, list) else [value]
        trouble = _bad_text(key) or next(filter(None, map(_bad_value, values)), "")
        if trouble:
            yield _at(name, f"{place}/props/{_pointer(key)}", trouble)


def _bad_id(value: Any) -> str:
    if not isinstance(value, str):
        return f"expected text, got {_kind(value)}"
    if not 0 < len(value) <= MAX_ID:
        return f"expected 1 to {MAX_ID} characters, got {len(value)}"
    return _bad_text(value)


def _bad_value(value: Any) -> str:
    if isinstance(value, str):
        return _bad_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "a number is too large"
    if isinstance(value, dict | list):
        return f"expected text, a number, true, false, null or a list of them, got {_kind(value)}"
    return ""


def _bad_text(text: str) -> str:
    if len(text) > MAX_TEXT:
        return f"expected at most {MAX_TEXT} characters, got {len(text)}"
    if any(ord(each) < 32 and each not in "\n\t" for each in text):
        return "holds a control character"
    if any("\ud800" <= each <= "\udfff" for each in text):
        return "holds half a character (a lone surrogate)"
    return ""


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    names = {bool: "true or false", str: "text", list: "a list", dict: "an object"}
    return names.get(type(value), "a number")


def _pointer(key: str) -> str:
    """Return a key as a step of a JSON pointer (RFC 6901), printable and not too long."""
    step = key.replace("~", "~0").replace("/", "~1")
    return ascii(step)[1:-1][:80]


def _at(name: str, place: str, message: str, code: str = "SF840", hint: str = _HINT) -> Problem:
    return Problem(f"{name}#{place}", 0, 0, code, message, hint)


def _first(problems: Iterator[Problem]) -> list[Problem]:
    return [problem for problem, _ in zip(problems, range(SHOWN), strict=False)]


def _refuse(name: str, message: str, code: str) -> NoReturn:
    raise SpecError([Problem(name, 0, 0, code, message, _HINT)])

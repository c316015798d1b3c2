"""A YAML file changed at single places: all else stays, comments, order, quotes and line ends.

Nodes cannot be written back, so here, and only here, a second library reads the text again.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from sfctl.spec.scalar import resolve
from sfctl.spec.yaml import parse

_ONE_LINE = 88


@dataclass(frozen=True, slots=True)
class Edit:
    """One change: `set` a key, `add` to a list, or `remove` an entry equal to `value` from one.

    `drop` takes a key away. `path` is the keys from the top; blocks that are not there are made on
    the way.
    """

    action: Literal["set", "add", "remove", "drop"]
    path: tuple[str, ...]
    value: Any = None


def edited(text: str, edits: Iterable[Edit]) -> str:
    """Return a YAML text with the edits made. Raises ValueError where one does not fit the file."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 1 << 16
    yaml.indent(mapping=_step(text), sequence=_step(text) + _offset(text), offset=_offset(text))
    root = yaml.load(text) if text.strip() else None
    heading = "" if root is not None else text
    root = CommentedMap() if root is None else root
    for edit in edits:
        _apply(root, edit)
    stream = io.StringIO()
    yaml.dump(root, stream)
    result = heading + stream.getvalue()
    if "\r\n" in text:
        result = re.sub(r"\r?\n", "\r\n", result)
    _, problems = parse(result, "edited")
    if problems:
        raise ValueError(f"the edited text is no YAML: {problems[0]}")
    return result


def _apply(root: Any, edit: Edit) -> None:
    place = root
    for part in edit.path[:-1]:
        if not isinstance(place, CommentedMap):
            raise _misplaced(edit)
        if place.get(part) is None:
            if edit.action in ("remove", "drop"):
                return
            place[part] = CommentedMap()
        place = place[part]
    if not isinstance(place, CommentedMap):
        raise _misplaced(edit)
    name = edit.path[-1]
    if edit.action == "set":
        place[name] = _written(edit.value, top=True)
    elif edit.action == "drop":
        place.pop(name, None)
    else:
        entries = place.get(name)
        if edit.action == "add":
            if entries is None:
                place[name] = entries = CommentedSeq()
            entries.append(_written(edit.value))
        else:
            at = next((i for i, e in enumerate(entries or ()) if _plain(e) == edit.value), None)
            if at is not None:
                del entries[at]
            if entries is not None and not entries:
                del place[name]


def _misplaced(edit: Edit) -> ValueError:
    return ValueError(f"{'.'.join(edit.path)} is inside something that is no mapping")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, bool) or value is None:
        return value
    for kind in (str, int, float):
        if isinstance(value, kind):
            return kind(value)
    return value


def _written(value: Any, *, top: bool = False) -> Any:
    """Return a value as it is written: small things on one line, text quoted where it must be."""
    if isinstance(value, dict):
        made = CommentedMap((key, _written(each)) for key, each in value.items())
        if not (top and any(isinstance(each, dict | list) for each in value.values())):
            made.fa.set_flow_style()
        return made
    if isinstance(value, list | tuple):
        items = CommentedSeq(_written(each) for each in value)
        if not any(isinstance(each, dict) for each in value):
            items.fa.set_flow_style()
        return items
    if isinstance(value, str):
        if "\n" in value and top and value.isprintable():
            return LiteralScalarString(value)
        return DoubleQuotedScalarString(value) if _needs_quotes(value) else value
    return value


def _needs_quotes(text: str) -> bool:
    """Tell whether a reader of YAML 1.1 or 1.2 could take the plain word for something else."""
    if not re.fullmatch(r"[A-Za-z_][\w .:/@+-]*", text) or text != text.strip():
        return True
    words = {"yes", "no", "on", "off", "y", "n"}
    return ": " in text or text.endswith(":") or text.lower() in words or resolve(text) != text


def _step(text: str) -> int:
    found = re.search(r"^( +)[^\s#-]", text, re.M)
    return len(found[1]) if found and len(found[1]) in (2, 4) else 2


def _offset(text: str) -> int:
    """Return how far lists stand in from their key, as most of the file has it."""
    pairs = re.findall(
        r"^( *)[^\s#-][^\n]*:[ \t]*(?:#[^\n]*)?\n(?:[ \t]*(?:#[^\n]*)?\n)*( *)- ", text, re.M
    )
    inset = [len(dash) - len(key) for key, dash in pairs]
    return 0 if inset and inset.count(0) * 2 > len(inset) else 2


def composed(values: Any) -> str:
    """Return plain values as a YAML text: what is small on one line, everything else in blocks."""
    yaml = YAML()
    yaml.width = 1 << 16
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    yaml.dump(_blocks(values), stream)
    return stream.getvalue()


def _blocks(value: Any) -> Any:
    if isinstance(value, dict):
        made = CommentedMap((key, _blocks(each)) for key, each in value.items())
        small = len(str(value)) <= _ONE_LINE and not any(_deep(each) for each in value.values())
        if small and made:
            made.fa.set_flow_style()
        return made
    if isinstance(value, list | tuple):
        items = CommentedSeq(_blocks(each) for each in value)
        if not any(isinstance(each, dict) for each in value) and len(str(value)) <= _ONE_LINE:
            items.fa.set_flow_style()
        return items
    return _written(value)


def _deep(value: Any) -> bool:
    """Tell whether a value holds mappings in lists, or more than one level of anything."""
    if isinstance(value, dict):
        return any(isinstance(each, dict | list) for each in value.values())
    return isinstance(value, list) and any(isinstance(each, dict | list) for each in value)

"""Ways to damage a YAML file: its bytes, its lines, its tree."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import yaml

_TYPED: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLAIN: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
BITS = (
    "", " ", "\n", "\t", ":", ": ", "- ", "{", "}", "[", "]", ",", "'", '"', "#", " #", "&a ", "*a",
    "*states", "&states ", "<<: *states\n", "!!int ", "!!str ", "!!binary ", "!!python/name:os ",
    "!x ", "|\n", ">-\n", "? ", "%YAML 1.1\n", "---\n", "...\n", "{{ ", " }}", "{% if ",
    "{{ var('home') }}", "{{ var('x') }}", "{{ env_var('HOME') }}", "{{ param('column') }}",
    "\x00", "\x07",
    "\u2028", "\ufeff",
    "\u0085", "é", "😀", "null", "~", "-1", "1e999", ".inf", ".nan", "0x1F", "0o17", "1_000", "yes",
    "9" * 50, "100%", "101%", "36h", "TIER_9", "../../etc/passwd", "/etc/passwd", "NULL", "--",
)  # fmt: skip
WORDS = (
    "kind", "field", "fields", "rules", "values", "min", "max", "where", "severity", "threshold",
    "tags", "id", "pattern", "format", "length", "not_null", "range", "unique", "expression",
    "include", "pack", "with", "as", "into", "parameters", "type", "default", "urn", "zzz", "<<",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2**70, 0.5, 1.5, -0.0, 1e308, "", " ", "x", "5%", "1", "n", "id",
    "n >", "n > 1", "1 = 1", "n / 0 > 1", "(" * 60, "[a-", "(a|b)*", "TIER_1", "warn", "STRING",
    "DECIMAL(99,1)", "ARRAY<", "ds://shop/orders", "urn:dp:x:y", "codes", "{{ var('most') }}",
    "{{ var('deep') }}", "{{ param('x') }}", "{{ target }}", "2024-02-31", "a\nb", "\u2028", [], {},
    [[]],
    ["n"], {"kind": "not_null", "field": "n"}, {"not_null": None}, {"rules": []}, [None], {"": 1},
)  # fmt: skip


def damaged(text: str, random: Random) -> bytes:
    """Return a file with one to four kinds of damage."""
    data = text.encode()
    if random.random() < 0.6:
        data = _tree(text, random).encode()
        if random.random() < 0.85:
            return data
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        data = random.choice(_BYTES)(data, random)
    return data


def _flip(data: bytes, random: Random) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[:at] + bytes([random.randrange(256)]) + data[at + 1 :]


def _cut(data: bytes, random: Random) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[:at] + data[at + random.randint(1, 30) :]


def _truncate(data: bytes, random: Random) -> bytes:
    return data[: random.randrange(len(data) + 1)]


def _insert(data: bytes, random: Random) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[:at] + random.choice(BITS).encode() + data[at + random.choice((0, 0, 1, 5)) :]


def _repeat(data: bytes, random: Random) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[:at] + data[at : at + random.randint(1, 60)] + data[at:]


def _lines(data: bytes, random: Random) -> bytes:
    rows = data.split(b"\n")
    one, other = random.randrange(len(rows)), random.randrange(len(rows))
    match random.randrange(4):
        case 0:
            rows[one], rows[other] = rows[other], rows[one]
        case 1:
            rows[one] = b"  " + rows[one]
        case 2:
            rows[one] = rows[one][random.randint(1, 4) :]
        case _:
            rows.insert(other, rows[one])
    return b"\n".join(rows)


def _whole(data: bytes, random: Random) -> bytes:
    text = data.decode(errors="replace")
    match random.randrange(7):
        case 0:
            return b"\xef\xbb\xbf" + data
        case 1:
            return text.encode("utf-16")
        case 2:
            return data.replace(b"\n", b"\r\n")
        case 3:
            return data + b"\n---\n" + data
        case 4:
            return text.encode("latin-1", "replace")
        case 5:
            return data.replace(b"\n", b"\n\n")
        case _:
            return b""


def _huge(data: bytes, random: Random) -> bytes:
    at = random.randrange(len(data) + 1)
    match random.randrange(4):
        case 0:
            put = b"x" * random.choice((5_000, 50_000))
        case 1:
            put = b"[" * random.choice((20, 200, 5_000))
        case 2:
            put = b"{a: " * random.choice((20, 200, 2_000))
        case _:
            put = b"(" * random.choice((50, 5_000))
    return data[:at] + put + data[at:]


_BYTES: tuple[Callable[[bytes, Random], bytes], ...] = (
    _flip, _flip, _cut, _truncate, _insert, _insert, _insert, _repeat, _lines, _lines, _whole,
    _huge,
)  # fmt: skip


def _tree(text: str, random: Random) -> str:
    """Return the file with parts of its tree swapped, renamed, retyped, wrapped or removed."""
    document = yaml.load(text, Loader=_PLAIN if random.random() < 0.2 else _TYPED)
    for _ in range(random.choice((0, 1, 1, 2, 3))):
        random.choice((_change, _rearrange, _rearrange))(document, random)
    style = random.choice((None, None, True, False))
    quoted = random.choice((None, None, None, '"', "'", "|", ">"))
    width = random.choice((20, 80, 1000))
    return yaml.dump(
        document, default_flow_style=style, default_style=quoted, width=width, sort_keys=False,
        allow_unicode=random.random() < 0.5,
    )  # fmt: skip


def _spots(value: Any) -> list[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    found = [(value, key) for key, _ in items]
    for holder, key in list(found):
        child = holder[key]
        if isinstance(child, dict | list):
            found += _spots(child)
    return found


def _change(document: Any, random: Random) -> None:
    spots = _spots(document)
    if not spots:
        return
    holder, key = random.choice(spots)
    other, place = random.choice(spots)
    match random.randrange(6):
        case 0:
            holder[key] = random.choice(VALUES)
        case 1:
            del holder[key]
        case 2 if isinstance(holder, dict):
            holder[random.choice(WORDS)] = holder.pop(key)
        case 3 if isinstance(holder, dict):
            holder[random.choice(WORDS)] = random.choice(VALUES)
        case 4:
            if not _within(holder[key], other) and not _within(other[place], holder):
                holder[key], other[place] = other[place], holder[key]
        case _:
            holder[key] = random.choice(([holder[key]], {"rules": [holder[key]]}, str(holder[key])))


def _rearrange(document: Any, random: Random) -> None:
    """Change a document in a way that mostly leaves it a good one."""
    containers = [holder[key] for holder, key in _spots(document) if holder[key]]
    inner = random.choice([document, *(c for c in containers if isinstance(c, dict | list))])
    if not inner:
        return
    if isinstance(inner, list):
        match random.randrange(3):
            case 0:
                random.shuffle(inner)
            case 1:
                del inner[random.randrange(len(inner))]
            case _:
                inner.append(random.choice(inner))
        return
    keys = list(inner)
    key = random.choice(keys)
    if isinstance(inner[key], int) and not isinstance(inner[key], bool):
        inner[key] += random.choice((-1, 1, 1000))
    elif key in ("min", "max", "severity", "where", "threshold", "tags", "id", "description"):
        del inner[key]
    random.shuffle(keys)
    for each in keys:
        if each in inner:
            inner[each] = inner.pop(each)


def _within(value: Any, holder: Any) -> bool:
    """Tell whether a container is a value or stands anywhere in it."""
    if value is holder:
        return True
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(_within(each, holder) for each in inner)

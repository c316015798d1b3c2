"""Text for people: one line a thing ending in one word, then details, then one sentence."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Sequence

MIN_WIDTH = 40
MAX_WIDTH = 80
_GOOD = ["pass", "passed", "ok", "certified", "delivered", "published", "on"]
_WEAK = ["warn", "warned", "warning", "held", "skipped", "skip", "pending", "draft", "stale"]
_BAD = ["fail", "failed", "error", "blocked", "off", "missing", "tainted"]
_COLORS = {**dict.fromkeys(_GOOD, 32), **dict.fromkeys(_WEAK, 33), **dict.fromkeys(_BAD, 31)}
_LAST_WORD = re.compile(r"(?<=[ .])([A-Za-z]+)$", re.MULTILINE)


def width() -> int:
    """Return the columns to use: the terminal's, between 40 and 80."""
    return max(MIN_WIDTH, min(MAX_WIDTH, shutil.get_terminal_size((MAX_WIDTH, 24)).columns))


def status_line(name: str, word: str, *, columns: int | None = None) -> str:
    """Return `name ........ word`, filled up to the width; a longer name is never cut."""
    dots = (columns or width()) - len(name) - len(word) - 2
    return f"{name} {'.' * max(3, dots)} {word}"


def table(rows: Iterable[Sequence[str]], *, indent: str = "") -> list[str]:
    """Return rows as lines with aligned columns, two spaces between them."""
    listed = [tuple(row) for row in rows]
    if not listed:
        return []
    widths = [max(map(len, cells)) for cells in zip(*listed, strict=True)]
    return [
        (indent + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True))).rstrip()
        for row in listed
    ]


def count(number: int, noun: str, plural: str = "") -> str:
    """Return `1 row`, `2,000 rows`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def duration(seconds: float) -> str:
    """Return a length of time rounded as people say it: `40 ms`, `1.5 s`, `3 min`, `2.0 h`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 90:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def size(octets: float) -> str:
    """Return a number of bytes rounded, with its unit: `888 B`, `1.2 MiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if octets < 1024:
            return f"{octets:.0f} {unit}" if unit == "B" else f"{octets:.1f} {unit}"
        octets /= 1024
    return f"{octets:.1f} TiB"


def share(part: float) -> str:
    """Return a share as a percentage of at most two figures after the point.

    A share that is not all or nothing is not rounded to it: `<0.01%`, `>99.99%`.
    """
    if 0 < part < 0.0001:
        return "<0.01%"
    if 0.9999 < part < 1:
        return ">99.99%"
    return f"{part * 100:.2f}".rstrip("0").rstrip(".") + "%"


def painted(text: str) -> str:
    """Return the text with a known last word of a line in colour; no word is added or lost."""

    def paint(match: re.Match[str]) -> str:
        color = _COLORS.get(match[1].lower())
        return f"\x1b[{color}m{match[1]}\x1b[0m" if color else match[1]

    return _LAST_WORD.sub(paint, text)


def few(names: Sequence[str]) -> str:
    """Return the first three names, and how many more there are."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")

"""How messages say things: values short and never secret, near misses named, keys listed."""

from __future__ import annotations

from collections.abc import Iterable

from sfctl.spec.tree import Node

LISTED = 24
"""As many names as a hint lists."""


def shown(node: Node) -> str:
    """Return a value as a message shows it: short, and never what a template put there."""
    if node.rendered:
        return "what its template gives"
    if isinstance(node.value, dict):
        return "a mapping"
    if isinstance(node.value, tuple):
        return "a list"
    if isinstance(node.value, str):
        return f"'{clipped(node.value)}'"
    return clipped(node.text) or "nothing"


def clipped(text: str) -> str:
    """Return `text` on one line and short enough for a message."""
    line = text if text.isprintable() else " ".join(text.split())
    return line if len(line) <= 40 else line[:39] + "…"


def suggestion(name: str, known: Iterable[str], *, closed: bool = True) -> str:
    """Return a hint that names the nearest of `known`, else lists a closed set."""
    from difflib import get_close_matches

    names = list(known)
    folded = {each.casefold(): each for each in names}
    near = get_close_matches(name.casefold()[:80], folded, 2, 0.6)
    if near and not _equally_near(name.casefold()[:80], near):
        return f"did you mean `{folded[near[0]]}`?"
    more = len(names) - LISTED
    shown = ", ".join(names[:LISTED]) + (f" and {more} more" if more > 0 else "")
    return f"known here: {shown}" if closed and names else ""


def _equally_near(name: str, near: list[str]) -> bool:
    from difflib import SequenceMatcher

    ratios = {SequenceMatcher(None, each, name).ratio() for each in near}
    return len(near) == 2 and len(ratios) == 1


def listed(keys: Iterable[str]) -> str:
    """Return keys as a sentence lists them: `a`, `b` or `c`."""
    quoted = [f"`{key}`" for key in keys]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"

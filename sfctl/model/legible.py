"""Text that a terminal takes as text: nothing in it moves the cursor, colours or hides."""

from __future__ import annotations

import re

MARK = "\N{REPLACEMENT CHARACTER}"
_HIDDEN = r"\x7f-\x9f\u2028-\u202e\u2066-\u2069"
_IN_LINES = re.compile(rf"[\x00-\x08\x0b-\x1f{_HIDDEN}]")
_IN_ONE = re.compile(rf"[\x00-\x1f{_HIDDEN}]")


def one_line(text: str) -> str:
    """Return text with a mark for each character that controls a terminal or ends a line."""
    return text if text.isprintable() else _IN_ONE.sub(MARK, text)


def lines(text: str) -> str:
    """Return text of many lines likewise; line feeds and tabs stay."""
    return _IN_LINES.sub(MARK, text.replace("\r\n", "\n"))


def escaped(document: str) -> str:
    r"""Return JSON with such characters as `\uXXXX`: the same document, and nothing in it acts."""
    return _IN_LINES.sub(lambda found: f"\\u{ord(found[0]):04x}", document)

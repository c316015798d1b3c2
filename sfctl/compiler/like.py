"""LIKE patterns as patterns of the closed regex subset."""

from __future__ import annotations

from sfctl.compiler.lexer import ExpressionError, Token

_SPECIAL = frozenset(r".^$*+?{}[]\|()/-&~#")


def like_pattern(pattern: Token, escape: Token | None) -> str:
    """Return the regex of a LIKE text: `%` any run of characters, `_` any one, newlines included.

    Without ESCAPE no character is special beside those two. Raises ExpressionError.
    """
    if escape is not None and len(escape.text) != 1:
        raise ExpressionError(f"ESCAPE takes one character (got {len(escape.text)})", escape.offset)
    mark = escape.text if escape is not None else None
    found: list[str] = []
    chars = iter(pattern.text)
    for char in chars:
        if char == mark:
            escaped = next(chars, None)
            if escaped is None or escaped not in ("%", "_", mark):
                raise ExpressionError(f"'{mark}' must stand before %, _ or itself", pattern.offset)
            found.append(quoted(escaped))
        elif char == "%":
            found.append(r"[\s\S]*")
        elif char == "_":
            found.append(r"[\s\S]")
        else:
            found.append(quoted(char))
    return "".join(found)


def quoted(char: str) -> str:
    """Return a character as a pattern that matches just it."""
    return f"\\{char}" if char in _SPECIAL else char

"""Expression text to tokens, each with the offset of its first character."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["name", "quoted", "number", "string", "symbol", "end"]

KEYWORDS = frozenset(
    [
        "AND", "OR", "NOT", "IN", "BETWEEN", "LIKE", "ESCAPE", "IS", "NULL", "TRUE", "FALSE",
        "CASE", "WHEN", "THEN", "ELSE", "END",
    ]
)  # fmt: skip
_TOKEN = re.compile(
    r"(?P<space>[ \t\r\n]+)"
    r"|(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[^\W\d]\w*)"
    r"|(?P<string>'(?:[^']|'')*')"
    r'|(?P<quoted>"(?:[^"]|"")+")'
    r"|(?P<symbol>==|!=|<>|<=|>=|//|[=<>+\-*/%(),.])"
)


@dataclass(frozen=True, slots=True)
class Token:
    """`text` is the value: quotes taken off, keywords in capitals only in `keyword`."""

    kind: Kind
    text: str
    offset: int

    @property
    def keyword(self) -> str:
        """The keyword this is, or empty text."""
        word = self.text.upper()
        return word if self.kind == "name" and word in KEYWORDS else ""


class ExpressionError(Exception):
    """An expression that cannot be read: what, where in the text, and the way out."""

    def __init__(self, message: str, offset: int, hint: str = "", code: str = "SF201") -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.hint = hint
        self.code = code


def tokenize(text: str) -> list[Token]:
    """Return the tokens of `text`, an `end` token last. Raises ExpressionError."""
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _unreadable(text, at)
        kind, found = match.lastgroup, match.group()
        if kind == "string":
            tokens.append(Token("string", found[1:-1].replace("''", "'"), at))
        elif kind == "quoted":
            tokens.append(Token("quoted", found[1:-1].replace('""', '"'), at))
        elif kind in ("number", "name", "symbol"):
            tokens.append(Token(kind, found, at))  # type: ignore[arg-type]
        at = match.end()
    tokens.append(Token("end", "", len(text)))
    return tokens


def _unreadable(text: str, at: int) -> ExpressionError:
    char = text[at]
    if char == "'":
        return ExpressionError("a text is not closed", at, "end it with '; write '' for a quote")
    if char == '"':
        return ExpressionError("a quoted name is empty or not closed", at, 'end it with "')
    hints = {
        "&": "write AND",
        "|": "write OR",
        "!": "write NOT, or != for not equal",
        "`": 'quote names with "…"',
        "{": "templates are rendered before expressions are read",
        ";": "one expression, without ;",
        "^": "there is no power operator",
    }
    shown = char if char.isprintable() else repr(char)[1:-1]
    return ExpressionError(f"unexpected character '{shown}'", at, hints.get(char, ""))

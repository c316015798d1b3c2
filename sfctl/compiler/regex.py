"""Patterns of the closed regex subset: read, checked, and rewritten so that they mean one thing.

Syntax: characters, `.`, classes, groups, alternation, `* + ? {m,n}`, escapes `\\d \\w \\s`,
`\\t \\n \\r \\f \\xHH` and those of punctuation. A pattern always matches the whole value. The
rewriting has ASCII classes, no captures, no laziness, and `.` without newline, in the syntax that
Rust, Python and Java share.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_CHARS = 2_000
MAX_REPEAT = 1_000
MAX_SIZE = 20_000
_DEPTH = 30
_CLASSES = {"d": "0-9", "w": "A-Za-z0-9_", "s": r" \t\n\x0b\f\r"}
_CONTROLS = {"t": r"\t", "n": r"\n", "r": r"\r", "f": r"\f"}
_ESCAPED = frozenset(r".^$*+?{}[]\|()-&~#/")
_HEX = frozenset("0123456789abcdefABCDEF")
_HINT = "see `sfctl explain SF211` for what a pattern may hold"


class PatternError(Exception):
    """A pattern that is not read (SF210) or outside the subset (SF211): what, where, way out."""

    def __init__(self, message: str, offset: int, hint: str = "", code: str = "SF210") -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.hint = hint
        self.code = code


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    size: int


def rewrite(pattern: str) -> str:
    """Return the pattern in its one meaning, not anchored. Raises PatternError."""
    if len(pattern) > MAX_CHARS:
        raise PatternError(f"the pattern is longer than {MAX_CHARS} characters", 0, code="SF211")
    reader = _Reader(pattern)
    found = reader.alternatives(0)
    if reader.at < len(pattern):
        raise PatternError("`)` closes nothing", reader.at, r"write \) for the character")
    return found.text


class _Reader:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0

    @property
    def char(self) -> str:
        return self.pattern[self.at] if self.at < len(self.pattern) else ""

    def alternatives(self, depth: int) -> _Piece:
        if depth > _DEPTH:
            raise PatternError("groups are nested too deep", self.at, code="SF211")
        found = [self.sequence(depth)]
        while self.char == "|":
            self.at += 1
            found.append(self.sequence(depth))
        size = sum(piece.size for piece in found)
        return _Piece("|".join(piece.text for piece in found), size)

    def sequence(self, depth: int) -> _Piece:
        texts: list[str] = []
        size = 0
        if depth == 0 and self.char == "^":
            self.at += 1
        while self.char and self.char not in "|)":
            if depth == 0 and self.char == "$" and self.ends():
                self.at += 1
                break
            begins = self.at
            piece = self.repeated(self.one(depth))
            size += piece.size
            if size > MAX_SIZE:
                raise PatternError(
                    "the pattern repeats too much", begins, "repeat less", code="SF211"
                )
            texts.append(piece.text)
        return _Piece("".join(texts), size)

    def ends(self) -> bool:
        return self.at + 1 == len(self.pattern) or self.pattern[self.at + 1] == "|"

    def one(self, depth: int) -> _Piece:
        char, begins = self.char, self.at
        self.at += 1
        if char == "(":
            return self.group(depth, begins)
        if char == "[":
            return self.char_class(begins)
        if char == "\\":
            return _Piece(self.escape(begins), 1)
        if char == ".":
            return _Piece(r"[^\n]", 1)
        if char in "*+?":
            raise PatternError(f"`{char}` has nothing to repeat", begins, f"write \\{char} for it")
        if char == "{":
            raise PatternError("`{` has nothing to repeat", begins, r"write \{ for the character")
        if char in "^$":
            where = "start" if char == "^" else "end"
            raise PatternError(
                f"`{char}` inside a pattern", begins,
                f"a pattern matches the whole value; `{char}` may stand at its {where} only; "
                f"write \\{char} for the character", "SF211",
            )  # fmt: skip
        return _Piece(f"\\{char}" if char in _ESCAPED else char, 1)

    def group(self, depth: int, begins: int) -> _Piece:
        if self.char == "?":
            following = self.pattern[self.at + 1 : self.at + 2]
            if following != ":":
                raise PatternError(*_extension(following, self.pattern, begins), code="SF211")
            self.at += 2
        inner = self.alternatives(depth + 1)
        if self.char != ")":
            raise PatternError("`(` is not closed", begins, r"write \( for the character")
        self.at += 1
        return _Piece(f"(?:{inner.text})", inner.size + 1)

    def repeated(self, piece: _Piece) -> _Piece:
        begins = self.at
        if self.char in ("*", "+", "?") and self.char:
            mark, times = self.char, 1
            self.at += 1
        elif self.char == "{":
            mark, times = self.braces(begins)
        else:
            return piece
        if self.char == "+":
            raise PatternError("possessive repeats are not known", self.at, _HINT, "SF211")
        if self.char == "?":
            self.at += 1
        if self.char and self.char in "*+?{":
            raise PatternError("a repeat of a repeat", self.at, "put the first in (…)")
        return _Piece(piece.text + mark, piece.size * max(times, 1))

    def braces(self, begins: int) -> tuple[str, int]:
        closing = self.pattern.find("}", begins)
        inside = self.pattern[begins + 1 : closing] if closing > 0 else ""
        least, comma, most = inside.partition(",")
        if (
            not (least.isascii() and least.isdigit())
            or (most and not most.isascii())
            or (most and not most.isdigit())
        ):
            raise PatternError(
                "`{` begins no repeat such as {2} or {2,3}", begins, r"write \{ for the character"
            )
        low, high = int(least[:6]), int((most or least)[:6])
        if high < low:
            raise PatternError(f"{{{inside}}} ends before it begins", begins, "exchange them")
        if high > MAX_REPEAT:
            message = f"a repeat of more than {MAX_REPEAT}"
            raise PatternError(message, begins, "use a `length` rule", "SF211")
        self.at = closing + 1
        if not comma:
            return f"{{{low}}}", high
        return (f"{{{low},{high}}}" if most else f"{{{low},}}"), high

    def escape(self, begins: int) -> str:
        """Read what follows a backslash outside a class."""
        char = self.char
        if char and char in _CLASSES:
            self.at += 1
            return f"[{_CLASSES[char]}]"
        if char.lower() in _CLASSES and char:
            self.at += 1
            return f"[^{_CLASSES[char.lower()]}]"
        return self.single(begins)[1]

    def single(self, begins: int) -> tuple[int, str]:
        """Read an escape of one character: its code point, and how it is written."""
        char = self.char
        self.at += 1
        if not char:
            raise PatternError("the pattern ends in a backslash", begins, r"write \\ for one")
        if char in _CONTROLS:
            return ord({"t": "\t", "n": "\n", "r": "\r", "f": "\f"}[char]), _CONTROLS[char]
        if char == "x":
            digits = self.pattern[self.at : self.at + 2]
            if len(digits) < 2 or not set(digits) <= _HEX:
                raise PatternError(r"\x takes two hexadecimal digits", begins)
            self.at += 2
            return int(digits, 16), f"\\x{digits.lower()}"
        if char.isascii() and char.isalnum():
            raise PatternError(f"`\\{char}` is not known", begins, _escape_hint(char), "SF211")
        return ord(char), (f"\\{char}" if char in _ESCAPED else char)

    def char_class(self, begins: int) -> _Piece:
        negated = self.char == "^"
        self.at += negated
        items: list[str] = []
        shorthands: set[str] = set()
        first = True
        while self.char != "]" or first:
            if not self.char:
                raise PatternError("`[` is not closed", begins, r"write \[ for the character")
            if self.char == "]":
                raise PatternError("a class is empty", begins, r"write \] for the character")
            first = False
            if self.char == "[":
                hint = r"write \[ for the character"
                raise PatternError("`[` inside a class", self.at, hint, "SF211")
            shorthand = self.shorthand()
            if shorthand:
                shorthands.add(shorthand)
                items.append(_CLASSES.get(shorthand, ""))
            else:
                items.append(self.span())
        self.at += 1
        return _Piece(self.classed(items, shorthands, begins, negated=negated), 1)

    def classed(self, items: list[str], shorthands: set[str], begins: int, *, negated: bool) -> str:
        for upper in sorted(shorthands - set(_CLASSES)):
            if upper.lower() in shorthands and not negated:
                return r"[\s\S]"
            if len(items) > 1 or negated:
                raise PatternError(
                    f"`\\{upper}` inside a class", begins, "write the class without it", "SF211"
                )
            return f"[^{_CLASSES[upper.lower()]}]"
        return f"[{'^' if negated else ''}{''.join(items)}]"

    def shorthand(self) -> str:
        following = self.pattern[self.at + 1 : self.at + 2]
        if self.char == "\\" and following and following.lower() in _CLASSES:
            self.at += 2
            return following
        return ""

    def span(self) -> str:
        begins = self.at
        low, text = self.member()
        if self.char == "-" and self.pattern[self.at + 1 : self.at + 2] not in ("]", ""):
            self.at += 1
            if self.shorthand():
                raise PatternError("a range ends in a class", begins)
            high, end = self.member()
            if high < low:
                raise PatternError("a range ends before it begins", begins, "exchange its ends")
            return f"{text}-{end}"
        return text

    def member(self) -> tuple[int, str]:
        char, begins = self.char, self.at
        self.at += 1
        if char == "\\":
            return self.single(begins)
        return ord(char), (f"\\{char}" if char in _ESCAPED else char)


def _extension(following: str, pattern: str, begins: int) -> tuple[str, int, str]:
    rest = pattern[begins + 2 : begins + 4]
    if following in ("=", "!") or rest in ("<=", "<!"):
        return "look-around is not known", begins, "use an `expression` rule for the second test"
    if following in ("P", "<", "'"):
        return "named groups are not known", begins, "write (…)"
    if following in ("#",):
        return "comments are not known", begins, "remove it"
    return "inline flags are not known", begins, "write both cases, as in [Aa]"


def _escape_hint(char: str) -> str:
    if char.isdigit():
        return "back-references are not known"
    if char in "pP":
        return "Unicode classes are not known; list the characters"
    if char in "AzZG":
        return "a pattern always matches the whole value; remove it"
    if char in "bB":
        return "word boundaries are not known; a pattern matches the whole value"
    return _HINT

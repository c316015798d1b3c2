"""Patterns of the closed subset for Java, which backtracks where the other engines do not.

Java calls itself once for each round of a repeated group, and ends in a stack overflow after about
a thousand. A group that can be repeated in one way only is marked possessive, which changes
nothing of what matches and needs no stack; of what remains, `Java.rounds` says that texts must be
short.
"""

from __future__ import annotations

from dataclasses import dataclass

_LAST = 0x10FFFF
_CONTROLS = {"t": 9, "n": 10, "r": 13, "f": 12, "v": 11}
_BARE = frozenset("-&~#/")
_IN_CLASS = frozenset(".$*+?{}()|/~#")
_REPEATS = {"*": (0, None), "+": (1, None), "?": (0, 1)}

Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Java:
    """A pattern for Java; `rounds` tells whether some repeat needs stack for each of its rounds.

    `chars` is the only text it matches, or None; `before` and `after` are whether anything may
    stand around that text.
    """

    text: str
    rounds: bool
    chars: str | None = None
    before: bool = False
    after: bool = False


@dataclass(frozen=True, slots=True)
class _Set:
    """One character out of some. `char` is the character where there is one only."""

    text: str
    ranges: Ranges
    char: str | None = None


@dataclass(frozen=True, slots=True)
class _Repeat:
    what: _Node
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class _Sequence:
    parts: tuple[_Node, ...]


@dataclass(frozen=True, slots=True)
class _Choice:
    options: tuple[_Node, ...]


_Node = _Set | _Repeat | _Sequence | _Choice


def java(pattern: str) -> Java:
    """Return a rewritten pattern, not anchored, as Java takes it."""
    reader = _Reader(pattern)
    node = reader.choice()
    assert reader.at == len(pattern), pattern
    plain = _plain(node)
    if plain is not None:
        return plain
    writer = _Writer()
    text = writer.written(node, ())
    return Java(text, writer.rounds)


class _Reader:
    """Reads the syntax that `sfctl.compiler.regex` writes."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0

    @property
    def char(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def choice(self) -> _Node:
        options = [self.sequence()]
        while self.char == "|":
            self.at += 1
            options.append(self.sequence())
        return options[0] if len(options) == 1 else _Choice(tuple(options))

    def sequence(self) -> _Node:
        parts: list[_Node] = []
        while self.char and self.char not in "|)":
            parts.append(self.repeated(self.one()))
        return parts[0] if len(parts) == 1 else _Sequence(tuple(parts))

    def one(self) -> _Node:
        char = self.char
        self.at += 1
        if char == "(":
            self.at += 2
            inside = self.choice()
            self.at += 1
            return inside
        if char == "[":
            return self.listed()
        if char == ".":
            return _Set(r"[^\n]", _without(((10, 10),)))
        if char == "\\":
            code, text = self.escaped()
            return _Set(text, ((code, code),), chr(code))
        return _Set(char, ((ord(char), ord(char)),), char)

    def repeated(self, node: _Node) -> _Node:
        if self.char and self.char in _REPEATS:
            least, most = _REPEATS[self.char]
            self.at += 1
        elif self.char == "{":
            closing = self.pattern.index("}", self.at)
            low, comma, high = self.pattern[self.at + 1 : closing].partition(",")
            least = int(low)
            most = (int(high) if high else None) if comma else least
            self.at = closing + 1
        else:
            return node
        return _Repeat(node, least, most)

    def escaped(self) -> tuple[int, str]:
        char = self.char
        self.at += 1
        if char == "x":
            digits = self.pattern[self.at : self.at + 2]
            self.at += 2
            return int(digits, 16), f"\\x{digits}"
        if char in _CONTROLS:
            code = _CONTROLS[char]
            return code, f"\\x{code:02x}"
        if char in _BARE:
            return ord(char), char
        return ord(char), f"[{char}]" if char in _IN_CLASS else f"\\{char}"

    def listed(self) -> _Set:
        negated = self.char == "^"
        self.at += negated
        ranges: list[tuple[int, int]] = []
        text = ""
        while self.char != "]":
            if self.pattern.startswith((r"\s", r"\S"), self.at):
                # the only shorthands left say together: any character
                self.at += 2
                ranges.append((0, _LAST))
                text += self.pattern[self.at - 2 : self.at]
                continue
            low, said = self.member()
            high = low
            text += said
            if self.char == "-" and self.pattern[self.at + 1 : self.at + 2] != "]":
                self.at += 1
                high, said = self.member()
                text += f"-{said}"
            ranges.append((low, high))
        self.at += 1
        found = _without(_joined(ranges)) if negated else _joined(ranges)
        return _Set(f"[{'^' if negated else ''}{text}]", found)

    def member(self) -> tuple[int, str]:
        char = self.char
        self.at += 1
        if char != "\\":
            return ord(char), char
        code, _ = self.escaped()
        char = chr(code)
        if char in _IN_CLASS:
            return code, char
        written = f"\\{char}" if char.isprintable() and code < 128 and not char.isalnum() else ""
        return code, written or (f"\\x{code:02x}" if code < 256 else char)


class _Writer:
    """Writes a pattern; `first` of what may follow decides what is possessive."""

    def __init__(self) -> None:
        self.rounds = False

    def written(self, node: _Node, follow: Ranges) -> str:
        if isinstance(node, _Set):
            return node.text
        if isinstance(node, _Choice):
            return "|".join(self.written(option, follow) for option in node.options)
        if isinstance(node, _Sequence):
            texts = []
            for place, part in enumerate(node.parts):
                text = self.written(part, _follow(node.parts[place + 1 :], follow))
                texts.append(f"(?:{text})" if isinstance(part, _Choice) else text)
            return "".join(texts)
        inside = _repeated_set(node.what)
        if inside is not None:
            return inside.text + _mark(node)
        again = _joined([*_first(node.what), *follow])
        text = f"(?:{self.written(node.what, again)}){_mark(node)}"
        if node.most == 1 or _fixed(node.what):
            return text
        if not _meet(_first(node.what), follow) and _decided(node.what, again):
            return text + "+"
        if node.most is None or node.most > 100:
            self.rounds = True
        return text


def _mark(node: _Repeat) -> str:
    if node.most is None:
        return {0: "*", 1: "+"}.get(node.least, f"{{{node.least},}}")
    if (node.least, node.most) == (0, 1):
        return "?"
    return f"{{{node.least}}}" if node.least == node.most else f"{{{node.least},{node.most}}}"


def _repeated_set(node: _Node) -> _Set | None:
    """Return what a repeat of single characters repeats; alternatives of them are one class."""
    if isinstance(node, _Set):
        return node
    if not isinstance(node, _Choice):
        return None
    ranges: list[tuple[int, int]] = []
    text = ""
    for option in node.options:
        if not isinstance(option, _Set) or option.text.startswith("[^"):
            return None
        ranges += option.ranges
        bare = option.text.startswith("[")
        char = option.char if option.char in ("-", "^", "&") else None
        text += option.text[1:-1] if bare else f"\\{char}" if char else option.text
    return _Set(f"[{text}]", _joined(ranges))


def _fixed(node: _Node) -> bool:
    """Tell whether a repeated group leaves nothing to try again, so that Java loops over it."""
    if isinstance(node, _Set):
        return True
    if isinstance(node, _Sequence):
        return bool(node.parts) and all(map(_fixed, node.parts))
    return isinstance(node, _Repeat) and node.least == node.most and isinstance(node.what, _Set)


def _decided(node: _Node, follow: Ranges) -> bool:
    """Tell whether the next character always says which way to go, inside and out of a node."""
    if isinstance(node, _Set):
        return True
    if isinstance(node, _Sequence):
        return all(
            _decided(part, _follow(node.parts[place + 1 :], follow))
            for place, part in enumerate(node.parts)
        )
    if isinstance(node, _Choice):
        starts = [_first(option) for option in node.options]
        if any(_empty(option) for option in node.options):
            return False
        apart = all(
            not _meet(one, other) for at, one in enumerate(starts) for other in starts[at + 1 :]
        )
        return apart and all(_decided(option, follow) for option in node.options)
    if _empty(node.what):
        return False
    again = _joined([*_first(node.what), *follow])
    settled = node.least == node.most or not _meet(_first(node.what), follow)
    return settled and _decided(node.what, again if node.most != 1 else follow)


def _first(node: _Node) -> Ranges:
    """Return the characters that a node may begin with."""
    if isinstance(node, _Set):
        return node.ranges
    if isinstance(node, _Choice):
        return _joined([each for option in node.options for each in _first(option)])
    if isinstance(node, _Repeat):
        return _first(node.what) if node.most != 0 else ()
    return _follow(node.parts, ())


def _follow(parts: tuple[_Node, ...], after: Ranges) -> Ranges:
    """Return the characters that may come first in some parts, and then in what is after them."""
    found: list[tuple[int, int]] = []
    for part in parts:
        found += _first(part)
        if not _empty(part):
            return _joined(found)
    return _joined([*found, *after])


def _empty(node: _Node) -> bool:
    """Tell whether a node may match nothing."""
    if isinstance(node, _Set):
        return False
    if isinstance(node, _Choice):
        return any(map(_empty, node.options))
    if isinstance(node, _Repeat):
        return node.least == 0 or _empty(node.what)
    return all(map(_empty, node.parts))


def _joined(ranges: list[tuple[int, int]]) -> Ranges:
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return tuple(found)


def _without(ranges: Ranges) -> Ranges:
    found, begins = [], 0
    for low, high in ranges:
        if begins < low:
            found.append((begins, low - 1))
        begins = high + 1
    return (*found, (begins, _LAST)) if begins <= _LAST else tuple(found)


def _meet(one: Ranges, other: Ranges) -> bool:
    return any(a <= d and c <= b for a, b in one for c, d in other)


def _plain(node: _Node) -> Java | None:
    """Return a pattern that is one text with anything, or nothing, around it."""
    parts = list(node.parts if isinstance(node, _Sequence) else (node,))
    before = bool(parts) and _is_anything(parts[0])
    del parts[: int(before)]
    after = bool(parts) and _is_anything(parts[-1])
    del parts[len(parts) - int(after) :]
    chars = [part.char for part in parts if isinstance(part, _Set) and part.char is not None]
    if len(chars) < len(parts):
        return None
    return Java("", False, "".join(chars), before, after)


def _is_anything(node: _Node) -> bool:
    return (
        isinstance(node, _Repeat)
        and (node.least, node.most) == (0, None)
        and isinstance(node.what, _Set)
        and node.what.ranges == ((0, _LAST),)
    )

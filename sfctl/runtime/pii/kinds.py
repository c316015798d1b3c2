"""The kinds of personal data we recognise: a pattern, and a check that a pattern cannot express.

Patterns are written in the part of regex that Rust and Python read alike: ASCII classes, no
look-around. `\\b` is an ASCII word boundary in both (see `rust` and `python`). Each ends in
groups that hold what a mask keeps.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

from sfctl.model import checksum

_WORD = re.compile(r"[A-Za-z0-9]+")
_GROUP = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\((?!\?)", re.DOTALL)
"""What opens a group; a bracket that is escaped, or stands in a class, is matched with it."""
_SEP = r"[ .()-]{0,2}"
_LAST4 = rf"([0-9]){_SEP}([0-9]){_SEP}([0-9]){_SEP}([0-9])"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind. `mask` is a replacement in Rust's syntax (`${1}`); `valid` sees the raw match.

    `keeps` says what a mask keeps of a cell that is a match as a whole, so that such cells need
    no capture groups, which cost four times the match itself.
    """

    name: str
    pattern: str
    mask: str
    valid: Callable[[str], bool] | None = None
    keeps: Literal["last four", "domain", "groups"] = "groups"

    @property
    def rust(self) -> str:
        """The pattern for Polars: word boundaries made ASCII."""
        return self.pattern.replace(r"\b", r"(?-u:\b)")

    @property
    def probe(self) -> str:
        """The pattern without groups, up to four times as quick: to ask whether it occurs."""
        return _GROUP.sub(lambda found: found[0] + "?:" if found[0] == "(" else found[0], self.rust)

    @property
    def stars(self) -> str:
        """The mask without what it keeps."""
        return self.mask.partition("${")[0]

    @property
    def python(self) -> re.Pattern[str]:
        """The pattern for Python, with the same meaning."""
        return _compiled(self.pattern)

    def matches(self, text: str) -> Iterator[re.Match[str]]:
        """Yield what is of this kind in a text, left to right, without overlaps.

        Where a match as a whole is not valid, for it took in words beside the number, the longest
        run of its words that is valid counts.
        """
        if self.valid is None:
            yield from self.python.finditer(text)
            return
        position = 0
        while found := self.python.search(text, position):
            real = found if self.valid(found.group()) else self._within(found)
            if real is not None:
                yield real
            position = (real or found).end()

    def replaced(self, text: str, by: Callable[[re.Match[str]], str]) -> str:
        """Return the text with every match replaced."""
        parts, position = [], 0
        for match in self.matches(text):
            parts += [text[position : match.start()], by(match)]
            position = match.end()
        return "".join([*parts, text[position:]])

    def _within(self, found: re.Match[str]) -> re.Match[str] | None:
        assert self.valid is not None
        words = list(_WORD.finditer(found.string, found.start(), found.end()))
        for length in range(len(words) - 1, 0, -1):
            for first in range(len(words) - length + 1):
                start, end = words[first].start(), words[first + length - 1].end()
                part = self.python.fullmatch(found.string, start, end)
                if part is not None and self.valid(part.group()):
                    return part
        return None

    def masked(self, match: re.Match[str]) -> str:
        """Return the masked form of one match."""
        return re.sub(r"\$\{(\d+)\}", lambda m: match.group(int(m[1])) or "", self.mask)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)


_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "EMAIL",
            r"\b[A-Za-z0-9][A-Za-z0-9._%+'-]{0,63}@"
            r"((?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24})\b",
            "***@${1}",
            keeps="domain",
        ),
        Kind(
            "PHONE",
            rf"(?:\+[0-9](?:{_SEP}[0-9]){{3,10}}{_SEP}{_LAST4}"
            r"|(?:\([0-9]{3}\) ?|\b[2-9][0-9]{2}[-. ])[0-9]{3}[-. ]([0-9]{4}))\b",
            "***-***-${1}${2}${3}${4}${5}",
            keeps="last four",
        ),
        Kind(
            "SSN",
            r"\b(?:00[1-9]|0[1-9][0-9]|[1-57-8][0-9]{2}|6[0-57-9][0-9]|66[0-57-9])-"
            r"(?:0[1-9]|[1-9][0-9])-"
            r"(000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})\b",
            "***-**-${1}",
            keeps="last four",
        ),
        Kind(
            "CREDIT_CARD",
            r"\b[2-6][0-9]{3}(?:[ -]?[0-9]){5,11}"
            r"[ -]?([0-9])[ -]?([0-9])[ -]?([0-9])[ -]?([0-9])\b",
            "****-****-****-${1}${2}${3}${4}",
            checksum.luhn,
        ),
        Kind(
            "IBAN",
            r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]){7,26} ?([A-Z0-9]) ?([A-Z0-9]) ?([A-Z0-9]) ?"
            r"([A-Z0-9])\b",
            "****${1}${2}${3}${4}",
            checksum.iban,
        ),
        Kind("IP", rf"\b{_OCTET}\.{_OCTET}\.{_OCTET}\.({_OCTET})\b", "*.*.*.${1}"),
    )
}


def kind_for(name: str, pattern: str = "") -> Kind:
    """Return a built-in kind, or a custom one made of `pattern`. Raises KeyError for neither."""
    if pattern:
        return Kind(name, pattern, "****")
    return KINDS[name]

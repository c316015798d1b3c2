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


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind. `mask` is a replacement in Rust's syntax (`${1}`); `valid` sees the raw match.

    `mask_else` takes its place where group 1 is empty. `alone` sees a text and where in it a match
    begins and ends, and says whether what stands beside it leaves it what it seems; it is asked
    of kinds with `valid`. `keeps` says what a mask keeps of a cell that is a match as a whole, so
    that such cells need no capture groups, which cost four times the match itself.

    `sure` matches cells that are surely of a kind with `valid`, `needs` something that every text
    of it holds: both spare asking `valid` of each value.
    """

    name: str
    pattern: str
    mask: str
    valid: Callable[[str], bool] | None = None
    keeps: Literal["last four", "domain", "groups"] = "groups"
    mask_else: str = ""
    alone: Callable[[str, int, int], bool] | None = None
    sure: str = ""
    needs: str = ""

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
            real = found if self._real(found) else self._within(found)
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
        words = list(_WORD.finditer(found.string, found.start(), found.end()))
        for length in range(len(words) - 1, 0, -1):
            for first in range(len(words) - length + 1):
                start, end = words[first].start(), words[first + length - 1].end()
                part = self.python.fullmatch(found.string, start, end)
                if part is not None and self._real(part):
                    return part
        return None

    def _real(self, found: re.Match[str]) -> bool:
        assert self.valid is not None
        return self.valid(found.group()) and (
            self.alone is None or self.alone(found.string, *found.span())
        )

    def masked(self, match: re.Match[str]) -> str:
        """Return the masked form of one match."""
        mask = self.mask if match.group(1) or not self.mask_else else self.mask_else
        return re.sub(r"\$\{(\d+)\}", lambda m: match.group(int(m[1])) or "", mask)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)


def _unsigned(text: str, start: int, end: int) -> bool:  # noqa: ARG001
    """Whether no plus stands before a number: that makes it a telephone's."""
    return not text.endswith("+", 0, start)


def _no_part_of_more(text: str, start: int, end: int) -> bool:
    """Whether an address is no piece of an object identifier, a scope `a::b` or a longer row."""
    before, after = text[max(0, start - 2) : start], text[end : end + 9]
    if ":" not in text[start:end]:
        return not (_DIGIT_DOT.search(before) or _DOT_DIGIT.match(after))
    return not (_HEX_COLON.search(before) or _WORDY.match(after))


_DIGIT_DOT = re.compile(r"\w\.$")
_DOT_DIGIT = re.compile(r"\.\d|[-.](?:alpha|beta|dev|final|pre|rc|release|snapshot)", re.IGNORECASE)
_HEX_COLON, _WORDY = re.compile(r"[0-9A-Fa-f:]:$|\w$"), re.compile(r"[\w:]")

_LETTER = "A-Za-zÀ-ÖØ-öø-ɏͰ-ϿЀ-ԯ"
"""Letters of addresses: Latin, Greek, Cyrillic. Scripts without blanks would swallow the words."""
_INNER = f"[{_LETTER}0-9-]"
_LABEL = (
    f"(?:[{_LETTER}](?:{_INNER}{{0,61}}[{_LETTER}0-9])?"
    f"|[0-9](?:{_INNER}{{1,61}}[{_LETTER}0-9]|[0-9A-WYZa-wyz])?)"
)
"""One label of a domain. A digit and an x are none: `icon@2x.png` is a picture."""
_SEP = "[ ()/\u00a0\u2009\u202f\u2010-\u2013-]{0,2}"
_LAST4 = rf"([0-9]){_SEP}([0-9]){_SEP}([0-9]){_SEP}([0-9])"
_CALLING = (
    "(?:2[07]|2[1-689][0-9]|3[0-469]|3[578][0-9]|4[013-9]|42[0-9]|5[1-8]|5[09][0-9]|6[0-6]"
    "|6[7-9][0-9]|8[1246]|8[0578][0-9]|9[0-58]|9[679][0-9])"
)
"""Codes that ITU-T E.164 has given out, but for 1 and 7, whose numbers have ten digits each."""
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_HEX = "[0-9A-Fa-f]"
_ISSUED = r"(?:00[1-9]|0[1-9][0-9]|[1-57-8][0-9]{2}|6[0-57-9][0-9]|66[0-57-9])"

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "EMAIL",
            rf"[{_LETTER}0-9][{_LETTER}0-9._%+'-]{{0,63}}@"
            rf"((?:{_LABEL}\.)+(?:[A-Za-z]{{2,24}}|xn--[A-Za-z0-9-]{{2,59}}|[Ѐ-ԯ]{{2,24}}))\b",
            "***@${1}",
            keeps="domain",
        ),
        Kind(
            "PHONE",
            rf"(?:\+(?:(?:1{_SEP}[2-9]|7{_SEP}[0-9])(?:{_SEP}[0-9]){{5}}"
            rf"|{_CALLING}(?:{_SEP}[0-9]){{1,8}}){_SEP}{_LAST4}"
            rf"|\+(?:[17]|{_CALLING})[. ][0-9]{{1,4}}(?:\.[0-9]{{2,4}}){{1,4}}\.([0-9]{{2,4}})"
            rf"|\b00 ?(?:[17]|{_CALLING})[ ()/-]{{1,2}}[0-9](?:{_SEP}[0-9]){{0,8}}{_SEP}{_LAST4}"
            r"|(?:\b1[-. ]?)?(?:\([2-9][0-8][0-9]\) ?|\b[2-9][0-8][0-9][-. ])"
            r"[2-9][0-9]{2}[-. ]([0-9]{4}))\b",
            "***-***-" + "".join(f"${{{group}}}" for group in range(1, 11)),
            keeps="last four",
        ),
        Kind(
            "SSN",
            rf"\b{_ISSUED}(?:-(?:0[1-9]|[1-9][0-9])-| (?:0[1-9]|[1-9][0-9]) )"
            r"(000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})\b",
            "***-**-${1}",
            keeps="last four",
        ),
        Kind(
            "CREDIT_CARD",
            r"\b[1-6][0-9]{3}(?:[ -]?[0-9]){4,11}"
            r"[ -]?([0-9])[ -]?([0-9])[ -]?([0-9])[ -]?([0-9])\b",
            "****-****-****-${1}${2}${3}${4}",
            checksum.card,
            alone=_unsigned,
        ),
        Kind(
            "IBAN",
            r"\b(?:[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]){7,26} ?([A-Z0-9]) ?([A-Z0-9]) ?([A-Z0-9]) ?"
            r"([A-Z0-9])|[a-z]{2}[0-9]{2}[a-z0-9]{7,26}([a-z0-9]{4}))\b",
            "****${1}${2}${3}${4}${5}",
            checksum.iban,
        ),
        Kind(
            "IP",
            rf"\b{_OCTET}\.{_OCTET}\.{_OCTET}\.({_OCTET})\b"
            rf"|(?:{_HEX}{{1,4}}:(?:{_HEX}{{0,4}}:){{1,6}}|::(?:{_HEX}{{0,4}}:){{0,5}})"
            rf"((?:{_OCTET}\.){{3}}{_OCTET}|{_HEX}{{0,4}})",
            "*.*.*.${1}",
            checksum.ip,
            mask_else="*:*:*:${2}",
            alone=_no_part_of_more,
            sure=rf"(?:[1-9][0-9]?|1[0-9]{{2}}|2[01][0-9]|22[0-3])(?:\.{_OCTET}){{3}}",
            needs=rf"::|(?:{_HEX}{{1,4}}:){{6}}|(?:{_OCTET}\.){{3}}",
        ),
    )
}


def kind_for(name: str, pattern: str = "") -> Kind:
    """Return a built-in kind, or a custom one made of `pattern`. Raises KeyError for neither."""
    if pattern:
        return Kind(name, pattern, "****")
    return KINDS[name]

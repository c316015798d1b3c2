"""What personal data looks like inside a text: the patterns behind the sanitizer."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_address


def replace(text: str, *, strict: bool) -> str:
    """Return `text` with every find replaced by its kind in angle brackets.

    `strict` asks for valid check digits and unmistakable forms, for fields that also hold ids,
    dates and numbers; otherwise anything that resembles goes.
    """
    if not _WORTH_A_LOOK.search(text):
        return text
    for kind, pattern, valid in _STRICT if strict else _LOOSE:
        if valid is None:
            text = pattern.sub(kind, text)
        else:
            text = pattern.sub(lambda m, v=valid, k=kind: k if v(m[0]) else m[0], text)  # type: ignore[misc]
    return text


def luhn(text: str) -> bool:
    """Tell whether the digits in `text` are 13 to 19 with a valid Luhn check digit."""
    digits = [int(char) for char in text if char.isdecimal()]
    if not 13 <= len(digits) <= 19:
        return False
    doubled = [2 * d - 9 if 2 * d > 9 else 2 * d for d in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def mod97(text: str) -> bool:
    """Tell whether `text` has an IBAN's length and ISO 7064 check digits."""
    compact = re.sub(r"\W", "", text).upper()
    if not 15 <= len(compact) <= 34:
        return False
    turned = compact[4:] + compact[:4]
    return int("".join(str(int(char, 36)) for char in turned)) % 97 == 1


def is_address(text: str) -> bool:
    """Tell whether `text` is an IPv4 or IPv6 address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _seven_digits(text: str) -> bool:
    return 7 <= sum(char.isdigit() for char in text) <= 17


_Row = tuple[str, re.Pattern[str], Callable[[str], bool] | None]

_WORTH_A_LOOK = re.compile(r"@|\d(?:[ ./()-]{0,3}\d){6}|\d\.\d+\.\d|::|[0-9A-Fa-f]:[0-9A-Fa-f]*:")
_WORD = r"[^\s@<>\"'()\[\]{},;:=/\\]"
_EMAIL = re.compile(rf"(?<!{_WORD}){_WORD}++@{_WORD}+\.[^\W\d_]{{2,}}")
_SSN = re.compile(r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])")
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\d)")
_IPV6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:])")
_CARD = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])")
_IBAN = re.compile(r"(?<![\w-])[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{2,4}){3,8}(?![\w-])", re.IGNORECASE)
_PHONE = re.compile(
    r"(?<![\w.-])(?:\+\d(?:[ ().-]{0,2}\d){6,14}|(?:\(\d{3}\) ?|\d{3}[-. ])\d{3}[-. ]\d{4})"
    r"(?![\w-])"
)

_STRICT: tuple[_Row, ...] = (
    ("<email>", _EMAIL, None),
    ("<iban>", _IBAN, mod97),
    ("<card>", _CARD, luhn),
    ("<ssn>", _SSN, None),
    ("<ip>", _IPV4, is_address),
    ("<ip>", _IPV6, is_address),
    ("<phone>", _PHONE, None),
)
_LOOSE: tuple[_Row, ...] = (
    ("<email>", _EMAIL, None),
    ("<iban>", re.compile(_IBAN.pattern.replace(r"(?<![\w-])", r"(?<!\w)"), re.IGNORECASE), mod97),
    ("<card>", re.compile(r"\d(?:[ -]?\d){12,18}"), None),
    ("<ssn>", re.compile(r"\d{3}[- ]\d{2}[- ]\d{4}"), None),
    ("<ip>", re.compile(r"(?:\d{1,3}\.){3}\d{1,3}"), None),
    ("<ip>", re.compile(r"(?<![\w:])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}"), is_address),
    ("<phone>", re.compile(r"\+?\(?\d(?:[ ()./-]{0,3}\d){6,16}"), _seven_digits),
)

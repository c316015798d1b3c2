"""The closed list of named formats: a pattern that a whole value matches, and at times a check.

Patterns are of the rewritten regex subset. A check sees only values that match the pattern; it
says what a pattern cannot, such as whether a day exists. A value has the format when both agree.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache

from sfctl.model import checksum


@dataclass(frozen=True, slots=True)
class FormatSpec:
    """One format. `check` is None where the pattern says everything."""

    name: str
    meaning: str
    pattern: str
    check: Callable[[str], bool] | None = None

    def valid(self, text: str) -> bool:
        """Tell whether a text has the format: the meaning every adapter must give."""
        if _compiled(self.pattern).fullmatch(text) is None:
            return False
        return self.check is None or self.check(text)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _reads(reader: Callable[[str], object]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            reader(text)
        except ValueError:
            return False
        return True

    return check


_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_IPV6 = r"[0-9A-Fa-f:]{2,39}(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3})?"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?"
_DAY = r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,6})?)?"

FORMATS: dict[str, FormatSpec] = {
    spec.name: spec
    for spec in (
        FormatSpec(
            "email",
            "An address with a domain of two labels or more; no quotes, ASCII only.",
            r"[A-Za-z0-9][A-Za-z0-9._%+'\-]{0,63}@" rf"(?:{_LABEL}\.)+[A-Za-z]{{2,24}}",
        ),
        FormatSpec(
            "phone",
            "International with `+` and 7 to 15 digits, or ten digits of North America.",
            r"\+[1-9](?:[ .()\-]{0,2}[0-9]){6,14}"
            r"|(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[\-. ]?)[0-9]{3}[\-. ]?[0-9]{4}",
        ),
        FormatSpec(
            "ssn",
            "A US social security number with dashes, of a group that is given out.",
            r"(?:00[1-9]|0[1-9][0-9]|[1-578][0-9]{2}|6[0-57-9][0-9]|66[0-57-9])"
            r"-(?:0[1-9]|[1-9][0-9])"
            r"-(?:000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})",
        ),
        FormatSpec(
            "credit_card",
            "13 to 19 digits, spaces or dashes between them, with a valid Luhn digit.",
            r"[2-6][0-9]{3}(?:[ \-]?[0-9]){9,15}",
            checksum.luhn,
        ),
        FormatSpec(
            "iban",
            "Of its country's length and mod 97; spaces between groups are allowed.",
            r"[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]){11,30}",
            checksum.iban,
        ),
        FormatSpec("ipv4", "Four numbers to 255 without leading zeros.", _IPV4),
        FormatSpec("ipv6", "RFC 4291 text form.", _IPV6, _reads(ipaddress.IPv6Address)),
        FormatSpec("ip", "An ipv4 or an ipv6.", rf"{_IPV4}|{_IPV6}", _reads(ipaddress.ip_address)),
        FormatSpec(
            "uuid",
            "Eight, four, four, four and twelve hexadecimal digits with dashes.",
            r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
        ),
        FormatSpec(
            "url",
            "http or https, a host or address, then any path without spaces.",
            rf"[Hh][Tt][Tt][Pp][Ss]?://(?:{_IPV4}|\[[0-9A-Fa-f:.]{{2,45}}\]|{_LABEL}"
            rf"(?:\.{_LABEL})*)(?::[0-9]{{1,5}})?(?:[/?\#][!-~]*)?",
        ),
        FormatSpec(
            "hostname",
            "RFC 1123 labels of 63 characters, 253 in all.",
            rf"{_LABEL}(?:\.{_LABEL})*",
            lambda text: len(text) <= 253,
        ),
        FormatSpec("date", "YYYY-MM-DD, a day that exists.", _DAY, _reads(date.fromisoformat)),
        FormatSpec("time", "HH:MM[:SS[.ffffff]], 24 hours.", _CLOCK, _reads(time.fromisoformat)),
        FormatSpec(
            "datetime",
            "YYYY-MM-DDTHH:MM[:SS[.ffffff]] with an optional zone; a blank may stand for T.",
            rf"{_DAY}[T ]{_CLOCK}(?:Z|[+\-][0-9]{{2}}:[0-9]{{2}})?",
            _reads(datetime.fromisoformat),
        ),
    )
}

"""Named formats: their pattern, and in SQL the check of what a pattern cannot say."""

from __future__ import annotations

from collections.abc import Callable

from sfctl.model.checksum import IBAN_LENGTHS
from sfctl.model.formats import FORMATS
from sfctl.runtime.spark.patterns import like, said
from sfctl.runtime.spark.sql import Term, boolean, inner, joined

_DIGITS = "0123456789"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_OF, _AT, _REST = "_sfctl_of", "_sfctl_at", "_sfctl_rest"
"""Names inside of lambdas; any other would hide a column that is called so."""
_HEX = "[0-9A-Fa-f]{1,4}"
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = f"{_OCTET}(?:[.]{_OCTET}){{3}}"


def has(operand: Term, name: str) -> Term:
    """Return whether text has a named format of `sfctl.model.formats`; null where it is null."""
    value = operand.value
    shaped = said(value, OWN[name]) if name in OWN else like(value, FORMATS[name].pattern)
    check = _CHECKS.get(name)
    if check is None:
        return boolean(shaped, operand.error)
    # of a value without the shape, the check is never asked
    whole = joined("AND", [shaped, check(value)])
    return boolean(f"if({inner(value)} IS NULL, NULL, {whole})", operand.error)


def _ipv6() -> str:
    """Return the text forms of RFC 4291: eight groups, or fewer around one `::`.

    The last two groups may be written as an ipv4.
    """
    forms = [f"(?:{_HEX}:){{7}}{_HEX}", f"(?:{_HEX}:){{6}}{_IPV4}"]
    for before in range(8):
        head = f"{_HEX}(?::{_HEX}){{{before - 1}}}" if before else ""
        room = 7 - before
        tails = [f"(?:{_HEX}(?::{_HEX}){{0,{room - 1}}})?" if room else ""]
        if room >= 2:
            tails.append(f"(?:{_HEX}:){{0,{room - 2}}}{_IPV4}")
        forms += [f"{head}::{tail}" for tail in tails]
    return "|".join(forms)


def _luhn(text: str) -> str:
    digits = f"translate({text}, ' -', '')"
    terms = []
    for place in range(1, 20):
        doubled = "0246813579" if place % 2 == 0 else _DIGITS
        digit = f"instr('{_DIGITS}', substring({_OF}, {20 - place}, 1))"
        terms.append(f"CAST(substring('{doubled}', {digit}, 1) AS INT)")
    total = " + ".join(terms)
    same = f"translate({digits}, substring({digits}, 1, 1), '') <> ''"
    return f"{same} AND exists(array(lpad({digits}, 19, '0')), {_OF} -> ({total}) % 10 = 0)"


def _iban(text: str) -> str:
    compact = f"translate({text}, ' ', '')"
    lengths: dict[int, list[str]] = {}
    for country, length in IBAN_LENGTHS.items():
        lengths.setdefault(length, []).append(country)
    whens = " ".join(
        f"WHEN {length} THEN left({compact}, 2) IN ({', '.join(map(repr, some))})"
        for length, some in sorted(lengths.items())
    )
    turned = f"concat(substring({compact}, 5), left({compact}, 4))"
    places = f"sequence(1, char_length({compact}))"
    # two places of a number for a letter, one for a digit
    value = f"instr('{_DIGITS}{_LETTERS}', substring({_OF}, {_AT}, 1)) - 1"
    step = f"({_REST} * (CASE WHEN {value} > 9 THEN 100 ELSE 10 END) + {value}) % 97"
    folded = f"aggregate({places}, 0, ({_REST}, {_AT}) -> {step})"
    rest = f"exists(array({turned}), {_OF} -> {folded} = 1)"
    return f"CASE char_length({compact}) {whens} ELSE FALSE END AND {rest}"


_LABEL = "(?![A-Za-z0-9-]{64})[A-Za-z0-9]++(?:-++[A-Za-z0-9]++)*+"
_HOST = f"{_LABEL}(?:[.]{_LABEL})*+"
OWN: dict[str, str] = {
    "email": f"[A-Za-z0-9][A-Za-z0-9._%+'-]{{0,63}}@(?:{_LABEL}[.])++[A-Za-z]{{2,24}}",
    "hostname": _HOST,
    "url": f"[Hh][Tt][Tt][Pp][Ss]?://(?:{_IPV4}|[\\[][0-9A-Fa-f:.]{{2,45}}[\\]]|{_HOST})"
    "(?::[0-9]{1,5})?(?:[/?#][!-~]*)?",
    "ipv6": _ipv6(),
    "ip": f"{_IPV4}|{_ipv6()}",
}
"""Formats in Java's own words.

Labels of names are written so that Java never tries one again, however many there are; a pattern
can say all of what an ipv6 is.
"""

_CHECKS: dict[str, Callable[[str], str]] = {
    "credit_card": _luhn,
    "iban": _iban,
    "hostname": lambda text: f"char_length({text}) <= 253",
    "date": lambda text: f"left({text}, 4) <> '0000' AND try_cast({text} AS DATE) IS NOT NULL",
    "datetime": lambda text: (
        f"left({text}, 4) <> '0000' AND try_cast(left({text}, 10) AS DATE) IS NOT NULL"
        f" AND NOT {like(text, '.*[+-](?:23:[6-9]|2[4-9]:|[3-9][0-9]:)[0-9:]*')}"
    ),
}

"""Make texts whose personal data is known: values by other people's generators, places by us.

Runs where Faker, phonenumbers and python-stdnum are installed and knows nothing of sfctl. Prints
JSON Lines: `text`, `family`, `half` (dev or held), `kind` with `start` and `end`, or null for a
value that is no personal data however it looks. The same seed gives the same bytes.
"""

from __future__ import annotations

import json
import random
import sys
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import blake2b

import phonenumbers
from faker import Faker
from phonenumbers import PhoneNumberFormat, PhoneNumberType
from stdnum import luhn

SEED = 20240115
EACH = 400
NOW = datetime(2024, 1, 15, tzinfo=UTC)
LOCALES = (
    "en_US", "en_GB", "en_IN", "de_DE", "de_CH", "fr_FR", "es_ES", "es_MX", "it_IT", "pt_BR",
    "nl_NL", "pl_PL", "sv_SE", "cs_CZ", "tr_TR", "ja_JP",
)  # fmt: skip
AROUND = (
    ("", ""), (" ", " "), ("(", ")"), ("<", ">"), ('"', '"'), ("'", "'"), ("", ","), ("", ";"),
    (": ", "."), ("[", "]"), ("\t", "\t"), ("", "!"), ("", "?"), ("‘", "’"), ("„", "“"),
    ("– ", " –"), ("|", "|"), ("\n", "\n"), ("「", "」"), ("=", "&x=1"), (":", "\r\n"), ("*", "*"),
)  # fmt: skip

random.seed(SEED)
Faker.seed(SEED)
FAKES = {name: Faker(name) for name in LOCALES}
US = FAKES["en_US"]


def anyone() -> Faker:
    return FAKES[random.choice(LOCALES)]


def digits(count: int, first: str = "123456789") -> str:
    return random.choice(first) + "".join(random.choices("0123456789", k=count - 1))


def hexadecimal(count: int) -> str:
    return "".join(random.choices("0123456789abcdef", k=count))


def grouped(text: str, *sizes: int, by: str = " ") -> str:
    parts, start = [], 0
    for size in sizes:
        parts.append(text[start : start + size])
        start += size
    return by.join(part for part in parts if part)


# ---- personal data: every value is made or checked by another package


def email() -> str:
    fake = anyone()
    return random.choice((fake.email, fake.ascii_email, fake.company_email, fake.free_email))()


def email_written_otherwise() -> str:
    local, _, domain = anyone().ascii_email().partition("@")
    forms = (
        f"{local}+{random.choice(('news', 'shop', '2024'))}@{domain}",
        f"{local}@mail.{domain}",
        f"{local.upper()}@{domain.upper()}",
        f"{local}_{digits(3)}@{domain}",
        f"{local}-x@{domain}",
        f"{local[0]}@{domain}",
        f"{local}'s@{domain}",
    )
    return random.choice(forms)


def email_of_the_world() -> str:
    local, _, domain = anyone().ascii_email().partition("@")
    name, _, top = domain.rpartition(".")
    return random.choice((f"{local}é@{domain}", f"{local}@{name}ü.{top}", f"иван.{local}@{domain}"))


def email_obfuscated() -> str:
    local, _, domain = anyone().ascii_email().partition("@")
    dots = domain.replace(".", " dot ")
    return random.choice((f"{local} at {dots}", f"{local}[at]{domain}", f"{local} (at) {domain}"))


NUMBERS = [
    number
    for region in phonenumbers.SUPPORTED_REGIONS
    for kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE)
    if (number := phonenumbers.example_number_for_type(region, kind))
]
NUMBERS.sort(key=lambda n: (n.country_code, n.national_number))


def telephone() -> phonenumbers.PhoneNumber:
    """Return a number that is valid in its country: an example with its last digits changed."""
    while True:
        example = random.choice(NUMBERS)
        text = str(example.national_number)
        changed = int(text[:-4] + digits(4, "0123456789"))
        number = phonenumbers.PhoneNumber(example.country_code, changed)
        if phonenumbers.is_valid_number(number):
            return number


def phone_e164() -> str:
    return phonenumbers.format_number(telephone(), PhoneNumberFormat.E164)


def phone_international() -> str:
    return phonenumbers.format_number(telephone(), PhoneNumberFormat.INTERNATIONAL)


def phone_rfc3966() -> str:
    return phonenumbers.format_number(telephone(), PhoneNumberFormat.RFC3966)


def american() -> phonenumbers.PhoneNumber:
    while True:
        number = phonenumbers.PhoneNumber(1, int(digits(10, "23456789")))
        if phonenumbers.is_valid_number(number):
            return number


def phone_american() -> str:
    text = str(american().national_number)
    a, b, c = text[:3], text[3:6], text[6:]
    return random.choice(
        (
            f"({a}) {b}-{c}",
            f"{a}-{b}-{c}",
            f"{a}.{b}.{c}",
            f"{a} {b} {c}",
            f"1-{a}-{b}-{c}",
            f"+1 {a} {b} {c}",
            f"+1-{a}-{b}-{c}",
            f"+1 ({a}) {b}-{c}",
            f"1 ({a}) {b}-{c}",
        )
    )


def phone_00() -> str:
    return "00" + phone_international().removeprefix("+")


def phone_national() -> str:
    while True:
        number = telephone()
        if number.country_code != 1:
            return phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)


def ssn() -> str:
    return US.ssn()


def ssn_with_spaces() -> str:
    return US.ssn().replace("-", " ")


def card() -> str:
    number = US.credit_card_number()
    assert luhn.is_valid(number)
    return number


def card_in_groups() -> str:
    number = card()
    by = random.choice(" -")
    sizes = (4, 6, 5) if len(number) == 15 else (4, 6, 4) if len(number) == 14 else (4, 4, 4, 4, 3)
    return grouped(number, *sizes, by=by)


def iban() -> str:
    fake = random.choice(
        [
            FAKES[n]
            for n in (
                "en_GB",
                "de_DE",
                "fr_FR",
                "es_ES",
                "it_IT",
                "nl_NL",
                "pl_PL",
                "de_CH",
                "sv_SE",
                "tr_TR",
                "cs_CZ",
            )
        ]
    )
    return fake.iban()


def iban_in_groups() -> str:
    return grouped(iban(), *[4] * 9)


def iban_in_small_letters() -> str:
    return iban().lower()


def ipv4() -> str:
    return random.choice((US.ipv4_public, US.ipv4_private))()


def ipv6() -> str:
    import ipaddress

    full = ipaddress.IPv6Address(US.ipv6())
    short = ipaddress.IPv6Address(int(full) & ~(((1 << 64) - 1) << 32))
    small = ipaddress.IPv6Address((0x2001_0DB8 << 96) | random.randrange(1, 1 << 16))
    return random.choice(
        (
            str(full),
            full.exploded,
            str(short),
            str(small),
            str(full).upper(),
            f"fe80::{full.exploded[-4:]}",
        )
    )


# ---- none of it personal data, however it looks


def order_number() -> str:
    return random.choice(
        (
            f"ORD-2024-{digits(6)}",
            f"PO{digits(10)}",
            f"#{digits(8)}",
            f"{digits(3)}-{digits(7)}-{digits(7)}",
            f"INV/{digits(4)}/{digits(5)}",
            f"{digits(4)}-{digits(4)}",
            f"SKU-{digits(3)}-{digits(2)}-{digits(5)}",
            f"R{digits(9)}",
            f"{digits(2)}-{digits(5)}-{digits(6)}",
        )
    )


def zip_code() -> str:
    return random.choice((US.zipcode, US.zipcode_plus4, anyone().postcode))()


def ten_digits() -> str:
    return digits(10)


def long_number() -> str:
    return digits(random.choice((9, 11, 12, 13, 14, 17, 18, 19, 20)))


def sixteen_digits_failing_luhn() -> str:
    while True:
        number = digits(16)
        if not luhn.is_valid(number):
            return number


def imei() -> str:
    body = random.choice(("35", "86", "01")) + digits(12, "0123456789")
    return body + luhn.calc_check_digit(body)


def iccid() -> str:
    body = "89" + digits(16, "0123456789")
    return body + luhn.calc_check_digit(body)


def epoch() -> str:
    seconds = random.randrange(1_500_000_000, 1_800_000_000)
    return random.choice(
        (f"{seconds}", f"{seconds}{digits(3)}", f"{seconds}{digits(6)}", f"{seconds}.{digits(6)}")
    )


def date() -> str:
    day = US.date_object(end_datetime=NOW)
    forms = (
        "%Y-%m-%d",
        "%d.%m.%Y",
        "%m/%d/%Y",
        "%d-%m-%Y",
        "%Y%m%d",
        "%d %b %Y",
        "%Y/%m/%d",
        "%d-%m-%y",
    )
    return day.strftime(random.choice(forms))


def timestamp() -> str:
    at = US.date_time(end_datetime=NOW)
    forms = (
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%dT%H:%M:%SZ",
        "%Y%m%d%H%M%S",
        "%H:%M:%S",
        "%d/%b/%Y:%H:%M:%S +0000",
        "%Y-%m-%d %H:%M:%S.%f",
        "%Y-%m-%dT%H:%M:%S+02:00",
    )
    return at.strftime(random.choice(forms))


def floating() -> str:
    value = random.uniform(-1e6, 1e6)
    return random.choice(
        (
            f"{value}",
            f"{value:.2f}",
            f"{value:e}",
            f"+{abs(value):.4f}",
            f"{value:,.2f}",
            f"{random.uniform(-90, 90):.4f}, {random.uniform(-180, 180):.4f}",
        )
    )


def signed_number() -> str:
    return random.choice("+-") + random.choice(
        (digits(8), digits(10), digits(12), f"{digits(7)}.5", f"{int(digits(9)):,}")
    )


def version() -> str:
    n = random.randrange
    return random.choice(
        (
            f"{n(9)}.{n(30)}.{n(30)}",
            f"v{n(9)}.{n(30)}.{n(200)}.{n(200)}",
            f"{n(9)}.{n(9)}.{n(9)}rc{n(5)}",
            f"10.0.{n(10000, 23000)}.{n(1, 9999)}",
            f"1.3.6.1.4.1.{n(9999)}.{n(9)}",
            f"§ {n(9)}.{n(9)}.{n(9)}",
            f"{n(9)}.{n(9)}.{n(9)}.{n(9)}-beta",
            f"lib@{n(9)}.{n(9)}.{n(9)}",
            f"{n(256)}.{n(256)}.{n(256)}.{n(256)}.{n(256)}",
        )
    )


def identifier() -> str:
    made = uuid.UUID(int=random.getrandbits(128), version=4)
    return random.choice(
        (str(made), made.hex, str(made).upper(), f"urn:uuid:{made}", f"{{{made}}}")
    )


def digest() -> str:
    return random.choice(
        (
            hexadecimal(32),
            hexadecimal(40),
            hexadecimal(64),
            hexadecimal(7),
            f"sha256:{hexadecimal(64)}",
        )
    )


def mac_address() -> str:
    return random.choice(
        (US.mac_address(), US.mac_address().upper(), US.mac_address().replace(":", "-"))
    )


def book_number() -> str:
    return random.choice((US.isbn13, US.isbn10, US.ean13, US.ean8, anyone().ean13))()


def at_sign() -> str:
    word = US.user_name()
    return random.choice(
        (
            f"@{word}",
            f"{word}@localhost",
            f"icon@{random.choice('23')}x.png",
            f"root@{US.hostname().partition('.')[0]}",
            f"@{word}.setter",
            f"image/{word}@sha256:{hexadecimal(12)}",
            f"{word} @ {random.randrange(24)}:00",
            f"{word}@{random.randrange(9)}.{random.randrange(9)}.{random.randrange(9)}",
            f"{word}@",
        )
    )


def not_given_out() -> str:
    """Return what has the shape of an SSN and is none: groups that are never given out."""
    area = random.choice(("000", "666", "9" + digits(2, "0123456789")))
    return random.choice(
        (
            f"{area}-{digits(2)}-{digits(4)}",
            f"{digits(3, '1234')}-00-{digits(4)}",
            f"{digits(3, '1234')}-{digits(2)}-0000",
            f"{digits(3)}-{digits(2)}-{digits(5)}",
            f"{digits(4)}-{digits(2)}-{digits(4)}",
            f"{digits(2)}-{digits(3)}-{digits(4)}",
        )
    )


def like_an_iban() -> str:
    real = iban()
    wrong = real[:2] + f"{(int(real[2:4]) + random.randrange(1, 96)) % 97:02d}" + real[4:]
    return random.choice(
        (
            wrong,
            f"DE{digits(9)}",
            f"{US.bothify('??##')}{US.bothify('??????##########').upper()}",
            US.bothify("????-####-????-####").upper(),
            anyone().swift(),
        )
    )


def colons() -> str:
    return random.choice(
        (
            "std::vector",
            "a::b",
            "Foo::Bar::baz",
            "::before",
            "16:9",
            "ab:cd",
            "12:30:45",
            "1:2:3:4",
            "key::value",
            "de:ad",
            "A::B",
            "x::1",
            "10::",
            "::",
        )
    )


def prose() -> str:
    return anyone().sentence()


POSITIVE: dict[str, tuple[str, Callable[[], str]]] = {
    "e-mail": ("EMAIL", email),
    "e-mail, written otherwise": ("EMAIL", email_written_otherwise),
    "e-mail, beyond ASCII": ("EMAIL", email_of_the_world),
    "e-mail, obfuscated": ("EMAIL", email_obfuscated),
    "phone, E.164": ("PHONE", phone_e164),
    "phone, international": ("PHONE", phone_international),
    "phone, RFC 3966": ("PHONE", phone_rfc3966),
    "phone, North America": ("PHONE", phone_american),
    "phone, with 00": ("PHONE", phone_00),
    "phone, national elsewhere": ("PHONE", phone_national),
    "SSN": ("SSN", ssn),
    "SSN with spaces": ("SSN", ssn_with_spaces),
    "card": ("CREDIT_CARD", card),
    "card in groups": ("CREDIT_CARD", card_in_groups),
    "IBAN": ("IBAN", iban),
    "IBAN in groups": ("IBAN", iban_in_groups),
    "IBAN in small letters": ("IBAN", iban_in_small_letters),
    "IPv4": ("IP", ipv4),
    "IPv6": ("IP", ipv6),
}
NEGATIVE: dict[str, Callable[[], str]] = {
    "order numbers": order_number,
    "postcodes": zip_code,
    "10-digit ids": ten_digits,
    "9 to 20 digits": long_number,
    "16 digits failing Luhn": sixteen_digits_failing_luhn,
    "IMEI (valid Luhn)": imei,
    "ICCID (valid Luhn)": iccid,
    "epoch seconds to microseconds": epoch,
    "dates": date,
    "timestamps": timestamp,
    "floats and coordinates": floating,
    "signed numbers": signed_number,
    "versions and OIDs": version,
    "UUIDs": identifier,
    "hashes": digest,
    "MAC addresses": mac_address,
    "ISBN and EAN": book_number,
    "at signs": at_sign,
    "SSN shapes never given out": not_given_out,
    "IBAN shapes, VAT ids, BICs": like_an_iban,
    "colons": colons,
    "prose in 16 languages": prose,
}


def labelled_as(
    kind: str, family: str, where: str, text: str, value: str, start: int
) -> dict[str, object]:
    """Return a label; the scheme of `tel:+1-…` is no part of the number."""
    start, end = start + len(value) - len(value.removeprefix("tel:")), start + len(value)
    return {
        "where": where,
        "text": text,
        "family": family,
        "kind": kind,
        "start": start,
        "end": end,
    }


def placed(value: str) -> tuple[str, str, int]:
    """Return a sentence that holds a value, the value, and where it stands."""
    fake = anyone()
    before, after = random.choice(AROUND)
    head = fake.sentence(nb_words=4).rstrip(".。") + " "
    start = head + before
    end = " " + fake.sentence(nb_words=4) if random.random() < 0.5 else ""
    return start + value + after + end, value, len(start)


def labelled() -> Iterator[dict[str, object]]:
    """Yield cells (a value alone) and texts (a value in a sentence) of every family."""
    for family, (kind, make) in POSITIVE.items():
        for _ in range(EACH):
            value = make()
            yield labelled_as(kind, family, "cell", value, value, 0)
            value = make()
            yield labelled_as(kind, family, "text", *placed(value))
    for family, plain in NEGATIVE.items():
        for _ in range(EACH):
            yield {"where": "cell", "text": plain(), "family": family, "kind": None}
            yield {"where": "text", "text": placed(plain())[0], "family": family, "kind": None}


def main() -> None:
    """Write every labelled text once; which half it is in hangs on the text alone."""
    seen: set[str] = set()
    for each in labelled():
        text = str(each["text"])
        if text in seen:
            continue
        seen.add(text)
        half = blake2b(text.encode(), digest_size=1).digest()[0] % 2
        sys.stdout.write(
            json.dumps({**each, "half": "held" if half else "dev"}, ensure_ascii=False) + "\n"
        )


if __name__ == "__main__":
    main()

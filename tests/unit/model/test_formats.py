"""Named formats: what has them, what only looks like it, and one pattern for every engine."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfctl.compiler.regex import rewrite
from sfctl.model.formats import FORMATS
from sfctl.spec.documents.rule import FORMATS as DECLARED

GOOD = {
    "email": ["a@b.co", "first.last+tag@sub.example.org"],
    "phone": ["+49 30 1234567", "(212) 555-0100", "212-555-0100", "2125550100"],
    "ssn": ["123-45-6789", "665-01-0001"],
    "credit_card": ["4111 1111 1111 1111", "5500-0000-0000-0004"],
    "iban": ["DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819"],
    "ip": ["10.0.0.1", "::1"],
    "ipv4": ["0.0.0.0", "255.255.255.255"],
    "ipv6": ["2001:db8::1", "::ffff:10.0.0.1"],
    "uuid": ["123e4567-e89b-12d3-a456-426614174000"],
    "url": ["https://example.org/a?b=c#d", "http://10.0.0.1:8080", "HTTP://[::1]/"],
    "hostname": ["a", "db-1.example.org"],
    "date": ["2024-02-29"],
    "time": ["23:59", "00:00:00.000001"],
    "datetime": ["2024-02-29T23:59:59Z", "2024-01-01 00:00+02:00"],
}
BAD = {
    "email": ["a@b", "@b.co", "a b@c.de", "a@b.co\n", "é@b.co"],
    "phone": ["12345", "+0 123456789", "112-555-0100"],
    "ssn": ["000-12-3456", "666-12-3456", "123-00-4567", "123456789"],
    "credit_card": ["4111 1111 1111 1112", "1234"],
    "iban": ["DE89 3704 0044 0532 0130 01", "XX00123456789012345"],
    "ip": ["10.0.0.256", ":::"],
    "ipv4": ["01.2.3.4", "1.2.3"],
    "ipv6": ["1::2::3", "10.0.0.1", "::g"],
    "uuid": ["123e4567e89b12d3a456426614174000"],
    "url": ["ftp://x.y", "https://", "https://a b"],
    "hostname": ["-a", "a..b", "a_b", ".".join(["a" * 63] * 4) + "a"],
    "date": ["2023-02-29", "2024-13-01", "24-01-01"],
    "time": ["24:00", "1:00"],
    "datetime": ["2023-02-29T00:00Z", "2024-01-01"],
}


def test_the_list_is_the_one_that_bundles_may_name() -> None:
    assert set(FORMATS) == set(DECLARED) == set(GOOD) == set(BAD)


@pytest.mark.parametrize("name", FORMATS)
def test_what_has_a_format_and_what_has_not(name: str) -> None:
    assert [text for text in GOOD[name] if not FORMATS[name].valid(text)] == []
    assert [text for text in BAD[name] if FORMATS[name].valid(text)] == []


@pytest.mark.parametrize("name", FORMATS)
def test_patterns_are_of_the_subset(name: str) -> None:
    assert rewrite(FORMATS[name].pattern)


@given(st.sampled_from(sorted(FORMATS)), st.text("0123456789abcDEF:.-+@/[]TZ ()é\n", max_size=24))
def test_polars_matches_the_same_texts(name: str, text: str) -> None:
    spec = FORMATS[name]
    matched = pl.Series([text]).str.contains(rf"\A(?:{spec.pattern})\z").to_list() == [True]
    assert spec.valid(text) == (matched and (spec.check is None or spec.check(text)))

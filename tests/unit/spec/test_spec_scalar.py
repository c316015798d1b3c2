from __future__ import annotations

import math

import pytest

from sfctl.spec.scalar import of_tag, resolve


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("nULL", "nULL"),
        ("true", True),
        ("FALSE", False),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("NO", "NO"),
        ("012", 12),
        ("-7", -7),
        ("+3", 3),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("2024-01-15", "2024-01-15"),
        ("1.", 1.0),
        (".5", 0.5),
        ("-1.5e3", -1500.0),
        ("1e3", 1000.0),
        ("e3", "e3"),
        (".", "."),
        ("-", "-"),
        ("-.INF", -math.inf),
        (".inf", math.inf),
        ("+.inf", math.inf),
        ("inf", "inf"),
        ("٣", "٣"),
    ],
)
def test_plain_scalars_follow_the_core_schema(text: str, value: object) -> None:
    found = resolve(text)
    assert found == value
    assert type(found) is type(value)


def test_nan_is_a_float() -> None:
    assert math.isnan(float(str(resolve(".nan"))))


def test_a_number_without_end_stays_text() -> None:
    assert resolve("9" * 5000) == "9" * 5000


@pytest.mark.parametrize(
    ("tag", "text", "value"),
    [
        ("str", "5", "5"),
        ("int", "5", 5),
        ("float", "5", 5.0),
        ("bool", "true", True),
        ("null", "", None),
    ],
)
def test_core_tags_choose_the_type(tag: str, text: str, value: object) -> None:
    found = of_tag(tag, text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(("tag", "text"), [("int", "a"), ("bool", "1"), ("float", "true")])
def test_a_tag_that_does_not_fit_is_refused(tag: str, text: str) -> None:
    with pytest.raises(ValueError, match="is not of type"):
        of_tag(tag, text)

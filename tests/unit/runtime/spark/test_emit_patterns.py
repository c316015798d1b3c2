"""Patterns for Java against the patterns they were: Python reads both."""

from __future__ import annotations

import re
from random import Random

import pytest

from sfctl.compiler.regex import PatternError, rewrite
from sfctl.model.formats import FORMATS
from sfctl.runtime.spark.formats import OWN
from sfctl.runtime.spark.regex import Java, java

PIECES = (
    "a", "b", ".", "[ab]", "[^a]", "(a|b)", "(ab|a)", "(a|ab)*", "(ab)+", "(a?b)*", "x{2}",
    "(a-)*", r"\d", r"\s*", r"[^\]a-]", r"\.", r"(a|b|\-)*", "(a*b)*", "(b|x0)+", "|", "a*",
    r"\x0a", r"\n", "(a{1,2}b)*", r"\^", r"[\^\&]*", r"[\s\S]*", "(a|)*", "b+", "(ab?)*",
    "((a|b)x)*",
)  # fmt: skip


def found(pattern: Java, value: str) -> bool:
    if pattern.chars is None:
        return re.search(f"(?s)^(?:{pattern.text})(?!.)", value) is not None
    if pattern.before and pattern.after:
        return pattern.chars in value
    if pattern.before:
        return value.endswith(pattern.chars)
    return value.startswith(pattern.chars) if pattern.after else value == pattern.chars


@pytest.mark.parametrize("seed", range(4))
def test_random_patterns_match_what_they_matched(seed: int) -> None:
    random = Random(seed)
    matched = 0
    for _ in range(300):
        try:
            pattern = rewrite("".join(random.choices(PIECES, k=random.randint(1, 5))))
        except PatternError:
            continue
        written = java(pattern)
        for _ in range(10):
            value = "".join(random.choices("aabbx0.-\n]^& ", k=random.randint(0, 7)))
            expected = re.fullmatch(pattern, value) is not None
            assert found(written, value) == expected, (pattern, written, value)
            matched += expected
    assert matched > 100


@pytest.mark.parametrize(
    ("pattern", "text", "rounds"),
    [
        ("(ab|c)*", "(?:ab|c)*+", False),
        ("([A-Z]{2,3};)*", "(?:[A-Z]{2,3};)*+", False),
        ("(a|b)*", "[ab]*", False),
        ("(a-?)*", "(?:a-?)*+", False),
        ("(a|ab)*c", "(?:a|ab)*c", True),
        (r"(\d+,)*\d+", "(?:[0-9]+,)*[0-9]+", True),
        ("(a+)+b", "(?:a+)+b", True),
    ],
)
def test_only_what_may_be_tried_again_needs_stack(pattern: str, text: str, rounds: bool) -> None:
    assert java(rewrite(pattern)) == Java(text, rounds)


ALPHABETS = {"email": "ab1.-@c", "hostname": "ab.-1", "url": "htp:a.-1[]/", "ipv6": "a1:.25",
             "ip": "1:.25a"}  # fmt: skip
GROUPS = ("1", "ab", "", "ffff", "0", "1.2.3.4", "10.0.0.1", "255.255.255.255", "12345", "01.1.1.1")


@pytest.mark.parametrize("name", sorted(OWN))
def test_formats_in_own_words_mean_the_same(name: str) -> None:
    random, spec = Random(name), FORMATS[name]
    written = re.compile(f"(?s)^(?:{OWN[name]})(?!.)")
    valid = 0
    for number in range(6000):
        value = "".join(random.choices(ALPHABETS[name], k=random.randint(0, 14)))
        if name in ("ip", "ipv6") and number % 2:
            value = ":".join(random.choices(GROUPS, k=random.randint(1, 9)))
        elif name not in ("ip", "ipv6") and number % 2:
            parts = ("a" * random.choice((1, 2, 62, 63, 64)) + random.choice(("", "-", "-b"))
                     for _ in range(random.randint(1, 4)))  # fmt: skip
            lead = {"email": "a@", "url": "http://", "hostname": ""}[name]
            value = lead + ".".join(parts) + random.choice(("", ":80", "/x y", "?q=1", ".com"))
        shaped = re.fullmatch(spec.pattern, value) is not None
        expected = shaped if name == "hostname" else spec.valid(value)
        assert (written.search(value) is not None) == expected, value
        valid += expected
    assert valid > 50

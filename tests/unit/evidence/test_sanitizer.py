"""No planted value survives, wherever it was planted."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfctl.evidence import detectors, sanitizer
from sfctl.model import evidence
from sfctl.model.evidence import SCHEMA, Evidence

_RANDOM = random.Random(20240115)


def digits(count: int) -> str:
    return "".join(_RANDOM.choice("0123456789") for _ in range(count))


def luhn_number(length: int = 16) -> str:
    body = digits(length - 1)
    return next(body + str(check) for check in range(10) if detectors.luhn(body + str(check)))


def iban() -> str:
    account = digits(18)
    check = 98 - int(account + "131400") % 97
    return f"DE{check:02d}{account}"


def planted() -> list[tuple[str, str]]:
    found = []
    for n in range(150):
        name = f"jane.doe{n}"
        found += [
            ("email", f"{name}@mail{n}.example.org"),
            ("ssn", f"{digits(3)}-{digits(2)}-{digits(4)}"),
            ("card", luhn_number()),
            ("iban", iban()),
            ("phone", f"+49 30 {digits(4)} {digits(3)}"),
            ("phone", f"({digits(3)}) {digits(3)}-{digits(4)}"),
            ("ip", ".".join(str(_RANDOM.randint(1, 254)) for _ in range(4))),
        ]
    return found


PLANTED = planted()
MESSAGES = (
    "could not read {}",
    "value={} is wrong",
    "don't accept <{}> here",
    "customer {}, second attempt",
    "[{}]",
    "{}",
)


def event(**fields: Any) -> Evidence:
    return evidence.from_plain(
        {
            "schema": SCHEMA,
            "evidence_id": "evd-1",
            "kind": "GATE",
            "timestamp": "2024-01-15T02:00:00.000Z",
            **fields,
        }
    )


def test_a_thousand_planted_values_do_not_survive_in_messages() -> None:
    assert len(PLANTED) > 1000
    for place, (_, value) in enumerate(PLANTED):
        message = MESSAGES[place % len(MESSAGES)].format(value)
        assert value not in sanitizer.clean_message(message), message


def test_nor_in_any_other_field() -> None:
    for _, value in PLANTED:
        dirty = event(
            note_of_ours=value,
            nested=[{"deep": {"deeper": [f"x {value} y"]}, value: 1}],
            signatures={f"UNKNOWN_ENUM:contact:{value}": 3},
            validation={
                "result": "FAIL",
                "gates": [{"gate": "DQ", "result": "FAIL", "details": {"actual": value}}],
                "reason_codes": [f"UNKNOWN_ENUM:contact:{value}"],
            },
            source={"source_record_id": value},
        )
        assert value.encode() not in evidence.encode(sanitizer.clean(dirty)), value


@pytest.mark.parametrize(
    ("message", "clean"),
    [
        ("KeyError: 'Jane Doe'", "KeyError: <text>"),
        ('expected "Jane Doe", got "x"', "expected <text>, got <text>"),
        ("don't take 'Jane Doe'", "don't take <text>"),
        ("it's the users' fault: 'Jane'", "it's the users<text>"),
        ("b'Jane' and u\"Joe\"", "b<text> and u<text>"),
        ("never closed: 'Jane Doe", "never closed: <text>"),
        (r"escaped 'O\'Brien' here", "escaped <text> here"),
        ("`Jane` “Joe” ‘Jim’ «Jon»", "<text> <text> <text> <text>"),
        ("order 12345 of 99", "order <n> of 99"),
        ("in /home/jane/orders/job.py", "in job.py"),
        ("in C:\\Users\\jane\\job.py", "in job.py"),
        ("at s3://bucket/jane/part.parquet now", "at part.parquet now"),
        ("./data/jane/x.csv", "x.csv"),
        ("plain words stay", "plain words stay"),
        ('a 5" pipe for "Jane Doe"', "a 5<text>"),
    ],
)
def test_messages(message: str, clean: str) -> None:
    assert sanitizer.clean_message(message) == clean


quoted_text = st.text(
    alphabet=st.characters(blacklist_characters="\"'`\\", blacklist_categories=("Cs",)), min_size=1
).map(lambda text: f"Zq{text}qZ")


@given(st.text(max_size=40), quoted_text, st.sampled_from(["'", '"', "`"]), st.text(max_size=40))
def test_quoted_values_never_survive(before: str, value: str, quote: str, after: str) -> None:
    before, after = (re.sub(r"[\"'`\\Z]", "", text) for text in (before, after))
    message = f"{before} {quote}{value}{quote} {after}"
    assert value not in sanitizer.clean_message(message)


@given(st.text(max_size=200), st.integers(1000, 10**12), st.text(max_size=200))
def test_long_numbers_never_survive(before: str, number: int, after: str) -> None:
    assert str(number) not in sanitizer.clean_message(f"{before} {number} {after}")


@pytest.mark.parametrize("unit", ["a", "a@", "1-", "a:", "1.", "AA11", "a/", "'", "1 ", "\\", "x'"])
def test_no_text_makes_a_pattern_run_away(unit: str) -> None:
    """A pattern that backtracks would not come back from these for minutes."""
    assert isinstance(detectors.replace("@" + unit * 50_000, strict=True), str)
    assert len(sanitizer.clean_message("@" + unit * 50_000)) <= sanitizer.MESSAGE_LIMIT


def test_messages_end_somewhere() -> None:
    assert len(sanitizer.clean_message("word " * 10_000)) <= sanitizer.MESSAGE_LIMIT


PYTHON_TRACE = """Traceback (most recent call last):
  File "/home/jane/job.py", line 12, in main
    total("jane@example.com")
  File "/home/jane/lib/sums.py", line 3, in total
    raise ValueError("jane@example.com")
ValueError: jane@example.com
"""
JAVA_TRACE = """java.lang.IllegalStateException: jane@example.com
\tat com.shop.Orders$Line.total(Orders.java:42)
\tat com.shop.Main.main(Main.java)
"""


def test_traces_as_text_become_frames() -> None:
    assert sanitizer.clean_frames(PYTHON_TRACE) == [
        {"file": "job.py", "line": 12, "function": "main"},
        {"file": "sums.py", "line": 3, "function": "total"},
    ]
    assert sanitizer.clean_frames(JAVA_TRACE) == [
        {"file": "Orders.java", "line": 42, "function": "com.shop.Orders$Line.total"},
        {"file": "Main.java", "line": 0, "function": "com.shop.Main.main"},
    ]
    assert sanitizer.clean_frames([PYTHON_TRACE])[0]["file"] == "job.py"
    assert sanitizer.clean_frames(7) == []


def test_frames_keep_file_line_and_function_only() -> None:
    dirty = event(
        kind="JobRunFailed",
        stack_trace=[
            {
                "file": "/home/jane/job.py",
                "line": 12,
                "function": "main",
                "source": "total('jane')",
                "locals": {"name": "jane"},
            },
            {"file": 7, "line": "x", "function": "jane said no"},
        ],
    )
    assert sanitizer.clean(dirty).payload["stack_trace"] == [
        {"file": "job.py", "line": 12, "function": "main"}
    ]


def test_ids_dates_digests_and_signatures_stay() -> None:
    kept = event(
        run_id="spark-orders-silver-20240115-020005",
        dag_run_id="scheduled__2024-01-15T02:00:00+00:00",
        policy_digest="sha256:" + "4" * 64,
        row_keys=["123456789012345678901234"],
        rows=1234567,
        commit="9f31c2d1234567890123456789012345678901234",
        signatures={"TYPE_MISMATCH:order_total:DECIMAL(10,2)→STRING": 3},
        window={"start": "2024-01-15T09:55:00.000Z", "end": "2024-01-15 10:00:00"},
        file="part-00000-7b1c2d.parquet",
    )
    assert sanitizer.clean(kept) is kept


def test_signatures_that_become_equal_are_added_up() -> None:
    dirty = event(signatures={"UNKNOWN_ENUM:c:a@b.de": 2, "UNKNOWN_ENUM:c:c@d.de": 3})
    assert sanitizer.clean(dirty).payload["signatures"] == {"UNKNOWN_ENUM:c:*": 5}
    assert sanitizer.clean_code("a@b.de:x") == "<email>:x"


def test_names_lose_addresses() -> None:
    assert sanitizer.clean(event(run_id="manual by jane@example.com")).run_id == "manual by <email>"


@pytest.mark.parametrize(
    ("field", "value", "clean"),
    [
        ("actual", "null", "null"),
        ("actual", "Jane Doe", "*"),
        ("new_value", "FLASH_SALE", "FLASH_SALE"),
        ("source_record_id", 123, "*"),
        ("message", None, None),
        ("count", 5, 5),
    ],
)
def test_value_fields(field: str, value: Any, clean: Any) -> None:
    assert sanitizer.clean(event(**{field: value})).payload == {field: clean}


def test_whole_bodies() -> None:
    assert (
        sanitizer.clean_body('{"message": "for \'Jane\'", "n": 1}')
        == '{"message":"for <text>","n":1}'
    )
    assert sanitizer.clean_body("no json for jane@example.com") == "no json for <email>"


def test_cleaning_twice_changes_nothing_more() -> None:
    for _, value in PLANTED[:50]:
        once = sanitizer.clean(event(message=f"for '{value}' and {value}", other=value))
        assert sanitizer.clean(once) == once


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("call 555-123-4567 now", "call <phone> now"),
        ("4111 1111 1111 1111", "<card>"),
        ("4111 1111 1111 1112", "4111 1111 1111 1112"),
        ("DE89 3704 0044 0532 0130 00", "<iban>"),
        ("from 10.0.0.1 and fe80::1", "from <ip> and <ip>"),
        ("version 1.2.3 at 10:20:30", "version 1.2.3 at 10:20:30"),
        ("2024-01-15T02:00:05.000Z", "2024-01-15T02:00:05.000Z"),
        ("078-05-1120", "<ssn>"),
    ],
)
def test_strict_detectors(text: str, found: str) -> None:
    assert detectors.replace(text, strict=True) == found


def test_check_digits() -> None:
    assert detectors.luhn("4111111111111111")
    assert not detectors.luhn("4111")
    assert detectors.mod97("DE89370400440532013000")
    assert not detectors.mod97("DE89")

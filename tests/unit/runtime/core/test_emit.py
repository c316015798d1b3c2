"""Expressions on rows chosen by hand: functions, casts, formats, spans of time, strangers."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import polars as pl
import pytest

from sfctl.model.expr import CastsTo, Field, Format
from sfctl.model.policy import RowCheck
from sfctl.model.types import parse
from tests.conformance.runtime.rules import condition, failing, result, rule

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
ROWS = pl.DataFrame(
    {
        "at": [NOON],
        "ntz": [NOON.replace(tzinfo=None)],
        "day": [date(2024, 1, 1)],
        "clock": [time(10, 30)],
        "span": [timedelta(hours=2)],
        "s": [" Ab "],
        "n": [-5],
        "x": [2.5],
        "d": pl.Series([Decimal("-1.25")], dtype=pl.Decimal(10, 2)),
        "i128": pl.Series([7], dtype=pl.Int128),
        "p": [{"q": 3, "r": {"t": "deep"}}],
        "none": [None],
    }
)


@pytest.mark.parametrize(
    "text",
    [
        "at - at = INTERVAL '0 hours'",
        "at + span > TIMESTAMP '2024-01-01T13:59:59Z'",
        "span + at = TIMESTAMP '2024-01-01T14:00:00Z'",
        "at - INTERVAL '12 hours' = TIMESTAMP '2024-01-01T00:00:00Z'",
        "ntz - ntz = INTERVAL '0 hours' AND day - day < span",
        "day + INTERVAL '12 hours' = ntz",
        "span + span = INTERVAL '4 hours' AND span > INTERVAL '1 hour'",
        "day < ntz AND day = DATE '2024-01-01' AND date(at) = day",
        "clock > TIME '10:29' AND hour(clock) = 10 AND minute(clock) = 30",
        "year(at) = 2024 AND month(day) = 1 AND day(ntz) = 1",
        "trim(s) = 'Ab' AND upper(s) = ' AB ' AND lower(s) = ' ab '",
        "substring(s, 2, 2) = 'Ab' AND substring(s, 3) = 'b '",
        "contains(s, 'A') AND starts_with(s, ' ') AND ends_with(s, ' ')",
        "concat(s, '!') = ' Ab !' AND length(s) = 4",
        "abs(n) = 5 AND abs(d) = 1.25 AND abs(x) = 2.5 AND -x = -2.5 AND -d = 1.25",
        "CASE WHEN n > 0 THEN d ELSE x END = 2.5",
        "CASE WHEN n < 0 THEN 'neg' ELSE NULL END = 'neg'",
        "coalesce(none, n) = -5 AND coalesce(n, 1.5) = -5",
        "x % 2 = 0.5 AND 9007199254740992.0 % x = 2.0 AND x // 2 = 1",
        "i128 + 1 = 8 AND i128 IN (7)",
        "p.q = 3 AND p.r.t = 'deep'",
        "x > 2 AND x >= 2.49 AND x != 3 AND 2 < x AND x <= 1e300 AND n < 1e300",
        "n IN (-5, 7) AND x IN (2.5) AND day IN (DATE '2024-01-01') AND d NOT IN (1)",
        "none IS NULL",
        "n BETWEEN -6 AND 0 AND NOT (n NOT BETWEEN -6 AND 0)",
        "1 = 1",
    ],
)
def test_what_holds(text: str) -> None:
    types = {
        "at": "TIMESTAMP", "ntz": "TIMESTAMP_NTZ", "day": "DATE", "clock": "TIME",
        "span": "DURATION", "s": "STRING", "n": "INT64", "x": "DOUBLE", "d": "DECIMAL(10,2)",
        "i128": "DECIMAL(38,0)", "p": "STRUCT<q:INT64,r:STRUCT<t:STRING>>",
    }  # fmt: skip
    assert failing(ROWS, text) == ["pass"]
    assert result(ROWS, rule(RowCheck(condition(f"NOT ({text})", **types)))).failed == 1


@pytest.mark.parametrize(
    ("kind", "values", "holds"),
    [
        ("INT8", [1, 200, None], [True, False, True]),
        ("DECIMAL(3,1)", [1.5, 1.25, 100.0], [True, False, False]),
        ("INT64", [1.0, 1.5, float("nan")], [True, False, True]),
        ("DOUBLE", [1, 2, 3], [True, True, True]),
        ("INT32", ["7", "x", None], [True, False, True]),
        ("DATE", ["2024-01-01", "x"], [True, False]),
        ("DATE", [1, 2], [False, False]),
        ("STRING", [True, False], [True, True]),
        ("ANY", [1, 2], [True, True]),
    ],
)
def test_casts(kind: str, values: list[object], holds: list[bool]) -> None:
    frame = pl.DataFrame({"v": values})
    check = rule(RowCheck(CastsTo(Field(("v",), parse("ANY")), parse(kind))))
    found = [not result(frame.slice(i, 1), check).failed for i in range(len(values))]
    assert found == holds


def test_decimals_fit_by_their_digits() -> None:
    frame = pl.DataFrame({"v": pl.Series([Decimal("1.10"), Decimal("1.11")])})
    check = rule(RowCheck(CastsTo(Field(("v",), parse("ANY")), parse("DECIMAL(3,1)"))))
    assert result(frame, check).failed == 1


def test_formats_with_and_without_a_check() -> None:
    frame = pl.DataFrame({"v": ["ann@example.org", "2024-02-30", "2024-02-29", None]})
    text = Field(("v",), parse("STRING"))
    assert result(frame, rule(RowCheck(Format(text, "email")))).failed == 2
    assert result(frame, rule(RowCheck(Format(text, "date")))).failed == 2


@pytest.mark.parametrize(
    ("text", "types"),
    [
        ("n = 'a'", {}),
        ("length(n) = 1", {}),
        ("at > DATE '2024-01-01'", {}),
        ("p > 1", {}),
        ("day > 5", {}),
        ("n > TIMESTAMP '2024-01-01T00:00:00Z'", {"n": "TIMESTAMP"}),
        ("p.gone = 1", {}),
        ("ntz > TIMESTAMP '2024-01-01T00:00:00Z'", {"ntz": "TIMESTAMP"}),
    ],
)
def test_strangers_are_errors_of_the_data(text: str, types: dict[str, str]) -> None:
    found = result(ROWS, rule(RowCheck(condition(text, **types))))
    assert (found.status, found.data_error) == ("error", True)
    assert found.reason


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("DOUBLE", "n < 0"),
        ("INT64", "x > 2"),
        ("DECIMAL(10,2)", "x = 2.5"),
        ("STRING", "n = '-5'"),
        ("TIMESTAMP_NTZ", "day <= day"),
    ],
)
def test_declared_types_are_read_where_values_allow(kind: str, text: str) -> None:
    name = text.split()[0]
    found = result(ROWS, rule(RowCheck(condition(text, **{name: kind}))))
    assert found.status == "pass"

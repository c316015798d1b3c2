"""Each paragraph of docs/peers.md as a case: what `sfctl check` says where peers say otherwise."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from bench.differential import ours
from bench.differential.columns import tables, write
from bench.differential.compare import doubts
from bench.differential.differences import HABITS
from bench.differential.rules import cases
from sfctl.commands.checking import checked
from sfctl.compiler.check import policy_for_check
from sfctl.runtime.core.judge import judge
from sfctl.runtime.core.split import split

PAGE = Path(__file__).parents[2] / "docs" / "peers.md"
NOW = datetime(2024, 3, 12, tzinfo=UTC)
NAN = float("nan")
PAIRS: dict[str, Sequence[Any]] = {
    # forty pairs of equal keys, three of them with a null, and a row of its own
    "a": [n // 2 for n in range(80)] + [99],
    "b": [None if n // 2 < 3 else "x" for n in range(80)] + ["x"],
}


@dataclass(frozen=True)
class Expected:
    """One column or more, one rule on it, and what comes of the rule."""

    columns: dict[str, Any]
    rule: dict[str, Any]
    status: str
    failed: int
    more: dict[str, Any]


def one(values: Any, rule: dict[str, Any], status: str, failed: int = 0, **more: Any) -> Expected:
    """Return a case on one column, `a`."""
    return Expected({"a": values}, {"field": "a", **rule}, status, failed, more)


def several(columns: Any, rule: dict[str, Any], status: str, failed: int, **more: Any) -> Expected:
    return Expected(columns, rule, status, failed, more)


def aggregate(function: str, **bounds: Any) -> dict[str, Any]:
    return {"kind": "aggregate", "function": function, **bounds}


def pattern(text: str) -> dict[str, Any]:
    return {"kind": "pattern", "pattern": text}


def expression(text: str) -> dict[str, Any]:
    return {"kind": "expression", "expression": text}


ZONED = pl.Series([datetime(2024, 3, 10, hour, tzinfo=UTC) for hour in (6, 7, 8)]).dt
BIG = 2**53
CASES: dict[str, list[Expected]] = {
    "null-in-a-set": [
        one(["AA", "ZZ", None], {"kind": "accepted_values", "values": ["AA"]}, "fail", 1),
        one(["AA", "ZZ", None], {"kind": "not_accepted_values", "values": ["AA"]}, "fail", 1),
    ],
    "null-in-a-range": [
        one([0, 5, None], {"kind": "range", "min": 1, "max": 9}, "fail", 1),
        one(["AA", "a", None], pattern("[A-Z]+"), "fail", 1),
        one(["AA", "a", None], {"kind": "length", "min": 2}, "fail", 1),
    ],
    "null-expression": [
        several({"a": [1, 2, None], "b": [2, 1, 1]}, expression("a <= b"), "fail", 1),
    ],
    "pair-with-null-fails": [
        several({"a": [1, None, 3], "b": [None, 2, 4]}, expression("a < b"), "pass", 0),
    ],
    "nan-is-a-value": [
        one([1.0, NAN, None], {"kind": "range", "min": 0, "max": 9}, "pass"),
        one([1.0, NAN, 3.0], aggregate("avg", min=2, max=2), "pass", measured="2"),
        one([1.0, NAN], {"kind": "accepted_values", "values": [1.0]}, "pass"),
        several({"a": [NAN, 1.0], "b": [0.0, 0.0]}, expression("a > b"), "pass", 0),
        one([NAN, None, 1.0], {"kind": "unique"}, "fail", 2),
    ],
    "nan-is-present": [
        one([1.0, NAN, None], {"kind": "not_null"}, "fail", 2),
        one([1.0, NAN], {"kind": "null_rate", "max": "10%"}, "fail", 1, measured="0.5"),
    ],
    "null-is-a-value": [
        one(["x", "y", None], {"kind": "distinct_count", "min": 2, "max": 2}, "pass"),
    ],
    "null-spoils-quantiles": [
        one([1, 2, None], aggregate("quantile", quantile=0.5, min=1.5, max=1.5), "pass"),
        one(
            [Decimal("1.10"), Decimal("1.20"), None],
            aggregate("quantile", quantile=0.5, min=1.15, max=1.15), "pass",
        ),
    ],
    "null-spoils-decimals": [
        one([Decimal("0.10"), None, Decimal("0.20")], aggregate("sum", min=0.3, max=0.3), "pass"),
        one([Decimal("0.10"), None, Decimal("0.20")], aggregate("avg", min=0.15), "pass"),
    ],
    "decimal-cast-of-nan": [
        one([0.5, NAN, 12.5], {"kind": "range", "min": 1}, "fail", 1),
        one([0.5, NAN, 12.5], {"kind": "type", "type": "DOUBLE"}, "pass"),
    ],
    "final-newline": [
        one(["N12345\n", "N12345", "\nN12345"], pattern("[A-Z0-9]{5,6}"), "fail", 2),
        one(["a@b.example\n"], {"kind": "format", "format": "email"}, "fail", 1),
    ],
    "unicode-classes": [
        one(["12", "\u0661\u0662"], pattern(r"\d+"), "fail", 1),
        one(["ab", "\u00e9"], pattern(r"\w+"), "fail", 1),
        one(["a b", "a\u00a0b"], pattern(r"a\sb"), "fail", 1),
    ],
    "marks-are-letters": [one(["e\u0301", "e"], pattern(r"\w+"), "fail", 1)],
    "days-without-zeros": [
        one(["2024-02-01", "2024-2-1"], {"kind": "format", "format": "date"}, "fail", 1),
        one(["2024-02-01", "2024-2-1", "24-01-01"], {"kind": "type", "type": "DATE"}, "fail", 2),
    ],
    "two-zones-raise": [
        one(
            ZONED.convert_time_zone("America/New_York"),
            {"kind": "range", "min": "2024-03-10T07:00:00Z"}, "fail", 1,
        ),
        one(ZONED.convert_time_zone("Asia/Tokyo"), {"kind": "freshness", "max_age": "2d"}, "pass"),
    ],
    "type-of-the-column": [
        one(["1", "x", None], {"kind": "type", "type": "INT64"}, "fail", 1),
        one([1, None], {"kind": "type", "type": "INT64"}, "pass"),
    ],
    "integers-as-floats": [
        one([BIG, BIG + 1, None], {"kind": "unique"}, "pass"),
        one([BIG, BIG + 1, None], {"kind": "accepted_values", "values": [BIG]}, "fail", 1),
        one([BIG, BIG + 1, None], {"kind": "distinct_count", "min": 2, "max": 2}, "pass"),
    ],
    "bounds-as-floats": [
        one([Decimal("289.49"), Decimal("289.48")], {"kind": "range", "min": 289.49}, "fail", 1),
        one([BIG + 1, BIG + 2], {"kind": "range", "exclusive_min": BIG + 1}, "fail", 1),
    ],
    "integers-wrap": [
        one([2**62] * 4, aggregate("sum", min=2**64, max=2**64), "pass", measured=str(2**64)),
        several({"a": [2**62, 1]}, expression("a * 4 > 0"), "pass", 0),
    ],
    "nothing-by-zero": [
        several({"a": [4, 4], "b": [0, 2]}, expression("a % b = 0"), "fail", 1),
    ],
    "every-digit": [
        one([0.1] * 10, aggregate("sum", min=1, max=1), "pass"),
        one([0.1, 0.2], aggregate("sum", min=0.3, max=0.3), "pass"),
        one([1, 2, 2], aggregate("avg", min=1.7), "fail", 1),
    ],
    "infinity-counts": [one([1.0, float("inf")], aggregate("max", min=1), "fail", 1)],
    "nearest-quantiles": [
        one([1, 2], aggregate("quantile", quantile=0.5, min=1.5, max=1.5), "pass"),
    ],
    "uniqueness-counts": [
        several(PAIRS, {"kind": "unique", "fields": ["a", "b"]}, "fail", 80, surplus=40),
        several(
            PAIRS, {"kind": "unique", "fields": ["a", "b"], "nulls": "distinct"}, "fail", 74,
            surplus=37,
        ),
    ],
    "composite-keys": [
        several(
            {"a": [1, 1, 2, 2], "b": [1, 2, 1, 2]}, {"kind": "unique", "fields": ["a", "b"]},
            "pass", 0,
        ),
    ],
    "threshold-counts": [
        one([1, None, None, 4], {"kind": "not_null", "threshold": "50%"}, "pass", 2),
        one([1, None, None, 4], {"kind": "not_null", "threshold": 1}, "fail", 2),
    ],
    "rows-not-values": [
        one(
            ["AA", "ZZ", "ZZ", "YY"], {"kind": "accepted_values", "values": ["AA"]}, "fail", 3,
            signatures={"UNKNOWN_ENUM:a:ZZ": 2, "UNKNOWN_ENUM:a:YY": 1},
        ),
    ],
    "share-of-present": [
        one(
            [1, 20, None, None], {"kind": "range", "max": 9, "threshold": "25%"}, "pass", 1,
            evaluated=4,
        ),
    ],
    "nothing-passes": [
        one(pl.Series([], dtype=pl.Int64), {"kind": "not_null"}, "skipped", reason="no rows"),
    ],
    "nothing-fails": [
        one([None, 0][:1] * 2, aggregate("min", min=1), "skipped", reason="no values"),
        one(pl.Series([], dtype=pl.Date), {"kind": "freshness", "max_age": "1d"}, "skipped"),
    ],
    "nothing-raises": [
        one(pl.Series([], dtype=pl.Int64), {"kind": "range", "min": 1}, "skipped"),
        several({"a": pl.Series([], dtype=pl.Int64)}, {"kind": "row_count", "min": 1}, "fail", 1),
    ],
    "nothing-counts": [
        one(pl.Series([None, None], dtype=pl.Int64), aggregate("sum", min=1), "skipped"),
        one(pl.Series([], dtype=pl.String), {"kind": "distinct_count", "min": 1}, "skipped"),
    ],
}  # fmt: skip


def written(folder: Path, columns: dict[str, Any], *rules: dict[str, Any]) -> tuple[Path, Path]:
    """Write rows and policy, and return both places."""
    source, policy = folder / "rows.parquet", folder / "policy.yaml"
    pl.DataFrame(columns).write_parquet(source)
    policy.write_text(json.dumps({"dq": {"rules": list(rules)}}, default=str))
    return source, policy


@pytest.mark.parametrize(
    ("name", "case"),
    [pytest.param(name, case, id=name) for name, cases in CASES.items() for case in cases],
)
def test_what_we_say(name: str, case: Expected, tmp_path: Path) -> None:
    del name
    source, policy = written(tmp_path, case.columns, case.rule)
    found = checked(str(source), policy, "silver", NOW).payload["rules"][0]
    assert (found["status"], found["failed"]) == (case.status, case.failed), found
    assert {key: found[key] for key in case.more} == case.more


def split_adds_up(folder: Path) -> None:
    """Duplicates, nulls and failing rows: every row is on one side, bad where a rule fails it."""
    columns = {"k": [1, 1, 2, 3, 4], "v": [5, 5, None, 99, 7], "w": [1, 1, 1, None, 0]}
    rules = (
        {"id": "key", "kind": "unique", "field": "k"},
        {"id": "small", "kind": "range", "field": "v", "max": 50},
        {"id": "pair", "kind": "expression", "expression": "w > 0 OR v > 90"},
    )
    source, file = written(folder, columns, *rules)
    policy, _ = policy_for_check(file)
    frame = pl.read_parquet(source)
    judgement = judge(frame, policy, "silver", now=NOW)
    sides = split(frame, policy, "silver", judgement=judgement)
    assert (judgement.good, judgement.bad) == (sides.good.height, sides.bad.height) == (1, 4)
    assert sides.good["k"].to_list() == [2]
    assert {rule.id: rule.failed for rule in judgement.rules} == {"key": 2, "small": 1, "pair": 1}


def values_never_in_messages(folder: Path) -> None:
    """Neither JSON nor text nor findings hold a value of a personal column, or a long one."""
    columns = {"mail": ["jo@firm.example", "jo@firm.example"], "note": ["my secret note", "x"]}
    rules = (
        {"kind": "unique", "field": "mail"},
        {"kind": "accepted_values", "field": "mail", "values": ["nobody"]},
        {"kind": "pattern", "field": "note", "pattern": "[0-9]+"},
        {"kind": "accepted_values", "field": "note", "values": ["7"]},
    )
    source, file = written(folder, columns, *rules)
    bundle = json.loads(file.read_text())
    bundle["pii"] = {"detection": [{"pattern": "EMAIL", "columns": ["mail"], "action": "none"}]}
    file.write_text(json.dumps(bundle))
    found = checked(str(source), file, "silver", NOW)
    told = f"{found.payload} {found.text} {found.findings}"
    assert found.payload["totals"]["fail"] == 4
    assert "firm" not in told
    assert "secret" not in told


STORIES: dict[str, Callable[[Path], None]] = {
    "split-adds-up": split_adds_up,
    "values-never-in-messages": values_never_in_messages,
}


@pytest.mark.parametrize("name", STORIES)
def test_what_we_do(name: str, tmp_path: Path) -> None:
    STORIES[name](tmp_path)


def test_page_and_cases_match_one_to_one() -> None:
    headings = re.findall(r"^### (\S+)$", PAGE.read_text(), re.MULTILINE)
    assert len(headings) == len(set(headings))
    assert set(headings) == {*CASES, *STORIES}


def test_a_sample_of_the_generated_rules_agrees_with_plain_python(tmp_path: Path) -> None:
    chosen = cases()[::29]
    assert len(chosen) > 150
    write(tmp_path)
    assert doubts(chosen, tables(), ours.answers(tmp_path, chosen)) == []


def test_what_the_differential_tests_excuse_is_documented() -> None:
    assert set(HABITS) <= {*CASES, *STORIES}

"""Suggested rules: what they would have said of the days, and what is never suggested."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sfctl.compiler.check import policy_for_check
from sfctl.model.policy import Policy
from sfctl.profiling import draft
from sfctl.profiling.alarm import fails
from sfctl.profiling.baseline import as_bytes, baseline
from sfctl.profiling.candidate import Candidate
from sfctl.profiling.day import DayScan
from sfctl.profiling.history import History, measured
from sfctl.profiling.rows import rows_at
from sfctl.profiling.suggest import Suggested, _chosen, suggested
from sfctl.profiling.tiers import BUILT_IN, Defaults
from sfctl.profiling.view import view_of
from sfctl.runtime.core.judge import judge
from sfctl.runtime.core.schema_of import of_polars

NOW = datetime(2026, 3, 1, tzinfo=UTC)
FIRST = date(2026, 1, 1)
DAYS = 14


def shop(number: int, rows: int = 120) -> pl.DataFrame:
    """One day of a shop, always the same."""
    ids = [number * 1_000 + n for n in range(rows)]
    noise = [(n * 7919 + number * 31) % 101 for n in ids]
    day = FIRST + timedelta(days=number)
    start = datetime(day.year, day.month, day.day)
    return pl.DataFrame(
        {
            "order_id": ids,
            "version": [f"v{number}"] * rows,
            "seen_on": [number] * rows,
            "visitor": [f"u{n % 997}" if n % 400 else "u1" for n in ids],
            "almost_id": [n if n % 1_000 else number * 1_000 + 1 for n in ids],
            "state": [("NEW", "PAID", "SENT")[n % 3] for n in ids],
            "rating": [None if n % 10 == 0 else 1 + n % 5 for n in noise],
            "once_empty": [None if (number, n) == (3, 5) else 1.5 + n for n in noise],
            "net": [10.0 + n for n in noise],
            "tax": [2.0 + n % 7 for n in noise],
            "gross": [12.0 + n + n % 7 for n in noise],
            "created_at": [start + timedelta(seconds=n * 50) for n in noise],
            "shipped_at": [start + timedelta(seconds=n * 50 + 3_600) for n in noise],
            "sku": [f"AB-{n % 9_999:04d}" for n in ids],
            "mail": [f"c{n}@mail.example.com" for n in ids],
            "dt": [day.isoformat()] * rows,
        }
    )


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    pl.concat(shop(n) for n in range(DAYS)).write_parquet(folder / "rows.parquet")
    return folder / "rows.parquet"


@pytest.fixture(scope="module")
def history(table: Path) -> History:
    return measured(rows_at(str(table)), frozenset())


@pytest.fixture(scope="module")
def found(history: History) -> Suggested:
    return suggested(history, BUILT_IN)


@pytest.fixture(scope="module")
def chosen(history: History) -> list[Candidate]:
    secret = frozenset(history.personal)
    days = [view_of(name, state, secret) for name, state in history.days.items()]
    return _chosen(days, BUILT_IN)


def rules_on(found: Suggested, column: str) -> list[dict[str, Any]]:
    def about(rule: dict[str, Any]) -> bool:
        named = [rule.get("field"), *rule.get("fields", ()), *rule.get("columns", ())]
        return column in named

    return [each.rule for each in found.rules if about(each.rule)]


def compiled(folder: Path, history: History, found: Suggested) -> Policy:
    document = baseline(history, of_polars(shop(0).schema), "urn:dp:a:b", "t", BUILT_IN)
    (folder / "baseline.json").write_bytes(as_bytes(document))
    bundle = folder / "policy_bundle.yaml"
    bundle.write_text(draft.bundle(document, found, NOW))
    policy, problems = policy_for_check(bundle)
    assert [p for p in problems if p.severity == "error"] == []
    return policy


def test_what_would_surely_break_is_not_suggested(found: Suggested) -> None:
    assert rules_on(found, "order_id") == [{"kind": "unique", "field": "order_id"}]
    for grows in ("version", "seen_on"):
        assert rules_on(found, grows) == []
    assert {"kind": "unique", "field": "almost_id"} not in [each.rule for each in found.rules]
    assert not any(r["kind"] == "accepted_values" for r in rules_on(found, "visitor"))
    written = [name for each in found.rules for name in each.rule.get("required_fields", ())]
    assert "once_empty" not in written
    assert "state" in written


def test_what_holds_is_suggested_with_what_it_rests_on(found: Suggested) -> None:
    rules = [each.rule for each in found.rules]
    assert {
        "kind": "accepted_values",
        "field": "state",
        "values": ["NEW", "PAID", "SENT"],
    } in rules
    pattern = {
        "kind": "pattern",
        "field": "sku",
        "pattern": r"[A-Z]{2}\-[0-9]{4}",
        "threshold": "1%",
    }
    assert pattern in rules
    assert {"invariants": ["created_at <= shipped_at"]} in rules
    assert {"invariants": ["abs(gross - (net + tax)) <= 0.005"]} in rules
    assert {"pattern": "EMAIL", "columns": ["mail"], "action": "tokenize"} in rules
    assert {(each.rows, each.days) for each in found.rules} == {(120 * DAYS, DAYS)}
    judged = [each for each in found.rules if each.block != "pii"]
    assert {each.alarms for each in judged} == {0}
    total = sum(each.expected_false_alarm_rate or 0.0 for each in judged)
    assert found.expected_false_alarm_rate == pytest.approx(total, abs=1e-3)
    assert found.expected_false_alarm_rate == pytest.approx(0.5 / (DAYS + 1), abs=1e-4)


FAULTS: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "none": lambda day: day,
    "half": lambda day: day.head(day.height // 3),
    "nulls": lambda day: day.with_columns(
        pl.when(pl.int_range(pl.len()) > 40).then(pl.col("rating", "state", "net"))
    ),
    "unit": lambda day: day.with_columns(pl.col("net") * 100),
    "value": lambda day: day.with_columns(state=pl.lit("LOST")),
    "swap": lambda day: day.with_columns(created_at="shipped_at", shipped_at="created_at"),
    "twice": lambda day: pl.concat([day, day]),
    "shape": lambda day: day.with_columns(sku=pl.col("sku").str.to_lowercase()),
    "one odd": lambda day: day.with_columns(
        sku=pl.when(pl.int_range(pl.len()) == 7).then(pl.lit("odd")).otherwise("sku")
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_figures_tell_of_a_day_what_judging_its_rows_tells(
    fault: str,
    history: History,
    found: Suggested,
    chosen: list[Candidate],
    tmp_path: Path,
) -> None:
    policy = compiled(tmp_path, history, found)
    rows = FAULTS[fault](shop(DAYS))
    scan = DayScan()
    scan.add(rows)
    secret = frozenset(history.personal)
    day = view_of("2026-01-15", scan.sealed(), secret)
    told = {each.name[:2] for each in chosen if fails(each.rule, day)}
    judged = judge(rows, policy, "silver", now=NOW)
    failed = [rule for rule in judged.rules if rule.status in ("fail", "error")]
    assert len(told) == len(failed), (told, failed)
    assert {name[1] for name in told if len(name) > 1 and name[0] != "expression"} == {
        rule.fields[0] for rule in failed if rule.kind not in ("expression", "unique", "row_count")
    }
    assert bool(failed) is (fault not in ("none", "one odd"))


def test_days_that_were_left_out_decide(tmp_path: Path) -> None:
    # one day of ten holds a value that no other day does: the list would have failed there
    days = [shop(n) for n in range(10)]
    days[4] = days[4].with_columns(state=pl.lit("SALE"))
    pl.concat(days).write_parquet(tmp_path / "rows.parquet")
    history = measured(rows_at(str(tmp_path / "rows.parquet")), frozenset())
    rules = rules_on(suggested(history, BUILT_IN), "state")
    assert not any(rule["kind"] == "accepted_values" for rule in rules)


def test_only_what_the_policy_lacks_is_suggested(history: History, found: Suggested) -> None:
    known = frozenset({("not_null", "state"), ("accepted_values", "state"), ("pii", "mail")})
    fewer = suggested(history, BUILT_IN, known)
    assert fewer.known == 2
    assert len(fewer.rules) == len(found.rules) - 3


def test_no_rows_suggest_nothing(tmp_path: Path) -> None:
    shop(0).clear().write_parquet(tmp_path / "rows.parquet")
    history = measured(rows_at(str(tmp_path / "rows.parquet")), frozenset())
    assert suggested(history, BUILT_IN) == Suggested()


def test_datasets_that_never_vary_leave_a_new_one_some_room(tmp_path: Path) -> None:
    shop(0).write_parquet(tmp_path / "rows.parquet")
    history = measured(rows_at(str(tmp_path / "rows.parquet")), frozenset())
    steady = Defaults("others", 1.0, 1.0, 0.0)
    (rule,) = (
        r.rule for r in suggested(history, steady).rules if r.rule.get("kind") == "row_count"
    )
    assert rule["min"] < 100
    assert rule["max"] > 140


def test_one_value_that_looks_personal_is_no_reason_to_act(tmp_path: Path) -> None:
    days = [
        shop(number, 400).with_columns(
            ref=pl.format("r{}", "order_id").replace({"r0": "4111111111111111"})
        )
        for number in range(4)
    ]
    pl.concat(days).write_parquet(tmp_path / "rows.parquet")
    history = measured(rows_at(str(tmp_path / "rows.parquet")), frozenset())
    assert history.personal == {"mail": "EMAIL", "ref": "CREDIT_CARD"}
    acted = [r.rule["columns"] for r in suggested(history, BUILT_IN).rules if r.block == "pii"]
    assert acted == [["mail"]]


def test_names_that_expressions_know_otherwise_are_quoted(tmp_path: Path) -> None:
    def renamed(number: int) -> pl.DataFrame:
        return shop(number).rename({"created_at": "case", "shipped_at": 'the "end" <= of it'})

    pl.concat(renamed(n) for n in range(4)).write_parquet(tmp_path / "rows.parquet")
    history = measured(rows_at(str(tmp_path / "rows.parquet")), frozenset())
    found = suggested(history, BUILT_IN)
    assert {"invariants": ['"case" <= "the ""end"" <= of it"']} in [r.rule for r in found.rules]
    schema = of_polars(renamed(0).schema)
    document = baseline(history, schema, "urn:dp:a:b", "t", BUILT_IN)
    (tmp_path / "baseline.json").write_bytes(as_bytes(document))
    bundle = tmp_path / "policy_bundle.yaml"
    bundle.write_text(draft.bundle(document, found, NOW))
    policy, _ = policy_for_check(bundle)
    assert judge(renamed(5), policy, "silver", now=NOW).verdict in ("PASS", "WARN")


def test_one_or_two_days_suggest_presence_and_the_third_more(tmp_path: Path) -> None:
    kinds = []
    for days in (1, 2, 3):
        pl.concat(shop(n) for n in range(days)).write_parquet(tmp_path / "rows.parquet")
        history = measured(rows_at(str(tmp_path / "rows.parquet")), frozenset())
        found = suggested(history, BUILT_IN)
        kinds.append({r.rule.get("kind", next(iter(r.rule))) for r in found.rules})
        assert (found.expected_false_alarm_rate is None) is (days < 3)
    assert kinds[0] == kinds[1] == {"required_fields", "row_count", "pattern"}
    assert {"accepted_values", "range", "invariants", "unique"} <= kinds[2]

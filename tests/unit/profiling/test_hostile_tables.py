"""Tables that nobody would write on purpose: extreme values, odd names, days that are none."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from deltalake import write_deltalake

from sfctl.profiling import draft
from sfctl.profiling.baseline import baseline
from sfctl.profiling.history import History, measured
from sfctl.profiling.relations import MOST_MEASURES, Relations
from sfctl.profiling.rows import rows_at
from sfctl.profiling.suggest import suggested
from sfctl.profiling.texts import texts_of
from sfctl.profiling.tiers import BUILT_IN
from sfctl.runtime.core.schema_of import of_polars
from sfctl.spec.context import Context
from sfctl.spec.template import render
from sfctl.spec.tree import Node
from sfctl.spec.yaml import parse

ROWS = 300
DAYS = [date(2026, 1, 1) + timedelta(days=n % 10) for n in range(ROWS)]


def profiled(path: Path) -> tuple[History, Node]:
    """Return the days of a table, and the draft of a policy as the repo reads it."""
    rows = rows_at(str(path))
    history = measured(rows, frozenset())
    document = baseline(history, of_polars(rows.schema), "ds://raw/t", "t", BUILT_IN)
    found = suggested(history, BUILT_IN)
    node, problems = parse(draft.bundle(document, found, datetime(2026, 1, 11, tzinfo=UTC)), "d")
    assert node is not None, problems
    node, more = render(node, Context(path.parent, "p", "dev", "dev"))
    assert (problems, more) == ([], [])
    return history, node


def written(folder: Path, **columns: object) -> Path:
    path = folder / "t.parquet"
    pl.DataFrame({"dt": DAYS, **columns}).write_parquet(path)
    return path


def entries(node: Node, block: str, key: str) -> dict[str, Node]:
    """Return what a block lists, by the field it is about."""
    listed = node.get(block)
    found = listed.get(key) if listed is not None else None
    return {each.string("field", "*"): each for each in found} if found is not None else {}


def fields(node: Node) -> list[str]:
    return list(entries(node, "schema", "constraints"))


def values_of(rule: Node) -> list[str]:
    return [each.text for each in rule.get("values") or ()]


@pytest.mark.parametrize(
    "values",
    [
        [1.7e308 - n * 1e305 for n in range(ROWS)],
        [1e-310 * (n * 7 % ROWS) for n in range(ROWS)],
        [-1e-310 * (n * 7 % ROWS) - 1e-312 for n in range(ROWS)],
    ],
    ids=["huge", "tiny", "tiny and negative"],
)
def test_numbers_at_the_ends_of_what_a_float_holds(values: list[float], tmp_path: Path) -> None:
    _, node = profiled(written(tmp_path, amount=values))
    assert fields(node) == ["dt", "amount"]


@pytest.mark.parametrize(
    ("unit", "value"), [(pl.Datetime("us"), 2**50 * 300), (pl.Date, 4_000_000)], ids=["time", "day"]
)
def test_times_past_the_year_9999_are_counted_apart(
    unit: pl.DataType, value: int, tmp_path: Path
) -> None:
    whole = pl.Int64 if value > 2**31 else pl.Int32
    at = pl.Series([value, 0, 1] * (ROWS // 3), dtype=whole).cast(unit)
    history, _ = profiled(written(tmp_path, at=at))
    states = [day.columns["at"] for day in history.days.values()]
    assert sum(state.nans for state in states) == ROWS // 3
    assert all("1970" in str(state.figures.most) for state in states)


@pytest.mark.parametrize("sign", ["\n", "\x7f", "\x85", "\u2028", "\ufeff", "\U0001f600", "\t"])
def test_a_draft_stays_readable_whatever_names_and_texts_hold(sign: str, tmp_path: Path) -> None:
    name = f"a{sign}version: 7{sign}id"
    shaped = [f"{n * 37 % 900 + 100}{sign}{n * 61 % 900 + 100}" for n in range(ROWS)]
    few = [f"x{sign}", "y", "z"] * (ROWS // 3)
    path = written(tmp_path, **{name: list(range(ROWS)), "shaped": shaped, "few": few})
    _, node = profiled(path)
    assert fields(node) == ["dt", name, "shaped", "few"]
    assert values_of(entries(node, "dq", "rules")["few"]) == sorted(set(few))


def test_templates_in_the_data_are_not_filled_in(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("told")
    values = ["{{ file('secret') }}", "{% if x %}", "{# y #}"]
    _, node = profiled(written(tmp_path, few=values * (ROWS // 3)))
    assert values_of(entries(node, "dq", "rules")["few"]) == sorted(values)


@pytest.mark.parametrize(
    ("days", "told"),
    [
        (["20260103", "20260101", "20260102"], ["2026-01-01", "2026-01-02", "2026-01-03"]),
        (["2026-13-45", "2026-01-01", "2026-01-02"], ["2026-01-01", "2026-01-02"]),
        (["north", "south", None], [""]),
    ],
)
def test_days_by_partition(days: list[str | None], told: list[str], tmp_path: Path) -> None:
    frame = pl.DataFrame({"dt": days * 40, "v": list(range(120))})
    write_deltalake(tmp_path / "t", frame, partition_by=["dt"])
    history, _ = profiled(tmp_path / "t")
    assert list(history.days) == told
    assert sum(day.rows for day in history.days.values()) == 40 * (len(told) if told != [""] else 3)


def test_a_day_that_is_none_is_no_day_of_a_column(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    days = ["2026-13-45", "2026-01-01", "20260102"]
    pl.DataFrame({"dt": days * 40, "v": list(range(120))}).write_parquet(path)
    history, _ = profiled(path)
    assert list(history.days) == ["2026-01-01", "2026-01-02"]


def test_partitions_whose_names_a_path_has_to_escape(tmp_path: Path) -> None:
    at = [datetime(2026, 1, 1 + n % 9, tzinfo=UTC) for n in range(120)]
    frame = pl.DataFrame({"region": ["a b", "c/d", "é%"] * 40, "created_at": at})
    write_deltalake(tmp_path / "t", frame, partition_by=["region"])
    history, _ = profiled(tmp_path / "t")
    assert [day.rows for day in history.days.values()] == [14, 14, 14] + [13] * 6


def test_a_dot_in_a_name_is_no_way_into_another_column() -> None:
    mails = [f"someone{n}@mail.example.com" for n in range(50)]
    frame = pl.DataFrame({"a.b": mails, "a": ["plain"] * 50})
    found = texts_of(frame)
    assert {name: text.kind for name, text in found.items()} == {"a.b": "EMAIL", "a": None}


def test_relations_are_looked_for_among_the_first_measures_only() -> None:
    columns = {f"step_{n:03}": [float(n), n + 900.0] for n in range(3 * MOST_MEASURES)}
    relations = Relations()
    relations.add(pl.DataFrame(columns))
    named = {name for pair in relations.held() for name in pair}
    assert named == set(list(columns)[:MOST_MEASURES])

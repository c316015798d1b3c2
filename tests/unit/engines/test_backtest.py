"""`engine backtest volume`: flags, the stated rate, and every way a CSV can be wrong."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from sfctl.commands.engine_backtest import backtest
from sfctl.errors import SpecError, UsageError


def history(folder: Path, *, struck: dict[int, int] | None = None, number: int = 90) -> Path:
    first = date(2025, 10, 1)
    lines = ["date,count"]
    for n in range(number):
        usual = 100_000 + 1_000 * (n * 7 % 11)
        lines.append(f"{first + timedelta(days=n)},{(struck or {}).get(n, usual)}")
    path = folder / "history.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_r153_a_drop_of_half_is_flagged_and_no_other_day(tmp_path: Path) -> None:
    outcome = backtest("volume", history=history(tmp_path, struck={60: 52_000}))
    assert outcome.payload["flags"] == ["2025-11-30"]
    assert outcome.payload["evaluated"] == 83
    assert outcome.payload["expected_false_positive_rate"] == 0
    assert outcome.exit_code == 0
    (point,) = [p for p in outcome.payload["points"] if p["reason"]]
    assert (point["reason"], point["value"]) == ("VOLUME_DROP", 52_000)
    assert "2025-11-30 52,000 rows" in outcome.text
    assert "1 day flagged of 83 days evaluated (90 days given)" in outcome.text


def test_r153_the_threshold_changes_what_is_flagged(tmp_path: Path) -> None:
    path = history(tmp_path, struck={60: 88_000})
    assert backtest("volume", history=path).payload["flags"] == []
    assert backtest("volume", history=path, threshold=10).payload["flags"] == ["2025-11-30"]


def test_bounds_need_no_history(tmp_path: Path) -> None:
    path = history(tmp_path, number=2)
    outcome = backtest("volume", history=path, min_rows=100_001)
    assert outcome.payload["flags"] == ["2025-10-01"]
    assert outcome.payload["expected_false_positive_rate"] is None


def test_bytes_are_judged_beside_the_count(tmp_path: Path) -> None:
    path = tmp_path / "h.csv"
    lines = [f"2025-10-{n:02},1000,{50 if n == 20 else 5000}" for n in range(1, 29)]
    path.write_text("date,count,bytes\n" + "\n".join(lines), encoding="utf-8")
    outcome = backtest("volume", history=path)
    assert outcome.payload["flags"] == ["2025-10-20"]


def test_the_order_of_lines_makes_no_difference(tmp_path: Path) -> None:
    path = history(tmp_path, struck={60: 52_000})
    straight = backtest("volume", history=path)
    header, *lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([header, *reversed(lines)]), encoding="utf-8")
    assert backtest("volume", history=path).payload == straight.payload


@pytest.mark.parametrize(
    ("content", "code", "line"),
    [
        ("", "SF827", 1),
        ("day,count\n2025-10-01,1\n", "SF827", 1),
        ("date,count\n", "SF827", 1),
        ("date,count\n2025-10-01,5\nyesterday,5\n", "SF828", 3),
        ("date,count\n2025-10-01,many\n", "SF828", 2),
        ("date,count\n2025-10-01,-5\n", "SF828", 2),
        ("date,count\n2025-10-01,nan\n", "SF828", 2),
        ("date,count\n2025-10-01,inf\n", "SF828", 2),
        ("date,count\n2025-10-01\n", "SF828", 2),
        ("date,count\n2025-10-01,5\n2025-10-01,6\n", "SF828", 3),
        ("date,count\n20251001x,5\n", "SF828", 2),
    ],
)
def test_a_wrong_history_names_line_and_way_out(
    tmp_path: Path, content: str, code: str, line: int
) -> None:
    path = tmp_path / "h.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        backtest("volume", history=path)
    (problem,) = caught.value.problems
    assert (problem.code, problem.line) == (code, line)
    assert problem.hint
    assert caught.value.exit_code == 2


def test_a_file_that_is_not_there_and_an_engine_without_a_back_test(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read") as caught:
        backtest("volume", history=tmp_path / "none.csv")
    assert caught.value.code == "SF826"
    with pytest.raises(UsageError, match="no back test for `dq`") as caught:
        backtest("dq", history=history(tmp_path))
    assert caught.value.code == "SF829"

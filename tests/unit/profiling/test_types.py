"""Columns of every type: measured or passed over, never an error, always JSON."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sfctl.profiling.baseline import as_bytes, baseline
from sfctl.profiling.history import measured
from sfctl.profiling.rows import rows_at
from sfctl.profiling.suggest import suggested
from sfctl.profiling.tiers import BUILT_IN
from sfctl.runtime.core.schema_of import of_polars

N = 150
COLUMNS: dict[str, pl.Series] = {
    "nothing": pl.Series([None] * N, dtype=pl.Null),
    "no_number": pl.Series([None] * N, dtype=pl.Int32),
    "no_text": pl.Series([None] * N, dtype=pl.String),
    "nan": pl.Series([float("nan")] * N),
    "edges": pl.Series([float("inf"), -float("inf"), -0.0, 1e308, -1e308] * (N // 5)),
    "tiny": pl.Series([n % 3 for n in range(N)], dtype=pl.Int8),
    "huge": pl.Series([2**64 - 1 - n for n in range(N)], dtype=pl.UInt64),
    "beyond": pl.Series([2**100 + n for n in range(N)], dtype=pl.Int128),
    "money": pl.Series([Decimal(n) / 4 for n in range(N)], dtype=pl.Decimal(12, 2)),
    "truth": pl.Series([n % 2 == 0 for n in range(N)]),
    "day_of": pl.Series([date(2026, 1, 1 + n % 9) for n in range(N)]),
    "clock": pl.Series([time(n % 24) for n in range(N)]),
    "at_utc": pl.Series([datetime(2026, 1, 1, n % 24) for n in range(N)]).dt.replace_time_zone(
        "UTC"
    ),
    "at_ntz": pl.Series([datetime(2026, 1, 1, n % 24) for n in range(N)]),
    "took": pl.Series([timedelta(seconds=n) for n in range(N)]),
    "took_longer": pl.Series([timedelta(seconds=n + 5) for n in range(N)]),
    "bytes": pl.Series([b"a", None, b"b"] * (N // 3)),
    "kinds": pl.Series(["a", "b", "c"] * (N // 3), dtype=pl.Categorical),
    "closed": pl.Series(["a", "b", "b"] * (N // 3), dtype=pl.Enum(["a", "b"])),
    "list": pl.Series([[n, None] for n in range(N)]),
    "nested": pl.Series([{"mail": f"u{n}@mail.example.com", "n": n} for n in range(N)]),
    "wörter \x01": pl.Series(["\x01", "é ", "", "日本", None] * (N // 5)),
}


def profiled(frame: pl.DataFrame, folder: Path) -> tuple[dict[str, Any], bytes, list[Any]]:
    file = folder / "rows.parquet"
    frame.write_parquet(file)
    history = measured(rows_at(str(file)), frozenset(), folder / "kept")
    assert measured(rows_at(str(file)), frozenset(), folder / "kept").read_rows == 0
    document = baseline(history, of_polars(frame.schema), "urn:dp:a:b", "t", BUILT_IN)
    data = as_bytes(document)
    return json.loads(data), data, [each.rule for each in suggested(history, BUILT_IN).rules]


@pytest.mark.parametrize("name", COLUMNS, ids=lambda name: name.split()[0])
def test_a_column_of_any_type_is_measured(name: str, tmp_path: Path) -> None:
    document, _, _ = profiled(COLUMNS[name].alias(name).to_frame(), tmp_path)
    figures = document["columns"][name]
    assert figures["nulls"] == COLUMNS[name].null_count()
    if name in ("list", "nested", "bytes", "nothing"):
        assert "distinct" not in figures
    elif name not in ("edges", "nan"):
        assert figures["distinct"] == COLUMNS[name].drop_nulls().n_unique()


def test_all_of_them_together_and_twice_the_same(tmp_path: Path) -> None:
    frame = pl.DataFrame([series.alias(name) for name, series in COLUMNS.items()])
    document, data, rules = profiled(frame, tmp_path)
    (tmp_path / "kept").unlink()
    again = profiled(frame, tmp_path)
    assert again[1:] == (data, rules)
    assert list(document["columns"]) == frame.columns
    edges = document["columns"]["edges"]
    assert (edges["not_finite"], edges["distinct"], edges["min"], edges["max"]) == (
        60,
        3,
        -1e308,
        1e308,
    )
    assert document["columns"]["nan"]["presence"] == "optional"
    assert not any("pattern" in rule for rule in rules), "only whole texts can be acted on"
    assert b"example.com" not in data
    assert {"invariants": ["took <= took_longer"]} in rules

"""DuckDB's `SUMMARIZE` of a Parquet file: its own profile of every column."""

from __future__ import annotations

import duckdb

from bench.subjects.session import drive


def summarize(file: str) -> dict[str, int]:
    """Return how many columns were summarized; the whole answer is fetched."""
    with duckdb.connect() as connection:
        rows = connection.execute(f"SUMMARIZE SELECT * FROM read_parquet('{file}')").fetchall()
    return {"columns": len(rows)}


def load(file: str, _named: bool) -> str:
    """Return the file: it is read every time, by both."""
    return file


if __name__ == "__main__":
    drive(summarize, load, profile=summarize)

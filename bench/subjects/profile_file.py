"""The profile of a Parquet file, within a process that has its libraries loaded already."""

from __future__ import annotations

from bench.subjects.session import drive
from sfctl.profiling.baseline import as_bytes, baseline
from sfctl.profiling.history import measured
from sfctl.profiling.rows import rows_at
from sfctl.profiling.tiers import BUILT_IN
from sfctl.runtime.core.schema_of import of_polars


def profile(file: str) -> dict[str, int]:
    """Return how many columns the baseline has; nothing is kept between two."""
    rows = rows_at(file)
    history = measured(rows, frozenset())
    schema = of_polars(rows.schema)
    document = baseline(history, schema, "urn:dp:bench:file", "file", BUILT_IN)
    as_bytes(document)
    return {"columns": len(document["columns"])}


def load(file: str, _named: bool) -> str:
    """Return the file: it is read every time, by both."""
    return file


if __name__ == "__main__":
    drive(profile, load, profile=profile)

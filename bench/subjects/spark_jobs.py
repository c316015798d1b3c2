"""Writes by Delta's own writer and by `sf.write`, in one session: `spark_jobs.py SOURCES TARGET`.

It is asked for `bare wide` or `eight job`: how, or the dataset whose rules judge, and what. Where
the time of a gated write went it tells by step (`steps`).
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame

import sfctl as sf
from bench.subjects.spark_enriched import enriched
from bench.subjects.spark_session import serve, session
from sfctl.runtime.job import inputs, judging_spark, sdk
from sfctl.runtime.publishing import publish
from sfctl.runtime.spark import engine, staging

STEPS: dict[str, float] = defaultdict(float)
TIMED: list[tuple[str, Any, str]] = [
    # a name, and what does that step
    ("inputs looked at", inputs.Inputs, "captured"),
    ("request, policy verified", sdk.Session, "_request"),
    ("of it, footers", staging, "_files"),
    ("rows judged", judging_spark.JudgingOnSpark, "judge"),
    ("rows split", judging_spark.JudgingOnSpark, "split"),
    ("row keys", publish, "_row_keys"),
    ("quarantined", engine.OnSpark, "hold"),
    ("committed", engine.OnSpark, "commit"),
    ("ledger, evidence, view", publish, "_settle"),
]


def write(frame: DataFrame, how: str, what: str, target: Path) -> dict[str, object]:
    """Append a frame to a table, and say how many rows went where."""
    if how == "bare":
        frame.write.format("delta").mode("append").save(str(target / "bare" / what))
        return {}
    done = sf.write(frame, f"ds://bench/{how}", stage="silver", mode="append")
    assert done.published, done
    assert not done.degraded, done
    return {"good": done.rows_published, "bad": done.rows_quarantined}


def watch() -> None:
    """Take the time of each step of a gated write."""
    for name, owner, attribute in TIMED:
        setattr(owner, attribute, timed(name, getattr(owner, attribute)))
    take = engine.OnSpark.taken

    @contextmanager
    def taken(*args: Any, **named: Any) -> Iterator[Any]:
        begun = time.perf_counter()
        with take(*args, **named) as found:
            STEPS["rows taken"] += time.perf_counter() - begun
            yield found

    engine.OnSpark.taken = taken  # type: ignore[method-assign]


def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function, its seconds noted under a name."""

    @wraps(function)
    def noted(*args: Any, **named: Any) -> Any:
        begun = time.perf_counter()
        try:
            return function(*args, **named)
        finally:
            STEPS[name] += time.perf_counter() - begun

    return noted


def main() -> None:
    """Serve."""
    sources, target = json.loads(sys.argv[1]), Path(sys.argv[2])
    spark = session(target)
    watch()

    def asked(how: str, what: str) -> dict[str, object]:
        STEPS.clear()
        frame = enriched(spark, sources) if what == "job" else spark.read.parquet(sources[what])
        return {**write(frame, how, what, target), "steps": dict(STEPS)}

    serve(spark, target, asked)


if __name__ == "__main__":
    main()

"""A gated write at the end of a job that does real work, beside the same job without us."""

from __future__ import annotations

from bench.cases.spark import JOB, measured
from bench.results import Report


def run_case(quick: bool) -> Report:
    """Measure the job; `quick` on small tables."""
    return measured("spark-job", "A job on Spark with a gated write", [JOB], quick)

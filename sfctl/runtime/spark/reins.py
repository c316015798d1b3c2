"""Jobs of ours on the user's cluster, marked, so that they end without touching any of the user's.

A mark is a job group of the thread that does our work; threads of Python are threads of the JVM
unless PYSPARK_PIN_THREAD says otherwise, and then nothing is marked and nothing is ended.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

T = TypeVar("T")
SLACK_S = 30.0
"""What starting jobs and Python workers may take on a busy cluster before anything is judged."""


class SparkReins:
    """Holds the Spark jobs of one piece of our work; see `failopen.Reins`."""

    slack = SLACK_S

    def __init__(self, spark: SparkSession) -> None:
        self._context: Any = spark.sparkContext._jsc.sc()
        self._group = f"sfctl-{uuid.uuid4().hex}"
        self._pinned = os.environ.get("PYSPARK_PIN_THREAD", "true").lower() == "true"

    def around(self, work: Callable[[], T]) -> Callable[[], T]:
        """Return the work with its jobs marked, and otherwise as jobs of the calling thread."""
        if not self._pinned:
            return work
        inherited = self._context.getLocalProperties().clone()

        def marked() -> T:
            self._context.setLocalProperties(inherited)
            self._context.setJobGroup(self._group, "sfctl: judging", False)
            return work()

        return marked

    def end(self) -> None:
        """Cancel the jobs of the work, and those it would still start."""
        if self._pinned:
            with contextlib.suppress(Exception):  # a session that is gone has no jobs
                self._context.cancelJobGroupAndFutureJobs(self._group)

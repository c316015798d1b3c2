"""What Java threw behind an exception: the driver's full heap, or something else."""

from __future__ import annotations

from typing import Any

import pytest

from sfctl.runtime.job import failure
from sfctl.runtime.spark import heap

TOO_MANY = 2_000_000_000
LOST = "Job aborted due to stage failure: Lost task 0.0 in stage 1.0 (TID 3) (host executor {}): x"


def raised(work: Any) -> BaseException:
    with pytest.raises(Exception) as caught:  # noqa: PT011  what Spark raises is not the matter
        work()
    return caught.value


def thrown(spark: Any, message: str, cause: Any) -> BaseException:
    """Return what Python gets where Spark throws an exception with a cause."""
    java = spark._jvm.org.apache.spark.SparkException(message, cause)
    return raised(lambda: spark._jvm.scala.util.Failure(java).get())


def test_a_heap_that_the_jobs_own_call_filled(spark: Any) -> None:
    error = raised(lambda: spark._jvm.java.util.ArrayList(TOO_MANY))
    assert heap.filled(error)
    assert failure.describe(error)["failure_reason"] == "DRIVER_OUT_OF_MEMORY"
    planned = raised(lambda: spark.sql(f"SELECT size(sequence(0L, {TOO_MANY}L))").collect())
    assert heap.filled(planned), "a plan is folded in the driver"


def test_it_is_found_behind_what_the_job_made_of_it(spark: Any) -> None:
    def wraps() -> None:
        try:
            spark._jvm.java.util.ArrayList(TOO_MANY)
        except Exception as error:
            raise RuntimeError("daily failed") from error

    def cleans_up() -> None:
        try:
            spark._jvm.java.util.ArrayList(TOO_MANY)
        finally:
            raise KeyError("clean-up")

    def goes_on() -> None:
        try:
            spark._jvm.java.util.ArrayList(TOO_MANY)
        except Exception:
            raise KeyError("another matter") from None

    assert heap.filled(raised(wraps))
    assert heap.filled(raised(cleans_up))
    assert not heap.filled(raised(goes_on))


def test_memory_of_executors_is_not_the_drivers(spark: Any) -> None:
    full = spark._jvm.java.lang.OutOfMemoryError("Java heap space")
    assert heap.filled(thrown(spark, LOST.format("driver"), full))
    assert not heap.filled(thrown(spark, LOST.format("7"), full))
    assert not heap.filled(thrown(spark, "Job aborted due to stage failure: unknown", full))
    assert heap.filled(thrown(spark, "Exception thrown in awaitResult: ", full))


def test_other_ends_are_no_matter_of_memory(spark: Any) -> None:
    failing = raised(
        lambda: spark.sql("SELECT raise_error('java.lang.OutOfMemoryError')").collect()
    )
    assert not heap.filled(failing), "a text that says so"
    assert not heap.filled(raised(lambda: spark.sql("SELECT nothing")))
    assert not heap.filled(MemoryError())
    unit = thrown(spark, "x", spark._jvm.java.lang.IllegalStateException("x"))
    assert failure.signature(unit).startswith("JOB_ERROR:Py4JJavaError")

"""Which frames of Spark we can work with; what is wrong with others is told before any write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sfctl.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_CONNECT = "pyspark.sql.connect"
_QUERY, _BATCH, _GROUP = "sql.streaming.queryId", "streaming.sql.batchId", "spark.jobGroup.id"


def is_frame(value: object) -> bool:
    """Tell whether something is a DataFrame of Spark, of whichever kind; imports nothing."""
    return any(
        kind.__name__ == "DataFrame" and kind.__module__.startswith("pyspark.sql")
        for kind in type(value).__mro__
    )


def is_session(value: object) -> bool:
    """Tell whether something is a SparkSession, of whichever kind; imports nothing."""
    return any(
        kind.__name__ == "SparkSession" and kind.__module__.startswith("pyspark.sql")
        for kind in type(value).__mro__
    )


def require_frame(frame: Any) -> DataFrame:
    """Return a frame that can be written.

    Raises UsageError SF890 for one of Spark Connect, SF891 where its session has ended, SF892 for
    a streaming one.
    """
    _classic(frame, "frame")
    if _ended(frame._jdf.sparkSession):
        raise UsageError(
            "the Spark session of this frame has ended",
            hint="write before spark.stop(), or make the frame anew in a session that runs",
            code="SF891",
        )
    if frame.isStreaming:
        raise UsageError(
            "a streaming frame cannot be written as one batch",
            hint="df.writeStream.foreachBatch(lambda batch, number: sf.write(batch, ...))",
            code="SF892",
        )
    kept: DataFrame = frame
    return kept


def require_session(spark: Any) -> SparkSession:
    """Return a session that can be used. Raises UsageError SF890 or SF891, as `require_frame`."""
    if not is_session(spark):
        raise UsageError(
            f"{type(spark).__name__} is no SparkSession",
            hint="pass the job's `spark`",
            code="SF891",
        )
    _classic(spark, "session")
    if _ended(lambda: spark._jsparkSession):
        raise UsageError(
            "this Spark session has ended",
            hint="SparkSession.builder.getOrCreate() begins another one",
            code="SF891",
        )
    kept: SparkSession = spark
    return kept


def running() -> SparkSession:
    """Return the session that runs in this process; one begins where there is none.

    Raises UsageError SF890 where only Spark Connect would answer.
    """
    from pyspark.sql import SparkSession

    return require_session(SparkSession.getActiveSession() or SparkSession.builder.getOrCreate())


def micro_batch(frame: Any) -> tuple[str, str]:
    """Return what names the micro-batch that runs around a frame, and its attempt; else empty.

    The name (query and batch number) is the same when Spark repeats the batch after a restart.
    """
    context = frame._jdf.sparkSession().sparkContext()
    query, number = context.getLocalProperty(_QUERY), context.getLocalProperty(_BATCH)
    if not query or number is None:
        return "", ""
    return f"{query}/{number}", f"{query}/{number}/{context.getLocalProperty(_GROUP)}"


def has_delta(spark: SparkSession) -> bool:
    """Tell whether a session reads Delta: its jars are there, and the catalog is Delta's."""
    wanted = "org.apache.spark.sql.delta.catalog.DeltaCatalog"
    if spark.conf.get("spark.sql.catalog.spark_catalog", "") != wanted:
        return False
    try:
        java: Any = spark._jvm
        loader = java.java.lang.Thread.currentThread().getContextClassLoader()
        loader.loadClass(wanted)
    except Exception:  # noqa: BLE001  ClassNotFoundException, in whatever py4j wraps it
        return False
    return True


def _classic(value: object, what: str) -> None:
    connect = any(kind.__module__.startswith(_CONNECT) for kind in type(value).__mro__)
    if connect or not hasattr(value, "_jdf" if what == "frame" else "_jsparkSession"):
        raise UsageError(
            f"this {what} is of Spark Connect, which cannot be gated",
            hint="use a classic session, or let `sfctl run` judge what Spark wrote",
            code="SF890",
        )


def _ended(session: Any) -> bool:
    try:
        return bool(session().sparkContext().isStopped())
    except Exception:  # noqa: BLE001  a JVM that does not answer is one that has ended
        return True

"""A session beside the user's: the same tables, views and settings, and some settings of its own.

Nothing that is set here is ever seen by the user's session, in whatever thread it is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_PARTS = ("_sc", "_jsc", "_jvm", "_profiler_collector")


def session_beside(spark: SparkSession, settings: Mapping[str, str]) -> SparkSession:
    """Return a session with all that `spark` has, and `settings`; `spark` stays as it is."""
    own: Any = spark
    beside: Any = object.__new__(type(spark))  # __init__ would make it the one of rdd.toDF
    beside.__dict__.update({name: own.__dict__[name] for name in _PARTS if name in own.__dict__})
    beside._jsparkSession = own._jsparkSession.cloneSession()
    for name, value in settings.items():
        beside.conf.set(name, value)
    found: SparkSession = beside
    return found


def frame_in(beside: SparkSession, frame: DataFrame) -> DataFrame:
    """Return the same rows as a frame of another session of the same context."""
    from pyspark.sql import DataFrame

    session: Any = beside
    made = session._jvm.org.apache.spark.sql.classic.Dataset.ofRows(
        session._jsparkSession, frame._jdf.queryExecution().analyzed()
    )
    return DataFrame(made, beside)

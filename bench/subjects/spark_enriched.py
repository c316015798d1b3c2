"""A job that does real work; by spark-submit it writes too: `spark_enriched.py SOURCES TABLE`."""

from __future__ import annotations

import json
import sys

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

KEPT = [
    "year", "month", "day", "hour", "origin", "dest", "carrier", "flight", "tailnum", "distance",
    "sched_dep_time", "arr_delay", "departures", "delay_that_day", "usual_delay",
    "worse_than_usual", "seats",
]  # fmt: skip


def enriched(spark: SparkSession, sources: dict[str, str]) -> DataFrame:
    """Read flights, join aircraft, airline and airport, and what is usual on that day and route."""
    flights = spark.read.parquet(sources["job"])
    day = ["year", "month", "day", "origin"]
    route = ["origin", "dest", "carrier", "month"]
    traffic = flights.groupBy(day).agg(
        F.count("*").alias("departures"), F.avg("dep_delay").alias("delay_that_day")
    )
    usual = flights.groupBy(route).agg(
        F.avg("arr_delay").alias("usual_delay"), F.stddev("arr_delay").alias("usual_spread")
    )
    rows = flights.join(spark.read.parquet(sources["planes"]), "tailnum", "left")
    rows = rows.join(spark.read.parquet(sources["airlines"]), "carrier", "left")
    rows = rows.join(spark.read.parquet(sources["airports"]), "dest", "left")
    rows = rows.join(traffic, day, "left").join(usual, route, "left")
    late = F.col("arr_delay") - F.col("usual_delay")
    rows = rows.withColumn("worse_than_usual", late > 2 * F.col("usual_spread"))
    return rows.select(*KEPT)


def main() -> None:
    """Append the rows to a Delta table, as somebody writes it who never heard of us."""
    spark = SparkSession.builder.getOrCreate()
    rows = enriched(spark, json.loads(sys.argv[1]))
    rows.write.format("delta").mode("append").save(sys.argv[2])
    spark.stop()


if __name__ == "__main__":
    main()

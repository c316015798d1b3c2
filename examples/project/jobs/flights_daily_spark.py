"""The same day of flights on Spark: other hands, the same rules, the same tables."""

import os
import sys

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import sfctl as sf

FLIGHTS = "ds://ops/flights"
WHOLE = (
    "year", "month", "day", "dep_time", "sched_dep_time", "dep_delay", "arr_time",
    "sched_arr_time", "arr_delay", "flight", "air_time", "distance", "hour", "minute",
)  # fmt: skip


@sf.job("flights_daily_spark")
def main(date: str) -> None:
    day = {"dt": date}
    spark = SparkSession.builder.getOrCreate()
    raw = landed(spark, f"landing/{date}.csv")
    sf.write(raw, FLIGHTS, stage="bronze", mode="overwrite_partitions", partition=day)

    flights = tidy(raw)
    sf.write(flights, FLIGHTS, stage="silver", mode="overwrite_partitions", partition=day)

    good = sf.read(FLIGHTS, stage="silver", partition=day, as_="spark")
    sf.write(good, FLIGHTS, stage="gold", mode="overwrite_partitions", partition=day)


def landed(spark: SparkSession, path: str) -> DataFrame:
    """Read a file as it landed: text but for whole numbers and the hour."""
    text = spark.read.csv(path, header=True)
    whole = {name: F.col(name).cast("bigint") for name in WHOLE}
    return text.withColumns({**whole, "time_hour": F.col("time_hour").cast("timestamp")})


def tidy(raw: DataFrame) -> DataFrame:
    """Trim text and put the flights in the order in which they were due to leave."""
    names = [name for name in ("carrier", "tailnum", "origin", "dest") if name in raw.columns]
    trimmed = raw.withColumns({name: F.trim(name) for name in names})
    return trimmed.orderBy("sched_dep_time", "carrier", "flight")


if __name__ == "__main__":
    try:
        main(os.environ["SFCTL_LOGICAL_DATE"])
    except sf.PublishBlocked as blocked:
        sys.exit(str(blocked))

"""One day of flights, from the file as it landed to rows that consumers may read."""

import os
import sys

import pandas as pd

import sfctl as sf

FLIGHTS = "ds://ops/flights"


@sf.job("flights_daily")
def main(date: str) -> None:
    day = {"dt": date}
    raw = pd.read_csv(f"landing/{date}.csv", dtype_backend="pyarrow", parse_dates=["time_hour"])
    sf.write(raw, FLIGHTS, stage="bronze", mode="overwrite_partitions", partition=day)

    flights = tidy(raw)
    sf.write(flights, FLIGHTS, stage="silver", mode="overwrite_partitions", partition=day)

    good = sf.read(FLIGHTS, stage="silver", partition=day, as_="pandas")
    sf.write(good, FLIGHTS, stage="gold", mode="overwrite_partitions", partition=day)


def tidy(raw: pd.DataFrame) -> pd.DataFrame:
    """Trim text and put the flights in the order in which they were due to leave."""
    flights = raw.copy()
    for column in ("carrier", "tailnum", "origin", "dest"):
        flights[column] = flights[column].str.strip()
    return flights.sort_values(["sched_dep_time", "carrier", "flight"], ignore_index=True)


if __name__ == "__main__":
    try:
        main(os.environ["SFCTL_LOGICAL_DATE"])
    except sf.PublishBlocked as blocked:
        sys.exit(str(blocked))

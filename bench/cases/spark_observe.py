"""What watching a job on Spark from outside costs: `sfctl run` around spark-submit."""

from __future__ import annotations

import json
import shutil
import sys
from functools import partial
from pathlib import Path

from bench.commands import sfctl
from bench.measure import Sample, compare, run
from bench.places import SUBJECTS
from bench.results import Bound, Report, ratio_table
from bench.spark_tables import project, settings, sources

ROUNDS = 15
JOB = SUBJECTS / "spark_enriched.py"


def run_case(quick: bool) -> Report:
    """Measure whole processes; the bound is on CPU."""
    home = project()
    places = {name: str(place) for name, place in sources(quick).items()}
    places["job"] = places["wide"]
    table = home / "tables" / "enriched"
    command = [*_submit(home), str(JOB), json.dumps(places), str(table)]
    watched = sfctl(
        "--project-dir",
        str(home),
        "run",
        "--level",
        "observe",
        "--name",
        "enriched",
        "--",
        *command,
    )
    lines = compare(
        {
            "sfctl run --level observe": partial(_once, watched, table),
            "spark-submit": partial(_once, command, table),
            "spark-submit again": partial(_once, command, table),
        },
        2 if quick else ROUNDS,
    )
    against = lines[1]
    return Report(
        "spark-observe",
        "A Spark job under `sfctl run`, observed",
        "Whole processes, from the start of spark-submit to its end: the job of `spark` on the"
        " rows of its bare write, by Delta's own writer, into a table made anew each time."
        " The command is the same; under `sfctl run` its lifecycle and the versions it wrote are"
        " on record, and nothing is judged. *again* is the bare command once more.",
        [ratio_table("A job started anew", lines)],
        [
            Bound("CPU against spark-submit", against.cpu_ratio[0], 1.05),
            Bound("what it takes longer, wall", lines[0].wall - against.wall, 2.0, " s"),
        ],
        {"lines": lines},
    )


def _submit(home: Path) -> list[str]:
    program = str(Path(sys.executable).with_name("spark-submit"))
    given = [f"--conf={name}={value}" for name, value in settings(home).items()]
    return [program, "--conf=spark.log.level=ERROR", *given]


def _once(command: list[str], table: Path) -> Sample:
    shutil.rmtree(table, ignore_errors=True)
    return run(command, answer=False, PYSPARK_PYTHON=sys.executable)

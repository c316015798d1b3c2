"""`sfctl --help` beside an empty Python process, and what it loads."""

from __future__ import annotations

import sys
from functools import partial

from bench.commands import sfctl
from bench.measure import compare, run
from bench.results import Bound, Report, Table, ratio_table

ROUNDS = 31
HEAVY = """polars pandas numpy pyarrow deltalake rich jinja2 cryptography ruamel msgspec yaml
duckdb pyspark dask jsonschema"""
PROBE = (
    "import json, sys\n"
    "before = set(sys.modules)\n"
    "sys.argv = ['sfctl', '--help']\n"
    "from sfctl.cli import main\n"
    "try:\n"
    "    code = main()\n"
    "except SystemExit:\n"
    "    pass\n"
    "loaded = sorted(set(sys.modules) - before)\n"
    "print(json.dumps(loaded))\n"
)


def run_case(quick: bool) -> Report:
    """Measure start-up; the bound is on wall and CPU."""
    empty = [sys.executable, "-c", "pass"]
    lines = compare(
        {
            "sfctl --help": partial(run, sfctl("--help"), answer=False),
            "python -c pass": partial(run, empty, answer=False),
            "sfctl check --help": partial(run, sfctl("check", "--help"), answer=False),
        },
        5 if quick else ROUNDS,
    )
    loaded = run([sys.executable, "-c", PROBE]).found
    heavy = [name for name in HEAVY.split() if name in {module.split(".")[0] for module in loaded}]
    facts = [
        ["", "value"],
        ["modules loaded by `sfctl --help` beyond the bare interpreter", str(len(loaded))],
        ["heavy libraries among them", ", ".join(heavy) or "none"],
    ]
    against = lines[1]
    return Report(
        "startup",
        "Start-up",
        "Whole processes, spawn to exit.",
        [ratio_table("Cold start", lines), Table("Modules", facts)],
        [
            Bound("`sfctl --help` against `python -c pass`, wall", against.wall_ratio[0], 8.0),
            Bound("`sfctl --help` against `python -c pass`, CPU", against.cpu_ratio[0], 8.0),
            Bound("heavy libraries loaded", float(len(heavy)), 0.0, ""),
        ],
        {"loaded": loaded},
    )

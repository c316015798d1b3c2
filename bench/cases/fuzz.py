"""Damaged files by the thousand: no traceback, no accepted nonsense."""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from bench.results import Bound, Report, Table
from tests.fuzzing.rounds import Found, run

ROUNDS = 10_000
QUICK = 500
FIRST = 10_000
"""Seeds begin here; the tests of every change use others."""
SOME = 100
"""Rounds that one process runs before it answers."""


def _some(first: int) -> tuple[Counter[str], list[str]]:
    ends: Counter[str] = Counter()
    found: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(first, first + SOME):
            try:
                ends += run(Path(folder), seed, 1)
            except Found as wrong:
                found.append(str(wrong))
                print(f"  {wrong}", file=sys.stderr)
    return ends, found


def run_case(quick: bool) -> Report:
    """Damage files of a whole repo, one a round, and judge the repo; `quick` in 500 rounds."""
    rounds = QUICK if quick else ROUNDS
    found: list[str] = []
    ends: Counter[str] = Counter()
    began = time.perf_counter()
    with ProcessPoolExecutor() as pool:
        for ended, wrong in pool.map(_some, range(FIRST, FIRST + rounds, SOME)):
            ends += ended
            found += wrong
    spent = time.perf_counter() - began
    ways = [["ended", "rounds"]]
    ways += [[way, f"{ends[way]:,}"] for way in ("accepted", "warned", "refused")]
    ways.append(["traceback or nonsense", f"{len(found):,}"])
    files = [["damaged file", "rounds"]]
    names = (name.removeprefix("file ") for name in sorted(ends) if name.startswith("file "))
    files += [[name, f"{ends[f'file {name}']:,}"] for name in names]
    tables = [Table(f"{rounds:,} damaged files, {spent:.0f} s", ways), Table("Where", files)]
    bounds = [Bound("tracebacks and accepted nonsense", len(found), 0, "")]
    return Report(
        "fuzz",
        "Damaged files of a data repo",
        "Each round damages one file of a repo that uses every kind of file and rule: bytes, lines,"
        " keys, types, nesting, anchors, tags, templates, encodings. What is refused must name a"
        " code and a place that exist. What is accepted must be read alike by another YAML"
        " 1.2 parser, be accepted by the published JSON Schema, hold as many compiled rules as it"
        " declares, and survive its own canonical JSON.",
        tables,
        bounds,
        {"found": found},
    )

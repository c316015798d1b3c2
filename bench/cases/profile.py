"""`sfctl profile` of a file beside DuckDB's `SUMMARIZE` of it, cold and warm."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from bench.commands import peer, script, sfctl
from bench.data import ROWS, path_of
from bench.environments import build
from bench.measure import Line, Sample, Session, compare, run
from bench.results import Bound, Report, ratio_table

ROUNDS = 9
LIMIT = 3.0
"""Times as long as SUMMARIZE that a profile may take."""
_ABOUT = """\
Both read the file anew each time. `SUMMARIZE` gives min, max, approximate distinct and quartiles,
mean, stddev, nulls. The profile gives these with quantiles from 1 % to 99 %, distinct exact to
1,000, zeros, negatives, empty and padded texts, lengths, shapes and formats of texts, the values of
columns that have few, personal data, keys, orders and sums between columns; it writes them, and
keeps the state for the next day, which the last line then profiles again. Cold is from
spawning the process to its exit."""


def run_case(quick: bool) -> Report:
    """Measure on D2; `quick` on D1."""
    build("duckdb")
    data = "D1" if quick else "D2"
    file = path_of(data)
    rounds = 3 if quick else ROUNDS
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        _project(home)
        cold = compare(
            {
                "sfctl profile --suggest": lambda: _ours(home, file, fresh=True),
                "DuckDB SUMMARIZE": lambda: run(peer("duckdb", "cold", str(file))),
                "sfctl profile again": lambda: _ours(home, file, fresh=False),
            },
            rounds,
        )
    with (
        Session(script("sfctl", "profile_file.py", "serve", str(file), "profile", "all")) as ours,
        Session(peer("duckdb", "serve", str(file), "profile", "all")) as its,
    ):
        warm = compare({"profile": ours.once, "DuckDB SUMMARIZE": its.once}, rounds)
    size = f"{data}, {ROWS[data]:,} rows × 22 columns"
    return Report(
        "profile",
        "Profile of a file, beside DuckDB's SUMMARIZE",
        _ABOUT,
        [ratio_table(f"Cold: {size}", cold), ratio_table(f"Warm: {size}", warm)],
        [*_bounds("cold", cold[1]), *_bounds("warm", warm[1])],
        {"cold": cold, "warm": warm},
    )


def _bounds(how: str, line: Line) -> list[Bound]:
    return [
        Bound(f"{how}, wall against {line.name}", line.wall_ratio[0], LIMIT),
        Bound(f"{how}, CPU against {line.name}", line.cpu_ratio[0], LIMIT),
    ]


def _ours(home: Path, file: Path, *, fresh: bool) -> Sample:
    if fresh:
        shutil.rmtree(home / ".sfctl" / "profile", ignore_errors=True)
    words = ("profile", "rows", "--source", str(file), "--suggest", "--project-dir", str(home))
    return run(sfctl(*words, "--format", "json"))


def _project(home: Path) -> None:
    folder = home / "datasets" / "rows"
    folder.mkdir(parents=True)
    (home / "sfctl.yml").write_text(
        "name: bench\ntargets:\n  default: dev\n  dev: {environment: dev, lake: ./lake}\n"
    )
    (folder / "dataset.yaml").write_text(
        "urn: ds://bench/rows\nowner_team: bench\ntier: TIER_3\nstorage: {gold: gold/rows}\n"
    )

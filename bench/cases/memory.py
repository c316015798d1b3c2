"""Judging a frame that is in memory already, beside the peers that work on Polars."""

from __future__ import annotations

from pathlib import Path

from bench.commands import POLARS_PEERS, peer, script
from bench.data import ROWS, path_of
from bench.measure import Failed, Line, Session, compare
from bench.results import Bound, Report, ratio_table

ROUNDS = 15


def run_case(quick: bool) -> Report:
    """Measure on D2 with all columns; `quick` on D1."""
    return measured("memory", "D1" if quick else "D2", "all", quick)


def measured(name: str, data: str, width: str, quick: bool) -> Report:
    """Measure on one size, with `all` columns loaded or the `named` ones."""
    lines = _pairwise(path_of(data), "judge", width, 3 if quick else ROUNDS)
    caption = f"{data}, {ROWS[data]:,} rows, {width} columns loaded"
    bounds = [
        Bound(f"{data}, wall against {line.name}", line.wall_ratio[0], 1.0) for line in lines[1:]
    ]
    return Report(
        name,
        f"Judging a frame in memory, {data}",
        "Warm, the Polars frame loaded already, 16 rules; two processes at a time, each holding its"
        " own frame, taking turns. Seconds are the judgement's alone; CPU is that of all threads.",
        [ratio_table(caption, lines)],
        bounds,
        {data: lines},
    )


def _pairwise(file: Path, action: str, width: str, rounds: int) -> list[Line]:
    serve = ("serve", str(file), action, width)
    lines: list[Line] = []
    for name in POLARS_PEERS:
        try:
            with (
                Session(script("sfctl", "with_sfctl.py", *serve)) as ours,
                Session(peer(name, *serve)) as its,
            ):
                both = compare({"sfctl": ours.once, name: its.once}, rounds)
        except Failed as failure:
            if "with_sfctl" in str(failure):
                raise
            print(f"  {name} left out: {failure}")
            continue
        lines += both if not lines else both[1:]
    return lines

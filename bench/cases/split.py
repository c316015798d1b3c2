"""Good rows and bad rows as two tables, beside a split written by hand and the peers' own."""

from __future__ import annotations

from bench.commands import peer, script
from bench.data import ROWS, path_of
from bench.measure import Line, Session, compare
from bench.results import Bound, Report, ratio_table

ROUNDS = 15


def run_case(quick: bool) -> Report:
    """Measure on DX, D1 and D2, all columns in memory; `quick` on D1 only."""
    tables, bounds, raw = [], [], {}
    for data in ("D1",) if quick else ("DX", "D1", "D2"):
        lines = _lines(data, 3 if quick else ROUNDS)
        tables.append(ratio_table(f"{data}, {ROWS[data]:,} rows, all columns", lines))
        by_hand = lines[1]
        bounds += [
            Bound(f"{data}, wall against {by_hand.name}", by_hand.wall_ratio[0], 1.5),
            Bound(f"{data}, CPU against {by_hand.name}", by_hand.cpu_ratio[0], 1.5),
        ]
        raw[data] = lines
    return Report(
        "split",
        "Splitting good rows from bad",
        "Judge again and return both sides with all columns. *by hand* is one mask of all row rules"
        " (key by its hash) and two filters; ours also counts per rule and names the failed rules"
        " of each bad row. pandera keeps its duplicate rows on the good side.",
        tables,
        bounds,
        raw,
    )


def _lines(data: str, rounds: int) -> list[Line]:
    serve = ("serve", str(path_of(data)), "split", "all")
    with (
        Session(script("sfctl", "with_sfctl.py", *serve)) as ours,
        Session(script("bare", "split_by_hand.py", *serve)) as by_hand,
        Session(peer("dataframely", *serve)) as dataframely,
        Session(peer("pandera", *serve)) as pandera,
    ):
        subjects = {
            "sfctl": ours.once,
            "by hand": by_hand.once,
            "dataframely": dataframely.once,
            "pandera": pandera.once,
        }
        return compare(subjects, rounds)

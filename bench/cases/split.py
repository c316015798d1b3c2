"""Good rows and bad rows as two tables, beside a split written by hand and the peers' own."""

from __future__ import annotations

from bench.commands import peer, script
from bench.data import ROWS, path_of
from bench.measure import Line, Session, compare
from bench.results import Bound, Report, ratio_table

ROUNDS = 15
ACTIONS = {"judge and split": "split", "split after judging": "split_judged"}


def run_case(quick: bool) -> Report:
    """Measure on DX, D1 and D2, all columns in memory; `quick` on D1 only."""
    tables, bounds, raw = [], [], {}
    for data in ("D1",) if quick else ("DX", "D1", "D2"):
        for ours, action in ACTIONS.items():
            lines = _lines(data, ours, action, 3 if quick else ROUNDS)
            caption = f"{data}, {ROWS[data]:,} rows, all columns; {ours}"
            tables.append(ratio_table(caption, lines))
            by_hand = lines[1]
            bounds += [
                Bound(f"{data}, {ours}, wall against by hand", by_hand.wall_ratio[0], 1.5),
                Bound(f"{data}, {ours}, CPU against by hand", by_hand.cpu_ratio[0], 1.5),
            ]
            raw[f"{data} {action}"] = lines
    return Report(
        "split",
        "Splitting good rows from bad",
        "Both sides as tables with all columns, frame in memory, warm. *by hand* is one mask of all"
        " row rules (key by its hash) and two filters. Ours also names the failed rules of each bad"
        " row; *judge and split* judges from scratch, with counts for all 16 rules, before it"
        " splits, *split after judging* is handed the judgement that a gate has made anyway."
        " pandera keeps its duplicate rows on the good side.",
        tables,
        bounds,
        raw,
    )


def _lines(data: str, name: str, action: str, rounds: int) -> list[Line]:
    file = str(path_of(data))
    serve = ("serve", file, "split", "all")
    with (
        Session(script("sfctl", "with_sfctl.py", "serve", file, action, "all")) as ours,
        Session(script("bare", "split_by_hand.py", *serve)) as by_hand,
        Session(peer("dataframely", *serve)) as dataframely,
        Session(peer("pandera", *serve)) as pandera,
    ):
        subjects = {
            f"sfctl, {name}": ours.once,
            "by hand": by_hand.once,
            "dataframely": dataframely.once,
            "pandera": pandera.once,
        }
        return compare(subjects, rounds)

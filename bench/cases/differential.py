"""Generated rules on generated columns: does everybody say the same, and if not, why not?"""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.differential.compare import Compared, Found, compared
from bench.differential.differences import HABITS, habits_of
from bench.results import Bound, Report, Table

LEAST_CASES = 2_000


def run_case(quick: bool) -> Report:
    """Compare all cases; `quick` one in ten."""
    with tempfile.TemporaryDirectory() as folder:
        found = compared(Path(folder), every=10 if quick else 1)
    for line in (*found.doubted, *(told for peer in found.peers for told in peer.unexplained)):
        print(line)
    unexplained = sum(len(peer.unexplained) for peer in found.peers)
    bounds = [
        Bound("answers neither equal nor a documented difference", unexplained, 0, ""),
        Bound("cases where sfctl and the rule in plain Python differ", len(found.doubted), 0, ""),
    ]
    if not quick:
        idle = [
            f"{key} of {peer.peer}"
            for peer in found.peers
            for key in habits_of(peer.peer)
            if not peer.by_habit[key]
        ]
        print(*idle)
        bounds.append(Bound("documented differences that no answer shows", len(idle), 0, ""))
        short = max(0, LEAST_CASES - len(found.cases))
        bounds.append(Bound(f"cases short of {LEAST_CASES:,}", short, 0, ""))
    return Report(
        "differential",
        "The same rules in Great Expectations, pandera and cuallee",
        f"{len(found.cases):,} generated rules on generated columns, each judged by sfctl (through"
        " what stands behind `sfctl check`), by a second opinion in plain Python, and by every peer"
        " that has words for it: verdict, and failing rows where it counts them. *explained* is an"
        " answer that differs from ours and that is foretold, count and all, by the differences"
        " which [docs/peers.md](../docs/peers.md) documents; an answer may be the work of several.",
        [_by_kind(found), _by_difference(found)],
        bounds,
        {"seconds": found.seconds, "unexplained": [peer.unexplained for peer in found.peers]},
    )


def _by_kind(found: Found) -> Table:
    kinds = sorted({case.kind for case in found.cases})
    head = ["", "cases"]
    for peer in found.peers:
        head += [f"{peer.peer}: asked", "agree", "explained", "unexplained"]
    rows = [
        [kind, f"{sum(case.kind == kind for case in found.cases):,}"]
        + [cell for peer in found.peers for cell in _cells(peer, kind)]
        for kind in kinds
    ]
    total = ["all", f"{len(found.cases):,}"]
    for peer in found.peers:
        counts = (peer.asked, peer.agree, peer.explained)
        total += [*(f"{count.total():,}" for count in counts), str(len(peer.unexplained))]
    return Table("Answers by kind of rule", [head, *rows, total])


def _cells(peer: Compared, kind: str) -> list[str]:
    asked, agree, explained = peer.asked[kind], peer.agree[kind], peer.explained[kind]
    if not asked:
        return ["–", "–", "–", "–"]
    return [str(asked), str(agree), str(explained), str(asked - agree - explained)]


def _by_difference(found: Found) -> Table:
    head = ["", *(peer.peer for peer in found.peers)]
    rows = [
        [f"[{key}](../docs/peers.md#{key})"]
        + [str(peer.by_habit[key]) if peer.peer in peers else "–" for peer in found.peers]
        for key, peers in HABITS.items()
    ]
    return Table("Differing answers in which a difference takes part", [head, *rows])

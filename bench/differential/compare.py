"""Ask everybody, and say of each answer: the same as ours, a documented difference, or neither."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.commands import script
from bench.differential import ours
from bench.differential.columns import Values, tables, write
from bench.differential.differences import PEERS, habits_of
from bench.differential.meaning import has_rows, meant
from bench.differential.outcome import Outcome
from bench.differential.rules import Case, cases
from bench.measure import run

Answers = Mapping[str, Mapping[str, Any]]


@dataclass
class Compared:
    """What came of one peer: counts by kind, and by documented difference."""

    peer: str
    asked: Counter[str] = field(default_factory=Counter)
    agree: Counter[str] = field(default_factory=Counter)
    explained: Counter[str] = field(default_factory=Counter)
    by_habit: Counter[str] = field(default_factory=Counter)
    unexplained: list[str] = field(default_factory=list)
    """Of answers neither equal nor foretold: the case, ours, theirs and what was foretold."""


@dataclass(frozen=True)
class Found:
    """Everything compared. `doubted` lists where sfctl and plain Python disagree."""

    cases: Sequence[Case]
    doubted: list[str]
    peers: list[Compared]
    seconds: Mapping[str, float]


def compared(folder: Path, every: int = 1) -> Found:
    """Run all cases, or one of `every`, through sfctl and each peer, a process each."""
    known = tables()
    chosen = cases()[::every]
    write(folder)
    asked = [{"id": case.id, "table": case.table, "rule": case.rule} for case in chosen]
    (folder / "cases.json").write_text(json.dumps(asked))
    mine = ours.answers(folder, chosen)
    doubted = doubts(chosen, known, mine)
    found, seconds = [], {}
    for peer in PEERS:
        out = folder / f"{peer}.json"
        command = script(peer, f"differ_{peer}.py", str(folder), str(out))
        seconds[peer] = run(command, answer=False, timeout=900.0).wall
        theirs = json.loads(out.read_text())
        found.append(_compare(peer, chosen, known, mine, theirs))
    return Found(chosen, doubted, found, seconds)


def doubts(
    chosen: Sequence[Case], known: Mapping[str, dict[str, Values]], mine: Answers
) -> list[str]:
    """Tell of the cases in which sfctl and the rule in plain Python differ."""
    return [
        f"{_told(case)}: sfctl {_outcome(case, mine[case.id])}, plain {plain}"
        for case in chosen
        if _outcome(case, mine[case.id]) != (plain := meant(case, known[case.table]))
    ]


def _compare(
    peer: str,
    chosen: Sequence[Case],
    known: Mapping[str, dict[str, Values]],
    mine: Answers,
    theirs: Answers,
) -> Compared:
    result = Compared(peer)
    habits = habits_of(peer)
    for case in chosen:
        if case.id not in theirs:
            continue
        result.asked[case.kind] += 1
        answer, own = theirs[case.id], _outcome(case, mine[case.id])
        foretold = meant(case, known[case.table], habits)
        if _same(answer, own):
            result.agree[case.kind] += 1
        elif _same(answer, foretold):
            result.explained[case.kind] += 1
            result.by_habit.update(_acting(case, known[case.table], habits, foretold))
        else:
            told = f"{_told(case)}: ours {own}, {peer} {answer}, foretold {foretold}"
            result.unexplained.append(told)
    return result


def _outcome(case: Case, answer: Mapping[str, Any]) -> Outcome:
    return Outcome(answer["verdict"], answer["failed"] if has_rows(case) else None)


def _same(answer: Mapping[str, Any], outcome: Outcome) -> bool:
    """Tell whether an answer is this outcome; who tells no count is held to the verdict."""
    verdict = outcome.verdict in (answer["verdict"], "either")
    counts = (answer["failed"], outcome.failed)
    return verdict and (None in counts or counts[0] == counts[1])


def _acting(
    case: Case, table: dict[str, Values], habits: frozenset[str], foretold: Outcome
) -> list[str]:
    """Return the habits without which the outcome would be another; all that act where several
    lead to the same.
    """
    needed = [key for key in habits if meant(case, table, habits - {key}) != foretold]
    plain = meant(case, table)
    return needed or [key for key in habits if meant(case, table, frozenset({key})) != plain]


def _told(case: Case) -> str:
    return f"{case.id} {case.table} {json.dumps(case.rule)}"

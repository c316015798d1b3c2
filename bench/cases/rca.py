"""Root cause analysis on labelled incidents: how often right, sure and wrong, and how quick."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from bench.labelled.catalogue import plans
from bench.labelled.held import Held, held
from bench.labelled.streams import NO_CAUSE
from bench.results import Bound, Report, Table
from sfctl.rca.evaluate import counted

_QUICK = 20
_MISSES = 0.15
_SECONDS = 0.5
_ABOUT = """\
Made-up incidents whose cause is known (`bench/labelled`): streams and nightly chains, 1 to 7
datasets deep, with and without versions, decoy deployments around them. Their events go through the
bus, the engines, the graph and the incidents, as `sfctl engine run` does it; then each is asked
about once. They are made by the same hands as the analysis: read them as a promise that what worked
goes on working, not as an estimate of how often it is right on your incidents."""


def run_case(quick: bool) -> Report:
    """Ask about every labelled incident, of the first twenty where it must be quick."""
    wanted = islice(plans(), _QUICK if quick else None)
    with tempfile.TemporaryDirectory() as folder:
        answers = held(wanted, Path(folder))
    known = [each for each in answers if each.plan.family != NO_CAUSE]
    unknown = [each for each in answers if each.plan.family == NO_CAUSE]
    families = dict.fromkeys(each.plan.family for each in answers)
    rows = [["", "incidents", "top-1", "top-3", "identified", "sure and wrong", "ms, mean"]]
    rows += [_row(name, [a for a in answers if a.plan.family == name]) for name in families]
    rows.append(_row("all with a cause on record", known))
    spent = sorted(each.verdict.milliseconds for each in answers)
    wrong = [each for each in answers if each.verdict.place != 1]
    tables = [Table("Answers", rows)]
    if wrong:
        tables.append(Table("Not answered as labelled", _listed(wrong)))
    blamed = sum(each.verdict.place != 1 for each in unknown)
    return Report(
        "rca",
        "Root cause analysis on labelled incidents",
        _ABOUT,
        tables,
        [
            Bound("share missed of those with a cause", _missed(known), _MISSES, ""),
            Bound("blamed somebody where no cause is on record", float(blamed), 0.0, ""),
            Bound("decoys blamed", float(sum(bool(each.fooled) for each in answers)), 0.0, ""),
            Bound("sure (HIGH) and wrong", float(_sure_and_wrong(answers)), 0.0, ""),
            Bound("median time of an answer", statistics.median(spent) / 1000, _SECONDS, " s"),
        ],
    )


def _row(name: str, answers: list[Held]) -> list[str]:
    found = counted([each.verdict for each in answers])
    shares = [f"{share:.0%}" for share in (found.top_1, found.top_3, found.identified)]
    return [name, str(found.cases), *shares, str(_sure_and_wrong(answers)), f"{found.mean_ms:.0f}"]


def _listed(wrong: Iterable[Held]) -> list[list[str]]:
    rows = [["", "expected", "answered", "confidence"]]
    for each in wrong:
        told = each.verdict
        rows.append([each.plan.name, told.expected, told.answered, f"{told.confidence:.2f}"])
    return rows


def _missed(answers: list[Held]) -> float:
    return sum(each.verdict.place != 1 for each in answers) / max(len(answers), 1)


def _sure_and_wrong(answers: Iterable[Held]) -> int:
    return sum(each.verdict.is_wrong and each.verdict.level == "HIGH" for each in answers)

"""Gated writes of Spark frames to Delta beside Delta's own writer, all in one Spark session."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from bench.commands import script
from bench.measure import Once, Sample, Session, interleaved, spread
from bench.results import Bound, Report, Table, spread_text
from bench.spark_tables import SMALL, project, rows_of, sources

ROUNDS = 15
SMALL_ROUNDS = 20
AGAIN = "again"
STEPS = (
    "inputs looked at",
    "request, policy verified",
    "rows taken",
    "of it, footers",
    "rows judged",
    "rows split",
    "row keys",
    "quarantined",
    "committed",
    "ledger, evidence, view",
)
_ABOUT = """\
One session on two cores (`local[2]`), everything warm, a round writes with every subject in turn.
*bare* is `df.write.format("delta").mode("append")`; *eight* and *seven* are `sf.write` of the same
plan to a dataset with eight row rules, one of them a pattern, or with the seven others. Evidence,
ledger, state and view are written each time. CPU is that of driver, JVM and Python workers; *task
CPU* that of Spark's executor threads alone, which swings least on a busy machine. *again* is the
same bare write once more: how far its ratio is from 1 says what a ratio is worth. A ratio below 1
says that the gated write is the cheaper one: it takes the statistics of the log from the files'
footers, where Delta's writer computes them row by row."""


@dataclass(frozen=True)
class Group:
    """Subjects that are compared: each is how and what the session is asked to write.

    `bounds` limit a subject's wall and CPU against the bare write of the same rows.
    """

    caption: str
    what: str
    hows: tuple[str, ...]
    bounds: dict[str, float]
    rounds: int = ROUNDS


JOB = Group(
    "A job: read, join with three tables and two aggregates of itself, write",
    "job",
    ("eight", "bare"),
    {"eight": 1.05},
)
GROUPS = [
    Group(
        "A bare write: read the eight columns that rules name, and no others, write",
        "narrow",
        ("eight", "bare", AGAIN, "seven"),
        {"eight": 1.25, "seven": 1.10},
    ),
    Group(
        "A row of fifty fails: good rows published, bad ones sealed into quarantine",
        "dirty",
        ("eight", "bare"),
        {"eight": 2.5},
    ),
    Group("A small write", "small", ("eight", "bare", AGAIN), {}, SMALL_ROUNDS),
]


def run_case(quick: bool) -> Report:
    """Measure bare writes, failing rows and small writes; `quick` on small tables."""
    report = measured("spark", "Gated writes on Spark", GROUPS, quick)
    small = report.raw["small"]
    extra = _median(small["eight"], "wall") - _median(small["bare"], "wall")
    bound = Bound(f"what {SMALL:,} rows take longer, wall", extra * 1_000, 500.0, " ms")
    return replace(report, bounds=[*report.bounds, bound])


def measured(name: str, title: str, groups: Sequence[Group], quick: bool) -> Report:
    """Measure groups of subjects in one session; `quick` on small tables."""
    tables, bounds = [], []
    raw: dict[str, dict[str, list[Sample]]] = {}
    rows = rows_of(quick)
    places = {name: str(place) for name, place in sources(quick).items()}
    home = project()
    command = script("sfctl", "spark_jobs.py", json.dumps(places), str(home))
    with Session(command, SFCTL_PROJECT_DIR=str(home)) as session:
        for group in groups:
            subjects: dict[str, Once] = {
                how: partial(session.once, _asked(how, group.what)) for how in group.hows
            }
            for once in subjects.values():
                once()
            samples = interleaved(subjects, 2 if quick else group.rounds)
            _agree(samples, rows[group.what], group.what)
            caption = f"{group.caption}; {rows[group.what]:,} rows"
            tables.append(_compared(caption, samples))
            bounds += _bounds(group, samples)
            raw[group.what] = samples
    tables.append(_steps(raw))
    return Report(name, title, _ABOUT, tables, bounds, raw)


def _asked(how: str, what: str) -> str:
    return f"{'bare' if how == AGAIN else how} {what}"


def _agree(samples: Mapping[str, Sequence[Sample]], rows: int, what: str) -> None:
    bad = -(-rows // 50) if what == "dirty" else 0
    for how, its in samples.items():
        for sample in its if how not in ("bare", AGAIN) else ():
            found = (sample.found["good"], sample.found["bad"])
            assert found == (rows - bad, bad), (what, how, found)


def _bounds(group: Group, samples: Mapping[str, Sequence[Sample]]) -> list[Bound]:
    found = []
    for how, limit in group.bounds.items():
        for measure in ("wall", "cpu"):
            ratio = spread(_ratios(samples, how, measure))[0]
            name = "CPU" if measure == "cpu" else measure
            found.append(Bound(f"{group.what}, {how} rules against bare, {name}", ratio, limit))
    return found


def _compared(caption: str, samples: Mapping[str, Sequence[Sample]]) -> Table:
    head = ["", "n", "wall s", "÷ bare", "CPU s", "÷ bare", "task CPU s", "÷ bare"]
    body = []
    for how, its in samples.items():
        cells = [how, str(len(its))]
        for measure in ("wall", "cpu", "task"):
            cells.append(f"{_median(its, measure):.3f}")
            cells.append(spread_text(spread(_ratios(samples, how, measure))))
        body.append(cells)
    return Table(caption, [head, *body])


def _ratios(samples: Mapping[str, Sequence[Sample]], how: str, measure: str) -> Sequence[float]:
    pairs = zip(samples[how], samples["bare"], strict=False)
    return [_value(ours, measure) / _value(bare, measure) for ours, bare in pairs]


def _median(samples: Sequence[Sample], measure: str) -> float:
    return statistics.median(_value(sample, measure) for sample in samples)


def _value(sample: Sample, measure: str) -> float:
    return float(sample.found["task"] if measure == "task" else getattr(sample, measure))


def _steps(raw: Mapping[str, Mapping[str, Sequence[Sample]]]) -> Table:
    """Say where the wall time of `sf.write` with eight rules goes, in milliseconds."""
    columns = {what: samples["eight"] for what, samples in raw.items()}
    head = ["ms, median", *columns]
    body = [
        [name, *(f"{_step(samples, name) * 1_000:,.0f}" for samples in columns.values())]
        for name in STEPS
    ]
    whole = ["all", *(f"{_median(s, 'wall') * 1_000:,.0f}" for s in columns.values())]
    jobs = ["Spark stages run", *(str(s[-1].found["stages"]) for s in columns.values())]
    caption = "Where the time of a gated write goes, eight rules (*of it*: of the step above)"
    return Table(caption, [head, *body, whole, jobs])


def _step(samples: Sequence[Sample], name: str) -> float:
    return statistics.median(float(sample.found["steps"].get(name, 0.0)) for sample in samples)

"""40 rules and five kinds of personal data over five million rows, and what one more rule costs."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from bench.commands import script, sfctl
from bench.data import ROWS, path_of
from bench.measure import Failed, Line, Sample, Session, compare, run
from bench.places import BENCH
from bench.results import Bound, Report, Table, ratio_table

POLICY = BENCH / "wide.policy.yaml"
IN_MEMORY = ("dataframely", "pandera", "cuallee")
PEERS = (*IN_MEMORY, "great_expectations")
ROUNDS = 5
STEPS = (0, 5, 10, 20, 40)
SWEEPS = 5
FLAT = 1.5
"""How many times as much the dearest step's added rule may cost as the average one."""

Rule = dict[str, Any]


def run_case(quick: bool) -> Report:
    """Measure on 5,051,640 rows; `quick` on 336,776."""
    data = "W1" if quick else "W5M"
    file = path_of(data)
    rounds = 2 if quick else ROUNDS
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        rules = _ours("rules", POLICY, file)
        whole, once, alone = _whole(folder, file, rules)
        tables, bounds = [whole], [once]
        raw: dict[str, object] = {"whole": alone}
        for name in PEERS:
            table, found, lines = _beside(name, rules, file, folder, rounds)
            tables += table
            bounds += found
            raw[name] = lines
        swept, flat, costs = _swept(file, folder, rounds if quick else SWEEPS)
        tables.append(swept)
        bounds.append(flat)
    return Report(
        "wide",
        f"40 rules and five kinds of personal data over {ROWS[data]:,} rows",
        "Beside each peer both judge just the rules that the peer can express. *file*: cold process"
        " to verdict, reading the columns that these rules name; *memory*: the frame loaded, warm,"
        " taking turns. Great Expectations tells pass or fail only. That more rules are no more"
        " passes and no more queries, a test counts (`tests/unit/runtime/core/test_wide.py`).",
        tables,
        bounds,
        {**raw, "sweep": costs},
    )


def _ours(mode: str, policy: Path, file: Path) -> Any:
    return run(script("sfctl", "wide_sfctl.py", mode, str(policy), str(file)), timeout=300.0).found


def _policy(folder: Path, name: str, rules: Sequence[Rule]) -> Path:
    kept = [{key: value for key, value in rule.items() if key != "columns"} for rule in rules]
    target = folder / f"{name}.policy.yaml"
    target.write_text(json.dumps({"dq": {"rules": kept}}))
    return target


def _check(file: Path, policy: Path) -> Sample:
    command = sfctl("check", str(file), "--policy", str(policy), "--format", "json")
    return run(command, accept=(0, 1), timeout=300.0)


def _whole(
    folder: Path, file: Path, rules: Sequence[Rule]
) -> tuple[Table, Bound, Mapping[str, Sample]]:
    """Measure the policy as it stands, without and with personal data, and count the passes."""
    read = _ours("passes", POLICY, file)
    samples = {}
    rows = [["", "wall s", "CPU s", "peak MiB", "rows a second of CPU"]]
    plain = _policy(folder, "plain", rules)
    for name, policy in (("40 rules", plain), ("40 rules and five kinds", POLICY)):
        best = min((_check(file, policy) for _ in range(2)), key=lambda sample: sample.cpu)
        samples[name] = best
        speed = f"{best.found['rows'] / best.cpu:,.0f}"
        rows.append([name, f"{best.wall:.2f}", f"{best.cpu:.2f}", f"{best.peak:.0f}", speed])
    caption = (
        f"sfctl check, better of 2; with the five kinds, looked for in 10 columns, it reads"
        f" {read['columns']} columns of {read['rows']:,} rows, {read['passes']} time"
    )
    return Table(caption, rows), Bound("times the file is read", read["passes"], 1, ""), samples


def _beside(
    name: str, rules: Sequence[Rule], file: Path, folder: Path, rounds: int
) -> tuple[list[Table], list[Bound], dict[str, list[Line]]]:
    every = folder / "rules.json"
    every.write_text(json.dumps(rules))
    can = run(script(name, f"wide_{name}.py", "expresses", str(every))).found
    chosen = [rule for rule in rules if rule["id"] in can]
    mine, theirs = _policy(folder, name, chosen), folder / f"{name}.json"
    theirs.write_text(json.dumps(chosen))
    its = partial(script, name, f"wide_{name}.py")
    found = {
        "file": compare(
            {
                "sfctl": partial(_check, file, mine),
                name: partial(run, its("cold", str(theirs), str(file)), timeout=300.0),
            },
            rounds,
        )
    }
    if name in IN_MEMORY:
        with (
            Session(script("sfctl", "wide_sfctl.py", "serve", str(mine), str(file))) as ours,
            Session(its("serve", str(theirs), str(file))) as other,
        ):
            found["memory"] = compare({"sfctl": ours.once, name: other.once}, rounds)
    tables, bounds = [], []
    for way, lines in found.items():
        tables.append(ratio_table(f"{name}, the {len(chosen)} rules it can express, {way}", lines))
        if len(lines) < 2:
            raise Failed(f"{name} did not finish")
        bounds.append(Bound(f"{name}, {way}, wall", lines[1].wall_ratio[0], 1.0))
        bounds.append(Bound(f"{name}, {way}, CPU", lines[1].cpu_ratio[0], 1.0))
    return tables, bounds, found


def _swept(
    file: Path, folder: Path, rounds: int
) -> tuple[Table, Bound, Mapping[int, Sequence[float]]]:
    """Judge a frame by more and more rules of like kinds: one of each of five kinds a step."""
    like = list(like_rules())
    costs: dict[int, list[float]] = {count: [] for count in STEPS}
    policies = {count: _policy(folder, f"sweep{count}", _base(like[:count])) for count in STEPS}
    for count, policy in policies.items():
        with Session(script("sfctl", "wide_sfctl.py", "serve", str(policy), str(file))) as held:
            held.once()
            costs[count] += [held.once().cpu for _ in range(rounds)]
    cpu = {count: median(values) for count, values in costs.items()}
    average = (cpu[STEPS[-1]] - cpu[0]) / STEPS[-1]
    rows = [["rules", "CPU s", "ms an added rule", "÷ average"]]
    dearest = 0.0
    for before, count in pairwise(STEPS):
        added = (cpu[count] - cpu[before]) / (count - before)
        dearest = max(dearest, added / average)
        rows.append(
            [str(count), f"{cpu[count]:.3f}", f"{added * 1000:.1f}", f"{added / average:.2f}"]
        )
    rows.insert(1, ["0", f"{cpu[0]:.3f}", "–", "–"])
    caption = f"Rules of like kinds over a frame in memory: {average * 1000:.1f} ms each on average"
    return Table(caption, rows), Bound("dearest added rule ÷ average", dearest, FLAT), costs


def _base(rules: Sequence[Rule]) -> list[Rule]:
    return [{"id": "rows", "kind": "row_count", "min": 1}, *rules]


_COLUMNS = (
    ("day", "dep_delay"),
    ("hour", "arr_delay"),
    ("minute", "air_time"),
    ("sched_dep_time", "distance"),
    ("sched_arr_time", "dep_time"),
    ("month", "arr_time"),
    ("flight", "dep_delay"),
    ("year", "distance"),
)
"""Columns of whole numbers and of floats, a pair a round."""


def like_rules() -> Iterator[Rule]:
    """Yield eight rounds of a rule of each of five kinds, on columns of like types."""
    for turn, (whole, real) in enumerate(_COLUMNS):
        field, other = {"field": whole}, _COLUMNS[turn - 1][0]
        total = {"kind": "aggregate", "function": "sum", "min": -turn}
        sum_of_two = {"kind": "expression", "expression": f"{whole} + {other} > -{turn + 2}"}
        yield {"id": f"range{turn}", "kind": "range", **field, "min": -1, "max": 99999}
        yield {"id": f"set{turn}", "kind": "not_accepted_values", **field, "values": [-2, -3]}
        yield {"id": f"sum{turn}", **total, **field}
        yield {"id": f"pair{turn}", **sum_of_two}
        yield {"id": f"real{turn}", "kind": "range", "field": real, "exclusive_min": -999 - turn}

"""A SIGKILL after every kind of write of every stage, then a restart: nothing is otherwise."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sfctl import wiring
from sfctl.clock import parse_instant
from sfctl.consumer import Stage
from sfctl.errors import Conflict
from sfctl.evidence.embedded import EmbeddedBus
from sfctl.evidence.port import Query
from sfctl.graph.embedded import EmbeddedGraph
from sfctl.graph.interchange import plain
from sfctl.incidents.store import every
from sfctl.model import codec
from sfctl.model.evidence import encode
from sfctl.state.embedded import EmbeddedState
from sfctl.state.port import Delete, Put
from tests.chaos.engines.history import NOW, after, before

pytestmark = pytest.mark.chaos
ROOT = Path(__file__).parents[3]
ROUNDS = int(os.environ.get("SFCTL_CHAOS_ROUNDS", "1"))
KILLED = -signal.SIGKILL
STARTS = ("cold", "warm")
"""With all on the log at once; with the first days folded and the deployment told of late."""
OWN_WAY = ("consumer_offsets", "incident_teams")
"""Tables that may differ: a duplicate uses up an offset, a notice may be sent once too often."""


class Child:
    """The process that forks the runs."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.engines.engine_child"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, root: Path, step: str = "", nth: int = 0) -> int:
        self.send(root, step, nth)
        return self.result()

    def send(self, root: Path, step: str = "", nth: int = 0) -> None:
        told = {"root": str(root), "now": NOW, "step": step, "nth": nth}
        assert self._process.stdin
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()

    def result(self) -> int:
        assert self._process.stdout
        return int(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate(timeout=30)


@dataclass(frozen=True)
class Calm:
    """A start, and what a run that nobody disturbs makes of it."""

    root: Path
    outcome: dict[str, Any]
    steps: dict[str, int]


@pytest.fixture(scope="module")
def child() -> Iterator[Child]:
    process = Child()
    yield process
    process.close()


@pytest.fixture(scope="module")
def calm(child: Child, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Calm]:
    found = {}
    for name in STARTS:
        root = tmp_path_factory.mktemp(name)
        publish(root / "start", before())
        if name == "warm":
            assert child.run(root / "start") == 0
        publish(root / "start", after())
        found[name] = finished(child, root / "start", root / "end")
    return found


def publish(root: Path, events: list[Any]) -> None:
    with EmbeddedBus(root / "bus.db") as bus:
        assert bus.publish(events).accepted == len(events)


def finished(child: Child, start: Path, end: Path) -> Calm:
    """Run a copy of a start to its end, undisturbed."""
    shutil.copytree(start, end)
    assert child.run(end) == 0
    return Calm(start, seen(end), json.loads((end / "steps.json").read_text()))


def seen(root: Path) -> dict[str, Any]:
    """Return all that the stages have made: signals, every item of the state store, the graph."""
    with EmbeddedBus(root / "bus.db") as bus:
        signals = [encode(r.event) for r in bus.query(Query(kind="SIGNAL", limit=10_000))]
        letters = bus.dead_letters()
    with sqlite3.connect(root / "state.db") as connection:
        items = connection.execute(
            "SELECT tbl, key, value FROM items WHERE value IS NOT NULL "
            "AND tbl NOT IN (?, ?) ORDER BY tbl, key",
            OWN_WAY,
        ).fetchall()
    connection.close()
    with EmbeddedGraph(root / "graph.db") as graph:
        drawn = codec.canonical(plain(graph.export()))
    state = {f"{table}/{key}": json.loads(value) for table, key, value in items}
    return {"signals": signals, "letters": letters, "graph": drawn, **state}


def test_the_history_gives_every_stage_something_to_lose(calm: dict[str, Calm]) -> None:
    for name, each in calm.items():
        tables = {key.partition("/")[0] for key in each.outcome}
        engines = {f"engine_{stage}" for stage in wiring.stage_names()[:-2]}
        assert tables >= {"signal_state", "incidents", "incident_aliases", *engines}, name
        assert {step.partition(".")[0] for step in each.steps} == {*wiring.stage_names()}
        assert not each.outcome["letters"]
        kinds = {json.loads(body)["signal_type"] for body in each.outcome["signals"]}
        assert len(kinds) >= 5, kinds
    with EmbeddedState(calm["warm"].root.parent / "end" / "state.db") as state:
        incidents = {each.cause_key for each in every(state)}
        aliases = [i for i in state.query("incident_aliases") if i.key.startswith("INC-")]
        assert len(aliases) > len(incidents), "no incident was merged into another"


@pytest.mark.parametrize(
    ("start", "stage"),
    [*(("cold", name) for name in wiring.stage_names()), ("warm", "graph"), ("warm", "incidents")],
)
def test_a_kill_at_each_write_is_made_good(
    tmp_path: Path, child: Child, calm: dict[str, Calm], start: str, stage: str
) -> None:
    wanted = calm[start]
    steps = [step for step in sorted(wanted.steps) if step.startswith(f"{stage}.")]
    assert len(steps) >= 3
    for step in steps:
        root = tmp_path / step
        shutil.copytree(wanted.root, root)
        assert child.run(root, step, 1) == KILLED
        assert child.run(root) == 0
        assert seen(root) == wanted.outcome, step


@pytest.mark.parametrize("number", range(ROUNDS))
def test_kills_at_random_writes(
    tmp_path: Path, child: Child, calm: dict[str, Calm], number: int
) -> None:
    """Each round is killed twice, the second time among the writes that the first has left."""
    dice = random.Random(number)
    wanted = calm[dice.choice(STARTS)]
    root = tmp_path / "run"
    shutil.copytree(wanted.root, root)
    assert child.run(root, *drawn(dice, wanted.steps)) == KILLED
    left = finished(child, root, tmp_path / "undisturbed")
    assert left.outcome == wanted.outcome
    assert child.run(root, *drawn(dice, left.steps)) == KILLED
    assert child.run(root) == 0
    assert seen(root) == wanted.outcome


class Overtaken:
    """A state store whose next transaction comes just too late: another worker is quicker."""

    def __init__(self, state: EmbeddedState, other: Stage) -> None:
        self._state, self._other, self.armed = state, other, True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._state, name)

    def transact(self, writes: Sequence[Put | Delete]) -> None:
        if self.armed:
            self.armed = False
            self._other.advance(parse_instant(NOW))
        self._state.transact(writes)


def test_two_workers_that_meet_give_what_one_gives(tmp_path: Path, calm: dict[str, Calm]) -> None:
    root, now, wanted = tmp_path / "run", parse_instant(NOW), calm["cold"]
    shutil.copytree(wanted.root, root)
    bus, state = EmbeddedBus(root / "bus.db"), EmbeddedState(root / "state.db")
    graph = EmbeddedGraph(root / "graph.db")
    moving = dict.fromkeys(wiring.stage_names(), True)
    met = Counter[str]()
    while any(moving.values()):
        for name in moving:
            (quick,) = wiring.stages(root, bus, state, graph, (name,), limit=7)
            late: Any = Overtaken(state, quick)
            (slow,) = wiring.stages(root, bus, late, graph, (name,), limit=7)
            more, moving[name] = True, False
            while more:
                try:
                    progress = slow.advance(now)
                except Conflict:
                    met[name] += 1
                else:
                    more = progress.more
                    late.armed = more
                    moving[name] = moving[name] or progress.events > 0
    for port in (bus, state, graph):
        port.close()
    assert met.keys() == moving.keys(), "a stage never met the other worker"
    assert seen(root) == wanted.outcome


def test_two_processes_at_once_give_what_one_gives(
    tmp_path: Path, child: Child, calm: dict[str, Calm]
) -> None:
    wanted, other = calm["cold"], Child()
    shutil.copytree(wanted.root, tmp_path / "run")
    for each in (child, other):
        each.send(tmp_path / "run")
    assert [each.result() for each in (child, other)] == [0, 0]
    other.close()
    assert seen(tmp_path / "run") == wanted.outcome


def drawn(dice: random.Random, steps: dict[str, int]) -> tuple[str, int]:
    """Draw a stage, one of its steps, and which of its occurrences."""
    stage = dice.choice(sorted({step.partition(".")[0] for step in steps}))
    step = dice.choice(sorted(each for each in steps if each.startswith(f"{stage}.")))
    return step, dice.randint(1, steps[step])

"""A SIGKILL at every step of the runner, then a restart: each signal on the bus exactly once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sfctl.evidence.embedded import EmbeddedBus
from sfctl.evidence.port import Query
from sfctl.model.evidence import encode
from sfctl.state.embedded import EmbeddedState
from tests.chaos.engines.history import NOW, history

pytestmark = pytest.mark.chaos
ROOT = Path(__file__).parents[3]
STEPS = ["read", "folded", "committed", "published", "cleared", "done"]
ROUNDS = int(os.environ.get("SFCTL_CHAOS_ROUNDS", "1"))


def start(root: Path, step: str = "", nth: int = 1) -> subprocess.Popen[bytes]:
    words = ["-m", "tests.chaos.engines.engine_child", str(root), NOW, step, str(nth)]
    return subprocess.Popen([sys.executable, *words], cwd=ROOT, stderr=subprocess.PIPE)


def code(child: subprocess.Popen[bytes]) -> int:
    _, errors = child.communicate(timeout=120)
    assert child.returncode in (0, -signal.SIGKILL), errors.decode()
    return child.returncode


def seen(root: Path) -> tuple[list[bytes], dict[str, object]]:
    """Return the signals on the bus, and what the state store keeps: cells and last words."""
    with EmbeddedBus(root / "bus.db") as bus, EmbeddedState(root / "state.db") as state:
        signals = [encode(r.event) for r in bus.query(Query(kind="SIGNAL"))]
        assert not state.query("signal_outbox")
        tables = ["signal_state", *(f"engine_{n}" for n in ("freshness", "contract", "drift"))]
        kept: dict[str, object] = {f"{t}/{i.key}": i.value for t in tables for i in state.query(t)}
    return sorted(signals), kept


def fresh(root: Path) -> Path:
    root.mkdir()
    with EmbeddedBus(root / "bus.db") as bus:
        bus.publish(history())
    return root


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[bytes], dict[str, object]]:
    root = fresh(tmp_path_factory.mktemp("calm") / "run")
    assert code(start(root)) == 0
    signals, kept = seen(root)
    assert signals
    return signals, kept


@pytest.mark.parametrize("step", STEPS)
def test_a_kill_at_any_step_neither_loses_nor_doubles_a_signal(
    tmp_path: Path, step: str, calm: tuple[list[bytes], dict[str, object]]
) -> None:
    root = fresh(tmp_path / "run")
    assert code(start(root, step)) == -signal.SIGKILL
    assert code(start(root)) == 0
    assert seen(root) == calm


@pytest.mark.parametrize("number", range(ROUNDS))
def test_kills_at_random_steps(
    tmp_path: Path, number: int, calm: tuple[list[bytes], dict[str, object]]
) -> None:
    root = fresh(tmp_path / "run")
    dice = random.Random(number)
    assert code(start(root, "any", dice.randint(1, 25))) == -signal.SIGKILL
    code(start(root, "any", dice.randint(1, 25)))
    assert code(start(root)) == 0
    assert seen(root) == calm


def test_two_workers_at_once_give_what_one_gives(
    tmp_path: Path, calm: tuple[list[bytes], dict[str, object]]
) -> None:
    root = fresh(tmp_path / "run")
    both = [start(root), start(root)]
    assert [code(each) for each in both] == [0, 0]
    assert seen(root) == calm

"""Flushers are killed, race each other and run beside writers: every event arrives exactly once."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sfctl.evidence.embedded import EmbeddedBus
from sfctl.evidence.flush import flush
from sfctl.evidence.outbox import Outbox
from sfctl.model import facts
from sfctl.model.evidence import Evidence
from sfctl.model.run import RunContext

pytestmark = pytest.mark.chaos

AT = datetime(2024, 1, 15, tzinfo=UTC)
COUNT = 6000


def beat(run: str, number: int) -> Evidence:
    context = RunContext(run_id=run, job="j", started_at="2024-01-15T00:00:00Z")
    return facts.heartbeat(context, AT, beat=number, elapsed=60.0, seq=number)


def fill(folder: Path, run: str, count: int) -> None:
    with Outbox(folder, run) as outbox:
        for n in range(count):
            assert outbox.append(beat(run, n))


def flush_all(base: str) -> None:
    with EmbeddedBus(Path(base) / "bus.db", timeout=10.0) as bus:
        flush(Path(base) / "outbox", bus, deadline=30.0)


def arrived(base: Path) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    with EmbeddedBus(base / "bus.db", timeout=10.0) as bus:
        while records := bus.read("check", 5000):
            for record in records:
                found.setdefault(record.event.run_id, []).append(record.event.seq)
            bus.commit("check", records)
        assert bus.dead_letters() == []
    return found


def test_killed_flushers_lose_and_repeat_nothing(tmp_path: Path) -> None:
    fill(tmp_path / "outbox", "r1", COUNT)
    context = multiprocessing.get_context("spawn")
    dice = random.Random(7)
    for _ in range(4):
        child = context.Process(target=flush_all, args=(str(tmp_path),))
        child.start()
        child.join(0.25 + dice.random() * 0.15)
        if child.is_alive() and child.pid:
            os.kill(child.pid, signal.SIGKILL)
        child.join()
    flush_all(str(tmp_path))
    assert arrived(tmp_path) == {"r1": list(range(COUNT))}
    assert list((tmp_path / "outbox").glob("*.outbox")) == []


def test_two_flushers_at_once_publish_once(tmp_path: Path) -> None:
    for run in ("r1", "r2", "r3"):
        fill(tmp_path / "outbox", run, COUNT // 6)
    context = multiprocessing.get_context("spawn")
    children = [context.Process(target=flush_all, args=(str(tmp_path),)) for _ in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join(30)
    assert [child.exitcode for child in children] == [0, 0]
    assert arrived(tmp_path) == {run: list(range(COUNT // 6)) for run in ("r1", "r2", "r3")}


def test_flushing_beside_writers_in_order(tmp_path: Path) -> None:
    folder = tmp_path / "outbox"
    writers = [
        threading.Thread(target=fill, args=(folder, run, COUNT // 4)) for run in ("r1", "r2")
    ]
    for writer in writers:
        writer.start()
    ends_at = time.monotonic() + 20
    while any(writer.is_alive() for writer in writers) and time.monotonic() < ends_at:
        flush_all(str(tmp_path))
    for writer in writers:
        writer.join()
    flush_all(str(tmp_path))
    assert arrived(tmp_path) == {run: list(range(COUNT // 4)) for run in ("r1", "r2")}
    assert list(folder.glob("*.outbox")) == []

"""Measure processes and sessions in interleaved pairs; standard library only, so that the harness
itself stays small (a child's peak memory can never read lower than its parent's at the fork).
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from bench.environments import child_environment
from bench.places import ROOT


@dataclass(frozen=True)
class Sample:
    """One run: seconds of wall clock and CPU (user + system, whole tree), peak MiB, answer."""

    wall: float
    cpu: float
    peak: float
    found: Any
    exit_code: int


class Failed(Exception):
    """A measured program did not do what was asked; says which and the end of its stderr."""


def run(
    command: Sequence[str],
    *,
    accept: Sequence[int] = (0,),
    timeout: float = 600.0,
    answer: bool = True,
    **environment: str,
) -> Sample:
    """Run one process to its end and measure it from spawn to exit.

    `answer` reads the last line of stdout as JSON, or the whole of it when that is one document.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.perf_counter()
        child = subprocess.Popen(
            command,
            stdout=out,
            stderr=err,
            stdin=subprocess.DEVNULL,
            cwd=ROOT,
            env=child_environment(**environment),
        )
        code, usage = _wait(child, timeout, command)
        wall = time.perf_counter() - started
        out.seek(0)
        err.seek(0)
        text, complaint = out.read().decode(), err.read().decode()
    if code not in accept:
        raise Failed(f"{_name(command)} exited {code}: {complaint[-600:]}")
    found = _answer(text) if answer else None
    return Sample(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, found, code)


def _wait(
    child: subprocess.Popen[bytes], timeout: float, command: Sequence[str]
) -> tuple[int, Any]:
    timer = threading.Timer(timeout, child.kill)
    timer.start()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if not timer.is_alive():
        raise Failed(f"{_name(command)} did not finish within {timeout:.0f} s")
    timer.cancel()
    return child.returncode, usage


def _name(command: Sequence[str]) -> str:
    return " ".join(part.rsplit("/", 1)[-1] for part in command[:4])


def _answer(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return json.loads(text.strip().splitlines()[-1])


class Session:
    """A program that keeps a frame in memory and runs its action each time it is asked."""

    def __init__(self, command: Sequence[str], **environment: str) -> None:
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115
        self.command = command
        self.child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            cwd=ROOT,
            env=child_environment(**environment),
            text=True,
        )
        self._read()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self.child.stdin is not None
        self.child.stdin.close()
        self.child.wait(60)
        self.errors.close()

    def once(self, word: str = "go") -> Sample:
        """Run the action once (of several, the one of that name); seconds are its own."""
        assert self.child.stdin is not None
        self.child.stdin.write(f"{word}\n")
        self.child.stdin.flush()
        said = self._read()
        return Sample(said["wall"], said["cpu"], said.get("peak", 0.0), said["found"], 0)

    def _read(self) -> Any:
        assert self.child.stdout is not None
        for line in self.child.stdout:
            if line.startswith("{"):
                return json.loads(line)
        self.child.wait()
        self.errors.seek(0)
        complaint = self.errors.read().decode()
        raise Failed(f"{_name(self.command)} exited {self.child.returncode}: {complaint[-600:]}")


Once = Callable[[], Sample]


@dataclass(frozen=True)
class Line:
    """One subject beside ours: how often run, medians of it, and ours / it, round by round."""

    name: str
    rounds: int
    wall: float
    cpu: float
    peak: float
    wall_ratio: tuple[float, float, float]
    cpu_ratio: tuple[float, float, float]


PATIENCE = ((10.0, 2), (2.0, 3))
"""How many times as long as ours a subject's first run may take, and the rounds it gets past that.

Who is far behind needs no fine measurement.
"""


def compare(subjects: dict[str, Once], rounds: int) -> list[Line]:
    """Run every subject once a round and relate each to the first (ours)."""
    samples = interleaved(subjects, rounds)
    ours = next(iter(samples.values()))
    return [_line(name, ours, its) for name, its in samples.items() if its]


def interleaved(subjects: dict[str, Once], rounds: int) -> dict[str, list[Sample]]:
    """Run every subject once a round, in a rotating order.

    An unmeasured run of each fills page and byte-code cache. Slow subjects take part in the first
    rounds only (`PATIENCE`); one that fails (time, memory) is named on stderr and goes no further.
    """
    share = _warm(subjects, rounds)
    names = list(share)
    samples: dict[str, list[Sample]] = {name: [] for name in names}
    for number in range(rounds):
        taking_part = [name for name in names if number < share[name]]
        turn = number % len(taking_part)
        for name in taking_part[turn:] + taking_part[:turn]:
            try:
                samples[name].append(subjects[name]())
            except Failed as failure:
                if name == names[0]:
                    raise
                print(f"  {name} stopped: {failure}", file=sys.stderr)
                share[name] = 0
        print(f"  round {number + 1}/{rounds}", end="\r", file=sys.stderr)
    print(file=sys.stderr)
    return samples


def _warm(subjects: dict[str, Once], rounds: int) -> dict[str, int]:
    share: dict[str, int] = {}
    ours = 0.0
    for name, once in subjects.items():
        try:
            sample = once()
        except Failed as failure:
            if not share:
                raise
            print(f"  {name} left out: {failure}", file=sys.stderr)
            continue
        ours = ours or sample.wall
        limits = [few for times, few in PATIENCE if sample.wall > times * ours]
        share[name] = min([rounds, *limits])
    return share


def _line(name: str, ours: list[Sample], its: list[Sample]) -> Line:
    pairs = list(zip(ours, its, strict=False))
    return Line(
        name=name,
        rounds=len(its),
        wall=statistics.median(sample.wall for sample in its),
        cpu=statistics.median(sample.cpu for sample in its),
        peak=max(sample.peak for sample in its),
        wall_ratio=spread([a.wall / b.wall for a, b in pairs]),
        cpu_ratio=spread([a.cpu / b.cpu for a, b in pairs]),
    )


def spread(ratios: Sequence[float]) -> tuple[float, float, float]:
    """Return median, least and most."""
    return statistics.median(ratios), min(ratios), max(ratios)

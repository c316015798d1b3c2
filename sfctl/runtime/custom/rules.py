"""The custom rules of one judgement: one process behind all of them, started when one is asked.

A rule that takes too long, holds too much or ends its process costs itself its outcome and nobody
else anything: the next rule gets a fresh process.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from sfctl.model.policy import Custom, Performance, Rule
from sfctl.model.source_code import SourceCode, SourceCodeError, source_code
from sfctl.runtime.allowance import ROWS, SECONDS, START_S
from sfctl.runtime.custom import answers, batches, wire
from sfctl.runtime.custom.process import Child, ChildError
from sfctl.runtime.faults import DataError, Unjudged
from sfctl.runtime.polars import columns
from sfctl.runtime.polars.program import RowJudge

LOADING_BYTES = 1 << 30
LONGEST_TEXT = 1_000
"""Bytes of a refusal or a complaint."""


@dataclass(slots=True)
class Clock:
    """Time that was spent on rows, of what they allow: so much per `ROWS`, at most the ceiling."""

    seconds: float
    ceiling: float
    spent: float = 0.0
    rows: int = 0

    def left(self, rows: int) -> float:
        """Return the seconds left when there are so many rows in all."""
        return min(self.seconds * max(1.0, rows / ROWS), self.ceiling) - self.spent

    def took(self, seconds: float, rows: int) -> None:
        """Remember what was spent, and on how many rows in all."""
        self.spent += seconds
        self.rows = max(self.rows, rows)


@dataclass(slots=True)
class CustomRules:
    """Judges for custom rules. `root` is the project's folder, `hidden` names variables withheld.

    Close it when the judgement ends. Not to be shared between threads.
    """

    root: Path
    performance: Performance
    hidden: frozenset[str] = frozenset()
    _child: Child | None = field(default=None, init=False)
    _loaded: dict[str, int] = field(default_factory=dict, init=False)
    _gates: dict[str, Clock] = field(default_factory=dict, init=False)

    def judge_for(self, rule: Rule) -> RowJudge:
        """Return what tells of each row whether the rule's function says it holds; null passes.

        Raises Unjudged for a function that is absent or is not the one that was compiled.
        """
        check = rule.check
        assert isinstance(check, Custom)
        code = located(check, self.root)
        clock = self._clock(rule.gate)
        # a rule that hangs leaves the others of its gate as much time again
        gate = self._gates.setdefault(rule.gate, self._clock(rule.gate, times=2))

        def holds(chunk: pl.DataFrame) -> pl.Series:
            rows = chunk.select(
                columns.named(name, chunk.schema)[0].alias(name) for name in check.fields
            )
            found = bytearray()
            for batch in batches.batches(rows):
                number = self._number(check, code)
                found += self._asked(check, number, batch, clock, gate)
            told = pl.Series("holds", list(found), dtype=pl.UInt8)
            return (told == answers.TRUE).set(told == answers.UNKNOWN, None)

        return holds

    def close(self) -> None:
        """End the process, if there is one."""
        if self._child is not None:
            self._child.close()
        self._child = None
        self._loaded.clear()

    def _clock(self, gate: str, times: int = 1) -> Clock:
        milliseconds = self.performance.gate_timeout_ms
        ceiling = milliseconds / 1000 if milliseconds else float("inf")
        return Clock(SECONDS.get(gate, SECONDS["DQ"]) * times, ceiling * times)

    def _number(self, check: Custom, code: SourceCode) -> int:
        """Return the number of a function in the process, which is started or told of it."""
        if check.function in self._loaded:
            return self._loaded[check.function]
        asked = {
            "function": check.function,
            "base": str(code.base),
            "package": code.package,
            "root": str(self.root),
            "pins": code.pins,
            "memory": self.performance.memory_mb << 20,
        }
        child = self._started()
        self._exchange(check, wire.LOAD, json.dumps(asked).encode(), START_S, LOADING_BYTES)
        child.settle()
        return self._loaded.setdefault(check.function, len(self._loaded))

    def _started(self) -> Child:
        if self._child is None:
            environ = {k: v for k, v in os.environ.items() if k not in self.hidden}
            try:
                self._child = Child(self.root, environ)
            except (OSError, TypeError) as error:  # an interpreter that does not know its own path
                raise Unjudged(
                    f"no process for custom rules can be started ({type(error).__name__})"
                ) from error
        return self._child

    def _asked(
        self, check: Custom, number: int, batch: pl.DataFrame, clock: Clock, gate: Clock
    ) -> bytes:
        body = wire.NUMBER.pack(number) + batches.stream(batch)
        rows = clock.rows + batch.height
        left = min(clock.left(rows), gate.left(max(rows, gate.rows)))
        if left <= 0:
            raise Unjudged(f"{check.function} was not asked: its gate had no time left")
        begun = time.monotonic()
        try:
            cap = self.performance.memory_mb << 20
            told = self._exchange(check, wire.ROWS, body, left, cap, batch.height)
        finally:
            for each in (clock, gate):
                each.took(time.monotonic() - begun, rows)
        if len(told) != batch.height or max(told, default=0) > answers.UNKNOWN:
            raise Unjudged(f"{check.function} answered past the protocol")
        return told

    def _exchange(
        self, check: Custom, kind: bytes, body: bytes, seconds: float, memory: int, rows: int = 0
    ) -> bytes:
        """Return what the child answers; without an answer it is gone, and so is what it knew."""
        assert self._child is not None
        try:
            answer, told = self._child.ask(
                kind, body, seconds=seconds, memory=memory, longest=rows + LONGEST_TEXT
            )
        except ChildError as error:
            self.close()
            raise Unjudged(f"{check.function} {error}") from None
        if answer in (wire.READY, wire.ANSWERS):
            return told
        text = told.decode("utf-8", "replace")
        if answer == wire.RAISED:
            raise DataError(f"{check.function} raised {text}")
        if answer == wire.WRONG:
            raise DataError(f"{check.function} {text}")
        if answer == wire.MEMORY:
            raise Unjudged(f"{check.function} needs more than {self.performance.memory_mb} MiB")
        raise Unjudged(f"{check.function} {text}")


def located(check: Custom, root: Path) -> SourceCode:
    """Return a function's code. Raises Unjudged where it is absent, or not what was compiled."""
    try:
        code = source_code(check.function, root)
    except (SourceCodeError, OSError) as error:
        raise Unjudged(str(error)) from error
    if check.digest != code.digest:
        raise Unjudged(f"{check.function} differs from the digest that was compiled")
    return code

"""`sfctl engine run --follow`: advance each second, print signals as they come, outlive errors."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

from sfctl.clock import clock_from_environment
from sfctl.commands.engine_pass import advance_all, signal_line
from sfctl.consumer import Stage
from sfctl.errors import StoreError
from sfctl.model import codec, legible
from sfctl.model.signal import document_of
from sfctl.report import text
from sfctl.report.outcome import Outcome

PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0


def follow(stages: Sequence[Stage], prepare: Callable[[], tuple[str, ...]], format: str) -> Outcome:
    """Go on until SIGTERM (exit 0) or Ctrl-C (130); a store that does not answer is retried."""
    ended = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: ended.set())
    clock, pause, said, noted, trouble = clock_from_environment(), PAUSE_S, 0, "", ""
    try:
        while not ended.is_set():
            try:
                notes = "\n".join(prepare())
                if notes and notes != noted:
                    sys.stderr.write(notes + "\n")
                noted = notes
                done = advance_all(stages, clock.now())
                for each in done.signals:
                    line = legible.lines(signal_line(each))
                    if format != "text":
                        line = codec.canonical(document_of(each)).decode()
                    sys.stdout.write(line + "\n")
                sys.stdout.flush()
                said += len(done.signals)
                if trouble:
                    sys.stderr.write("the stores answer again\n")
                pause, trouble = PAUSE_S, ""
            except StoreError as error:
                pause = min(2 * pause, LONGEST_PAUSE_S)
                if str(error) != trouble:
                    sys.stderr.write(f"SF822 {error.code} {error}; trying again\n")
                trouble = str(error)
            ended.wait(pause)
    finally:
        signal.signal(signal.SIGTERM, before)
    payload: dict[str, Any] = {"stages": [], "signals": [], "published": said}
    return Outcome("engine", payload, f"Ended after {text.count(said, 'signal')}.")

"""A process that runs every signal engine to the end of the log, dying at the nth step reached."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from sfctl.clock import parse_instant
from sfctl.engines import registry
from sfctl.engines.runner import Runner
from sfctl.evidence.embedded import EmbeddedBus
from sfctl.state.embedded import EmbeddedState


def main(root: str, now: str, step: str, nth: int) -> None:
    """Run in small batches; `step` is a name, `any`, or empty for a run that nobody disturbs."""
    left = nth

    def reached(here: str) -> None:
        nonlocal left
        if step in (here, "any"):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    bus, state = EmbeddedBus(Path(root) / "bus.db"), EmbeddedState(Path(root) / "state.db")
    for name in registry.names():
        runner = Runner(registry.engine_named(name), bus, state, limit=7, reached=reached)
        while runner.advance(parse_instant(now)).more:
            pass


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))

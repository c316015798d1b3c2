"""A process that runs all stages to the end of the log, once for each line it is told.

Each run is a fork, so that it costs no start of an interpreter; a fork that is to die does so by
SIGKILL at the nth time that it reaches a step. A step is `<stage>.<port>.<write>`: a stage has just
written to the bus, the state store or the graph, and all it writes later is missing.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sfctl import wiring
from sfctl.clock import parse_instant
from sfctl.consumer import advanced
from sfctl.engines import registry
from sfctl.evidence.embedded import EmbeddedBus
from sfctl.graph.embedded import EmbeddedGraph
from sfctl.graph.stage import GraphStage
from sfctl.incidents.stage import IncidentStage
from sfctl.state.embedded import EmbeddedState

for _name in registry.names():
    registry.engine_named(_name)
_IMPORTED = (GraphStage, IncidentStage)
"""What a fork would import, and all forks must have alike."""
WRITES = {"publish", "commit", "seek", "dead_letter", "transact", "put", "delete", "upsert"}


@dataclass
class Steps:
    """Counts the steps of a run; calls `fatal` at the one it is to die at."""

    step: str = ""
    nth: int = 0
    stage: str = ""
    counts: Counter[str] = field(default_factory=Counter)

    def reached(self, name: str) -> None:
        here = f"{self.stage}.{name}"
        self.counts[here] += 1
        if here == self.step and self.counts[here] == self.nth:
            os.kill(os.getpid(), signal.SIGKILL)


class Watched:
    """A port that tells of each write once it is done."""

    def __init__(self, port: Any, name: str, steps: Steps) -> None:
        self._port, self._name, self._steps = port, name, steps

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        return self._told(name, found) if name in WRITES else found

    def _told(self, name: str, write: Callable[..., Any]) -> Callable[..., Any]:
        def written(*values: Any, **options: Any) -> Any:
            result = write(*values, **options)
            self._steps.reached(f"{self._name}.{name}")
            return result

        return written


def run(root: Path, now: datetime, steps: Steps) -> None:
    """Advance all stages in small batches until none moves."""
    bus: Any = Watched(EmbeddedBus(root / "bus.db"), "bus", steps)
    state: Any = Watched(EmbeddedState(root / "state.db"), "state", steps)
    graph: Any = Watched(EmbeddedGraph(root / "graph.db"), "graph", steps)
    stages = wiring.stages(root, bus, state, graph, limit=7)
    moving = True
    while moving:
        moving = False
        for stage in stages:
            steps.stage = stage.name
            more = True
            while more:
                progress = advanced(stage, now)
                more = progress.more
                moving = moving or progress.events > 0


def fork(told: dict[str, Any]) -> int:
    """Run in a fork of its own; return its exit code, negative for a signal."""
    child = os.fork()
    if child == 0:
        try:
            steps = Steps(told.get("step", ""), told.get("nth", 0))
            run(Path(told["root"]), parse_instant(told["now"]), steps)
            Path(told["root"], "steps.json").write_text(json.dumps(steps.counts))
        except BaseException:
            import traceback

            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(f"{fork(json.loads(line))}\n")
        sys.stdout.flush()

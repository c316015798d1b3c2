"""A process that publishes one batch, or replays, and kills itself at a named step."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sfctl.runtime.publishing.replay import replay
from sfctl.runtime.tables.snapshot import Manifest, Snapshots
from tests.publish_rig import Rig, batch, policy


def killer(step: str) -> Callable[[str], None]:
    """Return what dies, by SIGKILL, when `step` is reached."""

    def reached(here: str) -> None:
        if here == step:
            os.kill(os.getpid(), signal.SIGKILL)

    return reached


class DyingSnapshots(Snapshots):
    """A table whose writer dies between its files and its commit."""

    def _link(self, manifest: Manifest) -> bool:
        os.kill(os.getpid(), signal.SIGKILL)
        return super()._link(manifest)


SCENARIOS: dict[str, dict[str, Any]] = {
    "passing": {"frame": batch(1, 2, start=10), "by": policy()},
    "diverted": {"frame": batch(1, -1, 2, start=10), "by": policy()},
    "blocked": {"frame": batch(1, -1, 2, start=10), "by": policy(share="0.1")},
    "overwriting": {"frame": batch(1, -1, start=10), "by": policy(), "mode": "overwrite"},
}


def main(root: str, what: str, step: str, format: str) -> None:
    """Do `what` below `root`, dying at `step`."""
    rig = Rig(Path(root), format=format, reached=killer(step), run_id="first")
    if what == "replay":
        template = rig.request(batch(), policy(), day=9)
        replay(template, rig.ports(), rig.private_key)
        return
    changes: dict[str, Any] = {}
    if step == "between files and commit":
        changes = {"ports": {"open_table": lambda path, _format: DyingSnapshots(path)}}
    scenario = dict(SCENARIOS[what])
    rig.write(scenario.pop("frame"), day=2, run_id="first", **scenario, **changes)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""How a peer's script is driven: once from cold, or repeatedly over a frame it keeps in memory."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

Action = Callable[[Any], dict[str, int]]


def drive(
    cold: Callable[[str], dict[str, int]], load: Callable[..., Any] | None = None, **actions: Action
) -> None:
    """Run `cold FILE`, or `serve FILE ACTION all|named`: one JSON line for every line read.

    Each answer carries wall and CPU seconds of the action alone (CPU of all threads), and what it
    found: failing rows by rule for a judgement, `good` and `bad` rows for a split.
    """
    mode, file, *rest = sys.argv[1:]
    if mode == "cold":
        print(json.dumps(cold(file)))
        return
    assert load is not None
    action, width = actions[rest[0]], rest[1]
    frame = load(file, width == "named")
    print(json.dumps({"ready": True}), flush=True)
    for _ in sys.stdin:
        cpu, wall = time.process_time(), time.perf_counter()
        found = action(frame)
        spent = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        print(json.dumps({**spent, "found": found}), flush=True)

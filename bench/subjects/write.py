"""Writing one frame to a Delta table again and again: `write.py FILE gated|bare|acted [TABLE]`."""

import json
import sys
import time
from collections.abc import Callable

import polars as pl
from deltalake import write_deltalake

import sfctl as sf
from sfctl.model.policy import Detection
from sfctl.runtime.pii import actions

ACTIONS = [
    Detection("EMAIL", "mask", ("contact_email",)),
    Detection("PHONE", "redact", ("phone",)),
]


def gated(frame: pl.DataFrame) -> dict[str, object]:
    result = sf.write(frame, "ds://bench/flights", stage="silver", mode="overwrite")
    assert result.published, result
    assert result.rows_published == frame.height, result
    assert not result.degraded, result
    return {"rows": result.rows_published, "gates": [gate.gate for gate in result.gates]}


def plain(table: str) -> Callable[[pl.DataFrame], dict[str, object]]:
    def bare(frame: pl.DataFrame) -> dict[str, object]:
        write_deltalake(table, frame, mode="overwrite")
        return {"rows": frame.height}

    return bare


file, what, *rest = sys.argv[1:]
frame = pl.read_parquet(file).filter(pl.col("dep_time").is_not_null())
if what == "acted":
    frame, _ = actions.apply(frame, ACTIONS, lambda: None)
action = gated if what == "gated" else plain(rest[0])
print(json.dumps({"ready": True}), flush=True)
for _ in sys.stdin:
    cpu, wall = time.process_time(), time.perf_counter()
    found = action(frame)
    spent = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    print(json.dumps({**spent, "found": found}), flush=True)

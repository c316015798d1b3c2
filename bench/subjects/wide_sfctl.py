"""The wide policy, or a part of it, in sfctl over a frame in memory: `serve POLICY FILE`."""

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from sfctl.compiler.check import policy_for_check
from sfctl.model.binding import columns_of
from sfctl.runtime.core.judge import judge

NOW = datetime(2026, 1, 1, tzinfo=UTC)

policy, _ = policy_for_check(Path(sys.argv[2]))
schema = pl.scan_parquet(sys.argv[3]).collect_schema()
named = [name for rule in policy.rules for name in columns_of(rule, schema)]
frame = pl.read_parquet(sys.argv[3], columns=list(dict.fromkeys(named)) or ["year"])
print(json.dumps({"ready": True}), flush=True)
for _ in sys.stdin:
    cpu, wall = time.process_time(), time.perf_counter()
    found = judge(frame, policy, "silver", now=NOW)
    spent = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    failing = sum(rule.status == "fail" for rule in found.rules)
    print(json.dumps({**spent, "found": {"failing": failing}}), flush=True)

"""Tokenizing a column of distinct e-mail addresses: one JSON line for every line read."""

import json
import sys
import time

import polars as pl

from sfctl.model.policy import Detection
from sfctl.runtime.pii import actions, keys

EMAIL = [Detection("EMAIL", "tokenize", ("contact_email",))]

frame = pl.read_parquet(sys.argv[1], columns=["contact_email"])
ring = keys.parse(keys.generate(), "this run")
print(json.dumps({"ready": True}), flush=True)
for _ in sys.stdin:
    cpu, wall = time.process_time(), time.perf_counter()
    _, findings = actions.apply(frame, EMAIL, lambda: ring)
    spent = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    found = {"tokens": findings[0].matches, "distinct": frame["contact_email"].n_unique()}
    print(json.dumps({**spent, "found": found}), flush=True)

"""The wide policy, or a part of it, in sfctl: `serve POLICY FILE` judges a frame in memory.

`rules POLICY FILE` prints the rules as written, each with the columns it reads; `passes POLICY
FILE` judges the file, personal data included, and prints how often it was read.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import yaml

from sfctl.compiler.check import policy_for_check
from sfctl.model.binding import columns_of
from sfctl.runtime.core.files import ParquetSource
from sfctl.runtime.core.judge import Surroundings, judge
from sfctl.runtime.core.sources import Source
from sfctl.runtime.pii.actions import find

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Counted:
    """A source that counts its passes and the rows and columns it hands out."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.passes = self.rows = 0
        self.columns: set[str] = set()

    @property
    def schema(self) -> Mapping[str, pl.DataType]:
        return self.source.schema

    def chunks(self, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        self.passes += 1
        self.columns.update(columns)
        for chunk in self.source.chunks(columns):
            self.rows += chunk.height
            yield chunk


mode, place, file = sys.argv[1:]
policy, _ = policy_for_check(Path(place))
schema = pl.scan_parquet(file).collect_schema()
named = {rule.id: list(columns_of(rule, schema)) for rule in policy.rules}
if mode == "rules":
    written = yaml.safe_load(Path(place).read_text())["dq"]["rules"]
    print(json.dumps([{**rule, "columns": named[rule["id"]]} for rule in written]))
elif mode == "passes":
    source = Counted(ParquetSource((file,)))
    judge(source, policy, "silver", now=NOW, around=Surroundings(pii=find))
    read = {"passes": source.passes, "rows": source.rows, "columns": len(source.columns)}
    print(json.dumps(read))
else:
    wanted = dict.fromkeys(name for names in named.values() for name in names)
    frame = pl.read_parquet(file, columns=list(wanted) or ["year"])
    print(json.dumps({"ready": True}), flush=True)
    for _ in sys.stdin:
        cpu, wall = time.process_time(), time.perf_counter()
        found = judge(frame, policy, "silver", now=NOW)
        spent = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        failing = sum(rule.status == "fail" for rule in found.rules)
        print(json.dumps({**spent, "found": {"failing": failing}}), flush=True)

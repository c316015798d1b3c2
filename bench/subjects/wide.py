"""How a peer's script is given the rules of the wide policy: those it can express, all at once.

`SCRIPT expresses RULES` lists the ids of the rules it has words for. `cold RULES FILE` reads the
columns that the rules name and judges once; `serve RULES FILE` keeps them in memory and judges once
for every line read. RULES is a JSON list of rules, each with its `columns`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Rule = dict[str, Any]
Judge = Callable[[Any], int]


def drive(
    expresses: Callable[[Rule], bool],
    load: Callable[[str, list[str]], Any],
    prepare: Callable[[list[Rule], Any], Judge],
    scan: Callable[[str], Any] | None = None,
) -> None:
    """Do what the command line asks; a judge returns how many rules fail.

    `scan` is for a tool that judges a file without loading it.
    """
    mode, place, *rest = sys.argv[1:]
    rules: list[Rule] = json.loads(Path(place).read_text())
    if mode == "expresses":
        print(json.dumps([rule["id"] for rule in rules if expresses(rule)]))
        return
    columns = list(dict.fromkeys(name for rule in rules for name in rule["columns"]))
    if mode == "cold":
        frame = load(rest[0], columns) if scan is None else scan(rest[0])
        print(json.dumps({"failing": prepare(rules, frame)(frame)}))
        return
    frame = load(rest[0], columns)
    judge = prepare(rules, frame)
    print(json.dumps({"ready": True}), flush=True)
    for _ in sys.stdin:
        cpu, wall = time.process_time(), time.perf_counter()
        failing = judge(frame)
        spent = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        print(json.dumps({**spent, "found": {"failing": failing}}), flush=True)

"""`sfctl check FILE`, cold process to verdict, beside a bare Polars process and every peer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from bench.commands import PEERS, bare, check, peer
from bench.data import ROWS, path_of
from bench.measure import Line, Once, compare, run
from bench.results import Bound, Report, ratio_table

ROUNDS = 15
TIMEOUT = 45.0
CHUNKED = "chunked"
BARE = ("plain", "hash", CHUNKED)


def run_case(quick: bool) -> Report:
    """Measure on D1 and D2; `quick` on D1 only."""
    return measured("cold", ("D1",) if quick else ("D1", "D2"), quick)


def measured(name: str, sizes: Sequence[str], quick: bool) -> Report:
    """Measure on some sizes and report it under a name."""
    tables, bounds, raw = [], [], {}
    for data in sizes:
        lines = compare(_subjects(path_of(data)), 3 if quick else ROUNDS)
        tables.append(ratio_table(f"{data}, {ROWS[data]:,} rows", lines))
        bounds += _bounds(data, lines)
        raw[data] = lines
    return Report(
        name,
        f"`sfctl check FILE`: cold process to verdict, {' and '.join(sizes)}",
        "From spawning the interpreter to its exit, reading Parquet included, 16 rules. *plain* is"
        " the fused select one writes first, *hash* the same with the key hashed, *chunked* by hand"
        " in chunks with sorted hashes. Who takes over twice as long as we do runs in"
        f" 3 rounds, over 10 times in 2; who is missing did not finish within {TIMEOUT:.0f} s or"
        " in memory.",
        tables,
        bounds,
        raw,
    )


def _subjects(file: Path) -> dict[str, Once]:
    subjects: dict[str, Once] = {
        "sfctl check": partial(run, check(file), accept=(0, 1), timeout=TIMEOUT)
    }
    for way in BARE:
        subjects[f"bare polars, {way}"] = partial(run, bare(file, way), timeout=TIMEOUT)
    for name in PEERS:
        subjects[name] = partial(run, peer(name, "cold", str(file)), timeout=TIMEOUT)
    return subjects


def _bounds(data: str, lines: list[Line]) -> list[Bound]:
    single = [line for line in lines if line.name.startswith("bare") and line.name[-7:] != CHUNKED]
    chunked = [line for line in lines if line.name[-7:] == CHUNKED]
    peers = [line for line in lines[1:] if not line.name.startswith("bare")]
    return [
        *_against(data, "the quickest single bare scan", single, 1.5),
        *_against(data, "by hand in chunks", chunked, 1.5),
        *_against(data, "the quickest peer", peers, 1.0)[:1],
    ]


def _against(data: str, whom: str, lines: list[Line], limit: float) -> list[Bound]:
    wall = max(line.wall_ratio[0] for line in lines)
    cpu = max(line.cpu_ratio[0] for line in lines)
    return [
        Bound(f"{data}, wall against {whom}", wall, limit),
        Bound(f"{data}, CPU against {whom}", cpu, limit),
    ]

"""Where the benchmarks keep things: everything generated stands in two git-ignored folders."""

from __future__ import annotations

from pathlib import Path

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
DATA = BENCH / ".data"
RUNS = DATA / "results"
ENVIRONMENTS = BENCH / ".env"
SUBJECTS = BENCH / "subjects"
POLICY = BENCH / "flights.policy.yaml"
RESULTS = BENCH / "RESULTS.md"
PINS = BENCH / "requirements-peers.txt"

"""How each subject is started: ours through its console script, the others through their script."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.environments import python_of
from bench.places import POLICY, SUBJECTS

POLARS_PEERS = ("dataframely", "pandera", "cuallee")
PEERS = (*POLARS_PEERS, "great_expectations", "soda")


def sfctl(*arguments: str) -> list[str]:
    """Return the command line of our installed console script."""
    return [str(Path(sys.executable).with_name("sfctl")), *arguments]


def check(file: Path) -> list[str]:
    """Return the command line of `sfctl check` with the 16 rules."""
    return sfctl("check", str(file), "--policy", str(POLICY), "--format", "json")


def script(environment: str, name: str, *arguments: str) -> list[str]:
    """Return the command line of a subject's script in its environment."""
    # -P keeps the script's own folder off the module path
    return [str(python_of(environment)), "-P", str(SUBJECTS / name), *arguments]


def bare(file: Path, way: str) -> list[str]:
    """Return the command line of a yardstick: `plain`, `hash` or `chunked`."""
    if way == "chunked":
        return script("bare", "bare_chunked.py", str(file))
    return script("bare", "bare_polars.py", str(file), way)


def peer(name: str, *arguments: str) -> list[str]:
    """Return the command line of a peer's script."""
    return script(name, f"with_{name}.py", *arguments)

"""The walk-through breaks, driven through the command line alone, once a test session."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SCENARIOS = Path(__file__).parents[3] / "examples" / "scenarios"


@dataclass(frozen=True)
class Shell:
    """A terminal in a project at a point in time."""

    project: Path
    now: str

    def __call__(self, *words: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "sfctl", *words],
            cwd=self.project,
            env={**_clean_environment(), "SFCTL_NOW": self.now},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def json(self, *words: str, code: int = 0) -> dict[str, Any]:
        """Return the result as JSON."""
        result: dict[str, Any] = json.loads(self(*words, "--format", "json", code=code))
        return result

    def at(self, now: str) -> Shell:
        """Return the same terminal at another time."""
        return Shell(self.project, now)


def lay_out(scenario: str, folder: Path, now: str) -> tuple[Shell, Path]:
    """Return a compiled project of a scenario, and the folder of its events."""
    project = folder / scenario
    shutil.copytree(SCENARIOS / scenario, project)
    events = folder / "events"
    subprocess.run(
        [sys.executable, SCENARIOS / "generate.py", scenario, events],
        check=True,
        capture_output=True,
    )
    shell = Shell(project, now)
    shell("compile")
    return shell, events


def _clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("SFCTL_")}


@pytest.fixture(scope="session")
def contract_break(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """Scenario 1 at 10:00:01, a second after the window closed."""
    shell, events = lay_out(
        "contract-break", tmp_path_factory.mktemp("one"), "2024-01-15T10:00:01.200Z"
    )
    shell("evidence", "publish", str(events / "deployments.jsonl"))
    shell("evidence", "publish", str(events / "evidence.jsonl"))
    shell("engine", "run", "--once")
    return shell


@pytest.fixture(scope="session")
def enum_drift(tmp_path_factory: pytest.TempPathFactory) -> tuple[Shell, Path]:
    """Scenario 2 on the morning after, and its events."""
    shell, events = lay_out(
        "enum-drift", tmp_path_factory.mktemp("two"), "2024-01-15T02:10:00.000Z"
    )
    shell("evidence", "publish", str(events / "stream.jsonl"))
    shell("lineage", "ingest", str(events / "lineage.jsonl"))
    shell("evidence", "publish", str(events / "batch.jsonl"))
    shell("engine", "run", "--once")
    return shell.at("2024-01-15T08:30:00.000Z"), events

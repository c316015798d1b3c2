"""The demo, run twice as `make demo` runs it: it ends well, and explains in the same bytes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def demo(folder: Path) -> str:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("SFCTL_")}
    environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environ['PATH']}"
    done = subprocess.run(
        ["sh", ROOT / "examples" / "demo.sh", folder],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    return done.stdout


def said(output: str, command: str) -> list[str]:
    """Return what one command of the demo printed, without its timings."""
    printed = output.partition(f"$ {command}\n")[2].split("\n$ ")[0]
    return [line for line in printed.splitlines() if not re.match(r"\d+ ms, ", line)]


@pytest.mark.slow
def test_the_demo_ends_well_and_explains_the_same_twice(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(demo, (tmp_path / "one", tmp_path / "two"))
    report = said(one, "sfctl rca INC-1")
    assert report == said(two, "sfctl rca INC-1")
    told = " ".join(line.strip("│ ") for line in report)
    assert "Deployment carrier-feed v5.2 at 2013-01-07 22:40:00 most likely brought it" in told
    assert "`dest` is missing, possibly renamed to `destination`" in told
    assert "gate-display v1.9: ruled out" in told
    assert "911 rows wait in quarantine" in told
    assert "still have certified version" in told
    listed = said(one, "sfctl incidents list --all")
    assert [line.split()[-1] for line in listed[:2]] == ["resolved", "resolved"]
    assert "3 datasets, 3 certified." in one

"""The first ten minutes of the page on Spark as they stand: files, commands, what they print."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests import spark_rig
from tests.docs.test_readme import LEFT_OUT, _fits, _stable

PAGE = Path(__file__).parents[2] / "docs" / "spark.md"


def files() -> dict[str, str]:
    """Return the page's files: the blocks whose first line is a path."""
    text = PAGE.read_text(encoding="utf-8")
    return dict(re.findall(r"```(?:yaml|python)\n# (\S+/\S+)\n(.*?)```", text, re.DOTALL))


def steps() -> list[tuple[str, list[str]]]:
    """Return the page's commands, each with the lines that it prints."""
    (block,) = re.findall(r"```console\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    told = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    return [(lines[0], lines[1:]) for lines in map(str.splitlines, told)]


@pytest.mark.slow
def test_the_first_write_from_spark_prints_what_the_page_shows(tmp_path: Path) -> None:
    spark_rig.insist()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SFCTL_")}
    environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environ['PATH']}"
    environ["SPARK_SUBMIT_OPTS"] = spark_rig.SHORT_LIVED
    shop = tmp_path / "shop"
    asked = [("sfctl init --quiet shop", [LEFT_OUT]), *steps()]
    assert [command for command, _ in asked[1:]] == [
        "sfctl compile",
        "sfctl run orders_daily --date 2026-01-31",
        "sfctl quarantine list",
    ]
    for command, shown in asked:
        done = subprocess.run(
            shlex.split(command),
            cwd=shop if shop.exists() else tmp_path,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (command, done.stdout[-2000:])
        printed = [_stable(line) for line in done.stdout.rstrip("\n").splitlines()]
        assert "degraded" not in done.stdout
        assert _fits(printed, [_stable(line) for line in shown]), (command, printed)
        for path, text in files().items() if command.startswith("sfctl init") else ():
            (shop / path).parent.mkdir(parents=True, exist_ok=True)
            (shop / path).write_text(text, encoding="utf-8")

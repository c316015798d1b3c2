"""The README's session, run as it stands: every command, its exit code, and what it prints."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FORGET = [
    (r"run-[0-9TZ:.-]+\d-?[0-9a-f]*\b", "RUN"),
    (r"\b\d+(\.\d+)? (ms|s|min)\b", "TIME"),
    (r"\b[\d.]+ MiB\b", "SIZE"),
    (r"made \S+:", "made DIR:"),
    (r"\.{3,}", "..."),
    (r" +$", ""),
]
LEFT_OUT = "[…]"
"""A line of the README that stands for any lines."""


def session() -> list[tuple[str, int, list[str]]]:
    """Return the README's commands with their exit codes and output."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    steps: list[tuple[str, int, list[str]]] = []
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        for line in block.splitlines():
            exited = re.fullmatch(r"\(exit code (\d+)\)", line)
            if line.startswith("$ "):
                steps.append((line[2:], 0, []))
            elif exited:
                command, _, said = steps[-1]
                steps[-1] = (command, int(exited[1]), said)
            else:
                steps[-1][2].append(line)
    return steps


def _stable(line: str) -> str:
    for pattern, word in FORGET:
        line = re.sub(pattern, word, line)
    return line


@pytest.mark.slow
def test_the_session_prints_what_the_readme_shows(tmp_path: Path) -> None:
    steps = session()
    assert len(steps) > 8
    folder = tmp_path
    environ = {k: v for k, v in os.environ.items() if not k.startswith("SFCTL_")}
    environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environ['PATH']}"
    for command, code, shown in steps:
        words = shlex.split(command)
        if words[0] == "cd":
            folder = folder / words[1]
            continue
        if words[0] == "export":
            name, _, value = words[1].partition("=")
            environ[name] = value
            continue
        done = subprocess.run(
            words,
            cwd=folder,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == code, (command, done.stdout)
        printed = [_stable(line) for line in done.stdout.rstrip("\n").splitlines()]
        expected = [_stable(line) for line in shown]
        assert _fits(printed, expected), (command, printed, expected)


def _fits(printed: list[str], expected: list[str]) -> bool:
    """Tell whether lines are those expected, where some may be left out."""
    if not expected:
        return not printed
    if expected[0] == LEFT_OUT:
        return any(_fits(printed[n:], expected[1:]) for n in range(len(printed) + 1))
    return bool(printed) and printed[0] == expected[0] and _fits(printed[1:], expected[1:])


def test_the_readmes_two_commands_are_targets_of_the_makefile() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in ("demo", "test"):
        assert f"    make {target} " in readme
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
    assert "make test --no-print-directory" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")

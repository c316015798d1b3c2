"""Manners at the terminal: colour only where words say it already, width as the window is."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCTOR = [sys.executable, "-m", "sfctl", "doctor"]


def _on_a_terminal(cwd: Path, **environ: str) -> str:
    """Return what `sfctl doctor` prints when its stdout is a terminal."""
    ours, theirs = pty.openpty()
    kept = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    try:
        subprocess.run(DOCTOR, cwd=cwd, stdout=theirs, env={**kept, **environ}, check=True)
    finally:
        os.close(theirs)
    said = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # a terminal whose other end is closed
            piece = b""
        if not piece:
            os.close(ours)
            return said.decode().replace("\r\n", "\n")
        said += piece


def test_colour_on_a_terminal_adds_no_word(tmp_path: Path) -> None:
    painted = _on_a_terminal(tmp_path, COLUMNS="80")
    plain = _on_a_terminal(tmp_path, COLUMNS="80", NO_COLOR="1")
    assert "\x1b[32mok\x1b[0m" in painted
    assert "\x1b" not in plain
    figures = re.compile(r"[\d.]+ GiB")
    assert figures.sub("", re.sub(r"\x1b\[\d+m", "", painted)) == figures.sub("", plain)


@pytest.mark.parametrize("environ", [{"SFCTL_NO_COLOR": "1"}, {"NO_COLOR": "yes"}])
def test_every_way_to_refuse_colour(environ: dict[str, str], tmp_path: Path) -> None:
    assert "\x1b" not in _on_a_terminal(tmp_path, **environ)


def test_a_file_gets_no_colour_and_a_narrow_window_loses_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        DOCTOR,
        cwd=tmp_path,
        env={**os.environ, "COLUMNS": "48"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "\x1b" not in done.stdout
    lines = [line for line in done.stdout.splitlines() if line.endswith(" ok")]
    assert len(lines) > 10
    assert min(len(line) for line in lines) == 48
    assert "…" not in done.stdout
    assert not any("...." in line for line in lines if len(line) > 48)


def test_now_is_passed_on_to_the_clock(tmp_path: Path) -> None:
    made = [sys.executable, "-m", "sfctl", "init", str(tmp_path / "x")]
    subprocess.run(made, check=True, capture_output=True)
    done = subprocess.run(
        [*DOCTOR, "--now", "2013-01-08T06:00:00+02:00"],
        cwd=tmp_path / "x",
        check=True,
        capture_output=True,
    )
    assert b"gates are on at 2013-01-08T04:00:00.000Z" in done.stdout

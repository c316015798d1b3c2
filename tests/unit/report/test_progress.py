"""Progress: to a terminal only, after a second only, and never on stdout."""

from __future__ import annotations

import sys
from io import StringIO

import pytest

from sfctl.report import progress


class Terminal(StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_nothing_is_shown_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(progress.track([1, 2, 3], "counting")) == [1, 2, 3]
    assert capsys.readouterr() == ("", "")


def test_a_bar_appears_once_patience_ends(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "PATIENCE", -1.0)
    monkeypatch.setenv("TERM", "xterm")
    assert list(progress.track(iter([1, 2]), "counting", total=2)) == [1, 2]
    assert "counting" in terminal.getvalue()
    assert capsys.readouterr().out == ""


def test_quiet_means_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert progress.wanted()
    monkeypatch.setenv("SFCTL_QUIET", "1")
    assert not progress.wanted()

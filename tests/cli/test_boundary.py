"""Where exceptions end: one line, one hint, one exit code; never a traceback unasked."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sfctl import exit_codes
from sfctl.cli import main
from sfctl.commands import explain as explaining
from sfctl.errors import (
    Conflict,
    MissingExtra,
    PolicyRejected,
    Problem,
    PublishBlocked,
    SfctlError,
    SourceError,
    SpecError,
    StoreError,
    StoreLocked,
    Undelivered,
    UsageError,
)
from sfctl.report.outcome import Outcome

Run = Callable[..., subprocess.CompletedProcess[str]]
ERRORS = [
    (UsageError("no"), 2),
    (SpecError([Problem("a.yaml", 1, 2, "SF110", "unknown key `x`", "remove it")]), 2),
    (PolicyRejected("altered"), 2),
    (SourceError("unreadable"), 3),
    (StoreError("silent"), 3),
    (StoreLocked("held"), 3),
    (Conflict("lost"), 3),
    (MissingExtra("pandas", "pandas"), 3),
    (SfctlError("ours"), 3),
    (Undelivered("waiting"), 4),
    (PublishBlocked("no"), 1),
]


def _raising(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def explain() -> Outcome:
        raise error

    monkeypatch.setattr(explaining, "explain", explain)


@pytest.mark.parametrize(("error", "code"), ERRORS, ids=lambda e: type(e).__name__)
def test_every_error_has_its_exit_code_and_no_traceback(
    error: SfctlError,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _raising(error, monkeypatch)
    assert main(["explain"]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    assert "SF" in err


def test_all_problems_are_printed_with_place_code_and_hint(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    problems = [
        Problem("b.yaml", 3, 4, "SF111", "needs `y`"),
        Problem("a.yaml", 1, 2, "SF110", "unknown key `x`", "remove it"),
    ]
    _raising(SpecError(problems), monkeypatch)
    assert main(["explain", "--format", "json"]) == 2
    out, err = capsys.readouterr()
    assert err.splitlines() == [
        "a.yaml:1:2 SF110 unknown key `x`",
        "    hint: remove it",
        "b.yaml:3:4 SF111 needs `y`",
        "2 problems found",
    ]
    assert [p["path"] for p in json.loads(out)["problems"]] == ["a.yaml", "b.yaml"]


def test_a_fault_of_ours_leaves_a_bug_report_without_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".sfctl").mkdir()
    _raising(RuntimeError("row of 'jane@example.com' 123456789 broke"), monkeypatch)
    assert main(["explain", "--project-dir", str(tmp_path)]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("SF900 a fault of ours (RuntimeError)\n")
    assert "Traceback" not in err
    (report,) = (tmp_path / ".sfctl" / "bug-reports").iterdir()
    assert str(report) in err
    text = report.read_text()
    assert "RuntimeError" in text
    assert "tests/cli" not in text
    assert "test_boundary.py" in text
    for secret in ("jane", "example.com", "123456789", str(tmp_path)):
        assert secret not in text


def test_debug_shows_the_traceback_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _raising(RuntimeError("broke"), monkeypatch)
    assert main(["explain", "--debug"]) == 3
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_a_missing_library_names_its_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _raising(ModuleNotFoundError("No module named 'pandas'", name="pandas"), monkeypatch)
    assert main(["explain"]) == 3
    assert "pip install 'sfctl[pandas]'" in capsys.readouterr().err


def test_an_interrupt_is_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _raising(KeyboardInterrupt(), monkeypatch)
    assert main(["explain"]) == 130
    assert capsys.readouterr() == ("", "interrupted\n")


def test_ctrl_c_ends_a_real_process_with_130(tmp_path: Path) -> None:
    code = (
        "import sys, time; from sfctl.commands import explain as e; from sfctl.cli import main\n"
        "def explain():\n    print('up', file=sys.stderr, flush=True); time.sleep(30)\n"
        "e.explain = explain; sys.exit(main(['explain']))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "up\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (130, "", "interrupted\n")


@pytest.mark.parametrize(
    ("codes", "worst"),
    [((0, 1), 1), ((1, 4), 4), ((4, 1, 3), 3), ((3, 1), 3), ((0,), 0), ((), 0), ((2, 3), 2)],
)
def test_the_worst_code_wins(codes: tuple[int, ...], worst: int) -> None:
    assert exit_codes.worst(*codes) == worst


@pytest.mark.parametrize("words", ["--help", "explain"])
def test_a_closed_pipe_is_quiet(words: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "sfctl", words],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_result_that_cannot_be_written_is_4(tmp_path: Path) -> None:
    with (tmp_path / "full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "sfctl", "explain", "SF001"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
        )
    assert done.returncode == 4
    assert done.stderr.startswith("SF802 the result could not be written")


def test_a_terminal_that_cannot_show_a_character_shows_its_escape(sfctl: Run) -> None:
    done = sfctl("doctor", env={"PYTHONIOENCODING": "ascii", "SFCTL_FORMAT": "json"})
    assert done.returncode in (0, 1)
    assert json.loads(done.stdout)["schema"] == "sfctl.doctor.v1"


def test_quiet_says_nothing_beside_the_result(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def explain() -> Outcome:
        return Outcome("explain", {}, "the result", notes=("by the way",))

    monkeypatch.setattr(explaining, "explain", explain)
    assert main(["explain"]) == 0
    assert capsys.readouterr() == ("the result\n", "by the way\n")
    assert main(["explain", "-q"]) == 0
    assert capsys.readouterr() == ("the result\n", "")


def test_verbose_says_where_and_how_long(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", "SF001", "-v", "--project-dir", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("SF001")
    first, second = err.splitlines()
    assert first.endswith(f"in {tmp_path}")
    assert second.startswith("explain took ")

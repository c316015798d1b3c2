"""The door: quick, light, and helpful before any verb is known."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sfctl import __version__
from sfctl.cli import main
from sfctl.verbs import GLOBALS, VERBS, help_text

Run = Callable[..., subprocess.CompletedProcess[str]]
HEAVY = [
    "polars", "pandas", "pyarrow", "numpy", "deltalake", "rich", "typer", "msgspec", "yaml",
    "ruamel", "jinja2", "cryptography", "jsonschema", "pyspark", "dask", "boto3",
]  # fmt: skip


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from sfctl.cli import main; main(['--help']);"
        f"print(sorted(set(sys.modules) & set({HEAVY})), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert done.stdout.strip() == help_text()


def test_help_fits_a_terminal_and_names_every_verb_and_option() -> None:
    text = help_text()
    assert max(map(len, text.splitlines())) <= 80
    for word in [*VERBS, *GLOBALS, "--version"]:
        assert word in text
    for variable, _, _ in GLOBALS.values():
        assert f"[{variable}]" in text


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"], ["--no-color", "--help"]])
def test_every_way_to_ask_for_help_gives_the_same(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 0
    assert capsys.readouterr().out.strip() == help_text()


def test_version(sfctl: Run) -> None:
    done = sfctl("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"sfctl {__version__}\n", "")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_of_its_own(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0
    out = capsys.readouterr().out
    assert f"sfctl {verb}" in out
    assert "Raises" not in out


def test_an_unknown_verb_gets_the_nearest(sfctl: Run) -> None:
    done = sfctl("complie")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("SF001 there is no verb `complie`")
    assert "did you mean `compile`?" in done.stderr


def test_an_unknown_sub_verb_gets_the_nearest(sfctl: Run) -> None:
    done = sfctl("switch", "of")
    assert done.returncode == 2
    assert "did you mean `off`?" in done.stderr


def test_a_verb_with_sub_verbs_needs_one(sfctl: Run) -> None:
    done = sfctl("switch")
    assert (done.returncode, done.stdout) == (2, "")
    assert "expected one of off, on, status" in done.stderr


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (["explain", "--formt", "json"], "did you mean `--format`?"),
        (["evidence", "list", "--knd", "GATE"], "did you mean `--kind`?"),
        (["explain", "--zzzzzzz"], "see sfctl explain --help"),
    ],
)
def test_an_unknown_option_gets_the_nearest(
    words: list[str], near: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert near in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["explain", "--format"], "option --format needs a value"),
        (["--quiet=yes", "explain"], "option --quiet takes no value"),
        (["explain", "--format", "yaml"], "--format yaml does not exist for `explain`"),
        (["explain", "--format", "sarif"], "expected text or json"),
        (["status", "--now", "yesterday"], "--now is no time (got 'yesterday'"),
        (["explain", "--now", "2026-01-01T00:00:00Z"], "`explain` does not depend on the time"),
        (["explain", "SF001", "SF002"], "unexpected extra argument"),
    ],
)
def test_a_misused_option_is_named(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert said in err
    assert out == ""


@pytest.mark.parametrize("words", [["--format", "json", "explain"], ["explain", "--format=json"]])
def test_global_options_stand_before_or_after_the_verb(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "SF001"]) == 0
    assert json.loads(capsys.readouterr().out)["schema"] == "sfctl.explain.v1"


def test_global_options_have_variables(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SFCTL_FORMAT", "json")
    assert main(["explain", "SF001"]) == 0
    assert json.loads(capsys.readouterr().out)["codes"][0]["code"] == "SF001"


def test_errors_are_json_too(sfctl: Run) -> None:
    done = sfctl("explain", "SF999", "--format", "json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["exit_code"]) == (2, 2)
    assert document["schema"] == "sfctl.error.v1"
    assert document["error"]["code"] == "SF005"
    assert done.stderr.startswith("SF005 ")


@pytest.mark.parametrize("verb", ["validate", "compile", "status", "register", "profile", "run"])
def test_outside_a_project_every_verb_says_how_to_get_one(verb: str, sfctl: Run) -> None:
    done = sfctl(verb, *(["job"] if verb == "run" else []))
    assert (done.returncode, done.stdout) == (2, "")
    assert "SF130 no sfctl.yml in" in done.stderr
    assert "sfctl init" in done.stderr


def test_another_folder_by_option_and_by_variable(sfctl: Run, repo: Path) -> None:
    by_option = sfctl("validate", "--project-dir", str(repo / "datasets"))
    by_variable = sfctl("validate", env={"SFCTL_PROJECT_DIR": str(repo)})
    assert by_option.returncode == by_variable.returncode == 0
    assert by_option.stdout == by_variable.stdout

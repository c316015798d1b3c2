"""Completion: the script alone completes; nothing of ours runs when Tab is pressed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from sfctl.cli import main
from sfctl.verbs import GLOBALS, VERBS


def _script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["completion", shell, "--format", "json"]) == 0
    script: str = json.loads(capsys.readouterr().out)["script"]
    return script


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["sfctl", "comp"], {"compile", "completion"}),
        (["sfctl", "quarantine", "re"], {"replay"}),
        (["sfctl", "--format", "json", "validate", "--st"], {"--strict"}),
        (["sfctl", "validate", "--proj"], {"--project-dir"}),
        (["sfctl", "--vers"], {"--version"}),
    ],
)
def test_bash_completes(
    words: list[str], expected: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    typed = " ".join(f"'{word}'" for word in words)
    script = _script("bash", capsys)
    asked = f"COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}; _sfctl; echo ${{COMPREPLY[@]}}"
    done = subprocess.run(
        ["bash", "--norc", "-c", f"{script}\n{asked}"], capture_output=True, text=True, check=True
    )
    assert (set(done.stdout.split()), done.stderr) == (expected, "")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_know_every_verb_and_option(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    script = _script(shell, capsys)
    for word in [*VERBS, *(option[2:] for option in GLOBALS)]:
        assert word in script


def test_an_unknown_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "cmd"]) == 2
    assert "'bash', 'zsh'" in capsys.readouterr().err


def test_an_editor_finds_the_schema_of_every_file(capsys: pytest.CaptureFixture[str]) -> None:
    schemas = json.loads(_script("vscode", capsys))["yaml.schemas"]
    patterns = {pattern for patterns in schemas.values() for pattern in patterns}
    assert {"sfctl.yml", "datasets/*/policy_bundle.yaml", "jobs/*.yaml"} <= patterns
    for place in schemas:
        assert json.loads(Path(place.removeprefix("file://")).read_text())["$id"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["bsh"], "'bsh' is not one of 'bash', 'zsh', 'fish', 'vscode'"),
        ([], "missing argument 'shell'. Choose from: bash, zsh, fish, vscode"),
    ],
)
def test_a_shell_that_is_none_is_told_on_one_line(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["completion", *words]) == 2
    first, hint = capsys.readouterr().err.splitlines()
    assert first.endswith(said)
    assert "Value error" not in first
    assert hint.startswith("    hint: ")

"""`sfctl completion SHELL`: what completes as you type, in a shell or in an editor of YAML."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

import sfctl
from sfctl.commands.functions import functions_of, options_of
from sfctl.report.outcome import Outcome
from sfctl.verbs import GLOBALS, VERBS

Words = dict[str, list[str]]


def completion(
    shell: Annotated[
        Literal["bash", "zsh", "fish", "vscode"],
        typer.Argument(help="The shell, or the editor, that will read it."),
    ],
) -> Outcome:
    """Print a shell's completion script, or an editor's settings for the YAML of a data repo."""
    if shell == "vscode":
        script = _vscode()
        return Outcome("completion", {"shell": shell, "script": script}, script)
    table = {verb: _words(verb) for verb in VERBS}
    script = {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](table)
    return Outcome("completion", {"shell": shell, "script": script}, script)


def _words(verb: str) -> list[str]:
    functions = functions_of(verb)
    words = [name for name in functions if name != verb]
    for function in functions.values():
        words += [option for option, _ in options_of(function)]
    return list(dict.fromkeys([*words, "--help"]))


def _bash(table: Words) -> str:
    cases = [f'    {verb}) words="{" ".join(words)} $globals" ;;' for verb, words in table.items()]
    return "\n".join(
        [
            "# sfctl completion bash > ~/.local/share/bash-completion/completions/sfctl",
            "_sfctl() {",
            f'  local globals="{" ".join(GLOBALS)}" words="{" ".join(table)}" word',
            '  words="$words $globals --help --version"',
            '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do case "$word" in',
            *cases,
            "  esac; done",
            '  local now="${COMP_WORDS[COMP_CWORD]}"',
            '  COMPREPLY=($(compgen -W "$words" -- "$now"))',
            '  [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$now"))',
            "}",
            "complete -o filenames -F _sfctl sfctl",
        ]
    )


def _zsh(table: Words) -> str:
    """Zsh reads bash's script through its own adapter."""
    return "\n".join(
        [
            "#compdef sfctl",
            "autoload -U +X compinit && compinit",
            "autoload -U +X bashcompinit && bashcompinit",
            _bash(table).partition("\n")[2],
        ]
    )


def _fish(table: Words) -> str:
    lines = ["# sfctl completion fish > ~/.config/fish/completions/sfctl.fish"]
    for verb, (_, help_line, _) in VERBS.items():
        said = help_line.replace("'", "’")
        lines.append(f"complete -c sfctl -n __fish_use_subcommand -a {verb} -d '{said}'")
    for option in GLOBALS:
        lines.append(f"complete -c sfctl -l {option[2:]}")
    for verb, words in table.items():
        seen = f"-n '__fish_seen_subcommand_from {verb}'"
        for word in words:
            kind = f"-l {word[2:]}" if word.startswith("--") else f"-a {word}"
            lines.append(f"complete -c sfctl {seen} {kind}")
    return "\n".join(lines)


_FILES = {
    "sfctl": ("sfctl.yml",),
    "dataset": ("datasets/*/dataset.yaml",),
    "policy_bundle": ("datasets/*/policy_bundle.yaml",),
    "job": ("jobs/*.yaml",),
    "pack": ("packs/*.yaml",),
    "minimum": ("policies/minimum.yaml",),
    "expectations": ("expectations/*.yaml",),
    "lineage": ("lineage/*.yaml",),
}


def _vscode() -> str:
    """Return settings that let the YAML language server complete and check as one types."""
    folder = Path(sfctl.__file__).parent / "schemas" / "files"
    known = {(folder / f"{name}.schema.json"): list(files) for name, files in _FILES.items()}
    schemas = {path.as_uri(): files for path, files in known.items() if path.is_file()}
    return json.dumps({"yaml.schemas": schemas}, indent=2)

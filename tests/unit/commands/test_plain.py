"""Plain words mean what Typer makes of them, for every function of every verb."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest

from sfctl import plain
from sfctl.arguments import command_of
from sfctl.commands.functions import Function, functions_of, own_parameters
from sfctl.verbs import VERBS

FUNCTIONS = [
    (verb, name, function) for verb in VERBS for name, function in functions_of(verb).items()
]


def words_of(parameter: inspect.Parameter, value: str) -> list[str]:
    """Return how a value is given to a parameter."""
    info = plain._info(parameter)
    if info is not None and type(info).__name__ == "ArgumentInfo":
        return [value]
    name = plain._names(parameter, info)[0]
    return [name] if plain._kind(parameter) is bool else [name, value]


def value_for(parameter: inspect.Parameter) -> str | None:
    """Return a word that fits a parameter, None for one whose words are not plain."""
    kind = plain._kind(parameter)
    if get_origin(kind) is Literal:
        return str(get_args(kind)[-1])
    return "word" if kind in (str, Path, bool) else None


def by_typer(verb: str, name: str, words: list[str]) -> dict[str, Any]:
    prefix = [name] if verb not in functions_of(verb) else []
    call = command_of(verb).main([*prefix, *words], prog_name="sfctl", standalone_mode=False)
    return dict(call.keywords)


def tupled(values: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}


@pytest.mark.parametrize(
    ("verb", "name", "function"), FUNCTIONS, ids=[f"{v} {n}" for v, n, _ in FUNCTIONS]
)
def test_words_mean_what_typer_makes_of_them(verb: str, name: str, function: Function) -> None:
    own = own_parameters(function)
    needed: list[str] = []
    for parameter in own:
        if parameter.default is inspect.Parameter.empty:
            value = value_for(parameter)
            assert value is not None
            needed += words_of(parameter, value)
    lines = [needed]
    for parameter in own:
        value = value_for(parameter)
        if value and parameter.default is not inspect.Parameter.empty:
            lines.append([*needed, *words_of(parameter, value)])
    for words in lines:
        found = plain.given(own, words)
        assert found is not None, words
        assert tupled(found) == by_typer(verb, name, words), words


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["-h"],
        ["--no-such"],
        ["--kind"],
        ["--kind", "--gate"],
        ["--limit", "x"],
        ["--limit", "3"],
        ["--kind", "GATE", "--kind", "GATE"],
        ["surplus"],
        [""],
        ["--"],
    ],
)
def test_what_is_not_plain_is_left_to_typer(words: list[str]) -> None:
    listing = functions_of("evidence")["list"]

    assert plain.given(own_parameters(listing), words) is None

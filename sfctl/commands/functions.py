"""From a verb's name to its functions, imported when asked for and not before."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator
from typing import Annotated, get_args, get_origin

from typer.models import OptionInfo

from sfctl.report.outcome import Outcome
from sfctl.verbs import VERBS

AMBIENT = ("project_dir", "target", "now", "passed", "format")
"""Parameters that come from the global options and never show as a verb's own."""
Function = Callable[..., Outcome]


def functions_of(verb: str) -> dict[str, Function]:
    """Return a verb's functions by sub-verb; a verb without any has one under its own name.

    Its module here has a table `SUBVERBS`, or a function called like the verb.
    """
    module = importlib.import_module(f"sfctl.commands.{VERBS[verb][0]}")
    table: dict[str, Function] | None = getattr(module, "SUBVERBS", None)
    return table or {verb: getattr(module, verb)}


def own_parameters(function: Function) -> list[inspect.Parameter]:
    """Return the parameters that are the verb's own, with their annotations evaluated."""
    parameters = inspect.signature(function, eval_str=True).parameters.values()
    return [parameter for parameter in parameters if parameter.name not in AMBIENT]


def options_of(function: Function) -> Iterator[tuple[str, str]]:
    """Yield the options of a function: the name as typed, and its line of help."""
    for parameter in own_parameters(function):
        for meta in get_args(parameter.annotation)[1:]:
            if get_origin(parameter.annotation) is Annotated and isinstance(meta, OptionInfo):
                named = [each for each in meta.param_decls or () if each.startswith("--")]
                names = named or [f"--{parameter.name.replace('_', '-')}"]
                yield names[0].partition("/")[0], meta.help or ""

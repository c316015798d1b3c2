"""A verb's function becomes its command line: Typer reads the signature, we fill in the rest.

Parameters called `project_dir`, `target`, `now`, `format` and `passed` (the words after `--`) come
from the global options.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any, get_args, get_origin

import typer
from typer.exceptions import TyperException

from sfctl.commands.functions import Function, functions_of, own_parameters
from sfctl.errors import UsageError
from sfctl.plain import given
from sfctl.report.outcome import Outcome
from sfctl.settings import FINDING_VERBS, FORMATS, Settings, known_word, nearest
from sfctl.verbs import GLOBALS, VERBS


def command_of(verb: str, ambient: dict[str, Any] | None = None) -> Any:
    """Return the Typer command of a verb, its functions bound to the `ambient` parameters."""
    functions = functions_of(verb)
    app = typer.Typer(
        rich_markup_mode=None,
        add_completion=False,
        pretty_exceptions_enable=False,
        help=VERBS[verb][1] + ".",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for name, function in functions.items():
        app.command(name, epilog=_epilog(verb))(_bound(function, ambient))
    if verb not in functions:
        app.callback()(_nothing)
    return typer.main.get_command(app)


def call(verb: str, words: list[str], settings: Settings) -> Outcome | None:
    """Parse `words` and run the verb; return its outcome, None when only help was asked for.

    Raises UsageError for words that do not fit, with the nearest that would.
    """
    functions = functions_of(verb)
    passed: list[str] = []
    if "--" in words and any(_takes(function, "passed") for function in functions.values()):
        cut = words.index("--")
        words, passed = words[:cut], words[cut + 1 :]
    if verb not in functions and words and not words[0].startswith("-"):
        known_word(words[0], functions, f"`{verb}` has no", "sub-verb")
    if verb not in functions and not words:
        raise UsageError(
            f"`{verb}` needs a sub-verb (expected one of {', '.join(functions)})",
            hint=f"see sfctl {verb} --help",
        )
    if settings.now and not any(_takes(function, "now") for function in functions.values()):
        raise UsageError(f"`{verb}` does not depend on the time; it takes no --now", code="SF003")
    ambient = {
        "project_dir": settings.project_dir,
        "target": settings.target,
        "now": settings.now,
        "passed": tuple(passed),
        "format": settings.format,
    }
    own, rest = (verb, words) if verb in functions else (words[0], words[1:])
    plain = given(own_parameters(functions[own]), rest) if own in functions else None
    if plain is not None:
        return _bound(functions[own], ambient)(**plain)()
    try:
        parsed = command_of(verb, ambient).main(
            words, prog_name=f"sfctl {verb}", standalone_mode=False
        )
    except TyperException as error:
        raise _usage(error, verb) from None
    if not isinstance(parsed, partial):
        return None
    outcome: Outcome = parsed()
    return outcome


def _usage(error: TyperException, verb: str) -> UsageError:
    see = f"see sfctl {verb} --help"
    if hasattr(error, "possibilities"):
        option = str(getattr(error, "option_name", ""))
        hint = nearest(option, [*(error.possibilities or ()), *GLOBALS])
        return UsageError(f"`{verb}` has no option {option}", hint=hint or see, code="SF003")
    message = " ".join(error.format_message().split()).replace("Value error, ", "").rstrip(".")
    return UsageError(f"{message[:1].lower()}{message[1:]}", hint=see, code="SF003")


def _takes(function: Function, parameter: str) -> bool:
    return parameter in inspect.signature(function).parameters


def _bound(function: Function, ambient: dict[str, Any] | None) -> Callable[..., partial[Outcome]]:
    """Return what Typer calls: it parses and hands back the call, which is made outside of it."""
    own = own_parameters(function)
    fixed = {name: value for name, value in (ambient or {}).items() if _takes(function, name)}

    def bound(**given: Any) -> partial[Outcome]:
        for parameter in own:
            if _is_tuple(parameter.annotation):
                given[parameter.name] = tuple(given[parameter.name] or ())
        return partial(function, **given, **fixed)

    bound.__doc__ = _first_sentences(function)
    bound.__annotations__ = {p.name: _listed(p.annotation) for p in own}
    bound.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            p.replace(annotation=_listed(p.annotation), kind=inspect.Parameter.KEYWORD_ONLY)
            for p in own
        ]
    )
    return bound


def _first_sentences(function: Function) -> str:
    """Return what a function does without what a caller in Python must know beside it."""
    paragraph = (inspect.getdoc(function) or "").partition("\n\n")[0].replace("\n", " ")
    return paragraph.partition(" Raises ")[0]


def _epilog(verb: str) -> str:
    formats = ", ".join(FORMATS if verb in FINDING_VERBS else FORMATS[:2])
    return f"--format: {formats}. Options for every verb: sfctl --help"


def _is_tuple(annotation: Any) -> bool:
    inner = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    return get_origin(inner) in (tuple, Sequence)


def _listed(annotation: Any) -> Any:
    """Typer knows lists where our functions, whose values never change, take tuples."""
    if not _is_tuple(annotation):
        return annotation
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        return Annotated[(list[get_args(inner)[0]], *more)]  # type: ignore[misc]
    return list[get_args(annotation)[0]]  # type: ignore[misc]


def _nothing() -> None:
    """Keep the sub-verb in the command line even where a verb has only one."""

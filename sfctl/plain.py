"""Plain words read straight from a function's signature, for verbs that people wait for.

Typer with its validators costs more than many a verb itself. What is not plain is left to it:
help, mistakes, numbers and everything else that wants a check or a message of its own.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from typer.models import ArgumentInfo, OptionInfo, ParameterInfo

_MORE = ("callback", "envvar", "default_factory", "parser", "exists", "resolve_path", "prompt")
"""What an option may ask for beside its type: then it is not plain."""


def given(parameters: Sequence[inspect.Parameter], words: Sequence[str]) -> dict[str, Any] | None:
    """Return the values that `words` give to parameters, None where they are not plain.

    Those that are not given have their defaults. Sequences come as lists, as Typer gives them.
    """
    options: dict[str, inspect.Parameter] = {}
    places: list[inspect.Parameter] = []
    for parameter in parameters:
        info = _info(parameter)
        if isinstance(info, ArgumentInfo):
            places.append(parameter)
        else:
            options.update(dict.fromkeys(_names(parameter, info), parameter))
    found: dict[str, Any] = {}
    pending = iter(words)
    for word in pending:
        name, equals, value = word.partition("=")
        if not word.startswith("-"):
            if not places or not _take(found, places[0], word):
                return None
            if not _is_many(places[0]):
                places.pop(0)
            continue
        option = options.get(name)
        if option is None or _more(_info(option)):
            return None
        if _kind(option) is bool:
            if equals or option.name in found:
                return None
            found[option.name] = True
            continue
        value = value if equals else next(pending, "-")
        if value.startswith("-") or not _take(found, option, value):
            return None
    return _complete(parameters, found)


def _complete(
    parameters: Sequence[inspect.Parameter], found: dict[str, Any]
) -> dict[str, Any] | None:
    for parameter in parameters:
        if parameter.name in found:
            continue
        if parameter.default is inspect.Parameter.empty or _more(_info(parameter)):
            return None
        value = parameter.default
        found[parameter.name] = list(value or ()) if _is_many(parameter) else value
    return found


def _take(found: dict[str, Any], parameter: inspect.Parameter, word: str) -> bool:
    """Put a word where it belongs; tell whether it could be."""
    kind = _kind(parameter)
    if not word or _more(_info(parameter)):
        return False
    if kind not in (str, Path) and not (get_origin(kind) is Literal and word in get_args(kind)):
        return False
    value = Path(word) if kind is Path else word
    if _is_many(parameter):
        found.setdefault(parameter.name, []).append(value)
        return True
    fresh = parameter.name not in found
    found[parameter.name] = value
    return fresh


def _kind(parameter: inspect.Parameter) -> Any:
    """Return the type of one value: without metadata, None or sequence around it."""
    kind = _bare(parameter)
    if get_origin(kind) in (Union, UnionType):
        inner = [each for each in get_args(kind) if each is not type(None)]
        kind = inner[0] if len(inner) == 1 else None
    if _is_many(parameter):
        arguments = get_args(kind)
        return arguments[0] if arguments[1:] in ((), (...,)) else None
    return kind


def _is_many(parameter: inspect.Parameter) -> bool:
    return get_origin(_bare(parameter)) in (tuple, list, Sequence)


def _bare(parameter: inspect.Parameter) -> Any:
    kind = parameter.annotation
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _info(parameter: inspect.Parameter) -> ParameterInfo | None:
    """Return what Typer is told of a parameter; without any, one without a default is a place."""
    told = get_args(parameter.annotation)[1:] if get_origin(parameter.annotation) else ()
    for each in told:
        if isinstance(each, ParameterInfo):
            return each
    return ArgumentInfo() if parameter.default is inspect.Parameter.empty else None


def _names(parameter: inspect.Parameter, info: ParameterInfo | None) -> list[str]:
    told = (info.default, *(info.param_decls or ())) if isinstance(info, OptionInfo) else ()
    named = [each for each in told if isinstance(each, str) and each.startswith("-")]
    both = [name for each in named for name in each.split("/")[:1]]
    return both or [f"--{parameter.name.replace('_', '-')}"]


def _more(info: ParameterInfo | None) -> bool:
    return info is not None and any(getattr(info, name, None) for name in _MORE)

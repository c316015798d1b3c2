"""Jinja2 behind a closed door: which names, filters and constructs a template may use.

Imported only where a document holds a template. Loops, arithmetic and methods are refused, so
that a template's cost and size are bounded by its own length.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from jinja2 import TemplateSyntaxError, nodes
from jinja2.exceptions import TemplateError
from jinja2.sandbox import SandboxedEnvironment

from sfctl.errors import Problem
from sfctl.spec.context import FILTERS, FUNCTIONS, NAMES, TARGET_KEYS, Context, Value
from sfctl.spec.tree import Node
from sfctl.spec.wording import suggestion

MAX_TEMPLATE = 4096
MAX_FILE = 65_536
_ALLOWED = frozenset(
    (
        "Template", "Output", "TemplateData", "Name", "Const", "Call", "Getattr", "Filter",
        "Concat", "Compare", "Operand", "And", "Or", "Not", "CondExpr", "If", "List", "Tuple",
        "Neg", "Keyword",
    )
)  # fmt: skip
_HINT = "templates take a value: env_var(), file(), var(), target, filters and `if`"
_MISSING = object()


class Unrendered(Exception):
    """A template function cannot give its value. `severity` is warning for absent credentials."""

    def __init__(
        self, name: object, code: str, message: str, hint: str = "", *, absent: bool = False
    ) -> None:
        super().__init__(message)
        self.name = str(name)
        self.code = code
        self.message = message
        self.hint = hint
        self.absent = absent


@dataclass(frozen=True, slots=True)
class _Fault:
    """What is wrong with a template, wherever it stands."""

    code: str
    message: str
    hint: str = ""
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A template that was read: what gives its value, or why nothing does."""

    give: Callable[..., Any] | None
    faults: tuple[_Fault, ...] = ()


class Renderer:
    """Renders single values in one context."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.names: dict[str, Any] = {
            "env_var": self._env_var,
            "file": self._file,
            "var": self._var,
            "target": {"name": context.target, "environment": context.environment},
            "project_name": context.project_name,
        }
        self.functions: tuple[str, ...] = FUNCTIONS
        if context.parameters is not None:
            self.names["param"] = self._param
            self.functions = (*FUNCTIONS, "param")

    def render(self, node: Node, expression: str) -> tuple[Value] | list[Problem]:
        """Return the value of a template in a 1-tuple, or the problems that prevent it.

        `expression` is given where the template is nothing else; its type is then kept.
        """
        text = str(node.value)
        if len(text) > MAX_TEMPLATE:
            message = f"a template is too long (got {len(text)}, expected at most {MAX_TEMPLATE})"
            return [node.problem("SF123", message)]
        prepared = _prepared(text, expression, self.functions)
        if prepared.give is None:
            return [
                node.problem(each.code, each.message, hint=each.hint, offset=each.offset)
                for each in prepared.faults
            ]
        return self._value(node, text, prepared.give)

    def _value(
        self, node: Node, text: str, give: Callable[..., Any]
    ) -> tuple[Value] | list[Problem]:
        try:
            value: Any = give(**self.names)
        except Unrendered as unrendered:
            warn = unrendered.absent and self.context.offline
            return [
                node.problem(
                    unrendered.code,
                    unrendered.message,
                    hint=unrendered.hint,
                    offset=_offset(text, unrendered.name),
                    severity="warning" if warn else "error",
                )
            ]
        except (TemplateError, TypeError, ValueError) as error:
            fault = _unrenderable(error)
            return [node.problem(fault.code, fault.message, hint=fault.hint)]
        if isinstance(value, list | tuple) and all(_is_scalar(each) for each in value):
            return (tuple(value),)
        if not _is_scalar(value):
            return [node.problem("SF121", "the template gives no single value")]
        return (value,)

    def _env_var(self, name: object, default: object = _MISSING) -> object:
        value = self.context.environ.get(str(name))
        if value is not None:
            return value
        if default is not _MISSING:
            return default
        raise Unrendered(
            name,
            "SF125",
            f"environment variable `{name}` is not set",
            f"set it, or give a default: env_var('{name}', '…')",
            absent=True,
        )

    def _var(self, name: object, default: object = _MISSING) -> object:
        variables = self.context.variables
        if str(name) in variables:
            return variables[str(name)]
        if default is not _MISSING:
            return default
        near = suggestion(str(name), variables, closed=True)
        message = f"target `{self.context.target}` has no var `{name}`"
        declare = "declare it under `vars:` of sfctl.yml or of the target"
        raise Unrendered(name, "SF122", message, near or declare)

    def _param(self, name: object) -> object:
        parameters = self.context.parameters or {}
        if str(name) in parameters:
            return parameters[str(name)]
        near = suggestion(str(name), parameters, closed=True)
        message = f"the pack has no parameter `{name}`"
        raise Unrendered(name, "SF271", message, near or "declare it under `parameters:`")

    def _file(self, name: object) -> str:
        root = self.context.root.resolve()
        path = (root / str(name)).resolve()
        if not path.is_relative_to(root):
            message = f"file `{name}` lies outside the project"
            raise Unrendered(name, "SF124", message, "name a file inside the project")
        try:
            with path.open("rb") as stream:
                data = stream.read(MAX_FILE + 1)
            text = data.decode()
        except OSError as error:
            message = f"file `{name}` cannot be read ({(error.strerror or 'unreadable').lower()})"
            hint = f"it is looked for as {name} in the project's folder"
            raise Unrendered(name, "SF124", message, hint, absent=True) from None
        except UnicodeDecodeError:
            raise Unrendered(name, "SF124", f"file `{name}` is not UTF-8") from None
        if len(data) > MAX_FILE:
            raise Unrendered(name, "SF124", f"file `{name}` is too large (expected at most 64 KiB)")
        return text.rstrip("\r\n")


def _single(value: object) -> object:
    """Return a value as part of a text, as YAML writes it; refuse what has no such form."""
    if value is None or isinstance(value, list | tuple | dict):
        what = "nothing" if value is None else "a list"
        hint = "let the template be the whole value"
        raise Unrendered("", "SF121", f"the template gives {what} inside a text", hint)
    return str(value).lower() if isinstance(value, bool) else value


def _is_scalar(value: object) -> bool:
    return isinstance(value, str | int | float | bool)


def _kind(part: nodes.Node) -> str:
    return type(part).__name__


@cache
def _environment() -> SandboxedEnvironment:
    environment = SandboxedEnvironment(autoescape=False, finalize=_single)
    known = environment.filters
    environment.filters = {name: known[name] for name in FILTERS}
    return environment


@lru_cache(maxsize=4096)
def _prepared(text: str, expression: str, functions: tuple[str, ...]) -> _Prepared:
    """Read a template once, however many documents hold it."""
    environment = _environment()
    try:
        tree = environment.parse(text)
    except TemplateSyntaxError as error:
        hint = "templates look like {{ env_var('NAME') }}"
        return _Prepared(None, (_Fault("SF121", f"not a template: {error.message}", hint),))
    except RecursionError:
        return _Prepared(None, (_Fault("SF123", "a template is nested too deep"),))
    parts = list(tree.find_all(nodes.Node))
    faults = [_not_allowed(each) for each in parts if _kind(each) not in _ALLOWED]
    faults = faults or [found for each in parts for found in _refused(each, text, functions)]
    if faults:
        return _Prepared(None, tuple(dict.fromkeys(faults)))
    try:
        if expression:
            return _Prepared(environment.compile_expression(expression))
        return _Prepared(environment.from_string(text).render)
    except (TemplateError, TypeError, ValueError) as error:
        return _Prepared(None, (_unrenderable(error),))


def _unrenderable(error: Exception) -> _Fault:
    message = f"the template cannot be rendered ({type(error).__name__})"
    return _Fault("SF121", message, "check the arguments of its functions")


def _not_allowed(part: nodes.Node) -> _Fault:
    return _Fault("SF123", f"`{_kind(part).lower()}` is not allowed in a template", _HINT)


def _refused(found: nodes.Node, text: str, functions: tuple[str, ...]) -> list[_Fault]:
    if isinstance(found, nodes.Name):
        if found.name == "param" and "param" not in functions:
            hint = "var('x') gives what sfctl.yml declares"
            return [_Fault("SF122", "param() outside of a pack", hint, _offset(text, "param"))]
        names = tuple(dict.fromkeys((*functions, *NAMES)))
        return _unknown(text, found.name, names, f"name `{found.name}`")
    if isinstance(found, nodes.Filter):
        return _unknown(text, found.name, FILTERS, f"filter `{found.name}`")
    if isinstance(found, nodes.Getattr):
        if isinstance(found.node, nodes.Name) and found.node.name == "target":
            what = f"key `{found.attr}` of `target`"
            return _unknown(text, found.attr, TARGET_KEYS, what)
        unknown = isinstance(found.node, nodes.Name) and found.node.name not in NAMES
        message = f"`.{found.attr}` is not allowed in a template"
        return [] if unknown else [_Fault("SF123", message, _HINT)]
    if isinstance(found, nodes.Call) and not isinstance(found.node, nodes.Getattr):
        name = found.node.name if isinstance(found.node, nodes.Name) else ""
        if not name or (name in NAMES and name not in functions):
            return [_Fault("SF123", "only env_var(), file() and var() can be called")]
    return []


def parameters_of(text: str) -> list[str]:
    """Return the names that `param('…')` is called with, in order; none of a broken template."""
    try:
        calls = _environment().parse(text).find_all(nodes.Call)
    except (TemplateSyntaxError, RecursionError):
        return []
    return [
        str(call.args[0].value)
        for call in calls
        if isinstance(call.node, nodes.Name)
        and call.node.name == "param"
        and call.args
        and isinstance(call.args[0], nodes.Const)
    ]


def _unknown(text: str, name: str, known: tuple[str, ...], what: str) -> list[_Fault]:
    if name in known:
        return []
    message = f"unknown {what} in a template"
    return [_Fault("SF122", message, suggestion(name, known), _offset(text, name))]


def _offset(text: str, name: str) -> int | None:
    """Return where a name stands in the template."""
    match = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) if name else None
    return match.start() if match else None

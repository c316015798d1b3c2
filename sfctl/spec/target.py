"""The target of `sfctl.yml` that a command runs against; only this one is ever rendered."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from sfctl.errors import Problem, SpecError, UsageError
from sfctl.spec.context import Context, Value
from sfctl.spec.document import check, load_document
from sfctl.spec.documents.project import PROJECT, TARGET, VAR
from sfctl.spec.repository import PROJECT_FILE
from sfctl.spec.shape import Report
from sfctl.spec.template import render
from sfctl.spec.tree import Node
from sfctl.spec.wording import clipped, suggestion

_PORTS = ("bus", "state", "graph", "registry")


@dataclass(frozen=True, slots=True)
class Target:
    """One target of `sfctl.yml`, rendered. Paths are absolute or URLs."""

    name: str
    environment: str
    lake: str
    bus: dict[str, object]
    state: dict[str, object]
    graph: dict[str, object]
    registry: dict[str, object]
    settings: dict[str, object]
    """Everything else the target says: trusted_keys, minimums, quarantine_key, pii_key, …"""


@dataclass(frozen=True, slots=True)
class Header:
    """What `sfctl.yml` says: the project, its targets, the one chosen, and what templates see."""

    name: str
    targets: tuple[str, ...]
    target: Target
    context: Context
    problems: tuple[Problem, ...]


def load_header(root: Path, target: str | None, *, offline: bool) -> Header:
    """Read `sfctl.yml` and render the chosen target.

    Raises SpecError with every problem of the file, UsageError where no such target exists.
    """
    document = load_document(root / PROJECT_FILE, PROJECT_FILE, PROJECT, None)
    if document.node is None:
        raise SpecError(document.problems)
    targets = document.node["targets"]
    names = tuple(name for name, _ in targets.items() if name != "default")
    chosen = target or targets.string("default")
    if chosen not in names:
        raise _unknown(chosen, names, None if target else targets["default"])
    context = Context(root, document.node.string("name"), chosen, "", offline=offline)
    context, problems = _with_variables(context, document.node, targets[chosen])
    node, failed = render(targets[chosen], context)
    checked = check(node, TARGET, None)
    problems = tuple(sorted({*problems, *failed, *checked.problems}))
    if checked.node is None or any(problem.severity == "error" for problem in problems):
        raise SpecError(problems)
    made = _target(root, chosen, checked.node)
    return Header(context.project_name, names, made, context, problems)


def _unknown(chosen: str, names: tuple[str, ...], default: Node | None) -> Exception:
    message = f"unknown target '{clipped(chosen)}'"
    hint = suggestion(chosen, names)
    if default is None:
        return UsageError(message, hint=hint, code="SF131")
    return SpecError([default.problem("SF131", message, hint=hint)])


def _with_variables(
    context: Context, project: Node, target: Node
) -> tuple[Context, tuple[Problem, ...]]:
    """Return the context with the target's environment and vars, which see no others.

    What the target says of a var comes before what the project says.
    """
    environment, failed = render(target["environment"], context)
    context = replace(context, environment=str(environment.value))
    problems = list(failed)
    own, common = target.get("vars"), project.get("vars")
    hidden = {name for name, _ in own.items()} if own is not None else set()
    variables: dict[str, Value] = {}
    for declared in (common, own):
        for name, node in declared.items() if declared is not None else ():
            if declared is common and name in hidden:
                continue
            value, failed = render(node, context)
            report = Report()
            VAR.check(value, name, report)
            problems += [*failed, *(report.problems if declared is common else ())]
            variables[name] = _value(value)
    return replace(context, variables=variables), tuple(problems)


def _value(node: Node) -> Value:
    if isinstance(node.value, tuple):
        return tuple(item.value for item in node.value if not isinstance(item.value, dict | tuple))
    return None if isinstance(node.value, dict) else node.value


def _target(root: Path, name: str, node: Node) -> Target:
    plain = node.plain()
    assert isinstance(plain, dict)
    ports = {port: _located(root, plain.pop(port, {"type": "embedded"})) for port in _PORTS}
    environment, lake = plain.pop("environment"), plain.pop("lake")
    plain.pop("vars", None)  # what a variable gave them may be a secret
    for key in ("minimums", "pii_key"):
        if isinstance(plain.get(key), dict):
            plain[key] = _located(root, plain[key])
    if isinstance(plain.get("minimums"), str):
        plain["minimums"] = {"path": absolute(root, plain["minimums"])}
    return Target(
        name=name,
        environment=environment,
        lake=absolute(root, lake),
        bus=ports["bus"],
        state=ports["state"],
        graph=ports["graph"],
        registry=ports["registry"],
        settings=plain,
    )


def absolute(root: Path, path: str) -> str:
    """Return a path of `sfctl.yml` made absolute from the project's folder; URLs as they are."""
    if "://" in path:
        return path
    return os.path.normpath(root.absolute() / Path(path).expanduser())


def _located(root: Path, mapping: dict[str, object]) -> dict[str, object]:
    return {
        key: absolute(root, value) if key in ("path", "file") and isinstance(value, str) else value
        for key, value in mapping.items()
    }

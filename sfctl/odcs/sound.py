"""Whether facts compile: an imported rule that the compiler refuses must not break the repo."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sfctl.compiler.policy import compile_policy
from sfctl.odcs.facts import LISTS, Facts, Key
from sfctl.spec.dataset import DatasetFiles
from sfctl.spec.template import has_template
from sfctl.spec.tree import Node, Scalar

TEMPLATED = "it holds `{{` or `{%`, which files of this repo fill in as a template"


def templated(facts: Mapping[Key, Any]) -> dict[Key, str]:
    """Return the facts that would be templates here: who wrote a contract must not run any."""
    return {
        key: TEMPLATED
        for key, value in facts.items()
        if has_template(json.dumps([*key, value], ensure_ascii=False))
    }


def unsound(
    facts: Facts, candidates: Iterable[Key], names: Mapping[str, str], root: Path
) -> dict[Key, str]:
    """Return the candidates that the compiler refuses, beside all other facts, with its reason.

    `names` maps datasets of the repo to URNs; user functions are looked for below `root`.
    """
    pending = dict.fromkeys(candidates)
    kept = dict(facts)
    refused: dict[Key, str] = {}
    while True:
        files, keys = _files(kept)
        _, problems = compile_policy(files, names=names, root=root)
        found = {
            keys[problem.line]: problem.message
            for problem in reversed(problems)
            if problem.severity == "error" and keys.get(problem.line) in pending
        }
        if not found:
            return refused
        refused |= found
        for key in found:
            del pending[key], kept[key]


def _files(facts: Facts) -> tuple[DatasetFiles, dict[int, Key]]:
    """Return facts as trees in which every fact has a line of its own, and whose line is whose."""
    keys: dict[int, Key] = {}
    files: dict[str, dict[str, Any]] = {"dataset": {}, "policy": {}}
    for line, (key, value) in enumerate(facts.items(), start=1):
        keys[line] = key
        listed = key[:-1] in LISTS
        place = files[key[0]]
        for part in key[1 : -2 if listed else -1]:
            place = place.setdefault(part, {})
        if listed:
            place.setdefault(key[-2], []).append(_node(value, line))
        else:
            place[key[-1]] = _node(value, line)
    files["dataset"].setdefault("urn", _node("ds://contracts/imported", 0))
    dataset, policy = (_node(files[name], 0) for name in ("dataset", "policy"))
    return DatasetFiles("imported", dataset, policy, None), keys


def _node(value: Any, line: int) -> Node:
    if isinstance(value, Node):
        return value
    inner: Scalar | tuple[Node, ...] | dict[str, Node] = None
    text = ""
    if isinstance(value, Mapping):
        inner = {str(key): _node(each, line) for key, each in value.items()}
    elif isinstance(value, list | tuple):
        inner = tuple(_node(each, line) for each in value)
    else:
        inner = value
        text = {True: "true", False: "false"}.get(value, "") if isinstance(value, bool) else ""
        text = text or ("" if value is None else str(value))
    return Node(inner, "contract", line, 1, "plain", text)

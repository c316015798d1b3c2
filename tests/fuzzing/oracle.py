"""What must hold of a data repo whatever its files look like.

Whatever is refused is refused with a place and a known code. Whatever is accepted is read as
another YAML 1.2 parser reads it, is what the published JSON Schema accepts, becomes policies in
which every declared rule is found, and these survive their own canonical JSON.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from sfctl.codes import CODES
from sfctl.compiler.compile import Compiled, compile_project
from sfctl.compiler.policy import digested
from sfctl.errors import Problem, SpecError, UsageError, told_once
from sfctl.model import codec
from sfctl.model.binding import bind
from sfctl.model.policy import Policy
from sfctl.model.schema import Column, Schema
from sfctl.spec.document import check
from sfctl.spec.project import load
from sfctl.spec.publish import DOCUMENTS, json_schema
from sfctl.spec.tree import Node
from sfctl.spec.yaml import parse

NOW = datetime(2026, 1, 1, tzinfo=UTC)
_KINDS = {
    "jobs": "job", "packs": "pack", "expectations": "expectations", "lineage": "lineage",
    "policies": "minimum",
}  # fmt: skip
_NOT_SHAPE = ("SF120", "SF114")
"""Problems that JSON Schema cannot state: secrets, and what a text means beyond its form."""


class Nonsense(AssertionError):
    """Something was accepted, or refused, as it should not have been."""


def outcome(root: Path, changed: str, data: bytes) -> str:
    """Judge the repo at `root`, of which one file was changed; return what became of it.

    Raises Nonsense, or whatever the tool raises that it must not.
    """
    readable = _document(changed, data)
    try:
        project = load(root)
    except UsageError:
        return "refused"
    except SpecError as error:
        _placed(root, error.problems)
        return "refused"
    compiled = compile_project(project, now=NOW)
    _placed(root, told_once(compiled.problems))
    if not readable and not compiled.errors:
        raise Nonsense(f"{changed} cannot be read, and nothing was said")
    for policy in compiled.policies.values():
        _sound(policy)
    if compiled.errors:
        return "refused"
    _read_alike(changed, data)
    _complete(project.datasets, compiled)
    return "warned" if compiled.problems else "accepted"


def _kind(path: str) -> str:
    name = path.rsplit("/", 1)[-1]
    if name in ("dataset.yaml", "policy_bundle.yaml", "freshness_policy.yaml"):
        return name.removesuffix(".yaml")
    return _KINDS.get(path.split("/", maxsplit=1)[0], "sfctl")


@cache
def _validator(kind: str) -> Draft202012Validator:
    return Draft202012Validator(json_schema(DOCUMENTS[kind]))


def _document(path: str, data: bytes) -> bool:
    """Hold one file against its JSON Schema; tell whether it is a document at all."""
    node, problems = parse(data, path)
    if node is None or problems:
        return False
    plain = node.plain()
    if not _finite(plain):
        return True
    document = check(node, DOCUMENTS[_kind(path)], None)
    codes = {problem.code for problem in document.problems}
    ours = document.node is not None
    theirs = _validator(_kind(path)).is_valid(plain)
    if ours and not theirs:
        raise Nonsense(f"{path} is accepted, yet its JSON Schema refuses it")
    if theirs and not ours and not codes.intersection(_NOT_SHAPE):
        raise Nonsense(f"{path} is refused ({codes}), yet its JSON Schema accepts it")
    return True


def _read_alike(path: str, data: bytes) -> None:
    node, _ = parse(data, path)
    assert node is not None
    try:
        other = YAML(typ="base", pure=True)
        other.allow_duplicate_keys = False
        theirs = other.load(io.StringIO(data.decode("utf-8-sig")))
    except (YAMLError, ValueError):
        return  # the other parser is stricter about tags, aliases and characters
    if theirs != _texts(node):
        raise Nonsense(f"{path} is read unlike another parser reads it")


def _texts(node: Node) -> Any:
    if isinstance(node.value, dict):
        return {key: _texts(child) for key, child in node.value.items()}
    if isinstance(node.value, tuple):
        return [_texts(child) for child in node.value]
    return node.text


def _finite(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_finite(each) for each in value.values())
    if isinstance(value, list):
        return all(_finite(each) for each in value)
    return not isinstance(value, float) or math.isfinite(value)


def _placed(root: Path, problems: tuple[Problem, ...]) -> None:
    for problem in problems:
        if problem.code not in CODES:
            raise Nonsense(f"unknown code {problem}")
        if any(char in problem.message + problem.hint for char in "\n\r\u2028\x00"):
            raise Nonsense(f"a message of several lines: {problem!r}")
        if len(problem.message) > 1000:
            raise Nonsense(f"a message without end: {problem.message[:80]}…")
        file = root / problem.path
        if not problem.line or not file.is_file():
            continue
        rows = file.read_bytes().decode("utf-8-sig", "replace").splitlines() or [""]
        if problem.line > len(rows) + 1:
            raise Nonsense(f"a line that is not there: {problem}")
        width = len(rows[problem.line - 1]) if problem.line <= len(rows) else 0
        if not 1 <= problem.col <= width + 1:
            raise Nonsense(f"a column that is not there: {problem}")


def _sound(policy: Policy) -> None:
    data = codec.canonical(policy)
    if codec.canonical(codec.decode(data, Policy)) != data:
        raise Nonsense(f"policy {policy.name} is not what its JSON says")
    if digested(policy).digest != policy.digest:
        raise Nonsense(f"policy {policy.name} has another digest")
    columns = [Column(c.name, c.type, c.nullable) for c in policy.schema.columns]
    bind(policy, Schema(tuple(columns)))


def _complete(datasets: Any, compiled: Compiled) -> None:
    """Count the rules of every accepted bundle by another way than the compiler's."""
    for files in datasets:
        policy = compiled.policies[files.name]
        plain = files.policy.plain() if files.policy is not None else {}
        declared = sum(_declared(plain))
        if len({rule.id for rule in policy.rules}) < len(policy.rules):
            raise Nonsense(f"policy {policy.name} has an id twice")
        own = [rule for rule in policy.rules if not any("consumer:" in tag for tag in rule.tags)]
        if len(own) != declared:
            raise Nonsense(f"{files.name} declares {declared} rules, {len(own)} are compiled")


def _declared(bundle: dict[str, Any]) -> Iterator[int]:
    constraints = (bundle.get("schema") or {}).get("constraints") or ()
    yield sum(1 for each in constraints if each.get("nullable") is False)
    lite = bundle.get("contract_lite") or {}
    yield len(lite.get("required_fields") or ()) + len(lite.get("invariants") or ())
    for block in ("contract", "dq"):
        for rule in (bundle.get(block) or {}).get("rules") or ():
            yield _of_rule(rule)


_EACH = (
    "required", "not_null", "unique", "duplicate_rows", "foreign_key", "custom", "expression",
    "row_count",
)  # fmt: skip
"""Kinds that judge their columns together, or none."""


def _of_rule(rule: Any) -> int:
    if not isinstance(rule, dict):
        return 1
    columns = _columns(rule.get("field"))
    if "rules" in rule:
        return sum(1 if _of_member(member) == "expression" else columns for member in rule["rules"])
    if rule["kind"] in ("required", "not_null"):
        return _columns(rule.get("fields", rule.get("field")))
    return 1 if rule["kind"] in _EACH else columns


def _of_member(member: Any) -> str:
    if isinstance(member, str):
        return member if member.isidentifier() else "expression"
    return str(member["kind"]) if "kind" in member else str(next(iter(member)))


def _columns(field: Any) -> int:
    return len(field) if isinstance(field, list) else 1

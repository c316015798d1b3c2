"""One policy bundle without a data repo around it, for judging a file on the spot."""

from __future__ import annotations

import re
from pathlib import Path

from sfctl.errors import Problem, SpecError, UsageError
from sfctl.spec.baseline import load_baseline
from sfctl.spec.context import Context
from sfctl.spec.dataset import DatasetFiles, nobody
from sfctl.spec.document import load_document
from sfctl.spec.documents.dataset import DATASET
from sfctl.spec.documents.policy import POLICY
from sfctl.spec.pack import FOLDER, Packs
from sfctl.spec.tree import Node

_NEED_A_PROJECT = ("SF122", "SF124")
"""Problems of a template that asks for a var or a file which the project may have."""


def load_policy_file(path: Path) -> tuple[DatasetFiles | None, tuple[Problem, ...]]:
    """Return a policy bundle as if it stood in a data repo, with its problems.

    A `dataset.yaml` and a `baseline.json` beside it are read too; where there is no
    `dataset.yaml` the dataset is `ds://file/<name>` of tier 3. None where anything has an error.
    Templates see the environment and files beside the policy; inside a project whose target they
    need, they see what its default target gives.
    """
    files, problems = _load(path, Context(path.parent, "", "", ""))
    if any(problem.code in _NEED_A_PROJECT for problem in problems):
        context = _project_context(path)
        if context is not None:
            return _load(path, context)
    return files, problems


def _project_context(path: Path) -> Context | None:
    from sfctl.spec.repository import find_root
    from sfctl.spec.target import load_header

    try:
        return load_header(find_root(path.parent), None, offline=True).context
    except (SpecError, UsageError):
        return None


def _load(path: Path, context: Context) -> tuple[DatasetFiles | None, tuple[Problem, ...]]:
    document = load_document(path, str(path), POLICY, context)
    problems = list(document.problems)
    policy = document.node
    if policy is not None and "include" in policy:
        packs = Packs(*_packs(path), context)
        policy, _, found = packs.into(policy)
        problems += [*packs.problems, *found]
    beside = path.with_name("dataset.yaml")
    node: Node | None = nobody(_name(path), str(path))
    if beside.is_file():
        dataset = load_document(beside, str(beside), DATASET, context)
        problems += dataset.problems
        node = dataset.node
    baseline = None
    normal = path.with_name("baseline.json")
    if normal.is_file():
        normality = load_baseline(normal, str(normal))
        if isinstance(normality, Problem):
            problems.append(normality)
        else:
            baseline = normality
    if node is None or any(problem.severity == "error" for problem in problems):
        return None, tuple(sorted(problems))
    return DatasetFiles(_name(path), node, policy, baseline), tuple(sorted(problems))


def _packs(path: Path) -> tuple[Path, tuple[str, ...]]:
    """Return where packs are looked for, and their files: the project, else beside the bundle."""
    from sfctl.spec.repository import Files, find_root, list_folder

    try:
        root = find_root(path.parent)
    except UsageError:
        root = path.parent
    return root, list_folder(root, FOLDER, Files())


def _name(path: Path) -> str:
    stem = path.parent.name if path.name == "policy_bundle.yaml" else path.stem
    return re.sub(r"[^a-z0-9_.-]+", "_", stem.lower()) or "data"

"""The way into the compiler for `check --policy FILE`: one file, no project."""

from __future__ import annotations

from pathlib import Path

from sfctl.compiler.policy import compile_policy
from sfctl.errors import Problem, SpecError, UsageError
from sfctl.model.policy import Policy
from sfctl.spec.policy_file import load_policy_file
from sfctl.spec.repository import find_root


def policy_for_check(
    path: Path, columns: tuple[str, ...] | None = None
) -> tuple[Policy, tuple[Problem, ...]]:
    """Return the policy of a bundle that may stand alone, and the hints about it.

    `columns` names those of the source to be judged, so that a rule on another is an error;
    without it, columns that nothing declares are met at the run. Raises SpecError with all
    problems.
    """
    files, problems = load_policy_file(path)
    if files is None:
        raise SpecError(problems)
    policy, found = compile_policy(
        files, root=root_of(path), columns=columns, open_columns=columns is None
    )
    every = (*problems, *found)
    if any(problem.severity == "error" for problem in found):
        raise SpecError(every)
    return policy, every


def root_of(policy: Path) -> Path:
    """Return where import paths of a bundle's custom rules begin: its project, else its folder."""
    try:
        return find_root(policy.parent)
    except UsageError:
        return policy.parent.absolute()

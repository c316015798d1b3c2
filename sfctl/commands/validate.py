"""`sfctl validate`: all YAML, offline and without credentials; for editors, commits and CI."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from sfctl import exit_codes
from sfctl.clock import clock_from_environment
from sfctl.commands.at_ref import at_ref
from sfctl.commands.policy_log import minimum_problems, trust_of
from sfctl.commands.selection import Exclude, Select, chosen, digests
from sfctl.compiler.breaking import Breaking, breaking_changes, expectations_of, promises
from sfctl.compiler.compile import Compiled, compile_project
from sfctl.compiler.unguarded import unclaimed, unguarded
from sfctl.errors import Problem, SpecError, UsageError, told_once
from sfctl.report import text
from sfctl.report.outcome import Finding, Outcome
from sfctl.spec.project import Project, find_root, load

SAID_TWICE = "SF224"
"""What is redundant is worth a hint, and never fails."""


def validate(
    select: Select = (),
    *,
    exclude: Exclude = (),
    strict: Annotated[
        bool, typer.Option("--strict", help="Let warnings fail too; not what is only said twice.")
    ] = False,
    against: Annotated[
        str, typer.Option(help="Also report what breaks consumers since this git ref.")
    ] = "",
    project_dir: Path,
    target: str | None,
    now: datetime | None,
) -> Outcome:
    """Check every file of the data repo and report all problems at once.

    Raises UsageError SF014 where git cannot give the ref.
    """
    root = find_root(project_dir)
    instant = now or clock_from_environment().now()
    try:
        project = load(root, target, offline=True)
    except SpecError as error:
        return _outcome([], [], error.problems, (), strict, None)
    then = _state_at(root, against, target, instant) if against else None
    before = None if then is None else digests(then.compiled.manifest)
    names = {each.name for each in chosen(project, select, exclude, before=before)}
    compiled = compile_project(project, names, now=instant)
    narrowed = bool(select or exclude)
    problems = [*compiled.problems, *unguarded(project, compiled, names)]
    problems += minimum_problems(project, trust_of(project), offline=True)
    if not narrowed:
        problems += unclaimed(project, compiled)
    unread = sorted(names - compiled.policies.keys())
    broken: list[Breaking] = []
    if then is not None:
        problems += then.unreadable(against)
        kept = {
            urn: promise
            for urn, promise in promises(then.compiled).items()
            if promise.name in names or not narrowed
        }
        changes = breaking_changes(
            kept,
            promises(compiled),
            unread=(*unread, *project.broken),
            expected=expectations_of(then.project, project),
        )
        broken = list(changes)
    problems = sorted(each for each in problems if _concerns(each, names, narrowed))
    return _outcome(_datasets(compiled), unread, problems, broken, strict, against or None)


def _datasets(compiled: Compiled) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "urn": policy.dataset_urn,
            "tier": policy.tier,
            "rules": len(policy.rules),
            "level": policy.enforcement.level,
            "contract": policy.contract,
            "digest": policy.digest,
        }
        for name, policy in sorted(compiled.policies.items())
    ]


def _concerns(problem: Problem, names: set[str], narrowed: bool) -> bool:
    parts = Path(problem.bundle).parts
    return not narrowed or len(parts) < 2 or parts[0] != "datasets" or parts[1] in names


@dataclass(frozen=True, slots=True)
class _Then:
    """The data repo as it was at a git ref."""

    project: Project
    compiled: Compiled

    def unreadable(self, ref: str) -> list[Problem]:
        """Return a warning for each dataset of which nothing can be said."""
        known = {files.name for files in self.project.datasets} | set(self.project.broken)
        lost = sorted(known - self.compiled.policies.keys())
        return [
            Problem(
                f"datasets/{name}", 0, 0, "SF354",
                f"`{name}` cannot be read at {ref}, so nothing is compared", severity="warning",
            )
            for name in lost
        ]  # fmt: skip


def _state_at(root: Path, ref: str, target: str | None, now: datetime) -> _Then:
    """Return what compiles from the data repo as it was at a git ref. Raises UsageError SF014."""
    with at_ref(root, ref) as folder:
        try:
            project = load(folder, target, offline=True)
        except (SpecError, UsageError) as error:
            first = str(error.problems[0]) if isinstance(error, SpecError) else str(error)
            raise UsageError(
                f"the data repo cannot be read at `{ref}`: {first.splitlines()[0]}", code="SF014"
            ) from None
        return _Then(project, compile_project(project, now=now))


def _outcome(
    datasets: list[dict[str, Any]],
    unread: list[str],
    problems: Sequence[Problem],
    broken: Sequence[Breaking],
    strict: bool,
    against: str | None,
) -> Outcome:
    wrong = {_dataset_of(each) for each in problems if each.severity == "error"}
    problems = told_once(problems)
    errors = [each for each in problems if each.severity == "error"]
    warnings = [each for each in problems if each.severity == "warning"]
    code = exit_codes.OK
    if errors or (strict and any(each.code != SAID_TWICE for each in warnings)):
        code = exit_codes.USAGE
    elif broken:
        code = exit_codes.FOUND
    payload = {
        "datasets": datasets,
        "unread": unread,
        "problems": [_plain(each) for each in problems],
        "errors": len(errors),
        "warnings": len(warnings),
        "against": against,
        "breaking": [
            {
                "dataset": each.name,
                "field": each.field or None,
                "message": each.message,
                "breaks": each.breaks,
                "owner": each.owner,
                "expected_by": [{"consumer": c, "owner": o} for c, o in each.relying],
            }
            for each in broken
        ],
    }
    total = text.count(len(datasets) + len(unread), "dataset")
    counts = f"{text.count(len(errors), 'error')}, {text.count(len(warnings), 'warning')}"
    closing = f"{total}: {counts}."
    return Outcome(
        "validate",
        payload,
        "\n".join([*_lines(datasets, unread, problems, broken, wrong), "", closing]),
        code,
        findings=(*_findings(datasets, problems), *map(_breaking, broken)),
    )


def _lines(
    datasets: list[dict[str, Any]],
    unread: list[str],
    problems: Sequence[Problem],
    broken: Sequence[Breaking],
    wrong: set[str],
) -> Iterator[str]:
    for each in datasets:
        name = each["name"]
        said = f"{name}: {text.count(each['rules'], 'rule')}, level {each['level']}"
        yield text.status_line(said, "FAILED" if name in wrong else "ok")
    for name in unread:
        yield text.status_line(f"{name}: its policy cannot be read", "FAILED")
    for problem in problems:
        yield f"{problem}"
    for change in broken:
        yield f"datasets/{change.name} SF013 {change.message} (breaks {change.breaks})"
        if change.hint:
            yield f"    {change.hint}"


def _dataset_of(problem: Problem) -> str:
    parts = Path(problem.bundle).parts
    return parts[1] if len(parts) > 2 and parts[0] == "datasets" else ""


def _findings(datasets: list[dict[str, Any]], problems: Sequence[Problem]) -> Iterator[Finding]:
    touched = {_dataset_of(each) for each in problems}
    for each in datasets:
        if each["name"] not in touched:
            yield Finding("", "valid", "note", suite=each["name"], name="yaml", passed=True)
    for problem in problems:
        yield Finding(
            problem.code,
            problem.message,
            problem.severity,
            problem.path,
            problem.line,
            problem.col,
            suite=_dataset_of(problem) or problem.path,
            name=f"{problem.path}:{problem.line}:{problem.col}",
        )


def _breaking(change: Breaking) -> Finding:
    path = f"datasets/{change.name}/policy_bundle.yaml"
    said = f"{change.message}; {change.hint}" if change.hint else change.message
    return Finding("SF013", said, "error", path, suite=change.name, name=change.field)


def _plain(problem: Problem) -> dict[str, Any]:
    return {
        "path": problem.path,
        "line": problem.line,
        "col": problem.col,
        "code": problem.code,
        "message": problem.message,
        "hint": problem.advice,
        "severity": problem.severity,
    }

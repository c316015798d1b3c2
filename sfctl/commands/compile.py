"""`sfctl compile`: the project's YAML into checked, digested, signed policies and the manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace as replace_project
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from sfctl.certification.signing_key import load_or_create
from sfctl.clock import clock_from_environment, format_instant
from sfctl.commands import policy_log
from sfctl.commands.activation import (
    Choice,
    Chosen,
    all_files,
    artefact_of,
    release_of,
    unraised,
)
from sfctl.commands.actor import actor
from sfctl.commands.policy_log import Log
from sfctl.commands.selection import Exclude, Select, chosen
from sfctl.compiler import target_folder
from sfctl.compiler.compile import Compiled, compile_project, sealed
from sfctl.compiler.minimum import falls_below
from sfctl.errors import Problem, SpecError, StoreError, UsageError, told_once
from sfctl.model import codec
from sfctl.model.expr import Field, IsNull, children
from sfctl.model.manifest import Manifest
from sfctl.model.policy import Policy, RowCheck
from sfctl.report import text
from sfctl.report.outcome import Finding, Outcome
from sfctl.runtime.job.compiled import beside_until
from sfctl.spec.project import Project, find_root, load
from sfctl.wiring import STORE

TARGET = "target"
DEV_KEY = ".sfctl/keys/dev.ed25519"


def compile(
    select: Select = (),
    *,
    exclude: Exclude = (),
    project_dir: Path,
    target: str | None,
    now: datetime | None,
) -> Outcome:
    """Compile the datasets selected, or all, into target/; nothing is written on an error.

    Raises SpecError with every problem, UsageError for a selection that cannot be, StoreError
    where target/ cannot be written, PolicyRejected for a dev key that cannot be used.
    """
    root = find_root(project_dir)
    moment = now or clock_from_environment().now()
    project = load(root, target)
    folder = root / TARGET
    prod = project.target.environment == "prod"
    with target_folder.locked(folder), policy_log.opened(root, project.target, create=False) as log:
        if prod and log.note:  # whose keys count, and which minimums, only the store can say
            raise StoreError(
                log.note.removeprefix("SF356 "), hint="what was approved still stands; see "
                "`sfctl doctor`", code="SF356",
            )  # fmt: skip
        before = target_folder.read_manifest(folder)
        project = replace_project(project, problems=_with_approved(project, log))
        compiled = _compiled(project, select, exclude, before, moment)
        choice = Choice(
            log.trust, folder, log.held, log.history, lambda: load_or_create(root / DEV_KEY), moment
        )
        chosen = {name: choice.of(policy) for name, policy in compiled.policies.items()}
        whole = not select and not exclude
        manifest = _activated(compiled.manifest, chosen, log.settings)
        manifest = sealed(manifest) if whole else _joined(manifest, before)
        unchanged = before is not None and before.digest == manifest.digest
        if before is not None and unchanged and before.compiler == manifest.compiler:
            manifest = before
        files = {target_folder.MANIFEST: codec.canonical(manifest) + b"\n"}
        for name, each in chosen.items():
            files |= each.files(name)
        gone = _gone(before, manifest)
        drops = {path for name in (*chosen, *gone) for path in all_files(name)} - files.keys()
        target_folder.place(folder, files, frozenset(drops))
        notes = (*_unraised(chosen, log), *_below(project, chosen))
        if log.history is not None or not prod:
            notes += _recorded(root, project, log, chosen, moment)
    return _outcome(project, compiled, before, manifest, chosen, gone, notes)


def _with_approved(project: Project, log: Log) -> tuple[Problem, ...]:
    approved = log.history.minimum() if log.history else ""
    found = policy_log.minimum_problems(project, log.trust, approved)
    found += policy_log.environment_problems(project, log.history)
    return tuple(sorted({*project.problems, *found}))


def _activated(
    manifest: Manifest, chosen: Mapping[str, Chosen], settings: dict[str, object]
) -> Manifest:
    """Return the manifest by what is active, and by the keys that count."""
    entries = {
        urn: chosen[entry.name].entry(entry) if entry.name in chosen else entry
        for urn, entry in manifest.datasets.items()
    }
    target = replace(manifest.target, settings=settings)
    return replace(manifest, datasets=entries, target=target)


def _unraised(chosen: Mapping[str, Chosen], log: Log) -> tuple[str, ...]:
    names = [
        name
        for name, each in chosen.items()
        if unraised(each, log.held.get(each.policy.dataset_urn), log.history)
    ]
    if not names:
        return ()
    listed = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
    return (
        f"SF345 changed, but `version:` was not raised: {listed}; with a higher version old and "
        "new are both checked for 7 days, and prod takes nothing else",
    )


def _below(project: Project, chosen: Mapping[str, Chosen]) -> tuple[str, ...]:
    """Say which active policies were approved before the minimums demanded more."""
    return tuple(
        f"SF359 {files.name}: the active version {each.policy.version} falls below the "
        "organisation's minimums; approve a newer one"
        for files in project.datasets
        if (each := chosen.get(files.name)) is not None
        and each.draft is not None
        and falls_below(project.minimum, files, each.policy)
    )


def _recorded(
    root: Path, project: Project, log: Log, chosen: Mapping[str, Chosen], now: datetime
) -> tuple[str, ...]:
    """Keep what became active in history and on the record, where anything did."""
    who = actor()
    found = {name: release_of(c, log.held.get(c.policy.dataset_urn), now, who)
             for name, c in chosen.items()}  # fmt: skip
    moves = [(release, artefact_of(chosen[name])) for name, release in found.items() if release]
    if not moves or log.note:
        return (log.note,) if log.note else ()
    if log.history is not None:
        return policy_log.recorded(log, moves, root / STORE, now)
    with policy_log.opened(root, project.target, create=True) as made:
        notes = (made.note,) if made.note else ()
        return (*notes, *policy_log.recorded(made, moves, root / STORE, now))


def _compiled(
    project: Project,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    before: Manifest | None,
    now: datetime,
) -> Compiled:
    """Compile what is selected. Raises SpecError for errors in it or in the project's own files."""
    if not select and not exclude:
        compiled = compile_project(project, now=now)
        _refuse(compiled, compiled.errors)
        return compiled
    names = {files.name for files in chosen(project, select, exclude)}
    if before is not None and before.target.name != project.target.name:
        raise UsageError(
            f"target/ was compiled for `{before.target.name}`, not `{project.target.name}`",
            hint="compile every dataset once, without a selection",
            code="SF262",
        )
    compiled = compile_project(project, names, now=now)
    _refuse(compiled, tuple(p for p in compiled.errors if _concerns(p, names)))
    return compiled


def _refuse(compiled: Compiled, errors: tuple[Problem, ...]) -> None:
    if errors:
        hints = [p for p in compiled.problems if p.severity == "warning"]
        raise SpecError(told_once([*errors, *hints]))


def _concerns(problem: Problem, names: set[str]) -> bool:
    parts = problem.bundle.split("/")
    return parts[0] != "datasets" or (len(parts) > 1 and parts[1] in names)


def _joined(manifest: Manifest, before: Manifest | None) -> Manifest:
    """Return the manifest with the entries of datasets that were not selected, as they were."""
    kept = {} if before is None else before.datasets
    return sealed(replace(manifest, datasets={**kept, **manifest.datasets}))


def _gone(before: Manifest | None, manifest: Manifest) -> tuple[str, ...]:
    kept = {entry.name for entry in manifest.datasets.values()}
    old = () if before is None else before.datasets.values()
    return tuple(sorted(entry.name for entry in old if entry.name not in kept))


def _outcome(
    project: Project,
    compiled: Compiled,
    before: Manifest | None,
    manifest: Manifest,
    chosen: Mapping[str, Chosen],
    gone: tuple[str, ...],
    told: tuple[str, ...],
) -> Outcome:
    old = {} if before is None else {e.name: e.digest for e in before.datasets.values()}
    rows: list[dict[str, Any]] = []
    for name, policy in compiled.policies.items():
        each = chosen[name]
        digest = each.policy.digest
        change = "new" if name not in old else "same" if old[name] == digest else "changed"
        rows.append(
            {
                "name": name,
                "urn": policy.dataset_urn,
                "digest": digest,
                "version": each.policy.version,
                "rules": len(each.policy.rules),
                "level": each.policy.enforcement.level,
                "signed": each.approval.by or None,
                "draft": _draft(each),
                "beside": _beside(each),
                "unverified": _unverified(policy),
                "change": change,
            }
        )
    changes = [row["change"] for row in rows]
    lines = [text.status_line(f"{row['name']}  {row['urn']}", row["change"]) for row in rows]
    lines += [text.status_line(name, "removed") for name in gone]
    counts = ", ".join(f"{changes.count(c)} {c}" for c in ("new", "changed", "same"))
    approved = "signed for development" if project.target.environment != "prod" else "for prod"
    counted = text.count(len(rows), "policy", "policies")
    lines += ["", f"{counted} in target/, {approved}: {counts}."]
    unverified = sum(len(row["unverified"]) for row in rows)
    if unverified:
        columns = text.count(unverified, "column has a type", "columns have types")
        lines.append(f"{columns} that nobody declared: unverified until profiled.")
    if project.target.environment == "prod" and not all(c.signature for c in chosen.values()):
        lines.append("Unsigned policies are drafts on prod: have them signed by the organisation.")
    lines += _waiting(chosen)
    hints = told_once(p for p in compiled.problems if p.severity == "warning")
    payload = {
        "project": project.name,
        "target": project.target.name,
        "environment": project.target.environment,
        "manifest": manifest.digest,
        "datasets": rows,
        "removed": list(gone),
        "warnings": [_plain(problem) for problem in hints],
    }
    findings = tuple(
        Finding(p.code, p.message, "warning", p.path, p.line, p.col, suite=p.path) for p in hints
    )
    notes = (*map(str, hints), *told)
    return Outcome("compile", payload, "\n".join(lines), notes=notes, findings=findings)


def _draft(chosen: Chosen) -> dict[str, Any] | None:
    """Return what the YAML says, where something else is active."""
    if chosen.draft is None:
        return None
    draft = chosen.draft
    return {"digest": draft.digest, "version": draft.version, "because": chosen.because}


def _beside(chosen: Chosen) -> dict[str, Any] | None:
    """Return the version that is checked beside the active one, and until when."""
    if chosen.earlier is None:
        return None
    version = codec.decode(chosen.earlier.policy, Policy).version
    until = format_instant(beside_until(chosen.approval.at))
    return {"version": version, "until": until}


def _waiting(chosen: Mapping[str, Chosen]) -> list[str]:
    """Return what to do about policies that say less, or more, than their source."""
    lines = []
    unapproved = [name for name, each in chosen.items() if each.because == "unapproved"]
    if unapproved:
        names = ", ".join(unapproved[:5]) + (", …" if len(unapproved) > 5 else "")
        lines.append(
            f"SF350 the source says otherwise for {names}: the approved policy stays active; "
            "`sfctl policy sign` approves the draft."
        )
    beside = [name for name, each in chosen.items() if each.earlier is not None]
    if beside:
        names = ", ".join(beside[:5]) + (", …" if len(beside) > 5 else "")
        lines.append(f"The version before is checked beside the new one: {names}.")
    for name, each in chosen.items():
        if each.because == "rolled_back":
            lines.append(
                f"SF350 the source says otherwise for {name}: this was rolled back to version "
                f"{each.policy.version}; change the source and raise `version:`."
            )
    return lines


def _unverified(policy: Policy) -> list[str]:
    """Return the columns whose type is not known before the first run, though a rule reads it."""
    found: set[str] = set()
    for rule in policy.rules:
        expr = rule.check.expr if isinstance(rule.check, RowCheck) else None
        stack = [each for each in (expr, rule.where) if each is not None]
        while stack:
            node = stack.pop()
            if isinstance(node, Field) and node.type.kind == "ANY":
                found.add(node.name)
            if not isinstance(node, IsNull):
                stack.extend(children(node))
    return sorted(found)


def _plain(problem: Problem) -> dict[str, Any]:
    names = ("path", "line", "col", "code", "message")
    return {**{name: getattr(problem, name) for name in names}, "hint": problem.advice}

"""`sfctl compile`: the project's YAML into checked, digested, signed policies and the manifest."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from sfctl.certification.signature import SigningKey, load_or_create, sign, verify
from sfctl.clock import clock_from_environment
from sfctl.commands.selection import Exclude, Select, chosen
from sfctl.compiler import target_folder
from sfctl.compiler.compile import Compiled, compile_project, sealed
from sfctl.errors import Problem, SpecError, UsageError
from sfctl.model import codec
from sfctl.model.expr import Field, IsNull, children
from sfctl.model.manifest import Manifest
from sfctl.model.policy import Policy, RowCheck
from sfctl.report import text
from sfctl.report.outcome import Finding, Outcome
from sfctl.spec.project import Project, find_root, load

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
    with target_folder.locked(folder):
        before = target_folder.read_manifest(folder)
        compiled = _compiled(project, select, exclude, before, moment)
        whole = not select and not exclude
        manifest = compiled.manifest if whole else _joined(compiled.manifest, before)
        unchanged = before is not None and before.digest == manifest.digest
        if before is not None and unchanged and before.compiler == manifest.compiler:
            manifest = before
        files = {target_folder.MANIFEST: codec.canonical(manifest) + b"\n"}
        signed = _signed(root, project, compiled.policies, folder, moment, files)
        gone = _gone(before, manifest)
        stale = [f"policies/{name}.sig" for name, by in signed.items() if not by]
        drops = [f"policies/{name}.{end}" for name in gone for end in ("json", "sig")]
        target_folder.place(folder, files, frozenset((*stale, *drops)))
    return _outcome(project, compiled, before, manifest, signed, gone)


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
        raise SpecError([*errors, *hints])


def _concerns(problem: Problem, names: set[str]) -> bool:
    parts = problem.path.split("/")
    return parts[0] != "datasets" or (len(parts) > 1 and parts[1] in names)


def _joined(manifest: Manifest, before: Manifest | None) -> Manifest:
    """Return the manifest with the entries of datasets that were not selected, as they were."""
    kept = {} if before is None else before.datasets
    return sealed(replace(manifest, datasets={**kept, **manifest.datasets}))


def _signed(
    root: Path,
    project: Project,
    policies: Mapping[str, Policy],
    folder: Path,
    now: datetime,
    files: dict[str, bytes],
) -> dict[str, str]:
    """Add each policy and its signature to `files`; return by dataset who approved it.

    A signature that still counts is kept. Others are made with the dev key, except on prod.
    """
    environment = project.target.environment
    trusted = _trusted(project)
    key: SigningKey | None = None
    signed: dict[str, str] = {}
    for name, policy in policies.items():
        data = codec.canonical(policy) + b"\n"
        files[f"policies/{name}.json"] = data
        path = folder / f"policies/{name}.sig"
        old = path.read_bytes() if path.is_file() else None
        if old is not None:
            approval = verify(data, old, trusted_keys=trusted, environment=environment)
            if approval.approved:
                signed[name] = approval.by
                continue
        signed[name] = ""
        if environment != "prod":
            key = key or load_or_create(root / DEV_KEY)
            made = sign(policy.digest, key, "dev", now)
            files[f"policies/{name}.sig"] = codec.canonical(made) + b"\n"
            signed[name] = "dev"
    return signed


def _trusted(project: Project) -> tuple[str, ...]:
    keys = project.target.settings.get("trusted_keys", ())
    if isinstance(keys, str):
        return (keys,)
    return tuple(map(str, keys)) if isinstance(keys, list | tuple) else ()


def _gone(before: Manifest | None, manifest: Manifest) -> tuple[str, ...]:
    kept = {entry.name for entry in manifest.datasets.values()}
    old = () if before is None else before.datasets.values()
    return tuple(sorted(entry.name for entry in old if entry.name not in kept))


def _outcome(
    project: Project,
    compiled: Compiled,
    before: Manifest | None,
    manifest: Manifest,
    signed: Mapping[str, str],
    gone: tuple[str, ...],
) -> Outcome:
    old = {} if before is None else {e.name: e.digest for e in before.datasets.values()}
    rows: list[dict[str, Any]] = []
    for name, policy in compiled.policies.items():
        change = "new" if name not in old else "same" if old[name] == policy.digest else "changed"
        rows.append(
            {
                "name": name,
                "urn": policy.dataset_urn,
                "digest": policy.digest,
                "rules": len(policy.rules),
                "level": policy.enforcement.level,
                "signed": signed[name] or None,
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
    if project.target.environment == "prod" and not all(signed.values()):
        lines.append("Unsigned policies are drafts on prod: have them signed by the organisation.")
    hints = [problem for problem in compiled.problems if problem.severity == "warning"]
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
    notes = tuple(map(str, hints))
    return Outcome("compile", payload, "\n".join(lines), notes=notes, findings=findings)


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
    names = ("path", "line", "col", "code", "message", "hint")
    return {name: getattr(problem, name) for name in names}

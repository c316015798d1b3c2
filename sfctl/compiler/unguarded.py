"""What nothing guards: datasets without a policy, jobs without names or promises, stray tables."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from sfctl.compiler.compile import Compiled
from sfctl.errors import Problem
from sfctl.spec.project import Project
from sfctl.spec.repository import PROJECT_FILE

_MARKS = ("_delta_log", "_versions")
"""Folders that make the folder around them a table."""
_DEPTH = 3
_LOOKED_AT = 2_000
_TOLD = 20


def unguarded(project: Project, compiled: Compiled, names: Collection[str]) -> Iterator[Problem]:
    """Yield a warning for each dataset without a policy, and each job that promises nothing."""
    for dataset in project.datasets:
        held = (Path(project.root) / "datasets" / dataset.name / "policy_bundle.yaml").exists()
        if dataset.name in names and not held:
            hint = f"`sfctl profile {dataset.name} --suggest` drafts one"
            message = f"dataset `{dataset.name}` has no policy, so nothing guards it"
            yield dataset.dataset.problem("SF011", message, hint=hint, severity="warning")
    bare = {
        policy.dataset_urn: name
        for name, policy in compiled.policies.items()
        if policy.contract == "none"
    }
    for job in project.jobs:
        if "inputs" not in job and "outputs" not in job:
            message = "the job names no dataset, so lineage ends at it"
            hint = "add `inputs:` and `outputs:`"
            yield job.problem("SF012", message, hint=hint, severity="warning")
            continue
        stem = Path(job.path).stem
        entry = compiled.manifest.jobs.get(job.string("name") or stem)
        written = {name.partition("#")[0] for name in entry.outputs} if entry else set()
        for name in sorted(bare[urn] for urn in written if urn in bare):
            message = f"the job writes `{name}`, which has no contract"
            hint = "declare at least `contract_lite: {required_fields: […]}` in its policy"
            yield job.problem("SF351", message, hint=hint, severity="warning")


def unclaimed(project: Project, compiled: Compiled) -> Iterator[Problem]:
    """Yield a warning for each table in a local lake that no dataset says it stores.

    Looks three folders deep, at a bounded number of them; a lake elsewhere is not asked.
    """
    lake = project.target.lake
    if "://" in lake or not Path(lake).is_dir() or project.broken:
        return
    claimed = {
        os.path.normpath(path)
        for entry in compiled.manifest.datasets.values()
        for path in entry.paths.values()
    }
    found = [path for path in _tables(Path(lake)) if os.path.normpath(path) not in claimed]
    for path in found[:_TOLD]:
        shown = path.relative_to(lake).as_posix()
        message = f"the lake holds the table `{shown}`, which no dataset claims"
        hint = f"`sfctl register --from {path}` makes a dataset of it"
        yield Problem(PROJECT_FILE, 0, 0, "SF352", message, hint, "warning")
    if len(found) > _TOLD:
        message = f"and {len(found) - _TOLD} more tables that no dataset claims"
        yield Problem(PROJECT_FILE, 0, 0, "SF352", message, severity="warning")


def _tables(lake: Path) -> Iterator[Path]:
    """Yield the folders of a lake that are tables; what begins with `_` or `.` is not looked at."""
    level, looked = [lake], 0
    for _ in range(_DEPTH):
        below: list[Path] = []
        for folder in level:
            looked += 1
            if looked > _LOOKED_AT:
                return
            try:
                with os.scandir(folder) as listed:
                    entries = sorted(e.name for e in listed if e.is_dir(follow_symlinks=False))
            except OSError:
                continue
            for name in entries:
                path = folder / name
                if name.startswith(("_", ".")):
                    continue
                if any((path / mark).is_dir() for mark in _MARKS):
                    yield path
                elif "=" not in name:
                    below.append(path)
        level = below

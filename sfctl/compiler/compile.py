"""A whole project compiled: every policy, the manifest, and all problems at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

import sfctl
from sfctl.clock import format_instant
from sfctl.compiler.entries import conflicting_modes, dataset_entry, job_entry, target_entry
from sfctl.compiler.expectations import Expectation, by_dataset, gaps_of, joined_slo
from sfctl.compiler.findings import Findings
from sfctl.compiler.lineage import lineage_entry
from sfctl.compiler.minimum import Minimum
from sfctl.compiler.policy import compile_policy
from sfctl.compiler.quantity import share
from sfctl.compiler.source_digest import source_digest
from sfctl.errors import Problem
from sfctl.model import urn
from sfctl.model.manifest import DatasetEntry, JobEntry, Manifest, digest_of
from sfctl.model.policy import Policy
from sfctl.spec.dataset import DatasetFiles, nobody
from sfctl.spec.project import Project
from sfctl.spec.tree import Node


@dataclass(frozen=True, slots=True)
class Compiled:
    """What a compile yields. `policies` are by dataset name; `problems` are sorted.

    The manifest holds every dataset of the project that could be read, selected or not.
    """

    manifest: Manifest
    policies: Mapping[str, Policy]
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that stop a compile."""
        return tuple(problem for problem in self.problems if problem.severity == "error")


def compile_project(
    project: Project, select: Collection[str] | None = None, *, now: datetime
) -> Compiled:
    """Compile the datasets called `select`, or all.

    Problems of reading the project are among the problems. Nothing is written and nothing raised.
    """
    compiler = _ProjectCompiler(project)
    policies: dict[str, Policy] = {}
    entries: dict[str, DatasetEntry] = {}
    unread = {problem.path for problem in project.errors}
    for files in project.datasets:
        if f"datasets/{files.name}/policy_bundle.yaml" in unread:
            continue  # judged without its policy, it would only be blamed for lacking one
        if select is None or files.name in select:
            policy, entry = compiler.dataset(files)
            policies[files.name] = policy
            entries[entry.urn] = entry
    jobs = compiler.jobs(select)
    compiler.spare_packs()
    lineage = lineage_entry(project.lineage, compiler.names, compiler.findings)
    manifest = Manifest(
        project=project.name,
        target=target_entry(project.target),
        datasets=entries,
        jobs=jobs,
        lineage=lineage,
        compiled_at=format_instant(now),
        compiler=sfctl.__version__,
    )
    problems = {*project.problems, *compiler.findings.problems}
    return Compiled(sealed(manifest), policies, tuple(sorted(problems)))


def _objective(node: Node) -> float | dict[str, float]:
    """Return a compliance objective with its shares as numbers: `99%` and 0.99 are one."""
    if not node.is_mapping:
        return float(share(node))
    names = {"slo": "threshold"}
    return {names.get(name, name): float(share(each)) for name, each in node.items()}


def sealed(manifest: Manifest) -> Manifest:
    """Return the manifest with the digest of what it says."""
    return replace(manifest, digest=digest_of(manifest))


class _ProjectCompiler:
    """Compiles one dataset after the other, with what they share."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.findings = Findings()
        self.names: dict[str, str] = {}
        self.stages: dict[str, tuple[str, ...]] = {}
        self.bundles: dict[str, Node | None] = {}
        for files in project.datasets:
            name = _urn(files)
            self.names |= {files.name: name, name: name}
            self.bundles[name] = files.policy
            storage = files.dataset.get("storage")
            stored = ("bronze", "silver", "gold")
            if storage is not None:
                self.stages[name] = tuple(stage for stage in stored if stage in storage)
        self.demands: dict[str, tuple[Expectation, ...]] = by_dataset(
            project.expectations, self.names
        )
        self.freshness = {
            _canonical(node.string("dataset")): node for node in project.freshness_policies
        }

    def dataset(self, files: DatasetFiles) -> tuple[Policy, DatasetEntry]:
        demands = self.demands.get(_urn(files), ())
        policy, problems = compile_policy(
            files,
            self.project.minimum,
            expectations=demands,
            names=self.names,
            root=self.project.root,
        )
        self.findings.problems += problems
        sources = self.sources(files, demands)
        known = len(self.findings.problems)
        slo = self.slo(files, demands)
        told = (*problems, *self.findings.problems[known:])
        entry = dataset_entry(
            files,
            policy,
            self.project.target.lake,
            slo=slo,
            gaps=gaps_of(told, demands),
            source_files=sources,
            source_digest=source_digest(self.project.root, sources),
        )
        return policy, entry

    def spare_packs(self) -> None:
        """Judge the packs that no bundle includes, on columns that nobody knows."""
        for pack in self.project.spare_packs:
            name = pack.path.rpartition("/")[2].removesuffix(".yaml")
            _, problems = compile_policy(
                DatasetFiles(name, nobody(name, pack.path), pack, None),
                names=self.names,
                root=self.project.root,
                open_columns=True,
            )
            self.findings.problems += problems

    def slo(self, files: DatasetFiles, demands: tuple[Expectation, ...]) -> dict[str, object]:
        own = files.dataset.get("slo")
        plain = own.plain() if own is not None else {}
        slo: dict[str, object] = dict(plain) if isinstance(plain, dict) else {}
        for block in ("contract", "dq"):
            node = own.get(block) if own is not None else None
            if node is not None:
                with suppress(ArithmeticError):  # what is no share is a problem told elsewhere
                    slo[block] = _objective(node)
        alone = self.freshness.get(_urn(files))
        if alone is not None and "freshness" not in slo:
            slo["freshness"] = alone["freshness_policy"].plain()
        slo = joined_slo(slo, demands, files, self.findings)
        return Minimum(self.project.minimum, files, self.findings).slo(slo)

    def sources(self, files: DatasetFiles, demands: tuple[Expectation, ...]) -> tuple[str, ...]:
        """Return every file that a policy is made of, below the project's folder."""
        paths = [files.dataset.path]
        if files.policy is not None:
            paths += [files.policy.path, *files.packs]
        if files.baseline is not None:
            paths.append(f"datasets/{files.name}/baseline.json")
        if self.project.minimum is not None:
            paths.append(self.project.minimum.path)
        paths += [each.entry.path for each in demands]
        alone = self.freshness.get(_urn(files))
        if alone is not None:
            paths.append(alone.path)
        return tuple(dict.fromkeys(paths))

    def jobs(self, select: Collection[str] | None) -> dict[str, JobEntry]:
        chosen = self.project.jobs
        found = [job_entry(node, self.names, self.stages, self.findings) for node in chosen]
        kept = self.bundles
        if select is not None:
            urns = {self.names[name] for name in select if name in self.names}
            jobs = [
                node
                for node, job in zip(chosen, found, strict=True)
                if urns & {name.partition("#")[0] for name in (*job.inputs, *job.outputs)}
            ]
        else:
            jobs = list(chosen)
        conflicting_modes(jobs, kept, self.names, self.findings)
        return {job.name: job for job in found}


def _urn(files: DatasetFiles) -> str:
    return _canonical(files.dataset.string("urn"))


def _canonical(text: str) -> str:
    return urn.without_stage(urn.canonical(text))

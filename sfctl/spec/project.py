"""A data repo on disk: discovery, loading, and the checked documents the compiler reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from sfctl.errors import Problem, SpecError
from sfctl.spec.baseline import load_baseline
from sfctl.spec.context import Context
from sfctl.spec.dataset import DatasetFiles
from sfctl.spec.document import load_document
from sfctl.spec.documents.dataset import DATASET, FRESHNESS_POLICY
from sfctl.spec.documents.expectations import EXPECTATIONS
from sfctl.spec.documents.job import JOB
from sfctl.spec.documents.lineage import LINEAGE
from sfctl.spec.documents.minimum import MINIMUM
from sfctl.spec.documents.policy import POLICY
from sfctl.spec.pack import Packs
from sfctl.spec.reference import check_references
from sfctl.spec.repository import Files, find_root, list_files
from sfctl.spec.shape import Fields
from sfctl.spec.target import Target, load_header
from sfctl.spec.tree import Node

__all__ = ["DatasetFiles", "Project", "Target", "find_root", "load"]
_MINIMUM = "policies/minimum.yaml"


@dataclass(frozen=True, slots=True)
class Project:
    """A loaded data repo: every document read, templated, shape-checked."""

    root: Path
    name: str
    target: Target
    targets: tuple[str, ...]
    datasets: tuple[DatasetFiles, ...]
    jobs: tuple[Node, ...]
    minimum: Node | None
    expectations: tuple[Node, ...]
    lineage: tuple[Node, ...]
    problems: tuple[Problem, ...]
    """Errors and warnings of reading; a document with an error is left out of the fields above."""
    freshness_policies: tuple[Node, ...] = ()
    """Stand-alone freshness policies; each names its dataset."""
    broken: tuple[str, ...] = ()
    """Names of the datasets that are left out because their `dataset.yaml` has errors."""
    spare_packs: tuple[Node, ...] = ()
    """Packs that no bundle includes, each as a bundle of its own."""

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that stop a compile."""
        return tuple(problem for problem in self.problems if problem.severity == "error")


def load(root: Path, target: str | None = None, *, offline: bool = False) -> Project:
    """Read the whole data repo. Problems are collected, never raised, except for `sfctl.yml`'s.

    Those raise SpecError, with the problems of all other files among them. `offline` lets
    credentials that are absent here pass as warnings. Raises UsageError for an unknown target.
    """
    files = list_files(root)
    try:
        header = load_header(root, target, offline=offline)
    except SpecError as error:
        rest = _read(root, files, None, {})
        raise SpecError([*error.problems, *rest.problems]) from None
    read = _read(root, files, header.context, header.target.settings.get("minimums"))
    return Project(
        root=root,
        name=header.name,
        target=header.target,
        targets=header.targets,
        datasets=tuple(read.datasets),
        jobs=read.jobs,
        minimum=read.minimum,
        expectations=read.expectations,
        lineage=read.lineage,
        problems=tuple(sorted({*header.problems, *read.problems})),
        freshness_policies=read.freshness,
        broken=tuple(read.broken),
        spare_packs=read.spare_packs,
    )


@dataclass(slots=True)
class _Reading:
    """The documents below one root, as they are read."""

    root: Path
    context: Context | None
    problems: list[Problem]
    datasets: list[DatasetFiles] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    jobs: tuple[Node, ...] = ()
    minimum: Node | None = None
    expectations: tuple[Node, ...] = ()
    lineage: tuple[Node, ...] = ()
    freshness: tuple[Node, ...] = ()
    spare_packs: tuple[Node, ...] = ()

    def one(self, path: str, shape: Fields) -> Node | None:
        document = load_document(self.root / path, path, shape, self.context)
        self.problems += document.problems
        return document.node

    def each(self, paths: Iterable[str], shape: Fields) -> tuple[Node, ...]:
        found = (self.one(path, shape) for path in paths)
        return tuple(node for node in found if node is not None)

    def pinned_minimum(self, path: str, digest: object) -> None:
        """Read the organisation's minimums from where the target says, if they are unaltered."""
        file = Path(path)
        shown = file.relative_to(self.root) if file.is_relative_to(self.root) else file
        self.minimum = self.one(shown.as_posix(), MINIMUM)
        if self.minimum is not None and digest:
            import hashlib

            found = hashlib.sha256(file.read_bytes()).hexdigest()
            if digest != f"sha256:{found}":
                message = f"the minimums differ from the pinned digest (got sha256:{found[:12]}…)"
                hint = "fetch the file again, or pin the new digest if the change was approved"
                self.problems.append(self.minimum.problem("SF137", message, hint=hint))
                self.minimum = None

    def spare(self, packs: Packs) -> tuple[Node, ...]:
        """Return the packs that nobody includes, with the problems that filling them in shows."""
        found = []
        for name in packs.nodes:
            alone = packs.alone(name) if name not in packs.included else None
            if alone is not None:
                found.append(alone[0])
                self.problems += alone[1]
        return tuple(found)

    def dataset(self, name: str, held: frozenset[str], packs: Packs) -> None:
        folder = f"datasets/{name}"
        node = self.one(f"{folder}/dataset.yaml", DATASET)
        policy = None
        if "policy_bundle.yaml" in held:
            policy = self.one(f"{folder}/policy_bundle.yaml", POLICY)
        used: tuple[str, ...] = ()
        if policy is not None:
            policy, used, problems = packs.into(policy)
            self.problems += problems
        baseline = None
        if "baseline.json" in held:
            path = f"{folder}/baseline.json"
            found = load_baseline(self.root / path, path)
            if isinstance(found, Problem):
                self.problems.append(found)
            else:
                baseline = found
        if node is None:
            self.broken.append(name)
        else:
            self.datasets.append(DatasetFiles(name, node, policy, baseline, used))


def _read(root: Path, files: Files, context: Context | None, minimums: object) -> _Reading:
    reading = _Reading(root, context, list(files.problems))
    alone = [path for path in files.folders["policies"] if path != _MINIMUM]
    packs = Packs(root, files.folders["packs"], context)
    reading.problems += packs.problems
    for name, held in files.datasets.items():
        reading.dataset(name, held, packs)
        if "freshness_policy.yaml" in held:
            alone.append(f"datasets/{name}/freshness_policy.yaml")
    reading.spare_packs = reading.spare(packs)
    reading.jobs = reading.each(files.folders["jobs"], JOB)
    reading.expectations = reading.each(files.folders["expectations"], EXPECTATIONS)
    reading.lineage = reading.each(files.folders["lineage"], LINEAGE)
    reading.freshness = reading.each(alone, FRESHNESS_POLICY)
    if isinstance(minimums, dict) and minimums:
        reading.pinned_minimum(str(minimums["path"]), minimums.get("digest"))
    elif _MINIMUM in files.folders["policies"]:
        reading.minimum = reading.one(_MINIMUM, MINIMUM)
    reading.problems += check_references(
        {each.name: each.dataset for each in reading.datasets} | dict.fromkeys(reading.broken),
        jobs=reading.jobs,
        expectations=reading.expectations,
        policies=[each.policy for each in reading.datasets if each.policy is not None],
        freshness=reading.freshness,
    )
    return reading

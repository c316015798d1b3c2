"""Where a policy is approved, rolled back or looked up: project, compiled files, history, lock."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from msgspec.structs import replace

from sfctl import wiring
from sfctl.certification.history import Artefact, Held, History
from sfctl.certification.signing_key import SigningKey
from sfctl.clock import clock_from_environment
from sfctl.commands import policy_log, selection
from sfctl.commands.activation import Choice, Chosen, all_files
from sfctl.commands.asking import agreed
from sfctl.commands.policy_log import Log
from sfctl.compiler import target_folder
from sfctl.compiler.compile import compile_project, sealed
from sfctl.compiler.minimum import falls_below
from sfctl.errors import Conflict, PolicyRejected, SpecError, UsageError
from sfctl.model import codec
from sfctl.model.manifest import DatasetEntry, Manifest
from sfctl.model.policy import Policy
from sfctl.model.release import Release
from sfctl.runtime.job.compiled import TARGET, Compiled, load
from sfctl.spec import project as spec
from sfctl.spec.project import Project, find_root
from sfctl.spec.wording import suggestion


@dataclass(frozen=True)
class Desk:
    """One command's view of a compiled project and of what its policies were before."""

    project: Project
    compiled: Compiled
    log: Log
    now: datetime
    lock: contextlib.ExitStack

    def agreed(self, said: str, question: str, *, yes: bool) -> bool:
        """Ask as `asking.agreed` does; nobody waits for the lock while a person reads.

        Raises Conflict where something was compiled or approved meanwhile.
        """
        if yes:
            return True
        self.lock.close()
        try:
            answer = agreed(said, question)
        finally:
            self.lock.enter_context(target_folder.locked(self.folder))
        if load(self.project.root).manifest.digest != self.compiled.manifest.digest:
            raise Conflict(
                "target/ has changed while you read", hint="look at it again, then answer"
            )
        return answer

    @property
    def folder(self) -> Path:
        return self.project.root / TARGET

    @property
    def store(self) -> Path:
        return self.project.root / wiring.STORE

    @property
    def history(self) -> History:
        """The history. Raises StoreError where no store answers."""
        return self.log.required

    def entries(self, select: Sequence[str], exclude: Sequence[str]) -> list[DatasetEntry]:
        """Return the compiled datasets that selectors name, all without any."""
        found = list(self.compiled.manifest.datasets.values())
        if not select and not exclude:
            return found
        names = {files.name for files in selection.chosen(self.project, select, exclude)}
        return [entry for entry in found if entry.name in names]

    def entry(self, name: str) -> DatasetEntry:
        """Return one dataset by name, alias or URN. Raises UsageError SF751."""
        found = self.compiled.dataset(name)
        if found is None:
            raise UsageError(
                f"target/ has no dataset {name!r}",
                hint=suggestion(name, [e.name for e in self.compiled.manifest.datasets.values()]),
                code="SF751",
            )
        return found

    def held(self, entry: DatasetEntry) -> Held | None:
        """Return what holds for a dataset by history."""
        return self.log.held.get(entry.urn)

    def choice(self) -> Choice:
        """Return what decides on what is active; it never signs for development."""
        return Choice(
            self.log.trust, self.folder, self.log.held, self.log.history, _no_key, self.now
        )

    def source(self, entry: DatasetEntry) -> Policy:
        """Return the policy that the YAML says now. Raises SpecError where it says none."""
        made = compile_project(self.project, {entry.name}, now=self.now)
        policy = made.policies.get(entry.name)
        own = [p for p in made.errors if p.path.startswith(f"datasets/{entry.name}/")]
        if policy is None or own:
            raise SpecError(own or made.errors)
        return policy

    def active(self, entry: DatasetEntry) -> Policy | None:
        """Return the policy in `target/`, approved or not; None for one that does not fit."""
        try:
            return self.compiled.policy(entry)[0]
        except PolicyRejected:
            return None

    def draft(self, entry: DatasetEntry) -> bytes | None:
        """Return the draft beside an active policy, None without one."""
        path = self.folder / "drafts" / f"{entry.name}.json"
        return path.read_bytes() if entry.draft and path.is_file() else None

    def approved(self, releases: Sequence[Release]) -> Policy | None:
        """Return the policy that the organisation approved last, by its moves."""
        for release in reversed(releases):
            if release.by == "org" and (artefact := self.history.artefact(release.digest)):
                return policy_of(artefact)
        return None

    def check_minimum(self, policy: Policy) -> None:
        """Raise PolicyRejected SF359 for a policy below today's minimums of its dataset's tier."""
        for files in self.project.datasets:
            if files.name == policy.name and falls_below(self.project.minimum, files, policy):
                raise PolicyRejected(
                    f"version {policy.version} of {policy.name} falls below the organisation's "
                    "minimums",
                    hint="compile the source against the minimums, and sign that",
                    code="SF359",
                )

    def place(self, made: Sequence[tuple[DatasetEntry, Chosen]]) -> None:
        """Put what is active now into `target/`, the manifest last."""
        before = self.compiled.manifest
        entries = dict(before.datasets)
        files: dict[str, bytes] = {}
        gone: set[str] = set()
        for entry, chosen in made:
            entries[entry.urn] = chosen.entry(entry)
            own = chosen.files(entry.name)
            files |= own
            gone |= all_files(entry.name) - own.keys()
        manifest = sealed(replace(before, datasets=entries))
        files[target_folder.MANIFEST] = manifest_bytes(manifest)
        target_folder.place(self.folder, files, frozenset(gone))


@contextlib.contextmanager
def open_desk(
    project_dir: Path, target: str | None, now: datetime | None, *, create: bool = True
) -> Iterator[Desk]:
    """Open a compiled project and its history; no compile comes between.

    Raises PolicyRejected SF752 for a project that was never compiled, UsageError SF758 for one
    that was compiled for another target.
    """
    root = find_root(project_dir)
    project = spec.load(root, target, offline=True)
    with contextlib.ExitStack() as lock:
        lock.enter_context(target_folder.locked(root / TARGET))
        with policy_log.opened(root, project.target, create=create) as log:
            compiled = load(root)
            compiled.require_target(project.target.name)
            moment = now or clock_from_environment().now()
            yield Desk(project, compiled, log, moment, lock)


def policy_of(artefact: Artefact) -> Policy:
    """Return the policy of an artefact."""
    return codec.decode(artefact.policy, Policy)


def manifest_bytes(manifest: Manifest) -> bytes:
    """Return a manifest as it stands in `target/`."""
    return codec.canonical(manifest) + b"\n"


def _no_key() -> SigningKey:
    raise PolicyRejected("nothing is signed for development here")

"""The compiled project as a run sees it: the manifest, and policies with who approved them."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path

from sfctl.certification import signature
from sfctl.certification.signature import Approval
from sfctl.clock import parse_instant
from sfctl.errors import PolicyRejected, UsageError
from sfctl.model import codec, urn
from sfctl.model.manifest import DatasetEntry, JobEntry, Manifest, digest_of
from sfctl.model.policy import Custom, Policy
from sfctl.model.source_code import SourceCodeError, source_code

STORE = ".sfctl"
TARGET = "target"
BESIDE = timedelta(days=7)
"""How long after its signature a new version has the one before it checked beside it."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """What compile left in `target/`. `compiled` is False for a project that never was."""

    root: Path
    manifest: Manifest
    compiled: bool = True

    @property
    def store(self) -> Path:
        return self.root / STORE

    @property
    def names(self) -> dict[str, str]:
        """The name of every dataset by its canonical URN."""
        return {urn: entry.name for urn, entry in self.manifest.datasets.items()}

    def dataset(self, name: str) -> DatasetEntry | None:
        """Return a dataset by URN in either spelling, by name or by alias."""
        if urn.is_dataset(name):
            found = self.manifest.datasets.get(urn.without_stage(urn.canonical(name)))
            if found is not None:
                return found
        return next(
            (e for e in self.manifest.datasets.values() if name == e.name or name in e.aliases),
            None,
        )

    def unknown(self, name: str) -> str:
        """Return what to tell of a name that is no dataset's, with the nearest that is one."""
        known = [entry.name for entry in self.manifest.datasets.values()]
        near = get_close_matches(urn.short_name(self.urn_of(name)), known, n=1)
        hint = f"did you mean `{near[0]}`?" if near else "register it, or check the name"
        return f"{name} is no dataset of this project, so nothing judges its rows; {hint}"

    def urn_of(self, name: str) -> str:
        """Return the canonical URN of a dataset. Raises UsageError for what is no name of one."""
        entry = self.dataset(name)
        if entry is not None:
            return entry.urn
        try:
            return urn.without_stage(urn.canonical(name))
        except ValueError:
            raise UsageError(
                f"{name!r} names no dataset",
                hint="ds://<zone>/<name>, urn:dp:<domain>:<name>, or a dataset of this project",
                code="SF751",
            ) from None

    def policy(self, entry: DatasetEntry) -> tuple[Policy, Approval]:
        """Return a dataset's policy and its approval; a draft where nobody approved it.

        Raises PolicyRejected for a policy that was altered, cannot be read or is not there.
        """
        if not entry.policy:
            raise PolicyRejected(f"{entry.name} has no compiled policy", hint="run `sfctl compile`")
        try:
            body, approval = self._verified(self.root / TARGET / entry.policy)
        except OSError as error:
            raise PolicyRejected(
                f"the policy of {entry.name} cannot be read: {error.strerror}",
                hint="run `sfctl compile`",
            ) from error
        policy = approval.policy
        if policy is None and approval.reason in signature.DRAFTS:
            policy = codec.decode(body, Policy)
        if policy is None:
            raise PolicyRejected(
                f"{entry.name}: {approval.sentence}", hint="run `sfctl compile`", code=approval.code
            )
        if not self._belongs(policy, entry):
            raise PolicyRejected(
                f"{entry.name}: the policy beside it is not the one that was compiled for it",
                hint="run `sfctl compile`",
                code="SF403",
            )
        return policy, approval

    def earlier(
        self, entry: DatasetEntry, policy: Policy, approval: Approval, now: datetime
    ) -> Policy | None:
        """Return the version to be checked beside an approved policy; None after its first days.

        The days are counted from the signature, which nobody can put off. Whatever is wrong with
        the earlier version leaves the new one alone, a custom rule that changed since too.
        """
        if not (entry.earlier and approval.at) or now >= beside_until(approval.at):
            return None
        try:
            _, found = self._verified(self.root / TARGET / "earlier" / f"{entry.name}.json")
        except OSError:
            return None
        before = found.policy
        if before is None or before.digest != entry.earlier or before.dataset_urn != entry.urn:
            return None
        if not all(
            _stands(r.check, self.root) for r in before.rules if isinstance(r.check, Custom)
        ):
            return None
        return before if before.version < policy.version else None

    def _verified(self, path: Path) -> tuple[bytes, Approval]:
        """Read a policy and judge its signature. Raises OSError."""
        beside = path.with_suffix(".sig")
        body = path.read_bytes()
        signed = beside.read_bytes() if beside.exists() else None
        target = self.manifest.target
        approval = signature.verify(
            body,
            signed,
            trusted_keys=_texts(target.settings.get("trusted_keys")),
            revoked_keys=_texts(target.settings.get("revoked_keys")),
            environment=target.environment,
        )
        return body, approval

    def _belongs(self, policy: Policy, entry: DatasetEntry) -> bool:
        """Say whether a policy is the dataset's own; a compile may have come since the load."""
        if policy.dataset_urn != entry.urn:
            return False
        if policy.digest == entry.digest:
            return True
        now = load(self.root).manifest.datasets.get(entry.urn)
        return now is not None and policy.digest == now.digest

    def require_target(self, name: str | None) -> None:
        """Raise UsageError SF758 where everything was compiled for another target."""
        own = self.manifest.target.name
        if name and name != own:
            raise UsageError(
                f"target/ was compiled for {own}, not {name}",
                hint=f"sfctl compile --target {name}",
                code="SF758",
            )

    def lies_in(self, lake: str) -> bool:
        """Say whether the tables compiled for are those of a lake; a link to it is the same one."""
        return os.path.realpath(lake) == os.path.realpath(self.manifest.target.lake)

    def host(self) -> Path | None:
        """Return the project in whose folder the lake lies, None where that is no other one."""
        lake = self.manifest.target.lake
        if "://" in lake:
            return None
        around = (folder for folder in Path(lake).resolve().parents if is_project(folder))
        found = next(around, None)
        return None if found is None or found == self.root.resolve() else found

    def job(self, name: str) -> JobEntry | None:
        """Return a job of the manifest by name."""
        return self.manifest.jobs.get(name)

    def format_of(self, entry: DatasetEntry, stage: str) -> str:
        """Return the table format of a stage."""
        return entry.formats.get(stage) or entry.format

    def default_path(self, dataset_urn: str, stage: str) -> str:
        """Return where the rows of a dataset nobody registered go."""
        return f"{self.manifest.target.lake.rstrip('/')}/{stage}/{urn.slug(dataset_urn)}"


def beside_until(signed_at: str) -> datetime:
    """Return when a version signed then (RFC 3339) stands alone; the end of time at the most."""
    try:
        return parse_instant(signed_at) + BESIDE
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def load(root: Path) -> Compiled:
    """Read the manifest. Raises PolicyRejected SF752 where there is none, or it was altered."""
    path = root / TARGET / "manifest.json"
    try:
        manifest = codec.decode(path.read_bytes(), Manifest)
    except FileNotFoundError:
        raise PolicyRejected(
            f"{root} was never compiled", hint="run `sfctl compile`", code="SF752"
        ) from None
    except (OSError, ValueError) as error:
        raise PolicyRejected(
            "target/manifest.json cannot be read", hint="run `sfctl compile` again", code="SF752"
        ) from error
    if digest_of(manifest) != manifest.digest:
        raise PolicyRejected(
            "target/manifest.json was altered after it was compiled",
            hint="run `sfctl compile` again",
            code="SF752",
        )
    return Compiled(root, manifest)


def manifest_of(root: Path) -> Manifest | None:
    """Return the manifest of a project, None where it was not compiled or cannot be trusted."""
    try:
        return load(root).manifest
    except PolicyRejected:
        return None


def check_target(root: Path, name: str | None) -> None:
    """Raise UsageError SF758 where a project is compiled, and for another target."""
    if name:
        with contextlib.suppress(PolicyRejected):
            load(root).require_target(name)


def is_project(folder: Path) -> bool:
    """Tell whether a folder is a data repo, compiled or not."""
    return (folder / TARGET / "manifest.json").is_file() or (folder / "sfctl.yml").is_file()


def find_root(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the project a process works in: named, around the current folder, or its script's.

    Raises UsageError SF130 where there is none.
    """
    named = environ.get("SFCTL_PROJECT_DIR")
    starts = [named or ".", sys.argv[0] if sys.argv else "."]
    for start in starts:
        here = Path(start).absolute()
        for folder in (here, *here.parents):
            if is_project(folder):
                return folder
    raise UsageError(
        f"no sfctl project around {Path(named or '.').absolute()}",
        hint=f"SFCTL_PROJECT_DIR is {named}"
        if named
        else "start the job with `sfctl run`, or set SFCTL_PROJECT_DIR",
        code="SF130",
    )


def _stands(check: Custom, root: Path) -> bool:
    """Tell whether a function is still what was compiled: of code there is one version only."""
    try:
        return source_code(check.function, root).digest == check.digest
    except (SourceCodeError, OSError):
        return False


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(map(str, value)) if isinstance(value, list | tuple) else ()

"""Where the life of policies is kept: the target's history, and evidence of every move."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from sfctl import wiring
from sfctl.certification.history import Artefact, Held, History, texts, trust
from sfctl.certification.signature import document_digest, verify_document
from sfctl.commands.activation import Trust
from sfctl.errors import Problem, SfctlError, StoreError
from sfctl.evidence.flush import flush
from sfctl.evidence.outbox import Outbox
from sfctl.model import decisions
from sfctl.model.evidence import Evidence
from sfctl.model.release import Release
from sfctl.spec.project import Project
from sfctl.spec.target import Target

MINIMUM = "minimum"
"""Under this name the organisation's minimums are signed."""


@dataclass(frozen=True, slots=True)
class Log:
    """A target's history as it was opened, None where no store answers, and whose keys count."""

    history: History | None
    settings: dict[str, object]
    trust: Trust
    held: Mapping[str, Held] = field(default_factory=dict)
    note: str = ""

    @property
    def required(self) -> History:
        """The history. Raises StoreError SF356 where no store answers, or there is none yet."""
        if self.history is None:
            raise StoreError(
                self.note.removeprefix("SF356 ") or "this target has no history of policies yet",
                hint="`sfctl compile` begins one; see `sfctl doctor`",
                code="SF356",
            )
        return self.history


@contextlib.contextmanager
def opened(root: Path, target: Target, *, create: bool) -> Iterator[Log]:
    """Open the history of a target; `create` makes the store where there is none yet.

    A store that does not answer is told in `note`: a compile goes on without.
    """
    folder = root / wiring.STORE
    if not create and not (folder / "state.db").exists() and not target.state.get("path"):
        yield _log(None, target)
        return
    with contextlib.ExitStack() as stack:
        try:
            state = stack.enter_context(wiring.open_state(wiring.store_folder(root), target.state))
            history = History(state, target.name)
            log = _log(history, target)
        except SfctlError as error:
            log = _log(None, target, f"SF356 policies have no history here: {error.code} {error}")
        yield log


def _log(history: History | None, target: Target, note: str = "") -> Log:
    settings = trust(target.settings, history.keys() if history else {})
    keys = texts(settings.get("trusted_keys")), texts(settings.get("revoked_keys"))
    trusted = Trust(target.environment, *keys)
    return Log(history, settings, trusted, history.standing() if history else {}, note)


def trust_of(project: Project) -> Trust:
    """Return whose signatures count by the target alone, without asking any store."""
    return _log(None, project.target).trust


def again(log: Log, target: Target) -> Log:
    """Return the log as it is after a key was trusted or revoked."""
    return _log(log.history, target, log.note)


def tell(folder: Path, events: Iterable[Evidence], *, wait: bool = False) -> tuple[str, ...]:
    """Put events on record; return notes where they could not be delivered, or not even written.

    `wait` leaves them in the outbox of a project that has no bus yet: its first run delivers.
    """
    kept = list(events)
    if not kept:
        return ()
    try:
        with Outbox(folder / "outbox", "policy") as outbox:
            taken = [outbox.append(event) for event in kept]
            safe = outbox.sync()
        if not (all(taken) and safe):
            return (f"the change is not on the record: {outbox.trouble}",)
        if wait and not (folder / "bus.db").exists():
            return ()
        with wiring.open_bus(folder) as bus:
            flushed = flush(folder / "outbox", bus)
    except (SfctlError, OSError) as error:
        return (f"the record of the change waits in the outbox: {error}",)
    return (f"the record waits in the outbox: {flushed.trouble}",) if flushed.trouble else ()


def event_of(release: Release, at: datetime) -> Evidence:
    """Return the evidence of a move."""
    return decisions.policy(
        at,
        action=release.action,
        actor=release.actor,
        reason=release.reason,
        dataset_urn=release.dataset_urn,
        version=release.version,
        digest=release.digest,
        version_before=release.version_before,
        digest_before=release.digest_before,
        key_id=release.key_id,
        by=release.by,
    )


def environment_problems(project: Project, history: History | None) -> list[Problem]:
    """Return what is wrong with a target that was prod when something was approved for it."""
    environment = project.target.environment
    since = history.prod_since() if history and environment != "prod" else ""
    if not since:
        return []
    message = (
        f"target `{project.target.name}` was prod when policies were approved for it on {since}"
    )
    message += f" (got {environment}, expected prod)"
    hint = "a target of development takes another name; a repo cannot end the need for approval"
    return [Problem("sfctl.yml", 0, 0, "SF355", message, hint)]


def minimum_problems(
    project: Project, trusted: Trust, approved: str = "", *, offline: bool = False
) -> list[Problem]:
    """Return what is wrong with the approval of the organisation's minimums.

    On prod they must bear an organisation's signature; once some were signed (`approved` is their
    digest), no others count. Elsewhere only a signature that does not fit is a warning. `offline`
    passes over the question whose key it is where the target names none: the state store may.
    """
    prod = trusted.environment == "prod"
    if project.minimum is None:
        if not (prod and approved) or any(
            p.path == "policies/minimum.yaml" for p in project.errors
        ):
            return []
        message = "the organisation's minimums were approved here and are gone"
        hint = "restore the file, or `minimums:` of the target; a repo cannot drop them"
        return [Problem("sfctl.yml", 0, 0, "SF349", message, hint)]
    path = project.root / project.minimum.path
    document = path.read_bytes()
    beside = path.with_name(path.name + ".sig")
    signature = beside.read_bytes() if beside.is_file() else None
    why = verify_document(
        document, signature, MINIMUM, trusted_keys=trusted.trusted, revoked_keys=trusted.revoked
    )
    hint = "`sfctl policy sign --minimum` signs them, with the organisation's key"
    if offline and why == "wrong_key" and not trusted.trusted:
        why = ""
    if why and (prod or why in ("altered", "bad_signature", "unreadable")):
        message = f"the organisation's minimums are not approved ({why.replace('_', ' ')})"
        weight: Literal["error", "warning"] = "error" if prod else "warning"
        return [project.minimum.problem("SF348", message, hint=hint, severity=weight)]
    if prod and approved and document_digest(document) != approved:
        message = "these are not the minimums that were approved last"
        return [project.minimum.problem("SF349", message, hint=hint)]
    return []


def recorded(
    log: Log, moves: list[tuple[Release, Artefact]], folder: Path, at: datetime
) -> tuple[str, ...]:
    """Keep what a compile made active; what cannot be kept is told, and kept by the next one."""
    if log.history is None or not moves:
        return ()
    try:
        log.history.add(moves, log.held)
    except StoreError as error:
        return (f"SF356 the history could not be written ({error.code} {error}); compile again",)
    return tell(folder, [event_of(release, at) for release, _ in moves], wait=True)

"""`sfctl policy versions`, `diff`, `rollback`: what a policy was, is, and shall be again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from sfctl.clock import format_instant
from sfctl.commands import policy_log
from sfctl.commands.activation import Chosen
from sfctl.commands.actor import actor
from sfctl.commands.policy_desk import Desk, open_desk, policy_of
from sfctl.compiler.policy_diff import Change, differences
from sfctl.errors import PolicyRejected, UsageError
from sfctl.model import codec
from sfctl.model.manifest import DatasetEntry
from sfctl.model.policy import Policy
from sfctl.model.release import Release
from sfctl.report import text
from sfctl.report.outcome import Outcome
from sfctl.runtime.job.compiled import beside_until

SOURCE, ACTIVE = "source", "active"
Name = Annotated[str, typer.Argument(help="A dataset: its name or its URN.")]


def versions(
    name: Name,
    *,
    project_dir: Path = Path(),
    target: str | None = None,
    now: datetime | None = None,
) -> Outcome:
    """List every move of a policy: version, digest, who signed it, since when it was active."""
    with open_desk(project_dir, target, now, create=False) as desk:
        entry = desk.entry(name)
        releases = desk.history.releases(entry.urn) if desk.log.history else ()
        rows = [_row(desk, entry, release, releases) for release in releases]
    lines = text.table(
        [(f"{row['move']}", f"v{row['version']}", row["digest"][7:19], row["action"],
          f"{row['by']} {row['key_id']}", row["active_since"], row["actor"], _status(row))
         for row in rows]
    )  # fmt: skip
    draft = _draft(desk, entry)
    if draft:
        because = draft["because"].replace("_", " ")
        lines.append(f"draft v{draft['version']}  {draft['digest'][7:19]}  {because}")
    lines.append(f"{text.count(len(rows), 'move')} of {entry.name}.")
    payload = {"name": entry.name, "urn": entry.urn, "moves": rows, "draft": draft}
    return Outcome("policy", payload, "\n".join(lines), notes=_notes(desk))


def diff(
    name: Name,
    a: Annotated[str, typer.Argument(help="A version, `active` or `source`.")] = "",
    b: Annotated[str, typer.Argument(help="Another; the source unless given.")] = "",
    *,
    project_dir: Path = Path(),
    target: str | None = None,
    now: datetime | None = None,
) -> Outcome:
    """Show rule by rule what differs: what was approved last against the source, unless told.

    Raises UsageError SF347 for a version that history does not hold.
    """
    with open_desk(project_dir, target, now, create=False) as desk:
        entry = desk.entry(name)
        before = _named(desk, entry, a or ACTIVE)
        after = _named(desk, entry, b or SOURCE)
    if after is None:
        raise UsageError(f"{name} has no such policy", hint="sfctl policy versions", code="SF347")
    changes = differences(before, after)
    lines = [f"{change.effect:<10} {change.line}" for change in changes]
    counts = {effect: sum(c.effect == effect for c in changes)
              for effect in ("added", "removed", "tightened", "loosened", "changed")}  # fmt: skip
    told = ", ".join(f"{number} {effect}" for effect, number in counts.items() if number)
    was = f"version {before.version}" if before else "nothing"
    lines.append(f"{entry.name}, {was} against version {after.version}: {told or 'the same'}.")
    payload = {
        "name": entry.name,
        "urn": entry.urn,
        "before": _said(before),
        "after": _said(after),
        "changes": [codec.plain(change) for change in changes],
        "counts": counts,
    }
    return Outcome("policy", payload, "\n".join(lines))


def rollback(
    name: Name,
    *,
    to: Annotated[
        int | None, typer.Option(min=1, help="The version; the one before unless given.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; it is on the record.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    project_dir: Path = Path(),
    target: str | None = None,
    now: datetime | None = None,
) -> Outcome:
    """Make an older signed version active again: a move forward in history; the source stays.

    Raises UsageError SF347 where there is no such version, PolicyRejected where its signature no
    longer counts, UsageError SF344 where there is nobody to ask.
    """
    with open_desk(project_dir, target, now) as desk:
        entry = desk.entry(name)
        held = desk.held(entry)
        releases = desk.history.releases(entry.urn)
        release = _earlier(entry, releases, to)
        artefact = desk.history.artefact(release.digest)
        if held is None or artefact is None:
            raise UsageError(f"history lost version {release.version} of {name}", code="SF347")
        body, signature = artefact.policy.encode(), artefact.signature.encode()
        approval = desk.log.trust.judge(body, signature)
        if approval.policy is None:
            raise PolicyRejected(
                f"version {release.version} of {name} does not count here: {approval.sentence}",
                hint="`sfctl policy versions` shows who signed which", code=approval.code,
            )  # fmt: skip
        desk.check_minimum(approval.policy)
        present = desk.history.artefact(held.standing.digest)
        left = policy_of(present) if present else None
        changes = differences(left, approval.policy)
        shown = _shown(entry, held.standing.version, release, changes)
        done = not dry_run and desk.agreed(shown, f"roll {entry.name} back?", yes=yes)
        notes: tuple[str, ...] = ()
        if done:
            chosen = Chosen(approval.policy, signature, approval)
            if left is not None:
                chosen = replace(chosen, draft=left, because="rolled_back")
            move = Release(
                number=held.standing.number + 1,
                dataset_urn=entry.urn,
                version=release.version,
                digest=release.digest,
                action="rolled_back",
                by=release.by,
                key_id=release.key_id,
                at=format_instant(desk.now),
                actor=actor(),
                reason=reason,
                version_before=held.standing.version,
                digest_before=held.standing.digest,
            )
            desk.history.add([(move, artefact)], desk.log.held)
            desk.place([(entry, chosen)])
            notes = policy_log.tell(desk.store, [policy_log.event_of(move, desk.now)])
    word = "rolled back" if done else "dry run" if dry_run else "not rolled back"
    closing = text.status_line(f"{entry.name} v{held.standing.version} → v{release.version}", word)
    lines = [*(shown.splitlines() if dry_run or yes else ()), closing]
    if done:
        lines.append(
            f"The source says otherwise: change it and raise `version:` above "
            f"{max(r.version for r in releases)}, else compile leaves this version active."
        )
    payload = {
        "name": entry.name,
        "urn": entry.urn,
        "from_version": held.standing.version,
        "to_version": release.version,
        "digest": release.digest,
        "digest_before": held.standing.digest,
        "changes": [codec.plain(change) for change in changes],
        "done": done,
        "dry_run": dry_run,
    }
    return Outcome("policy", payload, "\n".join(lines), notes=notes)


def _earlier(entry: DatasetEntry, releases: Sequence[Release], to: int | None) -> Release:
    """Return the newest move that made the wanted version active."""
    if not releases:
        raise UsageError(f"{entry.name} has no history to go back in", code="SF347")
    last = releases[-1]
    if to is not None:
        found = [r for r in releases if r.version == to and r.digest != last.digest]
    else:
        below = [r for r in releases if r.version < last.version]
        found = below or [r for r in releases if r.digest != last.digest]
        highest = max((r.version for r in found), default=0)
        found = [r for r in found if r.version == highest]
    if not found:
        wanted = "an earlier version" if to is None else f"another version {to}"
        known = ", ".join(dict.fromkeys(str(r.version) for r in releases))
        raise UsageError(
            f"{entry.name} was never active in {wanted}", hint=f"versions: {known}", code="SF347"
        )
    return found[-1]


def _named(desk: Desk, entry: DatasetEntry, word: str) -> Policy | None:
    """Return the policy a word means. Raises UsageError SF347 for one that means none."""
    if word == SOURCE:
        return desk.source(entry)
    if word == ACTIVE:
        releases = desk.history.releases(entry.urn) if desk.log.history else ()
        return (desk.approved(releases) if releases else None) or desk.active(entry)
    number = word.removeprefix("v")
    if number.isdigit():
        for release in reversed(desk.history.releases(entry.urn)):
            artefact = desk.history.artefact(release.digest)
            if release.version == int(number) and artefact is not None:
                return policy_of(artefact)
    raise UsageError(
        f"{entry.name} has no version {word!r}",
        hint=f"`sfctl policy versions {entry.name}` lists them; or {ACTIVE}, {SOURCE}",
        code="SF347",
    )


def _row(
    desk: Desk, entry: DatasetEntry, release: Release, releases: Sequence[Release]
) -> dict[str, Any]:
    artefact = desk.history.artefact(release.digest)
    signed_at = ""
    if artefact is not None:
        signed_at = desk.log.trust.judge(artefact.policy.encode(), artefact.signature.encode()).at
    last = release is releases[-1]
    follower = None if last else next(r for r in releases if r.number > release.number)
    status = "active" if last else "superseded"
    if follower is not None and follower.action == "rolled_back":
        status = "rolled back"
    beside = None
    if last and entry.earlier and signed_at:
        until = beside_until(signed_at)
        beside = format_instant(until) if desk.now < until else None
    return {
        "move": release.number,
        "version": release.version,
        "digest": release.digest,
        "action": release.action,
        "by": release.by,
        "key_id": release.key_id,
        "signed_at": signed_at or None,
        "active_since": release.at,
        "active_until": follower.at if follower else None,
        "actor": release.actor,
        "reason": release.reason or None,
        "status": status,
        "earlier_checked_until": beside,
    }


def _status(row: dict[str, Any]) -> str:
    beside = row["earlier_checked_until"]
    return (
        f"{row['status']}, the version before checked until {beside}" if beside else row["status"]
    )


def _draft(desk: Desk, entry: DatasetEntry) -> dict[str, Any] | None:
    body = desk.draft(entry)
    if body is None:
        return None
    policy = codec.decode(body, Policy)
    return {
        "version": policy.version,
        "digest": policy.digest,
        "because": entry.draft_because,
    }


def _shown(entry: DatasetEntry, present: int, release: Release, changes: Sequence[Change]) -> str:
    head = f"{entry.name}: version {present} → {release.version}, signed by {release.key_id}:"
    told = [f"  {change.effect:<10} {change.line}" for change in changes]
    return "\n".join([head, *(told or ["  nothing differs"])])


def _said(policy: Policy | None) -> dict[str, Any] | None:
    return None if policy is None else {"version": policy.version, "digest": policy.digest}


def _notes(desk: Desk) -> tuple[str, ...]:
    return (desk.log.note,) if desk.log.note else ()

"""`sfctl policy sign`: the organisation approves a compiled policy, or its minimums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from sfctl.certification.signature import key_id, sign
from sfctl.certification.signing_key import KEY_VARIABLE, SigningKey, key_of_variable, load_key
from sfctl.clock import format_instant
from sfctl.commands import policy_log
from sfctl.commands.activation import Chosen, artefact_of
from sfctl.commands.actor import actor
from sfctl.commands.policy_desk import Desk, open_desk
from sfctl.commands.policy_minimum import check_key, sign_minimum
from sfctl.commands.selection import Exclude, Select
from sfctl.compiler.policy_diff import Change, differences
from sfctl.compiler.source_digest import source_digest
from sfctl.errors import PolicyRejected
from sfctl.model import codec
from sfctl.model.manifest import DatasetEntry
from sfctl.model.policy import Policy
from sfctl.model.release import Release
from sfctl.report import text
from sfctl.report.outcome import Outcome


def sign_policies(
    select: Select = (),
    *,
    exclude: Exclude = (),
    key: Annotated[
        Path | None, typer.Option(help="File of the organisation's private key.")
    ] = None,
    key_env: Annotated[
        str, typer.Option(help="Variable that holds it, where no file is given.")
    ] = KEY_VARIABLE,
    minimum: Annotated[
        bool, typer.Option("--minimum", help="Sign the organisation's minimums instead.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why; it is on the record.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    project_dir: Path = Path(),
    target: str | None = None,
    now: datetime | None = None,
) -> Outcome:
    """Approve what was compiled: shows what changes against what was approved last, and asks.

    Raises PolicyRejected for a key or a policy that cannot be, UsageError SF344 where there is
    nobody to ask, Conflict where somebody else moved the policy meanwhile.
    """
    signing = load_key(key) if key else key_of_variable(key_env)
    if minimum:
        return sign_minimum(
            signing, reason=reason, yes=yes, project_dir=project_dir, target=target, now=now
        )
    with open_desk(project_dir, target, now) as desk:
        check_key(desk.log, desk.project.target.name, signing)
        found = [_candidate(desk, entry) for entry in desk.entries(select, exclude)]
        wanted = [each for each in found if not each.already]
        shown = "\n".join(line for each in found for line in each.lines())
        count = text.count(len(wanted), "policy", "policies")
        done = bool(wanted) and desk.agreed(
            shown, f"approve {count} for {desk.project.target.name}?", yes=yes
        )
        notes = _approve(desk, wanted, signing, reason) if done else ()
        notes += tuple(
            f"{e.entry.name}: the YAML has changed since it was compiled; that is not in this"
            for e in wanted
            if e.entry.source_digest != source_digest(desk.project.root, e.entry.files)
        )
    words = [each.word(done) for each in found]
    lines = [shown] if shown and done else []
    lines += [text.status_line(f"{e.entry.name} v{e.policy.version}", w)
              for e, w in zip(found, words, strict=True)]  # fmt: skip
    signed = words.count("signed")
    lines += [
        "",
        f"{text.count(signed, 'policy', 'policies')} signed with {key_id(signing.public)}.",
    ]
    payload = {
        "signed": signed,
        "key_id": key_id(signing.public),
        "datasets": [each.row(word) for each, word in zip(found, words, strict=True)],
    }
    return Outcome("policy", payload, "\n".join(lines), notes=notes)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One policy that may be signed: as it was compiled, and what was approved before it."""

    entry: DatasetEntry
    policy: Policy
    before: Policy | None
    changes: tuple[Change, ...]
    already: bool = False

    def lines(self) -> list[str]:
        """Return what approving it means."""
        if self.already:
            return []
        against = (
            f"against version {self.before.version}"
            if self.before
            else "approved for the first time"
        )
        head = f"{self.entry.name} version {self.policy.version}, {against}:"
        told = [f"  {change.effect:<10} {change.line}" for change in self.changes]
        return [head, *(told or ["  nothing differs"])]

    def word(self, done: bool) -> str:
        return "approved" if self.already else "signed" if done else "not signed"

    def row(self, word: str) -> dict[str, Any]:
        return {
            "name": self.entry.name,
            "urn": self.entry.urn,
            "version": self.policy.version,
            "digest": self.policy.digest,
            "digest_before": self.before.digest if self.before else None,
            "version_before": self.before.version if self.before else None,
            "changes": [codec.plain(change) for change in self.changes],
            "result": word,
        }


def _candidate(desk: Desk, entry: DatasetEntry) -> Candidate:
    body = desk.draft(entry)
    signature = None
    path = desk.folder / entry.policy
    if body is None:
        try:
            body = path.read_bytes()
        except OSError as error:
            raise PolicyRejected(
                f"{entry.name} has no compiled policy ({error.strerror})",
                hint="run `sfctl compile`", code="SF346",
            ) from error  # fmt: skip
        beside = path.with_suffix(".sig")
        signature = beside.read_bytes() if beside.is_file() else None
    approval = desk.log.trust.judge(body, signature)
    if approval.reason in ("altered", "unreadable"):
        raise PolicyRejected(
            f"{entry.name}: {approval.sentence}", hint="run `sfctl compile`", code=approval.code
        )
    policy = codec.decode(body, Policy)
    if policy.dataset_urn != entry.urn or policy.digest not in (entry.digest, entry.draft):
        raise PolicyRejected(
            f"{entry.name}: what lies in target/ is not what was compiled for it",
            hint="run `sfctl compile`", code="SF346",
        )  # fmt: skip
    if approval.by == "org":
        return Candidate(entry, policy, policy, (), already=True)
    desk.check_minimum(policy)
    releases = desk.history.releases(entry.urn)
    _check_version(desk, policy, releases)
    before = desk.approved(releases)
    return Candidate(entry, policy, before, differences(before, policy))


def _check_version(desk: Desk, policy: Policy, releases: Sequence[Release]) -> None:
    """Raise PolicyRejected SF345 on prod for rules that changed under an approved number."""
    org = [release for release in releases if release.by == "org"]
    known = {release.version for release in org if release.digest == policy.digest}
    highest = max((release.version for release in org), default=0)
    if desk.project.target.environment != "prod" or known or policy.version > highest:
        return
    raise PolicyRejected(
        f"{policy.name}: version {policy.version} changed, and version {highest} was approved",
        hint=f"raise `version:` in the policy bundle to {highest + 1} or more, and compile",
        code="SF345",
    )


def _approve(
    desk: Desk, wanted: Sequence[Candidate], signing: SigningKey, reason: str
) -> tuple[str, ...]:
    if desk.project.target.environment == "prod":
        desk.history.stay_prod(format_instant(desk.now))
    choice, who = desk.choice(), actor()
    made: list[tuple[DatasetEntry, Chosen]] = []
    moves = []
    for each in wanted:
        policy, held = each.policy, desk.held(each.entry)
        signature = sign(
            policy.digest, signing, "org", desk.now,
            dataset=policy.dataset_urn, version=policy.version,
        )  # fmt: skip
        body = codec.canonical(policy) + b"\n"
        sealed = codec.canonical(signature) + b"\n"
        standing = held.standing if held else None
        chosen = choice.beside(Chosen(policy, sealed, desk.log.trust.judge(body, sealed)), standing)
        made.append((each.entry, chosen))
        release = Release(
            number=standing.number + 1 if standing else 1,
            dataset_urn=policy.dataset_urn,
            version=policy.version,
            digest=policy.digest,
            action="signed",
            by="org",
            key_id=signature.key_id,
            at=signature.at,
            actor=who,
            reason=reason,
            version_before=standing.version if standing else 0,
            digest_before=standing.digest if standing else "",
        )
        moves.append((release, artefact_of(chosen)))
    desk.history.add(moves, desk.log.held)
    desk.place(made)
    return policy_log.tell(
        desk.store, [policy_log.event_of(release, desk.now) for release, _ in moves]
    )

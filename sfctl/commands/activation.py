"""Which policy is active: what was just compiled, or what was approved and still stands.

On development targets a compile is approved by its own key and becomes active. On prod it stays a
draft beside the approved policy until the organisation signs it. What a rollback moved away from
stays a draft everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import msgspec

from sfctl.certification.history import Artefact, Held, History
from sfctl.certification.signature import Approval, Signature, sign, verify
from sfctl.certification.signing_key import SigningKey
from sfctl.clock import format_instant
from sfctl.compiler.entries import policy_facts
from sfctl.model import codec
from sfctl.model.manifest import DatasetEntry
from sfctl.model.policy import Policy
from sfctl.model.release import Release, Standing
from sfctl.runtime.job.compiled import beside_until

_ENDS = (
    ("policies", "json"), ("policies", "sig"), ("earlier", "json"), ("earlier", "sig"),
    ("drafts", "json"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose signatures count at a target."""

    environment: str
    trusted: tuple[str, ...] = ()
    revoked: tuple[str, ...] = ()

    def judge(self, policy: bytes, signature: bytes | None) -> Approval:
        """Return whether a policy's bytes and its signature count here."""
        return verify(
            policy,
            signature,
            trusted_keys=self.trusted,
            revoked_keys=self.revoked,
            environment=self.environment,
        )


@dataclass(frozen=True, slots=True)
class Chosen:
    """What becomes of one dataset's policy. `signature` is empty for a draft on prod."""

    policy: Policy
    signature: bytes = b""
    approval: Approval = field(default_factory=lambda: Approval(""))
    draft: Policy | None = None
    because: str = ""
    earlier: Artefact | None = None

    def files(self, name: str) -> dict[str, bytes]:
        """Return what of it lies in `target/`, by path."""
        found = {f"policies/{name}.json": codec.canonical(self.policy) + b"\n"}
        if self.signature:
            found[f"policies/{name}.sig"] = self.signature
        if self.draft is not None:
            found[f"drafts/{name}.json"] = codec.canonical(self.draft) + b"\n"
        if self.earlier is not None:
            found[f"earlier/{name}.json"] = self.earlier.policy.encode()
            found[f"earlier/{name}.sig"] = self.earlier.signature.encode()
        return found

    def entry(self, compiled: DatasetEntry) -> DatasetEntry:
        """Return the manifest's entry by what is active."""
        earlier = codec.decode(self.earlier.policy, Policy).digest if self.earlier else ""
        return policy_facts(
            compiled,
            self.policy,
            earlier=earlier,
            draft=self.draft.digest if self.draft else "",
            draft_because=self.because,
        )


def all_files(name: str) -> frozenset[str]:
    """Return every path in `target/` that a dataset's policy may take."""
    return frozenset(f"{folder}/{name}.{end}" for folder, end in _ENDS)


@dataclass(frozen=True, slots=True)
class Choice:
    """Chooses for one dataset after the other. `history` is None where no store answers."""

    trust: Trust
    folder: Path
    held: Mapping[str, Held]
    history: History | None
    key: Callable[[], SigningKey]
    now: datetime

    def of(self, policy: Policy) -> Chosen:
        """Return what is active now that `policy` was compiled.

        Raises PolicyRejected for a development key that cannot be used, StoreError.
        """
        known = self.held.get(policy.dataset_urn)
        standing = known.standing if known else None
        kept = self.approved(policy, standing)
        body = codec.canonical(policy) + b"\n"
        if kept is not None and kept.policy.digest == policy.digest:
            return self.beside(kept, standing)
        if kept is not None and self.trust.environment == "prod" and alike(kept.policy, policy):
            return self.beside(kept, standing)
        refused = standing is not None and standing.refused == policy.digest
        if kept is not None and (refused or self.trust.environment == "prod"):
            because = "rolled_back" if refused else "unapproved"
            drafted = replace(kept, draft=policy, because=because)
            return self.beside(drafted, standing)
        if self.trust.environment == "prod":
            return Chosen(policy)
        made = sign(
            policy.digest, self.key(), "dev", self.now,
            dataset=policy.dataset_urn, version=policy.version,
        )  # fmt: skip
        signature = codec.canonical(made) + b"\n"
        chosen = Chosen(policy, signature, self.trust.judge(body, signature))
        return self.beside(chosen, standing)

    def approved(self, compiled: Policy, standing: Standing | None) -> Chosen | None:
        """Return the approved policy that is active: by history, else by what lies in target/.

        What was approved elsewhere and put into `target/` counts where its version is new here.
        """
        urn = compiled.dataset_urn
        placed = self._placed(compiled.name, urn)
        if standing is None or self.history is None:
            return placed
        if placed is not None and placed.policy.version > standing.highest:
            return placed
        artefact = self.history.artefact(standing.digest)
        if artefact is None:
            return placed
        return self._of(artefact, urn) or placed

    def _placed(self, name: str, urn: str) -> Chosen | None:
        path = self.folder / "policies" / f"{name}.json"
        try:
            return self._counts(path.read_bytes(), path.with_suffix(".sig").read_bytes(), urn)
        except OSError:
            return None

    def _of(self, artefact: Artefact, urn: str) -> Chosen | None:
        return self._counts(artefact.policy.encode(), artefact.signature.encode(), urn)

    def _counts(self, policy: bytes, signature: bytes, urn: str) -> Chosen | None:
        """Return a policy that is approved for the dataset called `urn`."""
        approval = self.trust.judge(policy, signature)
        if approval.policy is None or approval.policy.dataset_urn != urn:
            return None
        return Chosen(approval.policy, signature, approval)

    def beside(self, chosen: Chosen, standing: Standing | None) -> Chosen:
        """Add the version before where it is still to be checked beside the new one."""
        digest = _earlier(chosen, standing)
        if not digest or self.history is None or not chosen.approval.at:
            return chosen
        if self.now >= beside_until(chosen.approval.at):
            return chosen
        artefact = self.history.artefact(digest)
        if artefact is None:
            return chosen
        found = self._of(artefact, chosen.policy.dataset_urn)
        if found is None or found.policy.version >= chosen.policy.version:
            return chosen
        return replace(chosen, earlier=artefact)


def alike(one: Policy, other: Policy) -> bool:
    """Tell whether two policies say the same, wherever their rules stand in the YAML."""
    return _unplaced(one) == _unplaced(other)


def _unplaced(policy: Policy) -> Policy:
    rules = tuple(msgspec.structs.replace(rule, source="") for rule in policy.rules)
    return msgspec.structs.replace(policy, rules=rules, digest="")


def unraised(chosen: Chosen, before: Held | None, history: History | None) -> bool:
    """Tell whether rules changed and the version did not go up."""
    if before is None or history is None or chosen.because == "rolled_back":
        return False
    policy, known = chosen.draft or chosen.policy, before.standing
    if policy.digest == known.digest or policy.version > known.highest:
        return False
    artefact = history.artefact(known.digest)
    return artefact is None or not alike(codec.decode(artefact.policy, Policy), policy)


def release_of(
    chosen: Chosen, before: Held | None, now: datetime, actor: str, *, reason: str = ""
) -> Release | None:
    """Return the move that a compile makes; None where nothing became active or nothing moved."""
    standing = before.standing if before else None
    approval = chosen.approval
    if not approval.by or (standing and standing.digest == chosen.policy.digest):
        return None
    return Release(
        number=standing.number + 1 if standing else 1,
        dataset_urn=chosen.policy.dataset_urn,
        version=chosen.policy.version,
        digest=chosen.policy.digest,
        action="compiled",
        by=approval.by,
        key_id=approval.key_id,
        at=format_instant(now),
        actor=actor,
        reason=reason,
        version_before=standing.version if standing else 0,
        digest_before=standing.digest if standing else "",
    )


def artefact_of(chosen: Chosen) -> Artefact:
    """Return what history keeps of an active policy."""
    body = codec.canonical(chosen.policy) + b"\n"
    return Artefact(body.decode(), chosen.signature.decode())


def signed_at(artefact: Artefact) -> Signature:
    """Return the signature that an artefact bears."""
    return codec.decode(artefact.signature, Signature)


def _earlier(chosen: Chosen, standing: Standing | None) -> str:
    """Return the digest of the version before, as history will have it after this compile."""
    if standing is None:
        return ""
    if standing.digest == chosen.policy.digest:
        return standing.earlier
    if chosen.policy.version > standing.version:
        return standing.digest
    return standing.earlier if chosen.policy.version == standing.version else ""

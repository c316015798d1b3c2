"""The policies a target ever held active, in its state store: it survives the loss of `target/`.

What became active is kept whole, with its signature, under its digest. Every move is compare-and-
set against the one before, so that of two who move at once one is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from sfctl.model import codec
from sfctl.model.release import Release, Standing, follow
from sfctl.state.port import ABSENT, Expect, Put, StateStore

RELEASES = "policy_releases"
"""State table: `<target>|<urn>|<number>` → the move."""
STANDING = "policy_standing"
"""State table: `<target>|<urn>` → what holds now."""
ARTEFACTS = "policy_artefacts"
"""State table: `<target>|<digest>` → policy and signature, as they stood in `target/`."""
KEYS = "policy_keys"
"""State table: `<target>|<short name>` → a public key, and whether it was revoked."""
MINIMUM = "policy_minimum"
"""State table: target → digest of the organisation's minimums that was signed last."""

PROD = "policy_prod"
"""State table: target → since when the organisation's approval is needed there."""


class Artefact(msgspec.Struct, frozen=True):
    """A compiled policy and its signature, byte for byte."""

    policy: str
    signature: str


class PinnedKey(msgspec.Struct, frozen=True, omit_defaults=True):
    """A public key that the store knows. `revoked_at` is empty for one that counts."""

    key: str
    at: str
    actor: str
    reason: str = ""
    revoked_at: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """What holds for a dataset, and the version of its item for compare-and-set."""

    standing: Standing
    expect: Expect


class History:
    """The moves of every dataset of one target. Methods raise StoreError; `add` Conflict.

    Targets may share a store: what one of them approved is no business of another.
    """

    def __init__(self, state: StateStore, target: str) -> None:
        self._state = state
        self._target = target
        self._own = f"{target}|"

    def standing(self) -> dict[str, Held]:
        """Return by URN what holds for every dataset."""
        items = self._state.query(STANDING, self._own)
        return {self._bare(item.key): _held(item.value, item.version) for item in items}

    def of(self, dataset_urn: str) -> Held | None:
        """Return what holds for one dataset, None where nothing ever was active."""
        item = self._state.get(STANDING, self._own + dataset_urn)
        return _held(item.value, item.version) if item else None

    def releases(self, dataset_urn: str) -> tuple[Release, ...]:
        """Return the moves of a dataset, oldest first."""
        items = self._state.query(RELEASES, f"{self._own}{dataset_urn}|")
        return tuple(codec.made(item.value, Release) for item in items)

    def artefact(self, digest: str) -> Artefact | None:
        """Return a policy that was active once."""
        item = self._state.get(ARTEFACTS, self._own + digest)
        return codec.made(item.value, Artefact) if item else None

    def add(
        self, moves: Iterable[tuple[Release, Artefact]], before: Mapping[str, Held]
    ) -> dict[str, Standing]:
        """Record moves, at most one a dataset, all or none; return what holds after them.

        `before` is what the moves were decided on. Raises Conflict where it no longer holds.
        """
        puts: list[Put] = []
        after: dict[str, Standing] = {}
        for release, artefact in moves:
            known = before.get(release.dataset_urn)
            standing = follow(known.standing if known else None, release)
            expect = known.expect if known else ABSENT
            name = self._own + release.dataset_urn
            puts += [
                Put(STANDING, name, codec.plain(standing), expect),
                Put(RELEASES, f"{name}|{release.number:08}", codec.plain(release)),
                Put(ARTEFACTS, self._own + release.digest, codec.plain(artefact)),
            ]
            after[release.dataset_urn] = standing
        if puts:
            self._state.transact(puts)
        return after

    def keys(self) -> dict[str, PinnedKey]:
        """Return the public keys pinned in the store, revoked ones included, by short name."""
        items = self._state.query(KEYS, self._own)
        return {self._bare(item.key): codec.made(item.value, PinnedKey) for item in items}

    def pin_key(self, name: str, key: PinnedKey) -> None:
        """Trust a public key from now on, or revoke it."""
        self._state.put(KEYS, self._own + name, codec.plain(key))

    def minimum(self) -> str:
        """Return the digest of the minimums that were signed last, empty where none were."""
        item = self._state.get(MINIMUM, self._target)
        return str(item.value.get("digest", "")) if item else ""

    def approve_minimum(self, digest: str, at: str, actor: str) -> None:
        """Keep the digest of minimums that were signed now."""
        self._state.put(MINIMUM, self._target, {"digest": digest, "at": at, "actor": actor})

    def prod_since(self) -> str:
        """Return when something was first approved for prod here, empty where nothing was."""
        item = self._state.get(PROD, self._target)
        return str(item.value.get("at", "")) if item else ""

    def stay_prod(self, at: str) -> None:
        """Keep that this target is one of production, whatever a repo says later."""
        if not self.prod_since():
            self._state.put(PROD, self._target, {"at": at})

    def _bare(self, key: str) -> str:
        return key.removeprefix(self._own)


def trust(settings: Mapping[str, object], pinned: Mapping[str, PinnedKey]) -> dict[str, object]:
    """Return a target's settings with the keys that count: those of the store, where it has any.

    A key revoked in either place is revoked.
    """
    own = texts(settings.get("trusted_keys"))
    live = tuple(each.key for each in pinned.values() if not each.revoked_at)
    revoked = {*texts(settings.get("revoked_keys"))}
    revoked |= {name for name, each in pinned.items() if each.revoked_at}
    resolved = {k: v for k, v in settings.items() if k not in ("trusted_keys", "revoked_keys")}
    if trusted := live or own:
        resolved["trusted_keys"] = list(trusted)
    if revoked:
        resolved["revoked_keys"] = sorted(revoked)
    return resolved


def texts(value: object) -> tuple[str, ...]:
    """Return a setting that may be one text or several as a tuple."""
    if isinstance(value, str):
        return (value,)
    return tuple(map(str, value)) if isinstance(value, list | tuple) else ()


def _held(value: Mapping[str, object], version: int) -> Held:
    return Held(codec.made(value, Standing), version)

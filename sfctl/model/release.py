"""One move in the life of a dataset's policy: which version became active, by whom, in whose place.

Moves are numbered from 1 and only ever added: a rollback is a move forward to an older artefact.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Action = Literal["compiled", "signed", "rolled_back"]


class Release(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A policy became active. `at` is RFC 3339 in UTC; `by` says whose signature it bears."""

    number: int
    dataset_urn: str
    version: int
    digest: str
    action: Action
    by: Literal["dev", "org"]
    key_id: str
    at: str
    actor: str
    reason: str = ""
    version_before: int = 0
    digest_before: str = ""


class Standing(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What holds for a dataset now, after its last move.

    `highest` is the highest version that ever was active. `earlier` is the digest of the version
    that is checked beside this one for its first days. `refused` is the digest a rollback moved
    away from: compiling it again does not bring it back.
    """

    number: int
    version: int
    digest: str
    highest: int
    earlier: str = ""
    refused: str = ""


def follow(before: Standing | None, release: Release) -> Standing:
    """Return what holds after a move.

    A raised version is checked beside the one it replaces; a version that changed under its own
    number keeps the companion it had; a rollback has none, for nobody wants the newer one checked.
    """
    if before is None:
        return Standing(
            number=release.number,
            version=release.version,
            digest=release.digest,
            highest=release.version,
        )
    earlier, refused = "", ""
    if release.action == "rolled_back":
        refused = before.digest
    elif release.version > before.version:
        earlier = before.digest
    elif release.version == before.version:
        earlier = before.earlier
    return Standing(
        number=release.number,
        version=release.version,
        digest=release.digest,
        highest=max(before.highest, release.version),
        earlier=earlier,
        refused=refused,
    )

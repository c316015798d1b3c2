"""Versions of a table and what may be said of them."""

from __future__ import annotations

from typing import Literal

import msgspec

VersionKind = Literal[
    "passed", "diverted", "failed", "failed_batch", "unjudged", "maintenance", "foreign"
]
CertificationStatus = Literal[
    "NEVER_CERTIFIED", "CERTIFIED", "HELD_AT_PREVIOUS", "STALE_ESCALATION"
]


class VersionRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """One table version in the ledger. `overwrites` means nothing older is left in it.

    passed: every gate passed. diverted: failing rows were kept out. failed: holds rows that
    failed. failed_batch: published although the batch failed as a batch. unjudged: published by
    us without a full judgement. maintenance: no row changed. foreign: a commit made past us.
    """

    version: int
    kind: VersionKind
    at: str
    run_id: str = ""
    operation: str = ""
    overwrites: bool = False
    policy_digest: str = ""
    rows: int = 0
    quarantined: int = 0
    eligible: bool = False
    """Whether the judgement of this version alone satisfies the certify predicate."""
    blockers: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    partitions: tuple[str, ...] = ()
    """Where its rows are; empty means anywhere."""
    replaces: tuple[str, ...] = ()
    """Partitions of which nothing older is left."""
    revalidated: bool = False
    """The whole table was judged at this version, and passed."""
    write_key: str = ""
    """The write that made it, where that was ours; a second commit that names it is foreign."""
    table: str = ""
    """The identity of the table, empty where it was not recorded."""


class Certificate(msgspec.Struct, frozen=True, omit_defaults=True):
    """The certification state of one dataset, moved only by compare-and-set."""

    dataset_urn: str
    status: CertificationStatus = "NEVER_CERTIFIED"
    certified_version: int | None = None
    last_certified_at: str = ""
    generation: int = 0
    held_since: str = ""
    held_reason: str = ""
    data_as_of: str = ""
    run_id: str = ""
    policy_digest: str = ""
    quarantined_rows: int = 0
    evidence: tuple[str, ...] = ()
    history: tuple[int, ...] = ()
    """Versions that were certified, oldest first, at most 100."""
    judged_version: int | None = None
    """The newest version the view has decided on."""
    distrusted: tuple[int, ...] = ()
    """Versions an operator moved back from; they taint until overwritten or revalidated."""
    table: str = ""
    """The identity of the table that the versions are of, empty where it was not recorded."""

"""The certified view of a dataset: its states, and the one place where it moves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from sfctl.clock import format_instant, parse_instant
from sfctl.errors import Conflict, UsageError
from sfctl.model import codec
from sfctl.model.certificate import Certificate, CertificationStatus
from sfctl.state.port import ABSENT, Expect, StateStore

TABLE = "certificate"
HISTORY = 100
STALE_AFTER = {1: timedelta(hours=24), 2: timedelta(hours=48), 3: timedelta(hours=72)}
ATTEMPTS = 5
REPLACED = "TABLE_REPLACED"
"""Why a view holds whose table was deleted and made anew."""


def load(state: StateStore, dataset_urn: str) -> Certificate:
    """Return the certificate of a dataset; one that never certified has generation 0."""
    return _load(state, dataset_urn)[0]


def move(
    state: StateStore,
    dataset_urn: str,
    change: Callable[[Certificate], Certificate],
    *,
    beyond: int = 0,
) -> Certificate:
    """Replace the certificate by `change(certificate)` with compare-and-set; return the new one.

    `change` is pure and may be asked again when another writer was quicker; one that returns its
    argument writes nothing. The new generation is past `beyond`, what readers have seen already: a
    state store that was lost begins anew, and its word would count for nothing.
    Raises Conflict when others keep winning.
    """
    for _ in range(ATTEMPTS):
        current, expect = _load(state, dataset_urn)
        changed = change(current)
        if changed == current and beyond <= current.generation:
            return current
        generation = max(current.generation, beyond) + 1
        changed = msgspec.structs.replace(changed, generation=generation)
        try:
            state.put(TABLE, dataset_urn, codec.plain(changed), expect=expect)
        except Conflict:
            continue
        return changed
    raise Conflict(
        f"the certified view of {dataset_urn} keeps being moved by others",
        hint="run `sfctl certify` once they are done",
    )


def of_table(certificate: Certificate, table: str) -> Certificate:
    """Return the certificate as it stands for the table with identity `table`.

    Nothing that was certified of another table counts for one put in its place. Where either
    identity is not known, the tables are taken to be the same.
    """
    if not table or certificate.table == table:
        return certificate
    if not certificate.table:
        return msgspec.structs.replace(certificate, table=table)
    return Certificate(
        certificate.dataset_urn,
        generation=certificate.generation,
        held_reason=REPLACED,
        table=table,
    )


def decided(
    certificate: Certificate,
    *,
    version: int | None,
    blockers: Sequence[str],
    at: str,
    run_id: str = "",
    policy_digest: str = "",
    quarantined_rows: int = 0,
    evidence: Sequence[str] = (),
    again: bool = False,
) -> Certificate:
    """Return the certificate after the predicate spoke on `version` (None: nothing published).

    A version the view has passed already changes nothing, unless it is judged `again`; without
    blockers the view moves to it, with blockers it stays and says since when and why.
    """
    passed = certificate.judged_version
    if version is not None and passed is not None and version <= passed and not again:
        return certificate
    judged = certificate.judged_version if version is None else version
    if blockers or version is None:
        replaced = [REPLACED] if REPLACED in certificate.held_reason.split(", ") else []
        blockers = [*replaced, *(blockers or ["BLOCKED"])]
        return msgspec.structs.replace(
            certificate,
            status=_held(certificate),
            held_since=certificate.held_since or at,
            held_reason=", ".join(blockers),
            judged_version=judged,
            run_id=run_id,
        )
    return msgspec.structs.replace(
        certificate,
        status="CERTIFIED",
        certified_version=version,
        last_certified_at=at,
        data_as_of=at,
        held_since="",
        held_reason="",
        run_id=run_id,
        policy_digest=policy_digest,
        quarantined_rows=quarantined_rows,
        evidence=tuple(evidence),
        history=(*(v for v in certificate.history if v != version), version)[-HISTORY:],
        judged_version=judged,
        distrusted=(),
    )


def moved_back(certificate: Certificate, version: int | None, at: str) -> Certificate:
    """Return the certificate with the view on an earlier certified version.

    None means the one before the present. Versions moved back from are distrusted until they are
    overwritten or revalidated. Raises UsageError SF320 for a version that was never certified.
    """
    present = certificate.certified_version
    earlier = [v for v in certificate.history if present is not None and v < present]
    if version is None and earlier:
        version = earlier[-1]
    if version is None or version not in certificate.history:
        known = ", ".join(map(str, certificate.history[-10:])) or "none"
        wanted = "an earlier certified version" if version is None else f"version {version}"
        raise UsageError(
            f"{wanted} of {certificate.dataset_urn} has no CERTIFIED record",
            hint=f"certified versions: {known}",
            code="SF320",
        )
    if version == present:
        return certificate
    newer = tuple(v for v in certificate.history if v > version)
    distrusted = (*certificate.distrusted, *newer)
    return msgspec.structs.replace(
        certificate,
        status="HELD_AT_PREVIOUS" if newer else "CERTIFIED",
        certified_version=version,
        held_since=(certificate.held_since or at) if newer else "",
        held_reason=f"ROLLED_BACK({present})" if newer else "",
        distrusted=tuple(dict.fromkeys(v for v in distrusted if v > version)),
    )


def status_at(certificate: Certificate, tier: int, now: datetime) -> CertificationStatus:
    """Return the status as of `now`: a view held past its tier's limit is STALE_ESCALATION."""
    if certificate.status != "HELD_AT_PREVIOUS" or not certificate.held_since:
        return certificate.status
    stale = now >= parse_instant(stale_at(certificate, tier))
    return "STALE_ESCALATION" if stale else "HELD_AT_PREVIOUS"


def stale_at(certificate: Certificate, tier: int) -> str:
    """Return when a held view becomes STALE_ESCALATION, empty when it is not held."""
    if not certificate.held_since:
        return ""
    limit = STALE_AFTER.get(tier, STALE_AFTER[3])
    return format_instant(parse_instant(certificate.held_since) + limit)


def _held(certificate: Certificate) -> CertificationStatus:
    if certificate.certified_version is None:
        return "NEVER_CERTIFIED"
    return "HELD_AT_PREVIOUS"


def _load(state: StateStore, dataset_urn: str) -> tuple[Certificate, Expect]:
    item = state.get(TABLE, dataset_urn)
    if item is None:
        return Certificate(dataset_urn), ABSENT
    return codec.made(item.value, Certificate), item.version

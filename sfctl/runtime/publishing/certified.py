"""What is certified: the pinned version of a gold table, and what is known of it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from sfctl.certification import pin, view
from sfctl.certification.pin import Pin
from sfctl.errors import SourceError, StoreError
from sfctl.model import urn
from sfctl.model.certificate import CertificationStatus
from sfctl.runtime.tables.formats import open_table
from sfctl.runtime.tables.port import Table
from sfctl.state.port import StateStore


class CertifiedInfo(msgspec.Struct, frozen=True):
    """What a reader should know. `status` is UNCERTIFIED only where the reader asked for it."""

    dataset_urn: str
    version: int
    status: CertificationStatus | Literal["UNCERTIFIED"]
    certified_at: str
    data_as_of: str
    certified_version: int | None
    held_since: str = ""
    held_reason: str = ""


def certified(
    dataset_urn: str,
    path: str,
    *,
    now: datetime,
    state: StateStore | None = None,
    format: str = "delta",
    tier: int = 3,
    on_stale: str = "serve_certified",
    allow_uncertified: bool = False,
) -> tuple[Table, CertifiedInfo]:
    """Return a table that has a certified version, and what is known of that; no row is read.

    The newer of state store and pin decides; without a store, or with one that does not answer,
    the pin alone does. With `allow_uncertified`, a dataset whose `on_stale` is `serve_uncertified`
    and whose view is held for too long has its newest version told, marked UNCERTIFIED.
    Raises SourceError SF321 when nothing was ever certified, SF323 when what was is of a table
    that is no longer there.
    """
    dataset = urn.without_stage(urn.canonical(dataset_urn))
    table = open_table(path, format)
    known = current_pin(dataset, path, state, format=format, tier=tier, on_stale=on_stale)
    if known is None or known.last_certified_version is None:
        raise SourceError(
            f"no version of {dataset} is certified",
            hint="run its gold job, or `sfctl certify --init`; `sfctl status` says what holds it",
            code="SF321",
        )
    present = table.identity()
    if known.table and present and present != known.table:
        raise SourceError(
            f"the table of {dataset} was replaced since version {known.last_certified_version} "
            "of the former one was certified",
            hint="`sfctl certify --revalidate` judges the table as it stands",
            code="SF323",
        )
    status = known.status_at(now)
    version, shown = known.last_certified_version, status
    label: CertificationStatus | Literal["UNCERTIFIED"] = shown
    if allow_uncertified and known.on_stale == "serve_uncertified" and status == "STALE_ESCALATION":
        version, label = _newest(table, version), "UNCERTIFIED"
    info = CertifiedInfo(
        dataset_urn=dataset,
        version=version,
        status=label,
        certified_at=known.last_certified_at,
        data_as_of=known.data_as_of,
        certified_version=known.last_certified_version,
        held_since=known.held_since,
        held_reason=known.held_reason,
    )
    return table, info


def current_pin(
    dataset_urn: str,
    path: str,
    state: StateStore | None,
    *,
    format: str,
    tier: int,
    on_stale: str,
) -> Pin | None:
    """Return the newer of what the state store and the file beside the table say."""
    found: list[Pin] = []
    if state is not None:
        try:
            certificate = view.load(state, dataset_urn)
        except StoreError:
            certificate = None
        if certificate is not None and certificate.generation:
            found.append(pin.pin_of(certificate, tier=tier, on_stale=on_stale, format=format))
    if "://" not in path:
        try:
            beside = pin.read(Path(path))
        except StoreError:
            if not found:
                raise
            beside = None
        if beside is not None:
            found.append(beside)
    return max(found, key=lambda p: p.generation, default=None)


def _newest(table: Table, version: int) -> int:
    head = table.head()
    return version if head is None else head

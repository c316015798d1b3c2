"""The pin: a small file beside the table that tells any reader which version is certified."""

from __future__ import annotations

import contextlib
import os
import tempfile
from datetime import datetime
from pathlib import Path

import msgspec

from sfctl.certification.view import stale_at
from sfctl.clock import parse_instant
from sfctl.errors import StoreError
from sfctl.model import codec
from sfctl.model.certificate import Certificate, CertificationStatus

NAME = Path("_sfctl") / "certified.json"
"""Below the table's folder; readers of Delta and Parquet skip names that begin with `_`."""


class Pin(msgspec.Struct, frozen=True):
    """What a reader on any machine needs to know."""

    dataset_urn: str
    certification_status: CertificationStatus
    last_certified_version: int | None
    last_certified_at: str
    data_as_of: str
    generation: int
    held_since: str = ""
    held_reason: str = ""
    stale_at: str = ""
    """When a held view becomes STALE_ESCALATION."""
    on_stale: str = "serve_certified"
    format: str = "delta"
    table: str = ""
    """The identity of the table the version is of, empty where it was not recorded."""
    schema: str = "sfctl.pin.v1"

    def status_at(self, now: datetime) -> CertificationStatus:
        """Return the status as of `now`."""
        held = self.certification_status == "HELD_AT_PREVIOUS" and self.stale_at != ""
        stale = held and now >= parse_instant(self.stale_at)
        return "STALE_ESCALATION" if stale else self.certification_status


def pin_of(certificate: Certificate, *, tier: int, on_stale: str, format: str) -> Pin:
    """Return the pin that says what the certificate says."""
    return Pin(
        dataset_urn=certificate.dataset_urn,
        certification_status=certificate.status,
        last_certified_version=certificate.certified_version,
        last_certified_at=certificate.last_certified_at,
        data_as_of=certificate.data_as_of,
        generation=certificate.generation,
        held_since=certificate.held_since,
        held_reason=certificate.held_reason,
        stale_at=stale_at(certificate, tier),
        on_stale=on_stale,
        format=format,
        table=certificate.table,
    )


def read(table: Path) -> Pin | None:
    """Return the pin of the table in folder `table`, or None. Raises StoreError SF633."""
    try:
        return codec.decode((table / NAME).read_bytes(), Pin)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise StoreError(
            f"the pin {table.name}/{NAME} cannot be read",
            hint="`sfctl certify` writes it anew from the state store",
            code="SF633",
        ) from error


def write(table: Path, pin: Pin) -> bool:
    """Replace the pin in one step, on the disk itself; return whether it moved.

    A pin with a higher generation stays. A damaged one is replaced. Raises StoreError SF633.
    """
    with contextlib.suppress(StoreError):
        present = read(table)
        if present is not None and present.generation >= pin.generation:
            return False
    path = table / NAME
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(prefix=".certified-", dir=path.parent)
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(codec.encode(pin) + b"\n")
            handle.flush()
            os.fchmod(handle.fileno(), table.stat().st_mode & 0o666)
            os.fsync(handle.fileno())
        os.replace(draft, path)  # noqa: PTH105
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise StoreError(
            f"the pin beside {table.name} cannot be written: {error.strerror}",
            hint="mend the folder, then run `sfctl certify`; readers keep the older pin",
            code="SF633",
        ) from error
    return True

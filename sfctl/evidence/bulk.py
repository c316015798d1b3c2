"""Payloads too large for a record: kept in a file beside the log, named by `payload_ref`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

from sfctl.errors import StoreError
from sfctl.model import codec
from sfctl.model.evidence import Evidence

LIMIT_BYTES = 60 * 1024
"""A record stays below 64 KiB; envelope and reference need some of it."""
FOLDER = "payloads"


def store(event: Evidence, folder: Path) -> Evidence:
    """Put the payload of an event into `folder`/payloads and return the event that refers to it."""
    name = f"{event.evidence_id}-{event.revision}.json"
    path = folder / FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}.tmp")
    fresh.write_bytes(codec.encode(event.payload))
    fresh.replace(path)
    small = {
        name: value
        for name, value in event.payload.items()
        if len(codec.encode(value)) <= LIMIT_BYTES // 64
    }
    kept = small if len(codec.encode(small)) <= LIMIT_BYTES // 2 else {}
    return msgspec.structs.replace(event, payload=kept, payload_ref=f"{FOLDER}/{name}")


def hydrate(event: Evidence, folder: Path) -> Evidence:
    """Return the event with its whole payload. Raises StoreError when the file is gone."""
    if not event.payload_ref:
        return event
    path = folder / FOLDER / Path(event.payload_ref).name
    try:
        payload = codec.decode(path.read_bytes(), dict[str, Any])
    except (OSError, msgspec.DecodeError) as error:
        raise StoreError(
            f"the payload {event.payload_ref} of {event.evidence_id} cannot be read",
            hint="it was written on another machine, or removed by a sweep",
            code="SF803",
        ) from error
    return msgspec.structs.replace(event, payload=payload)


def is_large(body: bytes) -> bool:
    """Tell whether an encoded event is too large for one record."""
    return len(body) > LIMIT_BYTES

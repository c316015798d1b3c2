"""Ids made from what happened, never from when it was written down: the same fact, the same id."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from sfctl.clock import parse_instant
from sfctl.model.run import RunContext

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MAX_MS = 2**48 - 1


def ulid(at: datetime, entropy: bytes) -> str:
    """Return the 26 characters of a ULID: 48 bits of `at` in ms, then 80 bits of `entropy`.

    Raises ValueError when `entropy` has fewer than 10 bytes.
    """
    if len(entropy) < 10:
        raise ValueError("a ULID needs 10 bytes of entropy")
    milliseconds = min(max(int(at.timestamp() * 1000), 0), _MAX_MS)
    number = milliseconds << 80 | int.from_bytes(entropy[:10], "big")
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def ulid_time(text: str) -> datetime:
    """Return the instant (UTC) a ULID, with or without its prefix, was built on.

    Raises ValueError for text that is no ULID.
    """
    body = text.rpartition("-")[2]
    if len(body) != 26:
        raise ValueError(f"not a ULID: {text!r}")
    milliseconds = 0
    for char in body[:10]:
        milliseconds = milliseconds << 5 | _ALPHABET.index(char)
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def entropy_of(*parts: object) -> bytes:
    """Return 32 bytes that only these parts in this order give."""
    digest = hashlib.sha256()
    for part in parts:
        text = str(part).encode()
        digest.update(b"%d:" % len(text))
        digest.update(text)
    return digest.digest()


def evidence_id(run: RunContext | None, at: datetime, *parts: object) -> str:
    """Return `evd-<ULID>` of a fact named by `parts` within `run`.

    The time part is the run's scheduled, else started time; `at` where there is no run.
    """
    if run is None:
        return "evd-" + ulid(at, entropy_of(*parts))
    return "evd-" + ulid(_anchor(run, at), entropy_of(run.run_id, run.attempt, *parts))


def signal_id(at: datetime, *parts: object) -> str:
    """Return `sig-<ULID>` of a signal; `at` is the run's anchor or the window's end."""
    return "sig-" + ulid(at, entropy_of(*parts))


def write_key(*parts: object) -> str:
    """Return the 32 hex digits that name a write, so that a retry finds its own commit.

    Parts by convention: job, logical date or partition, dataset, stage, write ordinal.
    """
    return entropy_of(*parts).hex()[:32]


def row_key_hash(key: bytes, *values: object) -> str:
    """Return 24 hex digits that stand for a row's key; without `key` no value can be tried out."""
    secret = hashlib.sha256(key).digest()
    digest = hashlib.blake2b(entropy_of(*values), digest_size=12, key=secret)
    return digest.hexdigest()


def _anchor(run: RunContext, at: datetime) -> datetime:
    try:
        return parse_instant(run.anchor)
    except ValueError:
        return at

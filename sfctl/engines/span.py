"""What is known of one open window or run: its evidence by id, so that a revision replaces.

At most 5,000 single records are held a span; those beyond are summed up without their ids, so the
totals stay exact and only a later revision of one of them would count anew. Pieces lie in small
buckets: taking one in copies its bucket alone.
"""

from __future__ import annotations

import zlib

import msgspec
from msgspec.structs import replace

KEPT_RECORDS = 5_000
KEPT_SINGLE = 10
"""Failing records that stay single when a run is summed up: what its signal refers to."""
KEPT_SUMS = 200
KEPT_SIGNATURES = 500
_BUCKETS = 256


class Piece(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one event counts. `told` says how: record, counter, gate, write, facet or output."""

    told: str
    at: str
    stage: str = ""
    revision: int = 0
    passed: int = 0
    failed: int = 0
    signatures: dict[str, int] = {}
    first_seen: dict[str, str] = {}
    producer: str = ""
    version: str = ""
    reason: str = ""
    """The batch rule that failed, where the gate failed for more than its rows."""


class Span(msgspec.Struct, frozen=True, omit_defaults=True):
    """One open window (`name` is its start) or run (`name` is its id, and attempt)."""

    name: str
    start: str
    end: str
    run_id: str = ""
    buckets: dict[str, dict[str, Piece]] = {}
    held: int = 0
    """How many pieces lie in the buckets."""
    sums: dict[str, Piece] = {}
    """Records without their ids, by sender and result."""
    summed: bool = False
    """Whether a gate or a write has counted the run's rows."""
    records: bool = False
    over: bool = False
    """Whether the run's end was seen."""
    judged: bool = False
    anchor: str = ""
    """The start as first judged: what the id of its signal is made of."""
    counted: dict[str, int] = {}
    """Failures by signature, as last judged."""
    blocked: bool = False
    job_urn: str = ""
    dag_id: str = ""
    dag_run_id: str = ""
    spark: bool = False

    def named(self) -> dict[str, Piece]:
        """Return the pieces whose ids are known."""
        return {name: piece for held in self.buckets.values() for name, piece in held.items()}

    def pieces(self) -> list[Piece]:
        """Return every piece, sums included."""
        return [*self.named().values(), *self.sums.values()]


def added(span: Span, name: str, piece: Piece) -> Span:
    """Take a piece in; a known id counts again only with a higher revision, in its place."""
    key = f"{zlib.crc32(name.encode()) % _BUCKETS:02x}"
    bucket = span.buckets.get(key, {})
    known = bucket.get(name)
    if known is not None and known.revision >= piece.revision:
        return span
    if known is None and piece.told == "record" and span.held >= KEPT_RECORDS:
        return replace(span, sums=_sum(span.sums, piece), judged=False)
    return replace(
        span,
        buckets={**span.buckets, key: {**bucket, name: piece}},
        held=span.held + (known is None),
        summed=span.summed or piece.told in ("gate", "write"),
        records=span.records or piece.told == "record",
        judged=False,
    )


def merged(span: Span, other: Span) -> Span:
    """Return a run with the pieces of another added to its own."""
    both = span
    for name, piece in other.named().items():
        both = added(both, name, piece)
    return replace(
        both,
        start=min(span.start, other.start),
        end=max(span.end, other.end),
        over=span.over or other.over,
        judged=span.judged and other.judged,
        blocked=span.blocked or other.blocked,
        dag_id=span.dag_id or other.dag_id,
        dag_run_id=span.dag_run_id or other.dag_run_id,
        spark=span.spark or other.spark,
    )


def shrunk(span: Span) -> Span:
    """Return a run whose single records are summed up, all but those its signal refers to."""
    named = span.named()
    records = [name for name, piece in named.items() if piece.told == "record"]
    records.sort(key=lambda name: (not named[name].failed, named[name].at, name))
    sums = span.sums
    for name in records[KEPT_SINGLE:]:
        sums = _sum(sums, named.pop(name))
    small = replace(span, buckets={}, held=0, sums=sums)
    for name, piece in named.items():
        small = added(small, name, piece)
    return replace(small, judged=span.judged)


def _sum(sums: dict[str, Piece], piece: Piece) -> dict[str, Piece]:
    sender = "|".join((piece.stage, piece.producer, piece.version, "bad" if piece.failed else "ok"))
    if sender not in sums and len(sums) >= KEPT_SUMS:
        sender = "bad" if piece.failed else "ok"
        piece = replace(piece, stage="", producer="", version="")
    known = sums.get(sender)
    if known is None:
        return {**sums, sender: piece}
    signatures = dict(known.signatures)
    first = dict(known.first_seen)
    for text, count in piece.signatures.items():
        name = text
        if text not in signatures and len(signatures) >= KEPT_SIGNATURES:
            name = text.partition(":")[0] + ":*"
        if name not in first:
            first[name] = known.at if name in signatures else piece.at
        first[name] = min(first[name], piece.at)
        signatures[name] = signatures.get(name, 0) + count
    total = replace(
        known,
        at=min(known.at, piece.at),
        passed=known.passed + piece.passed,
        failed=known.failed + piece.failed,
        signatures=signatures,
        first_seen=first,
    )
    return {**sums, sender: total}

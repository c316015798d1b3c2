"""What is known of one open window or run: its evidence by id, so that a revision replaces.

At most 5,000 single pieces are held a span; those beyond are summed up without their ids, so the
totals stay exact and only a later revision of one of them would count anew.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from sfctl.model.signal import EVIDENCE_REFS, TOP_FAILURES, Failure

KEPT_RECORDS = 5_000


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
    """One open window (`name` is its start) or run (`name` is its id)."""

    name: str
    start: str
    end: str
    pieces: dict[str, Piece] = {}
    over: bool = False
    """Whether the run's end was seen."""
    judged: bool = False
    blocked: bool = False
    job_urn: str = ""
    dag_id: str = ""
    dag_run_id: str = ""
    spark: bool = False


def added(span: Span, name: str, piece: Piece) -> Span:
    """Take a piece in; a known id counts again only with a higher revision, in its place."""
    known = span.pieces.get(name)
    if known is not None and known.revision >= piece.revision:
        return span
    if known is None and piece.told == "record" and len(span.pieces) >= KEPT_RECORDS:
        name = f"rest:{piece.stage}:{piece.producer}:{piece.version}"
        piece = _sum(span.pieces.get(name), piece)
    return replace(span, pieces={**span.pieces, name: piece}, judged=False)


def _sum(known: Piece | None, piece: Piece) -> Piece:
    if known is None:
        return piece
    signatures = dict(known.signatures)
    for text, count in piece.signatures.items():
        signatures[text] = signatures.get(text, 0) + count
    return replace(
        known,
        at=min(known.at, piece.at),
        passed=known.passed + piece.passed,
        failed=known.failed + piece.failed,
        signatures=signatures,
    )


def failures(pieces: Iterable[Piece]) -> tuple[Failure, ...]:
    """Return the five most frequent signatures, then by name, with who sent most of each."""
    counts: dict[str, int] = {}
    first: dict[str, str] = {}
    senders: dict[str, dict[tuple[str, str], int]] = {}
    for piece in pieces:
        for text, count in piece.signatures.items():
            counts[text] = counts.get(text, 0) + count
            seen = piece.first_seen.get(text, piece.at)
            first[text] = min(first.get(text, seen), seen)
            by = senders.setdefault(text, {})
            who = (piece.producer, piece.version)
            by[who] = by.get(who, 0) + count
    top = sorted(counts, key=lambda text: (-counts[text], text))[:TOP_FAILURES]
    found = []
    for text in top:
        who = min(senders[text], key=lambda each: (-senders[text][each], each))
        found.append(
            Failure(text, counts[text], first[text], producer=who[0], producer_version=who[1])
        )
    return tuple(found)


def references(pieces: dict[str, Piece]) -> tuple[str, ...]:
    """Return at most ten ids, failures first, each in order of time."""
    named = [name for name in pieces if not name.startswith("rest:")]
    named.sort(key=lambda name: (not pieces[name].failed, pieces[name].at, name))
    return tuple(named[:EVIDENCE_REFS])

"""Which failures a signal names, since when and from whom, and which were never seen before."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import msgspec

from sfctl.clock import format_instant, parse_instant
from sfctl.engines.span import Piece, Span
from sfctl.model.signal import EVIDENCE_REFS, TOP_FAILURES, Failure

QUIET = timedelta(days=30)
KEPT_KNOWN = 1_000


class Known(msgspec.Struct, frozen=True, omit_defaults=True):
    """A signature in the windows and runs that are let go: when, and how often in all."""

    first: str
    last: str
    total: int = 0


class History(msgspec.Struct, frozen=True):
    """What was before a span: the spans still kept, and what is known of older ones."""

    spans: tuple[Span, ...]
    known: dict[str, Known]

    def before(self, span: Span, text: str) -> tuple[int, bool]:
        """Return how often a signature came before, and whether in the last 30 days."""
        since = format_instant(parse_instant(span.start) - QUIET)
        here = (span.start, span.name)
        earlier = [s for s in self.spans if text in s.counted and (s.start, s.name) < here]
        number = sum(each.counted[text] for each in earlier)
        recent = any(each.start >= since for each in earlier)
        older = self.known.get(text)
        if older is not None and older.first < span.start:
            number += older.total
            recent = recent or older.last >= since
        return number, recent


def counts(pieces: Iterable[Piece]) -> dict[str, int]:
    """Return failures by signature."""
    found: dict[str, int] = {}
    for piece in pieces:
        for text, count in piece.signatures.items():
            found[text] = found.get(text, 0) + count
    return found


def learned(known: dict[str, Known], span: Span) -> dict[str, Known]:
    """Return what is known, with a span that is let go added; the last seen 1,000 stay."""
    found = dict(known)
    for text, count in span.counted.items():
        was = found.get(text) or Known(span.start, span.start)
        found[text] = Known(
            min(was.first, span.start), max(was.last, span.start), was.total + count
        )
    if len(found) > KEPT_KNOWN:
        newest = sorted(found, key=lambda text: (found[text].last, text))[-KEPT_KNOWN:]
        found = {text: found[text] for text in sorted(newest)}
    return found


def failures(span: Span, chosen: Iterable[Piece], history: History) -> tuple[Failure, ...]:
    """Return the five most frequent signatures, then by name, with who sent most of each.

    Each is dated by its first record where there is one, else by what a summary says.
    """
    pieces = list(chosen)
    number = counts(pieces)
    top = sorted(number, key=lambda text: (-number[text], text))[:TOP_FAILURES]
    told = {text: _first(pieces, text) for text in top}
    exact = _records(span, top)
    found = []
    for text in top:
        senders: dict[tuple[str, str], int] = {}
        for piece in pieces:
            if count := piece.signatures.get(text):
                who = (piece.producer, piece.version)
                senders[who] = senders.get(who, 0) + count
        who = min(senders, key=lambda each: (-senders[each], each))
        before, recent = history.before(span, text)
        seen = min(filter(None, (told[text][0], exact.get(text, ""))), default=told[text][1])
        found.append(
            Failure(
                text,
                number[text],
                seen,
                total=before + number[text],
                is_new=not recent,
                producer=who[0],
                producer_version=who[1],
            )
        )
    return tuple(found)


def began(span: Span, chosen: Iterable[Piece]) -> str:
    """Return when the first failing evidence of a span happened."""
    records = [p.at for p in span.pieces() if p.failed and p.told == "record"]
    others = [p.at for p in chosen if p.failed]
    return min(records, default="") or min(others, default="") or span.start


def references(span: Span) -> tuple[str, ...]:
    """Return at most ten ids, failures first, each in order of time."""
    named = span.named()
    order = sorted(named, key=lambda name: (not named[name].failed, named[name].at, name))
    return tuple(order[:EVIDENCE_REFS])


def _first(pieces: list[Piece], text: str) -> tuple[str, str]:
    """Return when a summary says it saw a signature first, and the time of the first summary."""
    having = [piece for piece in pieces if text in piece.signatures]
    said = [piece.first_seen[text] for piece in having if text in piece.first_seen]
    return min(said, default=""), min(piece.at for piece in having)


def _records(span: Span, texts: Iterable[str]) -> dict[str, str]:
    wanted = set(texts)
    found: dict[str, str] = {}
    for piece in span.pieces():
        if piece.told != "record":
            continue
        for text in piece.signatures:
            if text in wanted:
                at = piece.first_seen.get(text, piece.at)
                found[text] = min(found.get(text, at), at)
    return found

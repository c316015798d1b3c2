"""Which pieces speak for a window or a run, where several tell of the same rows."""

from __future__ import annotations

from msgspec.structs import replace

from sfctl.engines.span import Piece, Span, merged


def counted(window: Span) -> list[Piece]:
    """Return the pieces that count in a window: a producer's counters instead of its records."""
    pieces = window.pieces()
    counters = [piece for piece in pieces if piece.told == "counter"]
    exact = {piece.producer for piece in counters}
    if "" in exact:
        return counters
    return [*counters, *(p for p in pieces if p.told != "counter" and p.producer not in exact)]


def chosen(run: Span) -> list[Piece]:
    """Return the pieces that speak for a run: the worst stage of the best source there is.

    A stage is told by its gate, else by what was written.
    """
    pieces = run.pieces()
    by: dict[str, list[Piece]] = {}
    for told in ("gate", "write"):
        found = [piece for piece in pieces if piece.told == told]
        for stage in {piece.stage for piece in found} - set(by):
            by[stage] = [piece for piece in found if piece.stage == stage]
    if by:
        return by[max(sorted(by), key=lambda stage: _badness(by[stage]))]
    facets = [piece for piece in pieces if piece.told == "facet"]
    if facets:
        return [max(facets, key=lambda piece: (piece.at, piece.revision))]
    failed = [piece for piece in pieces if piece.told == "record"]
    written = [piece for piece in pieces if piece.told == "output"]
    if written:
        rows = max(piece.passed for piece in written)
        return [*(replace(p, passed=0) for p in failed), replace(written[-1], passed=rows)]
    return failed


def _badness(pieces: list[Piece]) -> tuple[float, bool]:
    return -_rate(pieces), any(piece.reason for piece in pieces)


def attempts(runs: dict[str, Span]) -> list[Span]:
    """Return the runs to judge; lineage that names no attempt belongs to the last one."""
    last: dict[str, str] = {}
    for name, run in runs.items():
        if name != run.run_id:
            last[run.run_id] = max(last.get(run.run_id, name), name, key=_attempt)
    if not last:
        return list(runs.values())
    found = []
    for name, run in runs.items():
        bare = runs.get(run.run_id)
        lonely = bare is not None and not (bare.summed or bare.records)
        if name == run.run_id and name in last and lonely:
            continue
        joined = bare is not None and lonely and last.get(run.run_id) == name
        found.append(merged(run, bare) if joined and bare is not None else run)
    return found


def _attempt(name: str) -> int:
    number = name.rpartition("#")[2]
    return int(number) if number.isdecimal() else 0


def _rate(pieces: list[Piece]) -> float:
    good, bad = sum(p.passed for p in pieces), sum(p.failed for p in pieces)
    return good / (good + bad) if good + bad else 1.0

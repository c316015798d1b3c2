"""How often a failure was seen, added up exactly: a value that folds occurrences, one a signature.

One run's failures may be told record by record, by its gates, and once more in a summary: the
greatest of these counts. What is told by an event counts once, its amendment in its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sfctl.graph.meaning.occurrences import FACET, QUARANTINED, RECORDS, Occurrence

TABLE = "graph_signatures"
KEPT = 100
"""How many runs, and events of one run or stream, are remembered apart; older ones as a sum."""
_REPEATS = frozenset({RECORDS, FACET, QUARANTINED})
_OLDER = "older"

Tally = dict[str, dict[str, Any]]
"""`runs`: run (empty outside runs) → source → count; `sums`: what is no longer kept apart."""


def key(dataset: str, signature: str) -> str:
    """Return the state table's key of a signature on a dataset."""
    return f"{dataset}|{signature}"


def folded(tally: Mapping[str, Any], occurrence: Occurrence, revision: int = 0) -> Tally:
    """Return the tally with an occurrence added."""
    runs = {run: dict(sources) for run, sources in tally.get("runs", {}).items()}
    sums = dict(tally.get("sums", {}))
    sources = runs.setdefault(occurrence.run, {})
    source, count = occurrence.source, occurrence.count
    if source == RECORDS:
        sources[RECORDS] = sources.get(RECORDS, 0) + (count if revision == 0 else 0)
    elif source in _REPEATS:
        sources[source] = max(sources.get(source, 0), count)
    else:
        sources[source] = count
    told = [name for name in sources if name not in _REPEATS and name != _OLDER]
    if len(told) > KEPT:
        oldest = min(told)
        sources[_OLDER] = sources.get(_OLDER, 0) + sources.pop(oldest)
    if len(runs) > KEPT:
        oldest = next(run for run in runs if run)
        sums["runs"] = sums.get("runs", 0) + of_run(runs.pop(oldest))
    return {"runs": runs, "sums": sums}


def of_run(sources: Mapping[str, int]) -> int:
    """Return how often one run met the signature."""
    told = sum(count for name, count in sources.items() if name not in _REPEATS)
    return max(told, *(sources.get(name, 0) for name in sorted(_REPEATS)))


def total(tally: Mapping[str, Any]) -> int:
    """Return how often the signature was seen on its dataset."""
    kept: Mapping[str, Mapping[str, int]] = tally["runs"]
    older: Mapping[str, int] = tally["sums"]
    return sum(map(of_run, kept.values())) + sum(older.values())

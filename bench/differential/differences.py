"""The documented differences: one key each, a paragraph of docs/peers.md under the same name.

Every key is a habit that `meaning.meant` knows how to follow, so that a peer's answer is foretold
from the data and not merely excused.
"""

from __future__ import annotations

PANDERA = "pandera"
CUALLEE = "cuallee"
GREAT_EXPECTATIONS = "great_expectations"
PEERS = (GREAT_EXPECTATIONS, PANDERA, CUALLEE)

HABITS: dict[str, tuple[str, ...]] = {
    "null-in-a-set": (CUALLEE,),
    "null-in-a-range": (CUALLEE,),
    "null-expression": (CUALLEE,),
    "nan-is-a-value": (PANDERA, CUALLEE),
    "nan-is-present": (PANDERA, CUALLEE),
    "null-is-a-value": (PANDERA, CUALLEE),
    "pair-with-null-fails": (GREAT_EXPECTATIONS,),
    "final-newline": (GREAT_EXPECTATIONS,),
    "unicode-classes": PEERS,
    "marks-are-letters": (PANDERA, CUALLEE),
    "days-without-zeros": (GREAT_EXPECTATIONS,),
    "two-zones-raise": (PANDERA, CUALLEE),
    "share-of-present": (GREAT_EXPECTATIONS,),
    "type-of-the-column": (GREAT_EXPECTATIONS,),
    "integers-as-floats": (GREAT_EXPECTATIONS,),
    "bounds-as-floats": (GREAT_EXPECTATIONS,),
    "integers-wrap": PEERS,
    "nothing-by-zero": (PANDERA,),
    "every-digit": PEERS,
    "infinity-counts": (GREAT_EXPECTATIONS, PANDERA),
    "nearest-quantiles": (GREAT_EXPECTATIONS,),
    "null-spoils-quantiles": (CUALLEE,),
    "null-spoils-decimals": (GREAT_EXPECTATIONS,),
    "nothing-passes": (PANDERA,),
    "nothing-fails": (GREAT_EXPECTATIONS,),
    "nothing-raises": (CUALLEE,),
    "nothing-counts": PEERS,
}


def habits_of(peer: str) -> frozenset[str]:
    """Return what a peer does differently from us."""
    return frozenset(key for key, peers in HABITS.items() if peer in peers)

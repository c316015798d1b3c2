"""What might be the cause, with what speaks for and against it: read first, weighed later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sfctl.model.explanation import Kind


@dataclass(frozen=True, slots=True)
class Reading:
    """How far one factor holds, from 0 to 1, and the sentence that says why."""

    value: float
    because: str
    refs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A possible cause. `ruled_out` says why it is none; `origin` groups what has one origin."""

    kind: Kind
    ref: str
    statement: str
    at: str = ""
    readings: Mapping[str, Reading] = field(default_factory=dict)
    refs: tuple[str, ...] = ()
    ruled_out: str = ""
    origin: str = ""
    signature: str = ""
    """The failure it explains, as text."""

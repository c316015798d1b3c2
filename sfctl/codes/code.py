"""What a code is: its title, what it means, what to do about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """What a code means to the person who sees it."""

    title: str
    meaning: str
    remedy: str

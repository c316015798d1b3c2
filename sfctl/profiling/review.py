"""Drafts that nobody has reviewed: told by their first line, which their reviewer takes out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from sfctl.clock import parse_instant

MARK = "# sfctl-draft: "
REVIEW = timedelta(hours=48)
"""How long a draft may wait before `status` names it."""


def drafted_at(file: Path) -> datetime | None:
    """Return when a bundle was drafted, None where there is none or a person has taken it over."""
    try:
        with file.open(encoding="utf-8") as lines:
            first = lines.readline(200)
        if not first.startswith(MARK):
            return None
        return parse_instant(first.removeprefix(MARK).split()[0])
    except (OSError, ValueError, IndexError):
        return None


def late_drafts(root: Path, now: datetime) -> Iterator[tuple[str, datetime]]:
    """Yield dataset and time of the drafts of a data repo that have waited longer than `REVIEW`."""
    for file in sorted(root.glob("datasets/*/policy_bundle.yaml")):
        at = drafted_at(file)
        if at is not None and now - at > REVIEW:
            yield file.parent.name, at

"""What a process of ours says by its exit code. One place, so that scripts can rely on it."""

from __future__ import annotations

OK = 0
FOUND = 1
"""Ran; violations, incidents or a blocked publish were found."""
USAGE = 2
"""The user must change something: usage, YAML, policy."""
UNABLE = 3
"""Could not run: source, server, missing extra, or a fault of ours."""
UNDELIVERED = 4
"""Ran, but evidence or results were not delivered."""
INTERRUPTED = 130

_SEVERITY = {OK: 0, FOUND: 1, UNDELIVERED: 2, UNABLE: 3, USAGE: 4, INTERRUPTED: 5}


def worst(*codes: int) -> int:
    """Return the code that wins when several apply: 3 before 4 before 1 before 0."""
    return max(codes, key=lambda code: _SEVERITY.get(code, 3), default=OK)

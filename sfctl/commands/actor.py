"""Who asks: the name that goes on the record."""

from __future__ import annotations

import getpass
import os


def actor() -> str:
    """Return SFCTL_ACTOR where it is set, else the user of this process."""
    named = os.environ.get("SFCTL_ACTOR")
    if named:
        return named
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"

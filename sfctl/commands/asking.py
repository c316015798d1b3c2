"""A yes before something that counts: asked on the terminal, never guessed."""

from __future__ import annotations

import sys

from sfctl.errors import UsageError
from sfctl.model import legible


def agreed(said: str, question: str) -> bool:
    """Show what is about to happen and ask.

    Raises UsageError SF344 where there is no terminal to ask on.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            "there is nobody to ask here",
            hint="look at it with `sfctl policy diff NAME`, then give --yes",
            code="SF344",
        )
    sys.stderr.write(f"{legible.lines(said)}\n{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")

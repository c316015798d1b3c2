"""The door: quick answers at the cost of the interpreter alone, and the way to everything else.

A verb's module is imported when the verb is called; what happens then stands in `dispatch.py`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from sfctl.verbs import help_text


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return the exit code; the entry point of the `sfctl` script."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        if not words or (words[0] in ("--help", "-h", "help") and len(words) == 1):
            answer = help_text()
        elif words[0] == "--version":
            from sfctl import __version__

            answer = f"sfctl {__version__}"
        else:
            from sfctl.dispatch import dispatch

            return dispatch(words)
        print(answer, flush=True)  # noqa: T201
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        from sfctl.dispatch import abandon_stdout

        abandon_stdout()
    return 0

"""The exception that ended a process of a supervised job, where no `sf.job` stands around it.

Python keeps it for us (`sys.last_value`) once it has told of it, so nothing that the job prints,
catches or hooks is touched.
"""

from __future__ import annotations

import atexit
import contextlib
import sys

from sfctl.runtime.job import failure
from sfctl.runtime.job.journal import Journal

KIND = "uncaught"
EXIT_CODE = 1
"""What Python ends with then; a process of the job that ends otherwise had another reason."""


def watch(journal: Journal) -> None:
    """Have what nobody caught noted when this process ends."""
    atexit.register(note, journal)


def note(journal: Journal) -> None:
    """Note what nobody caught in this process, if there is any. Never raises."""
    error = getattr(sys, "last_value", None)
    if isinstance(error, BaseException):
        with contextlib.suppress(Exception):
            journal.note(KIND, {"failed": True, **failure.describe(error)})

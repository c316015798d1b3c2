"""Whose fault it is that rows could not be taken: the job's, or that of what we measured with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

_RUNNING = "_sfctl_running"
_CONTEXT = re.compile(r"== (?:SQL|DataFrame)[^\n]*==\n([^\n]*)")


@contextmanager
def running() -> Iterator[None]:
    """Mark what Spark raises while it computes or writes rows; it passes through as it is."""
    try:
        yield
    except Exception as error:
        error.__dict__[_RUNNING] = True
        raise


def ours(error: BaseException, measures: Mapping[str, str]) -> bool:
    """Say whether taking rows failed for a measure that rode along: do without, and it may do.

    Spark tells the text of the expression that failed; where that is no measure's, or none is
    told, the rows themselves could not be computed.
    """
    if not measures:
        return False
    if not of_the_job(error):
        return type(error).__name__ == "AnalysisException"
    told = [found.strip() for found in _CONTEXT.findall(str(error))]
    return any(text and text in measure for text in told for measure in measures.values())


def of_the_job(error: BaseException) -> bool:
    """Say whether Spark raised it while it computed or wrote the rows of the job."""
    return bool(error.__dict__.get(_RUNNING))

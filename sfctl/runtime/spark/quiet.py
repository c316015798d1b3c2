"""One warning of pyspark, silenced where we cause it: that pandas 3 is newer than it knows.

What is ours of pyspark hands pandas nothing. Where warnings are errors this one would end a write.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_SAID = "PySpark does not yet fully support pandas"


@contextmanager
def about_pandas() -> Iterator[None]:
    """Let pyspark ask for pandas without a word."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", _SAID, FutureWarning)
        yield

"""Every engine for tests that are to say the same of each."""

from __future__ import annotations

import pytest

from tests.conformance.runtime.engines import Engine, Polars, Spark


@pytest.fixture(params=["polars", "spark"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Return each engine in turn."""
    if request.param == "polars":
        return Polars()
    return Spark(request.getfixturevalue("spark"))

"""What holds for every test: how long something takes proves nothing on a busy machine."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests import spark_rig

settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


@pytest.fixture(scope="session")
def spark() -> Any:
    """Return a Spark session with Delta; the tests of one process share it."""
    return spark_rig.required()

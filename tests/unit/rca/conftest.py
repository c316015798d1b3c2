"""Worlds in which something went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.rca.world import World, contract_break, enum_drift


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An empty world."""
    made = World.at(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, str]]:
    """Scenario 1 and its incident."""
    made = World.at(tmp_path_factory.mktemp("one"))
    yield made, contract_break(made)
    made.close()


@pytest.fixture(scope="module")
def drifted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, str]]:
    """Scenario 2 and its drift signal."""
    made = World.at(tmp_path_factory.mktemp("two"))
    yield made, enum_drift(made)
    made.close()

"""A repo of its own for every test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.odcs.shop import Shop


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shop:
    """An empty data repo."""
    return Shop(tmp_path, capsys)

"""A small compiled project, copied for each test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.shop_rig import Shop, compile_shop, copy_shop


@pytest.fixture(scope="session")
def compiled_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("shop")
    compile_shop(root)
    return root


@pytest.fixture
def shop(compiled_shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A project of its own; this process works in it."""
    for name in list(os.environ):
        if name.startswith("SFCTL_"):
            monkeypatch.delenv(name)
    made = copy_shop(compiled_shop, tmp_path / "shop")
    monkeypatch.setenv("SFCTL_PROJECT_DIR", str(made.root))
    return made

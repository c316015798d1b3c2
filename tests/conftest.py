"""What holds for every test: how long something takes proves nothing on a busy machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests import spark_rig
from tests.shop_rig import Shop, compile_shop, copy_shop

settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


@pytest.fixture(scope="session")
def spark() -> Any:
    """Return a Spark session with Delta; the tests of one process share it."""
    return spark_rig.required()


@pytest.fixture(scope="session")
def compiled_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small compiled project, to be copied by each test that changes it."""
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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what nobody asked for, and let one worker run the tests of the shared session.

    A second JVM would warm up in vain.
    """
    unasked = [item for item in items if not _asked(item)]
    if unasked:
        config.hook.pytest_deselected(items=unasked)
        items[:] = [item for item in items if _asked(item)]
    for item in items:
        params = item.callspec.params if hasattr(item, "callspec") else {}
        if "spark" in getattr(item, "fixturenames", ()) or params.get("engine") == "spark":
            item.add_marker(pytest.mark.spark)
            item.add_marker(pytest.mark.xdist_group("spark"))
        elif "spark" in item.path.parent.parts[-2:]:
            item.add_marker(pytest.mark.spark)


def _asked(item: pytest.Item) -> bool:
    mark = item.get_closest_marker("asked_by")
    return mark is None or bool(os.environ.get(mark.args[0]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line, which nobody overlooks, that Spark was not tested."""
    skipped = terminalreporter.stats.get("skipped", [])
    told = [r.longrepr[2] for r in skipped if spark_rig.SKIPPED in str(r.longrepr)]
    if told:
        why = told[0].partition(f"{spark_rig.SKIPPED}: ")[2]
        line = f"SPARK WAS NOT TESTED: {len(told)} tests skipped, for {why}"
        terminalreporter.write_sep("!", line, red=True, bold=True)

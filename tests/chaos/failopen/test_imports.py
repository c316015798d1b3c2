"""Each of our modules raises at import: the rows arrive, never in plaintext where acted on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import sfctl
from tests.shop_rig import Shop

PACKAGE = Path(sfctl.__file__).parent
MODULES = sorted(
    ".".join(("sfctl", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
    if path != PACKAGE / "__init__.py" and "templates" not in path.parts
)
IDS = [1, 2, 3]
pytestmark = pytest.mark.xdist_group("imports")
"""Some forty seconds for all modules, once."""


@pytest.fixture(scope="session")
def outcomes(
    compiled_shop: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("SFCTL_", "COV"))}
    script = Path(__file__).with_name("each_import.py")
    done = subprocess.run(
        [sys.executable, script, compiled_shop, tmp_path_factory.mktemp("broken"), *MODULES],
        env=clean,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = (json.loads(line) for line in done.stdout.splitlines())
    return {each["module"]: each for each in found}


@pytest.mark.parametrize("module", MODULES)
def test_a_module_that_raises_at_import_costs_the_job_nothing(
    module: str, outcomes: dict[str, dict[str, Any]]
) -> None:
    if module not in outcomes:
        assert not module.startswith("sfctl.wiring"), "a job imports that"
        return
    came = outcomes[module]
    assert came["hit"]
    assert came["own_exception"], came["raised"]
    tables = came["tables"]
    assert [row["id"] for row in tables["orders"]] == IDS
    assert [row["id"] for row in tables["plain"]] == IDS
    for name in ("orders", "strict", "everywhere"):
        assert "a@b.org" not in [row["contact"] for row in tables[name] or ()]
    for name in ("strict", "everywhere"):
        if tables[name] is None:
            held = {"sealed", "ours"} | ({"nowhere"} if module in SEALING else set())
            assert came["written"][name] in held
    if "ours" not in came["written"].values():
        assert came["degraded"] >= 4


def test_a_registry_that_cannot_be_imported_costs_no_judgement(
    outcomes: dict[str, dict[str, Any]],
) -> None:
    found = [each for name, each in outcomes.items() if name.startswith("sfctl.registry")]
    assert len(found) == 4
    assert {how for each in found for how in each["written"].values()} == {"ours"}


SEALING = {"sfctl.runtime", "sfctl.runtime.seal", "sfctl.errors", "sfctl.exit_codes"}
"""Without these a batch cannot be sealed; then it is not written at all, and that is said."""


def test_the_modules_that_judge_and_publish_were_among_them(
    outcomes: dict[str, dict[str, Any]],
) -> None:
    assert set(outcomes[""]["written"].values()) == {"ours"}
    assert len(outcomes) > 40
    assert {"sfctl.wiring", "sfctl.runtime.publishing.publish", "sfctl.runtime.core.judge"} < set(
        outcomes
    )


@pytest.mark.parametrize(
    "module", ["sfctl.wiring", "sfctl.errors", "sfctl.runtime.publishing.publish"]
)
def test_the_exit_code_stays_the_jobs_own(module: str, shop: Shop) -> None:
    code = f"""
import sys, importlib.abc, polars as pl
class Broken(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {module!r}: raise RuntimeError("broken")
sys.meta_path.insert(0, Broken())
import sfctl as sf
@sf.job("daily")
def main():
    sf.write(pl.DataFrame({{"id": [1], "amount": [1.0], "contact": ["a@b.org"]}}), "orders")
    try:
        pass
    except sf.PublishBlocked:
        pass
    sys.exit(7)
main()
"""
    done = shop.start(code)
    assert done.returncode == 7, done.stderr
    assert "degraded" in done.stderr
    assert shop.table()["contact"].to_list() == [None]
    assert [event["error"] for event in shop.degraded()][:1] == ["RuntimeError"]
    assert shop.certified() is None

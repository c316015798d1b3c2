"""The built wheel, installed in a clean environment away from the source."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE_LIMIT_MB = 450


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    subprocess.run([*build, str(ROOT)], check=True, capture_output=True)
    (made,) = folder.glob("*.whl")
    return made


def test_the_wheel_holds_what_it_needs_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in (
        "sfctl/py.typed",
        "sfctl/templates/repo/sfctl.yml",
        "sfctl/templates/demo/sfctl.yml",
        "sfctl/templates/demo/.gitignore",
        "sfctl/templates/demo/jobs/flights_daily.py",
        "sfctl/schemas/results/check.schema.json",
    ):
        assert wanted in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    for name in names:
        assert name.startswith(("sfctl/", "sfctl-")), name
        assert not name.endswith((".pyc", ".csv", ".db", ".key")), name


@pytest.mark.slow
def test_the_wheel_works_away_from_the_source(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SFCTL_", "COV_", "COVERAGE_", "PYTEST_")) and name != "PYTHONPATH"
    }
    pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    pip += ["--disable-pip-version-check", "--constraint", str(ROOT / "constraints.txt")]
    subprocess.run([*pip, str(wheel)], check=True, env=environ)
    assert _megabytes(home) < CORE_LIMIT_MB
    subprocess.run([*pip, f"{wheel}[demo]"], check=True, env=environ)

    def sfctl(*words: str, code: int = 0) -> str:
        done = subprocess.run(
            [str(home / "bin" / "sfctl"), *words],
            cwd=tmp_path / "flights" if (tmp_path / "flights").exists() else tmp_path,
            env={**environ, "PYTHONWARNINGS": "error"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, (words, done.stdout, done.stderr)
        return done.stdout

    sfctl("init", "--demo", "flights")
    sfctl("doctor")
    sfctl("compile")
    sfctl("run", "reference")
    ran = json.loads(sfctl("run", "flights_daily", "--date", "2013-01-01", "--format", "json"))
    assert ran["state"] == "COMPLETED"
    assert not ran["degraded"]
    assert [write["stage"] for write in ran["writes"]] == ["bronze", "silver", "gold"]
    status = json.loads(sfctl("status", "flights", "--format", "json"))
    assert status["datasets"][0]["certification_status"] == "CERTIFIED"


def _megabytes(home: Path) -> float:
    """Return the size of what an installation brought, without pip and setuptools."""
    (packages,) = home.glob("lib/python*/site-packages")
    kept = (p for p in packages.rglob("*") if p.is_file() and not p.is_symlink())
    tools = {"pip", "setuptools", "pkg_resources", "_distutils_hack"}
    sizes = (p.stat().st_size for p in kept if p.relative_to(packages).parts[0] not in tools)
    return sum(sizes) / 1_000_000

"""A command line as a user has it: a process of its own, its three ends in hand."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Result = subprocess.CompletedProcess[str]
Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _environment() -> Iterator[None]:
    """Options that are passed on through the environment end with the test."""
    before = dict(os.environ)
    for name in list(os.environ):
        if name.startswith("SFCTL_"):
            del os.environ[name]
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def sfctl(tmp_path: Path) -> Run:
    """Run `sfctl WORDS` in an empty folder, or in `cwd`."""

    def run(*words: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> Result:
        return subprocess.run(
            [sys.executable, "-m", "sfctl", *words],
            cwd=cwd or tmp_path,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small data repo that is valid; tests that change it copy it."""
    root = tmp_path_factory.mktemp("repo")
    for name, text in REPO.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


REPO = {
    "sfctl.yml": """\
name: shop
targets:
  default: dev
  dev: {environment: dev, lake: ./lake}
  prod: {environment: prod, lake: ./lake}
""",
    "datasets/orders/dataset.yaml": """\
urn: ds://curated/orders
owner_team: shop
tier: TIER_2
storage: {gold: gold/orders}
""",
    "datasets/orders/policy_bundle.yaml": """\
schema:
  constraints:
    - {field: id, type: INT64, nullable: false}
    - {field: total, type: DOUBLE}
contract_lite: {required_fields: [id], invariants: ["total > 0"]}
dq: {rules: [{kind: unique, field: id}]}
""",
    "jobs/daily.yaml": """\
owner: shop
entrypoint: jobs/daily.py
outputs: [{dataset: orders, stage: gold}]
""",
    "jobs/daily.py": "print('done')\n",
}

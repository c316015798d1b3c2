"""Projects whose jobs are started by a real spark-submit, and what came of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sfctl import wiring
from sfctl.certification import view
from sfctl.commands.compile import compile as compile_verb
from sfctl.evidence.port import Query
from sfctl.model.certificate import Certificate
from sfctl.runtime import seal
from sfctl.runtime.pii import keys
from sfctl.runtime.spark import jars
from tests.spark_rig import SHORT_LIVED

PATIENCE_S = 600
PROJECT = """
name: shop
targets:
  default: dev
  dev: {environment: dev, lake: ./lake}
"""
DATASET = """
urn: ds://shop/{name}
owner_team: shop
tier: TIER_2
storage: {{gold: gold/{name}}}
primary_key: [id]
"""
ORDERS = """
version: 1
schema:
  constraints:
    - {field: id, type: INT64, nullable: false}
    - {field: amount, type: DOUBLE}
dq:
  rules:
    - {kind: range, field: amount, min: 0, max: 1000}
    - {kind: unique, fields: [id], scope: table}
"""
JOB = """
owner: shop
runtime: {runtime}
entrypoint: jobs/{name}.py
outputs:
  - {{dataset: orders, stage: gold}}
"""
SPARK = """spark:
  delta: true
  master: local[2]
  conf:
    spark.databricks.delta.snapshotPartitions: 2
    spark.sql.shuffle.partitions: 2
    spark.ui.enabled: false
    spark.driver.memory: 1g
    spark.driver.host: 127.0.0.1
    spark.driver.bindAddress: 127.0.0.1
    spark.log.level: "OFF"
"""


@dataclass(frozen=True)
class Project:
    """A data repo of one dataset, `orders`, and jobs on Spark."""

    root: Path

    def job(
        self,
        name: str,
        code: str,
        runtime: str = "spark",
        more: str = "",
        conf: Mapping[str, str] | None = None,
    ) -> None:
        """Write a job and compile the project; `conf` counts more than what all jobs have."""
        (self.root / "jobs").mkdir(exist_ok=True)
        own = "".join(f"    {name}: {json.dumps(value)}\n" for name, value in (conf or {}).items())
        kept = [e for e in SPARK.splitlines(True) if e.strip().split(":")[0] not in (conf or {})]
        text = JOB.format(name=name, runtime=runtime)
        text += "".join(kept) + own if runtime == "spark" else ""
        (self.root / "jobs" / f"{name}.yaml").write_text(text + more)
        (self.root / "jobs" / f"{name}.py").write_text(code)
        done = compile_verb(project_dir=self.root, target=None, now=None)
        assert done.exit_code == 0, done.text

    @property
    def table(self) -> str:
        return str(self.root / "lake" / "gold" / "orders")

    def start(self, *words: str, **environ: str) -> subprocess.Popen[str]:
        """Start a command in the project's folder, with nothing of another run."""
        return subprocess.Popen(
            list(words), cwd=self.root, env=environment(environ), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip

    def run(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; one that does not come to it ends with all it started."""
        process = self.start(*words, **environ)
        try:
            out, err = process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def events(self, kind: str = "") -> list[Any]:
        with wiring.open_bus(self.root / ".sfctl") as bus:
            return [record.event for record in bus.query(Query(kind=kind))]

    def certificate(self) -> Certificate:
        with wiring.open_state(self.root / ".sfctl") as state:
            return view.load(state, "urn:dp:shop:orders")


def make(root: Path) -> Project:
    """Make a project with its keys; jobs are added later."""
    (root / "sfctl.yml").write_text(PROJECT)
    folder = root / "datasets" / "orders"
    folder.mkdir(parents=True)
    (folder / "dataset.yaml").write_text(DATASET.format(name="orders"))
    (folder / "policy_bundle.yaml").write_text(ORDERS)
    (root / ".sfctl").mkdir()
    keys.create(root / ".sfctl")
    seal.create_keys(root / ".sfctl")
    return Project(root)


def environment(more: dict[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a scheduler: this interpreter first on PATH, nothing of ours."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("SFCTL_", "PYSPARK_"))}
    clean["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{clean['PATH']}"
    kept = {k: os.environ[k] for k in (jars.VARIABLE,) if k in os.environ}
    return {**clean, **kept, "SPARK_SUBMIT_OPTS": SHORT_LIVED, **(more or {})}


def sfctl(*words: str) -> list[str]:
    """Return the words that start a verb."""
    return [sys.executable, "-m", "sfctl", *words]


def told(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Return the result of a run in JSON."""
    payload: dict[str, Any] = json.loads(done.stdout)
    return payload

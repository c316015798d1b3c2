"""A small compiled project, and jobs that run in it as processes of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from sfctl.commands.compile import compile as compile_verb
from sfctl.compiler.compile import sealed
from sfctl.model import codec
from sfctl.model.manifest import Manifest
from sfctl.runtime import seal
from sfctl.runtime.pii import keys

DATASET = """
urn: ds://shop/{name}
owner_team: shop
tier: TIER_2
storage: {{bronze: bronze/{name}, silver: silver/{name}, gold: gold/{name}}}
primary_key: [id]
"""
LINES = """
version: 1
schema:
  constraints:
    - {field: id, type: INT64}
    - {field: order, type: INT64}
dq:
  rules:
    - {kind: unique, fields: [id], scope: table}
    - {kind: foreign_key, field: order, references: {dataset: "ds://shop/orders", field: id}}
enforcement: {level: G2, max_quarantine_share: "90%"}
"""
ORDERS = """
version: 1
schema:
  constraints:
    - {field: id, type: INT64, nullable: false}
    - {field: amount, type: DOUBLE}
    - {field: contact, type: STRING}
dq:
  rules:
    - {kind: range, field: amount, min: 0, max: 1000}
    - {kind: unique, fields: [id]}
pii:
  detection:
    - {pattern: EMAIL, columns: [contact], action: tokenize}
enforcement: {level: G2, max_quarantine_share: "40%"}
"""
STRICT = ORDERS.replace("contact, type: STRING", "contact, type: STRING, nullable: false").replace(
    "action: tokenize", "action: mask"
)
EVERYWHERE = ORDERS.replace("columns: [contact], ", "")
PLAIN = """
version: 1
schema: {constraints: [{field: id, type: INT64}]}
dq: {rules: [{kind: unique, fields: [id]}]}
"""
JOB = """
owner: shop
runtime: python
entrypoint: jobs/daily.py
outputs:
  - {dataset: orders, stage: gold}
"""
PROJECT = """
name: shop
targets:
  default: dev
  dev: {environment: dev, lake: ./lake}
"""


@dataclass(frozen=True)
class Shop:
    """A project on disk, and what came of the jobs that ran in it."""

    root: Path

    def table(self, name: str = "orders", stage: str = "gold") -> pl.DataFrame:
        return pl.read_delta(str(self.root / "lake" / stage / name))

    def certified(self, name: str = "orders") -> int | None:
        pin = self.root / "lake" / "gold" / name / "_sfctl" / "certified.json"
        if not pin.exists():
            return None
        version: int | None = json.loads(pin.read_bytes())["last_certified_version"]
        return version

    def edit(self, name: str, **fields: object) -> None:
        """Change a dataset's entry of the manifest as a compile would have made it."""
        path = self.root / "target" / "manifest.json"
        document = json.loads(path.read_bytes())
        document["datasets"][f"urn:dp:shop:{name}"] |= fields
        seal_manifest(path, document)

    def outbox(self) -> list[dict[str, Any]]:
        """Return every event of a run that waits in the outbox; the compile's are left aside."""
        lines = [
            line
            for path in sorted((self.root / ".sfctl" / "outbox").glob("*.outbox"))
            if not path.name.startswith("policy-")
            for line in path.read_text().splitlines()
        ]
        return [json.loads(line[9:]) for line in lines if line[9:10] == "{"]

    def degraded(self) -> list[dict[str, Any]]:
        return [event for event in self.outbox() if event["kind"] == "SDK_DEGRADED"]

    def start(
        self, code: str, *, environ: dict[str, str] | None = None, **more: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run Python in the project, as a scheduler would without us."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("SFCTL_", "COV"))}
        return subprocess.run(
            [sys.executable, "-c", code],
            cwd=self.root,
            env={**clean, **(environ or {})},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            **more,
        )


def compile_shop(root: Path) -> None:
    """Make a project of four datasets and one job in `root`, with keys, and compile it."""
    policies = {"orders": ORDERS, "strict": STRICT, "everywhere": EVERYWHERE, "plain": PLAIN}
    policies["lines"] = LINES
    (root / "sfctl.yml").write_text(PROJECT)
    for name, policy in policies.items():
        folder = root / "datasets" / name
        folder.mkdir(parents=True)
        (folder / "dataset.yaml").write_text(DATASET.format(name=name))
        (folder / "policy_bundle.yaml").write_text(policy)
    (root / "jobs").mkdir()
    (root / "jobs" / "daily.yaml").write_text(JOB)
    compile_project(root)


def compile_project(root: Path) -> None:
    """Give the project in `root` its keys, and compile it."""
    (root / ".sfctl").mkdir()
    keys.create(root / ".sfctl")
    seal.create_keys(root / ".sfctl")
    compile_verb(project_dir=root, target=None, now=None)


def copy_shop(template: Path, root: Path) -> Shop:
    """Copy a compiled project to another folder and let its manifest follow."""
    shutil.copytree(template, root)
    manifest = root / "target" / "manifest.json"
    seal_manifest(manifest, json.loads(manifest.read_text().replace(str(template), str(root))))
    return Shop(root)


def seal_manifest(path: Path, document: dict[str, Any]) -> None:
    """Write a manifest with the digest that fits what it says."""
    manifest = sealed(msgspec.convert(document, Manifest))
    path.write_bytes(codec.canonical(manifest) + b"\n")

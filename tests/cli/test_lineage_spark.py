"""Events as openlineage-spark writes them to a file: lineage for the graph, and nothing more."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from sfctl.cli import main

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "tests" / "golden" / "samples" / "spark_openlineage.jsonl"


def test_sparks_own_events_are_taken_and_resolve_to_datasets(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "shop"
    shutil.copytree(ROOT / "examples" / "scenarios" / "enum-drift", root)
    assert main(["compile", "-q", "--project-dir", str(root)]) == 0
    datasets = json.loads((root / "target" / "manifest.json").read_text())["datasets"]
    urn, path = next(
        (urn, entry["paths"]["gold"])
        for urn, entry in sorted(datasets.items())
        if "gold" in entry.get("paths", {})
    )
    events = tmp_path / "events.jsonl"
    events.write_text(SAMPLE.read_text().replace("@GOLD@", path))
    capfd.readouterr()
    words = ["--project-dir", str(root), "--format", "json"]
    assert main(["lineage", "ingest", str(events), *words]) == 0
    taken = json.loads(capfd.readouterr().out)
    assert (taken["accepted"], taken["rejected"]) == (2, [])
    assert main(["lineage", "impact", "dataset:file//data/raw/orders", *words]) == 0
    reached = json.loads(capfd.readouterr().out)
    assert urn in reached["downstream"]

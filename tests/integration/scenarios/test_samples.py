"""The requirement's samples just as they are printed, in one log: accepted, folded, explained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.scenarios.conftest import Shell, lay_out

SAMPLES = sorted((Path(__file__).parents[2] / "golden" / "samples").glob("*.json"))


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    shell, _ = lay_out("enum-drift", tmp_path_factory.mktemp("s"), "2024-01-15T10:05:00Z")
    log = shell.project / "samples.jsonl"
    log.write_text("".join(json.dumps(json.loads(path.read_text())) + "\n" for path in SAMPLES))
    published = shell.json("evidence", "publish", str(log))
    assert (published["published"], published["rejected"]) == (len(SAMPLES), [])
    shell("engine", "run")
    return shell


def test_nothing_is_refused_by_any_reader(shell: Shell) -> None:
    assert shell.json("evidence", "dead-letters")["dead_letters"] == []


def test_the_printed_signal_leads_to_the_deployment(shell: Shell) -> None:
    report = shell.json("rca", "sig-01HQXZ2NPQ5RS8TU0VW3XYZ789")
    assert report["root_cause"]["ref"] == "urn:deployment:orders-svc:v3.17"
    assert report["root_cause"]["confidence"] >= 0.9


def test_the_printed_drift_leads_to_the_day_before(shell: Shell) -> None:
    (signal,) = (json.loads(path.read_text()) for path in SAMPLES if path.stem == "s2_signal_drift")
    report = shell.json("rca", signal["signal_id"])
    assert report["root_cause"]["ref"] == "urn:service:orders-svc"
    assert "evd-01HQW9EFGH5678901234ABCDEF" in report["evidence_refs"]

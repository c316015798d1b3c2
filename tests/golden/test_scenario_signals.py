"""Both walk-throughs, folded by the engines: every word of the printed signals is there.

Three things differ, and are so decided: rates have six digits, the second scenario is read with
an objective of 0.995, and a signal carries the time of the data, not that of writing.
"""

from __future__ import annotations

import importlib.util
import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sfctl.compiler.compile import compile_project
from sfctl.engines import contract, dq, drift
from sfctl.evidence import codec
from sfctl.model import topology
from sfctl.model.evidence import Evidence
from sfctl.model.resolver import Resolver
from sfctl.model.signal import document_of
from sfctl.spec.project import load
from tests.unit.engines.judged import Cells

SAMPLES = Path(__file__).parent / "samples"
SCENARIOS = Path(__file__).parents[2] / "examples" / "scenarios"
AT = datetime(2024, 1, 15, 3, tzinfo=UTC)


def events(name: str, *files: str) -> list[Evidence]:
    """Return the events of a scenario as they are taken in, and its configuration."""
    spec = importlib.util.spec_from_file_location("generate", SCENARIOS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    laid = generate.SCENARIOS[name]()
    config = topology.to_event(compile_project(load(SCENARIOS / name), now=AT).manifest)
    resolve = Resolver(topology.from_event(config)).dataset
    found = [config]
    for file in files:
        for document in laid[file]:
            taken = codec.accept(json.loads(json.dumps(document)), AT, resolve=resolve)
            assert isinstance(taken, codec.Accepted)
            found.append(taken.event)
    random.Random(7).shuffle(found)
    return found


def signals(name: str, *files: str, now: str) -> dict[str, dict[str, Any]]:
    found = {}
    taken = events(name, *files)
    for engine in (contract.ENGINE, dq.ENGINE, drift.ENGINE):
        for each in Cells(engine).fold(*taken).tick(now):
            document = json.loads(json.dumps(document_of(each), default=list))
            assert each.signal_type not in found
            found[each.signal_type] = document
    return found


def printed(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text())
    del document["signal_id"]
    return document


def said(ours: Any, theirs: Any) -> Any:
    """Return of ours what the sample speaks of."""
    if isinstance(theirs, dict):
        return {name: said(ours[name], value) for name, value in theirs.items()}
    if isinstance(theirs, list) and theirs and isinstance(theirs[0], dict):
        assert len(ours) == len(theirs)
        return [said(one, other) for one, other in zip(ours, theirs, strict=True)]
    if isinstance(theirs, float):
        return round(ours, len(str(theirs).partition(".")[2]))
    return ours


def test_a_deployment_breaks_the_contract() -> None:
    found = signals("contract-break", "evidence.jsonl", now="2024-01-15T10:00:01Z")
    assert found.keys() == {"CONTRACT_BREACH"}
    wanted = printed("s1_signal_contract_breach")
    first = wanted.pop("evidence_refs")[0]
    assert said(found["CONTRACT_BREACH"], wanted) == wanted
    refs = found["CONTRACT_BREACH"]["evidence_refs"]
    assert (refs[0], len(refs)) == (first, 10)


FILES = ("stream.jsonl", "batch.jsonl", "lineage.jsonl")


@pytest.fixture(scope="module")
def drifted() -> dict[str, dict[str, Any]]:
    return signals("enum-drift", *FILES, now="2024-01-15T02:10:00Z")


def test_a_new_value_is_a_drift_and_a_breach(drifted: dict[str, dict[str, Any]]) -> None:
    assert drifted.keys() == {"DRIFT_DETECTED", "DQ_BREACH"}
    wanted = printed("s2_signal_dq_breach")
    assert wanted["metrics"].pop("slo_threshold") == 0.99
    assert said(drifted["DQ_BREACH"], wanted) == wanted
    assert drifted["DQ_BREACH"]["metrics"]["slo_threshold"] == 0.995


def test_the_drift_says_what_was_expected_and_since_when(
    drifted: dict[str, dict[str, Any]],
) -> None:
    drift_signal = drifted["DRIFT_DETECTED"]
    wanted = printed("s2_signal_drift")
    del wanted["timestamp"]
    assert said(drift_signal, wanted) == wanted
    assert drift_signal["window"] == {
        "start": "2024-01-15T02:00:05.000Z",
        "end": "2024-01-15T02:08:45.000Z",
        "type": "BATCH_RUN",
    }
    assert drift_signal["timestamp"] == drift_signal["window"]["end"]
    assert drift_signal["batch_context"]["dag_id"] == "orders_daily_agg"
    (failure,) = drift_signal["top_failures"]
    assert (failure["count"], failure["is_new"]) == (380, True)

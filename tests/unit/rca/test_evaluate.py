"""Answers held against known causes; ground truth that is none is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfctl.errors import SourceError, UsageError
from sfctl.rca.evaluate import Truth, evaluate, read
from tests.unit.rca.world import World, contract_break


def test_shares_over_right_wrong_and_unanswerable_cases(world: World) -> None:
    incident = contract_break(world)
    deployment = "urn:deployment:orders-svc:v3.17"
    truths = [
        Truth(incident, "DEPLOYMENT", deployment),
        Truth(incident, "DEPLOYMENT"),
        Truth(incident, "DEPLOYMENT", "urn:deployment:payments-svc:v2.9"),
        Truth("INC-99", "JOB_FAILURE"),
    ]
    found = evaluate(truths, world.graph, world.state, world.bus)
    assert (found.cases, found.top_1, found.top_3) == (4, 0.5, 0.5)
    assert (found.identified, found.wrong, found.wrong_high) == (0.75, 0.25, 0.25)
    assert [verdict.place for verdict in found.verdicts] == [1, 1, 0, 0]
    assert "SF861" in found.verdicts[3].error


def test_ground_truth_is_read_and_bad_lines_are_named(tmp_path: Path) -> None:
    file = tmp_path / "truth.jsonl"
    file.write_text('{"subject": "INC-1", "cause_kind": "SLOW"}\n\n{"subject": "INC-2"}\n')
    with pytest.raises(UsageError) as raised:
        read(file)
    assert raised.value.code == "SF864"
    assert f"{file}:3" in str(raised.value)
    file.write_text('{"subject": "INC-1", "cause_kind": "SLOW"}\n')
    assert read(file) == [Truth("INC-1", "SLOW")]
    file.write_text("\n")
    with pytest.raises(UsageError, match="holds no ground truth"):
        read(file)
    with pytest.raises(SourceError):
        read(tmp_path / "nowhere.jsonl")


def test_no_cases_give_no_shares(world: World) -> None:
    found = evaluate([], world.graph, world.state, world.bus)
    assert (found.cases, found.top_1, found.mean_ms) == (0, 0.0, 0.0)

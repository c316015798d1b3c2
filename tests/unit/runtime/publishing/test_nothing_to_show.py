"""What is not there is not claimed: lost quarantine rows, a policy that declares nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from deltalake import DeltaTable

from sfctl.model.policy import ColumnSpec
from sfctl.model.types import parse
from tests.publish_rig import Rig, batch, policy


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def test_a_resumed_write_says_that_its_quarantine_is_gone(rig: Rig) -> None:
    first = rig.write(batch(1, -1, 2))
    assert rig.write(batch(1, -1, 2)).rows_quarantined == first.rows_quarantined == 1
    shutil.rmtree(rig.quarantine_path)
    again = rig.write(batch(1, -1, 2))
    assert (again.already_published, again.rows_quarantined) == (True, 0)
    assert again.degraded == ("QUARANTINE_LOST",)
    told = [event for event in rig.events() if event["evidence_id"] == again.evidence[-1]]
    assert [event["kind"] for event in told] == ["SDK_DEGRADED"]


def test_a_resumed_write_says_that_its_table_was_restored_since(rig: Rig) -> None:
    rig.write(batch(1))
    rig.write(batch(2), day=2)
    DeltaTable(rig.path).restore(0)
    again = rig.write(batch(2), day=2)
    assert (again.already_published, again.degraded) == (True, ("RESTORED_SINCE",))
    assert rig.ids() == [0]
    assert rig.write(batch(2), day=2, rerun=1).degraded == ()
    assert rig.ids() == [0, 0]


def test_nothing_declared_nothing_certified(rig: Rig) -> None:
    result = rig.write(batch(1), policy(rules=()))
    assert (result.published, result.certification) == (True, "NEVER_CERTIFIED")
    assert "NOTHING_DECLARED" in result.certification_reasons


def test_a_declared_schema_is_enough_to_certify(rig: Rig) -> None:
    declared = policy(rules=(), columns=(ColumnSpec("id", parse("INT64")),))
    assert rig.write(batch(1), declared).certification == "CERTIFIED"

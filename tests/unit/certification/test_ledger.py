"""Which versions spoil which, and a ledger rebuilt from the table's own log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sfctl.certification.ledger import KEPT, Ledger, kind_of, record_of, taints, waiting
from sfctl.model.certificate import VersionRecord
from sfctl.model.write import Commit, Counts
from sfctl.state.embedded import EmbeddedState


def records(*kinds: str, start: int = 0, **changes: Any) -> list[VersionRecord]:
    """Records from version `start`; `v<N>={…}` changes one."""
    return [
        VersionRecord(version=v, kind=kind, at="", **changes.get(f"v{v}", {}))  # type: ignore[arg-type]
        for v, kind in enumerate(kinds, start)
    ]


P1, P2 = {"partitions": ("dt=1",)}, {"partitions": ("dt=2",)}


@pytest.mark.parametrize(
    ("found", "after", "upto", "expected"),
    [
        (records("passed"), None, 0, ()),
        (records("passed", "diverted", "passed", start=43), 43, 45, ()),
        (records("passed", "maintenance", "passed"), 0, 2, ()),
        (records("passed", "failed", "passed"), 0, 2, (1,)),
        (records("passed", "failed_batch", "passed"), 0, 2, (1,)),
        (records("passed", "unjudged", "passed"), 0, 2, (1,)),
        (records("passed", "foreign", "passed"), 0, 2, (1,)),
        (records("foreign", "passed"), None, 1, (0,)),
        (records("failed", "passed", "passed"), 1, 2, ()),
        (records("passed", "passed", start=1), None, 2, (0,)),
        (records("passed", "failed", "passed", v2={"overwrites": True}), 0, 2, ()),
        (records("passed", "failed", v1={"overwrites": True}), 0, 1, (1,)),
        (records("passed", "failed", "passed", v2={"revalidated": True}), 0, 2, ()),
        (records("passed", "foreign", v1={"revalidated": True}), 0, 1, ()),
        (records("passed", "failed", "passed", v1=P1, v2={"replaces": ("dt=1",)}), 0, 2, ()),
        (records("passed", "failed", "passed", v1=P1, v2={"replaces": ("dt=2",)}), 0, 2, (1,)),
        (records("passed", "failed", "passed", v2={"replaces": ("dt=1",)}), 0, 2, (1,)),
        (
            records(
                "passed", "failed", "passed", "passed",
                v1={"partitions": ("dt=1", "dt=2")},
                v2={"replaces": ("dt=1",)}, v3={"replaces": ("dt=2",)},
            ),
            0, 3, (),
        ),
    ],
)  # fmt: skip
def test_what_spoils_a_version(
    found: list[VersionRecord], after: int | None, upto: int, expected: tuple[int, ...]
) -> None:
    assert taints(found, after=after, upto=upto) == expected


def test_versions_moved_back_from_spoil_until_the_table_is_judged_whole() -> None:
    known = records("passed", "passed", "passed")
    assert taints(known, after=0, upto=2, distrusted=(1,)) == (1,)
    whole = records("passed", "passed", "passed", v1={"revalidated": True})
    assert taints(whole, after=0, upto=2, distrusted=(1,)) == ()


@pytest.mark.parametrize(
    ("blockers", "failed_rows", "batch_failed", "expected"),
    [
        ([], 0, False, "passed"),
        ([], 3, False, "passed"),
        (["GATE_FAIL:DQ"], 0, False, "diverted"),
        (["NO_ROWS"], 0, False, "diverted"),
        (["REGISTRY_STALE"], 0, False, "diverted"),
        (["REGISTRY_STALE", "SAMPLED"], 0, False, "unjudged"),
        (["GATE_FAIL:DQ"], 3, False, "failed"),
        (["GATE_FAIL:DQ"], 0, True, "failed_batch"),
        (["GATE_FAIL:DQ", "SAMPLED"], 0, False, "unjudged"),
        (["GATES_OFF"], 0, False, "unjudged"),
        (["POLICY_UNVERIFIED"], 0, False, "unjudged"),
    ],
)
def test_what_a_version_of_ours_is(
    blockers: list[str], failed_rows: int, batch_failed: bool, expected: str
) -> None:
    counts = Counts(10, 10 - failed_rows, failed_rows, 10, failed_rows, 0)
    assert kind_of(blockers, counts, batch_failed=batch_failed) == expected


def test_a_commit_that_only_claims_to_be_ours_is_foreign() -> None:
    assert record_of(Commit(1, "", "WRITE", "ours", '{"made": "up"}')).kind == "foreign"
    assert record_of(Commit(1, "", "WRITE", "ours", "not json")).kind == "foreign"
    assert record_of(Commit(1, "", "OPTIMIZE", "maintenance")).kind == "maintenance"


def test_the_ledger_adds_what_it_lacks_and_keeps_what_it_has(tmp_path: Path) -> None:
    with EmbeddedState(tmp_path / "state.db") as state:
        ledger = Ledger(state, "urn:dp:a:b#gold")
        commits = [Commit(v, "", "OPTIMIZE", "maintenance") for v in range(3)]
        assert [r.version for r in ledger.reconcile(commits)] == [0, 1, 2]
        changed = VersionRecord(version=1, kind="passed", at="now")
        ledger.put([changed])
        assert ledger.reconcile(commits)[1] == changed
        assert Ledger(state, "urn:dp:a:bc#gold").records() == []


def test_old_records_are_forgotten(tmp_path: Path) -> None:
    with EmbeddedState(tmp_path / "state.db") as state:
        ledger = Ledger(state, "urn:dp:a:b#gold")
        ledger.put(records(*["passed"] * (KEPT + 30)))
        ledger.prune(KEPT + 20)
        assert [r.version for r in ledger.records()][:2] == [20, 21]


def test_rows_that_wait_are_counted_since_the_certified_version() -> None:
    known = records("diverted", "diverted", "passed", v0={"quarantined": 5}, v1={"quarantined": 2})
    assert (waiting(known, after=None), waiting(known, after=0)) == (7, 2)

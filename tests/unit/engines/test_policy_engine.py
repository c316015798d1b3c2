"""A policy that does not count is CRITICAL until a later run had nothing to say against it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sfctl.engines import policy
from sfctl.model import decisions, facts
from sfctl.model.evidence import Evidence
from sfctl.model.run import RunContext
from tests.unit.engines.judged import ORDERS, Cells

NINE = datetime(2024, 1, 15, 9, tzinfo=UTC)


def rejected(minute: int, run: str, because: str = "altered") -> Evidence:
    return decisions.policy(
        NINE + timedelta(minutes=minute), action="rejected", actor="run", because=because,
        reason="the policy was altered", dataset_urn=ORDERS, run=RunContext(run, job="daily"),
    )  # fmt: skip


def written(minute: int, run: str) -> Evidence:
    return facts.write_committed(
        RunContext(run, job="daily"), NINE + timedelta(minutes=minute), dataset_urn=ORDERS,
        stage="gold", commit_version=1, rows_written=1, policy_digest="sha256:1",
    )  # fmt: skip


def states(*events: Evidence) -> list[tuple[str, str]]:
    cells = Cells(policy.ENGINE)
    for event in events:
        cells.fold(event)
    return [(signal.state, signal.signature) for signal in cells.said]


def test_a_rejection_is_critical_and_names_its_reason() -> None:
    assert states(rejected(0, "r1")) == [("CRITICAL", "POLICY_REJECTED:altered")]
    assert states(rejected(0, "r1", "revoked")) == [("CRITICAL", "POLICY_REJECTED:revoked")]


def test_a_draft_written_by_the_same_run_is_no_recovery_a_later_run_is() -> None:
    assert states(rejected(0, "r1"), written(1, "r1")) == [("CRITICAL", "POLICY_REJECTED:altered")]
    assert [state for state, _ in states(rejected(0, "r1"), written(60, "r2"))] == [
        "CRITICAL", "OK",
    ]  # fmt: skip


def test_late_events_do_not_end_it_and_calm_datasets_say_nothing() -> None:
    assert [s for s, _ in states(rejected(60, "r2"), written(0, "r1"))] == ["CRITICAL"]
    assert states(written(0, "r1"), written(60, "r2")) == []
    assert states(rejected(0, "r1"), rejected(0, "r1")) == [("CRITICAL", "POLICY_REJECTED:altered")]


def test_only_rejections_and_writes_under_a_policy_concern_it() -> None:
    signed = decisions.policy(NINE, action="signed", actor="a", dataset_urn=ORDERS, version=1)
    assert list(policy.ENGINE.keys(signed)) == []
    assert list(policy.ENGINE.keys(rejected(0, "r"))) == [ORDERS]
    assert list(policy.ENGINE.keys(written(0, "r"))) == [ORDERS]

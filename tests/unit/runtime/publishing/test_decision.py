"""Each row of the level × environment table, and the sum of rows for any policy and data."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfctl.model.policy import Enforcement
from sfctl.model.verdict import GateResult, Judgement, RuleResult, Totals
from sfctl.runtime.publishing import decision
from sfctl.runtime.publishing.decision import decide
from tests.publish_rig import Rig, at_least, batch, policy, positive


def judged(
    rows: int = 100, bad: int = 0, *, gates: dict[str, str] | None = None, **rule: Any
) -> Judgement:
    """A judgement of `rows` rows, with the gates' results and one rule."""
    results = {"G3_SCHEMA": "PASS", "DQ": "FAIL" if bad else "PASS", **(gates or {})}
    rules = (RuleResult("r", **{**DEFAULT, **rule}),) if rule else ()
    return Judgement(
        "urn:dp:a:b", "gold", rows, rows - bad, bad, rules,
        tuple(GateResult(g, r) for g, r in results.items()),  # type: ignore[arg-type]
        Totals(declared=0, passed=0, failed=0, warned=0, skipped=0, error=0), "PASS", "sha256:x",
    )  # fmt: skip


DEFAULT: dict[str, Any] = {
    "kind": "row_count", "gate": "DQ", "status": "fail", "failed": 1, "evaluated": 1,
    "signature": "ROW_COUNT", "measured": "1",
}  # fmt: skip
WITHIN, OVER = judged(bad=5), judged(bad=6)


@pytest.mark.parametrize(
    ("level", "environment", "divert", "over", "alert", "blocked"),
    [
        ("G0", "dev", False, "all", "none", False),
        ("G0", "prod", False, "all", "none", False),
        ("G1", "dev", False, "all", "notice", False),
        ("G1", "prod", False, "all", "notice", False),
        ("G2", "dev", True, "none", "alert", True),
        ("G2", "staging", True, "none", "alert", True),
        ("G2", "prod", True, "good", "alert", False),
        ("G3", "dev", True, "none", "alert", True),
        ("G3", "prod", True, "none", "alert", True),
    ],
)
def test_each_row_of_the_table(
    level: Any, environment: str, divert: bool, over: str, alert: str, blocked: bool
) -> None:
    enforcement = Enforcement(level=level)
    within = decide(WITHIN, enforcement, environment)
    assert (within.divert, within.exit_blocked, within.over_limit) == (divert, False, False)
    assert within.publish == ("good" if divert else "all")
    beyond = decide(OVER, enforcement, environment)
    assert (beyond.publish, beyond.alert, beyond.exit_blocked) == (over, alert, blocked)
    assert beyond.reasons == ("MAX_QUARANTINE_SHARE",)
    calm = decide(judged(), enforcement, environment)
    assert (calm.publish, calm.alert, calm.exit_blocked) == ("all", "none", False)


@pytest.mark.parametrize(
    ("judgement", "reasons"),
    [
        (judged(gates={"G3_SCHEMA": "FAIL"}), ("G3_SCHEMA",)),
        (judged(status="fail"), ("r",)),
        (judged(status="error", data_error=True, measured=None), ("r",)),
        (judged(status="error", measured=None), ()),
        (judged(status="fail", severity="warn"), ()),
        (judged(status="fail", sampled=True), ()),
        (judged(status="fail", kind="range", measured=None), ()),
        (judged(gates={"G4_CONTRACT": "FAIL"}), ()),
        (judged(rows=0), ()),
    ],
)
def test_what_puts_a_batch_over_the_limit(judgement: Judgement, reasons: tuple[str, ...]) -> None:
    assert decision.over_limit(judgement, Enforcement()) == reasons


def test_a_stage_may_have_a_limit_of_its_own() -> None:
    tight = Enforcement(stage_shares={"gold": "0.01"})
    assert decision.over_limit(judged(bad=1), tight) == ()
    assert decision.over_limit(judged(bad=2), tight) == ("MAX_QUARANTINE_SHARE",)


def test_shares_are_exact_decimals() -> None:
    assert decision.over_limit(judged(10, 3), Enforcement(max_quarantine_share="0.3")) == ()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    level=st.sampled_from(["G0", "G1", "G2", "G3"]),
    environment=st.sampled_from(["dev", "prod"]),
    share=st.sampled_from(["0", "0.1", "0.5", "1"]),
    amounts=st.lists(st.sampled_from([-1.0, 1.0, 2.0]), max_size=8),
    least=st.integers(0, 6),
    stage=st.sampled_from(["bronze", "silver", "gold"]),
    approved=st.booleans(),
    off=st.sampled_from(["", "KILL_SWITCH"]),
)
def test_every_row_ends_in_exactly_one_place(
    level: str, environment: str, share: str, amounts: list[float], least: int, stage: str,
    approved: bool, off: str,
) -> None:  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        rig = Rig(Path(folder), environment=environment)
        by = policy(level, share, rules=(positive(), at_least(least)))
        result = rig.write(batch(*amounts), by, stage=stage, approved=approved, gates_off=off)
        good_published = result.rows_published - result.rows_failed_published
        assert result.rows_in == len(amounts) == result.rows_good + result.rows_bad
        assert result.rows_in == (
            good_published + result.rows_failed_published + result.rows_quarantined
        )
        assert sorted(rig.ids() + rig.held_ids()) == list(range(len(amounts)))
        assert len(rig.ids()) == result.rows_published
        bad = {i for i, amount in enumerate(amounts) if amount < 0}
        if not off and stage != "bronze":
            assert len(bad & set(rig.ids())) == result.rows_failed_published

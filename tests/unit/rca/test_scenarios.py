"""Both walk-through breaks: the cause, when and how much, how far, what to do, on what evidence."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from sfctl.model import codec
from sfctl.model.explanation import Explanation, Timings
from tests.unit.rca.world import DAG_RUN, FLASH, RUN, World, contract_break, enum_drift

Broken = tuple[World, str]


def untimed(told: Explanation) -> bytes:
    """Return all of an answer but how long it took."""
    return codec.encode(replace(told, timings=Timings()))


def test_a_deployment_is_named_with_when_how_much_and_what_to_do(broken: Broken) -> None:
    world, incident = broken
    told = world.explain(incident)
    cause = told.root_cause
    assert (cause.kind, cause.ref) == ("DEPLOYMENT", "urn:deployment:orders-svc:v3.17")
    assert (cause.confidence, cause.level) == (0.94, "HIGH")
    assert "17 seconds after it" in {f.name: f.because for f in cause.factors}["time_distance"]
    assert told.span.last_good == "2024-01-15T09:58:01.312Z"
    assert told.span.first_bad == "2024-01-15T09:58:02.312Z"
    assert (told.impairment.failed, told.impairment.total) == (1120, 1247)
    assert "89.8 %" in told.narrative
    assert told.actions[0].text == "Roll orders-svc back to v3.16"
    assert "passes" in told.actions[1].text
    assert "v3.17" in told.actions[2].text
    assert told.layer == "trace"
    assert (told.incident, told.severity, told.status) == ("INC-1", "SEV-1", "OPEN")


def test_what_lies_downstream_comes_by_tier_then_nearness(broken: Broken) -> None:
    world, incident = broken
    reach = world.explain(incident).blast_radius
    assert [(i.ref, i.tier, i.hops) for i in reach] == [
        ("urn:delta:prod:sales:orders_silver", 1, 1),
        ("urn:delta:prod:sales:orders_gold_daily", 1, 2),
        ("urn:dashboard:exec:daily_orders", 1, 3),
        ("urn:pipeline:finance:daily_snapshot", 1, 3),
    ]
    assert [i.kind for i in reach] == ["Delta Table", "Delta Table", "Dashboard", "Airflow DAG"]
    assert [i.owner for i in reach] == ["sales-data", "sales-data", "analytics", "finance"]


def test_the_coincident_deployment_is_ruled_out_with_the_reason(broken: Broken) -> None:
    world, incident = broken
    told = world.explain(incident)
    decoy = next(h for h in told.hypotheses if "payments-svc" in h.ref)
    assert "neither produces this data nor feeds it" in decoy.ruled_out
    assert decoy.confidence == 0.0
    assert "payments" not in told.narrative


def test_a_new_value_leads_to_the_day_before(drifted: Broken) -> None:
    world, signal = drifted
    told = world.explain(signal)
    cause = told.root_cause
    assert (cause.kind, cause.ref) == ("UPSTREAM_ENUM", "urn:service:orders-svc")
    assert cause.level == "HIGH"
    assert cause.at == "2024-01-14T14:30:00.215Z"
    assert "FLASH_SALE" in cause.statement
    assert "evd-01HQW9EFGH5678901234ABCDEF" in told.evidence_refs
    assert told.runs == (RUN,)
    assert told.layer == "dag_run_id"
    assert (told.impairment.failed, told.impairment.total) == (380, 45230)
    assert "0.84 %" in told.narrative
    assert {i.ref for i in told.blast_radius} == {
        "urn:dp:orders:silver",
        "urn:delta:sales:orders_gold_daily",
        "urn:dashboard:exec:orders_summary",
    }
    said = [action.text for action in told.actions]
    assert "FLASH_SALE" in said[0]
    assert "`discount_type`" in said[0]
    assert "reprocess the partition of 2024-01-14" in said[1]
    assert "promotions" in said[2]
    assert "contract test" in said[3]


def test_the_new_value_itself_and_the_dashboard_lead_to_the_same_cause(drifted: Broken) -> None:
    world, signal = drifted
    cause = world.explain(signal).root_cause
    for subject in (FLASH, "urn:dashboard:exec:orders_summary", "urn:dp:orders:silver", "INC-1"):
        assert world.explain(subject).root_cause.ref == cause.ref, subject
    assert world.explain(run=RUN).root_cause.ref == cause.ref


def test_the_scheduled_run_is_named(drifted: Broken) -> None:
    world, signal = drifted
    told = world.explain(signal)
    assert DAG_RUN in codec.encode(told).decode()


@pytest.mark.parametrize("lay_out", [contract_break, enum_drift])
def test_every_claim_has_a_reference_and_every_reference_opens(
    world: World, lay_out: object
) -> None:
    told = world.explain(lay_out(world))  # type: ignore[operator]
    sections = (told.timeline, told.evidence_chain, told.data_flow, told.readers, told.deployed)
    for section in sections:
        for claim in section:
            assert claim.refs, claim.text
    assert all(action.refs for action in told.actions)
    assert told.evidence_refs
    for ref in told.evidence_refs:
        assert world.bus.get(ref) is not None, ref
    assert len(set(told.evidence_refs)) == len(told.evidence_refs)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_order_of_arrival_changes_no_byte(broken: Broken, drifted: Broken, seed: int) -> None:
    for world, subject in (broken, drifted):
        again = world.shuffled(seed)
        assert untimed(again.explain(subject)) == untimed(world.explain(subject))
        again.graph.close()


def test_each_step_asked_again_finds_the_same(broken: Broken, drifted: Broken) -> None:
    for world, subject in (broken, drifted):
        told = world.explain(subject)
        assert told.traversal
        for step in told.traversal:
            reached = world.graph.walk(
                step.node, step.direction, step.labels, max_hops=step.max_hops
            )
            found = {path.end.id for path in reached.paths} - {step.node}
            assert found == set(step.found) - {step.node}, step


def test_the_answer_names_what_was_deployed_then(broken: Broken) -> None:
    world, incident = broken
    told = world.explain(incident)
    assert "orders-svc was at v3.17 (commit 9f31c2d)" in told.deployed[0].text

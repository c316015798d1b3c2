"""What a policy is beside others: subsumption, minimums, consumers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfctl.compiler.expectations import by_dataset, joined_slo
from sfctl.compiler.findings import Findings
from sfctl.compiler.minimum import Minimum
from sfctl.compiler.policy import compile_policy
from sfctl.model.policy import Batch, Detection, Policy, Threshold
from tests.unit.compiler.building import compiled, declared, files, node


def subsumed(body: str) -> dict[str, str]:
    return {rule.id: rule.subsumed_by for rule in compiled(body)[0].rules}


def test_required_comes_before_nullable_before_not_null_before_an_expression() -> None:
    body = """
    dq:
      rules:
        - "name IS NOT NULL"
        - {kind: not_null, field: name}
        - {kind: required, field: name}
    """
    assert subsumed(body) == {
        "name_IS_NOT_NULL": "required:name",
        "not_null:name": "required:name",
        "required:name": "",
    }


def test_a_weaker_rule_never_subsumes_a_stricter_one() -> None:
    body = """
    dq:
      rules:
        - {kind: not_null, field: name, threshold: "5%", id: some}
        - {kind: not_null, field: name, id: all}
        - {kind: not_null, field: day, where: paid, id: where}
        - {kind: not_null, field: day, id: always}
        - {kind: required, field: at, severity: warn, id: soft}
        - {kind: not_null, field: at, id: hard}
    """
    assert subsumed(body) == {
        "some": "all", "all": "", "where": "", "always": "", "soft": "hard", "hard": "",
    }  # fmt: skip


MINIMUM = """
tiers:
  TIER_3:
    schema_mode: compatible
    pii: {detection: [{pattern: EMAIL, action: mask}]}
    pii_detection: true
    enforcement: {level: G2, max_quarantine_share: "3%"}
    max_threshold: "1%"
    slo: {dq: 0.99}
"""


def with_minimum(body: str, minimum: str = MINIMUM) -> tuple[Policy, list[str]]:
    policy, problems = compiled(body, minimum=node(minimum, "policies/minimum.yaml"))
    return policy, [p.code for p in problems]


def test_what_a_bundle_leaves_unsaid_is_raised_in_silence() -> None:
    policy, codes = with_minimum(
        "pii: {detection: [{pattern: EMAIL, action: redact, placeholder: x}]}"
    )
    assert codes == []
    assert policy.enforcement.max_quarantine_share == "0.03"
    assert [(d.kind, d.action) for d in policy.pii] == [("EMAIL", "redact")]


def test_the_minimum_holds_even_where_the_bundle_says_less() -> None:
    body = """
    dq: {rules: [{kind: not_null, field: id, threshold: "50%"}]}
    enforcement: {level: G0, max_quarantine_share: {silver: 0.5, gold: 0.01}}
    """
    policy, codes = with_minimum(body)
    assert codes == ["SF250"] * 4
    assert policy.enforcement.level == "G2"
    assert policy.enforcement.max_quarantine_share == "0.03"
    assert policy.enforcement.stage_shares == {"silver": "0.03", "gold": "0.01"}
    assert ("EMAIL", "mask") in [(d.kind, d.action) for d in policy.pii]
    assert policy.rules[0].threshold == Threshold(share="0.01")


def test_switched_off_detection_is_on_for_every_kind() -> None:
    policy, codes = with_minimum("", "tiers: {TIER_3: {pii_detection: true}}")
    assert codes == ["SF250"]
    assert {d.kind for d in policy.pii} == {"EMAIL", "PHONE", "SSN", "CREDIT_CARD", "IBAN", "IP"}
    assert {d.action for d in policy.pii} == {"none"}


def test_what_the_demand_for_detection_asks_for_can_be_written_as_it_stands() -> None:
    demand = "tiers: {TIER_3: {pii_detection: true}}"
    _, [problem] = compiled("", minimum=node(demand, "policies/minimum.yaml"))
    assert with_minimum(problem.message.split("`")[1], demand)[1] == []


@pytest.mark.parametrize(
    "other",
    [
        "{pattern: CUSTOM, name: EMAIL, regex: zzz, action: redact}",
        '{pattern: CUSTOM, name: AT, regex: "@", action: redact, placeholder: " at "}',
        "{pattern: EMAIL, columns: [name], action: mask}",
    ],
)
def test_no_other_entry_stands_in_for_a_demanded_one_or_acts_before_it(other: str) -> None:
    demand = "tiers: {TIER_3: {pii: {detection: [{pattern: EMAIL, action: tokenize}]}}}"
    alone, codes = with_minimum(f"pii: {{detection: [{other}]}}", demand)
    assert codes == ["SF250"]
    both = f"pii: {{detection: [{other}, {{pattern: EMAIL, action: tokenize}}]}}"
    first = with_minimum(both, demand)[0].pii[0]
    assert alone.pii[0] == first == Detection("EMAIL", "tokenize")


def test_a_stricter_action_on_one_column_still_comes_before_the_demanded_one() -> None:
    body = """
    pii:
      detection:
        - {pattern: EMAIL, columns: [name], action: tokenize}
        - {pattern: EMAIL, action: mask}
    """
    policy, codes = with_minimum(body)
    assert codes == []
    assert [d.action for d in policy.pii] == ["tokenize", "mask"]


def test_no_threshold_at_all_may_be_demanded() -> None:
    body = "dq: {rules: [{kind: not_null, field: id, threshold: 1}]}"
    policy, codes = with_minimum(body, "tiers: {TIER_3: {max_threshold: 0}}")
    assert codes == ["SF250"]
    assert policy.rules[0].threshold == Threshold()
    warned = body.replace("threshold", "severity: warn, threshold")
    assert with_minimum(warned, "tiers: {TIER_3: {max_threshold: 0}}")[1] == []


def test_other_tiers_demand_nothing_here() -> None:
    assert with_minimum("enforcement: {level: G0}", MINIMUM.replace("TIER_3", "TIER_1"))[1] == []


LEVELS = ["G0", "G1", "G2", "G3"]


@given(
    st.sampled_from(LEVELS),
    st.sampled_from(LEVELS),
    st.decimals(0, 1, places=3),
    st.decimals(0, 1, places=3),
)
def test_no_bundle_weakens_a_minimum(
    said: str, least: str, share: Decimal, ceiling: Decimal
) -> None:
    body = f"enforcement: {{level: {said}, max_quarantine_share: {share}}}"
    demand = f"enforcement: {{level: {least}, max_quarantine_share: {ceiling}}}"
    policy, codes = with_minimum(body, f"tiers: {{TIER_3: {{{demand}}}}}")
    assert policy.enforcement.level == max(said, least)
    assert Decimal(policy.enforcement.max_quarantine_share) == min(share, ceiling)
    assert len(codes) == (said < least) + (share > ceiling)


@pytest.mark.parametrize(
    ("slo", "found"),
    [
        ("{}", {"threshold": 0.99}),
        ("{dq: 0.999}", 0.999),
        ("{dq: {threshold: 0.5, warning_threshold: 0.4}}",
         {"threshold": 0.99, "warning_threshold": 0.4}),
    ],
)  # fmt: skip
def test_objectives_are_raised_to_the_least(slo: str, found: object) -> None:
    dataset = f"{{urn: ds://shop/orders, owner_team: sales, tier: TIER_3, slo: {slo}}}"
    own: Any = node(dataset)["slo"].plain()
    minimum = Minimum(node(MINIMUM), files(None, dataset), Findings())
    assert minimum.slo(own)["dq"] == found


CONSUMER = """
consumer: finance
owner_team: money
expects:
  - dataset: orders
    fields: [id, name, {field: day, nullable: true}, absent]
    freshness: {max_delay_seconds: 3600, expected_update_by: "07:00 ET daily"}
    min_rows: 10
    dq: 0.99
"""


def test_consumers_add_what_they_need() -> None:
    names = {"orders": "urn:dp:shop:orders"}
    demands = by_dataset([node(CONSUMER, "expectations/finance.yaml")], names)
    body = "contract_lite: {required_fields: [id]}"
    policy, problems = compile_policy(
        files(declared(body)), expectations=demands["urn:dp:shop:orders"]
    )
    assert [(r.id, r.tags) for r in policy.rules] == [
        ("required:id", ()),
        ("required:name", ("consumer:finance",)),
        ("row_count:finance", ("consumer:finance",)),
    ]
    assert policy.rules[2].check == Batch("row_count", minimum="10")
    (gap,) = problems
    assert (gap.code, gap.severity) == ("SF252", "warning")
    assert "sales" in gap.hint
    assert "money" in gap.hint


@pytest.mark.parametrize(
    ("slo", "freshness", "gaps"),
    [
        ("{}", {"max_delay_seconds": 3600, "expected_update_by": "07:00 ET daily"}, 1),
        ("{freshness: {max_delay_seconds: 60}}",
         {"max_delay_seconds": 60, "expected_update_by": "07:00 ET daily"}, 0),
        ('{freshness: {expected_update_by: "06:00 ET daily"}}',
         {"max_delay_seconds": 3600, "expected_update_by": "06:00 ET daily"}, 1),
        ('{freshness: {max_delay_seconds: 7200, expected_update_by: "08:00 ET daily"}}',
         {"max_delay_seconds": 3600, "expected_update_by": "08:00 ET daily"}, 2),
    ],
)  # fmt: skip
def test_the_tighter_freshness_counts(slo: str, freshness: object, gaps: int) -> None:
    dataset = f"{{urn: ds://shop/orders, owner_team: sales, tier: TIER_3, slo: {slo}}}"
    own: Any = node(dataset)["slo"].plain()
    demands = by_dataset([node(CONSUMER)], {"orders": "u"})["u"]
    findings = Findings()
    joined = joined_slo(own, demands, files(None, dataset), findings)
    assert joined["freshness"] == freshness
    assert joined["dq"] == {"threshold": 0.99}
    assert len(findings.problems) == gaps
    assert not findings.failed

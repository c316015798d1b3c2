"""The labelled incidents, through the real stages: right, never sure and wrong, never fooled."""

from __future__ import annotations

import pytest

from bench.labelled.catalogue import plans
from bench.labelled.held import Held, held
from bench.labelled.streams import NO_CAUSE
from sfctl.rca.evaluate import counted

pytestmark = pytest.mark.xdist_group("labelled")


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> list[Held]:
    return held(plans(), tmp_path_factory.mktemp("labelled"))


def test_the_set_is_wide_enough_to_mean_something(answers: list[Held]) -> None:
    assert len(answers) >= 60
    assert len({each.plan.name for each in answers}) == len(answers)
    assert {each.plan.depth for each in answers} >= {1, 2, 3, 4, 5, 6}
    kinds = {each.verdict.expected.partition(" ")[0] for each in answers}
    assert kinds == {
        "DEPLOYMENT", "UPSTREAM_SCHEMA", "UPSTREAM_ENUM", "UPSTREAM_DATA", "UPSTREAM_LATE",
        "JOB_FAILURE", "NOT_TRIGGERED", "SLOW", "POLICY_CHANGE", "CODE_CHANGE", "INFRASTRUCTURE",
        "UNKNOWN",
    }  # fmt: skip
    assert not [each.verdict for each in answers if each.verdict.error]


def test_most_causes_come_first_and_each_family_holds(answers: list[Held]) -> None:
    known = [each for each in answers if each.plan.family != NO_CAUSE]
    missed = [(each.plan.name, each.verdict) for each in known if each.verdict.place != 1]
    assert counted([each.verdict for each in known]).top_1 >= 0.85, missed
    for family in {each.plan.family for each in known}:
        found = counted([each.verdict for each in known if each.plan.family == family])
        assert found.top_1 >= 0.75, (family, missed)


def test_without_a_cause_on_record_nobody_is_blamed(answers: list[Held]) -> None:
    innocent = [each for each in answers if each.plan.family == NO_CAUSE]
    assert [each.verdict for each in innocent if each.verdict.answered != "UNKNOWN"] == []


def test_no_decoy_is_ever_blamed_and_nothing_is_sure_and_wrong(answers: list[Held]) -> None:
    assert [each.plan.name for each in answers if each.fooled] == []
    sure = [each for each in answers if each.verdict.is_wrong and each.verdict.level == "HIGH"]
    assert sure == []

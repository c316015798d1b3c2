"""Two versions of a policy over one batch: what both refuse is bad, what one refuses is told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from sfctl.certification import predicate
from sfctl.model.policy import Policy, Rule, Threshold
from sfctl.model.verdict import Judgement
from sfctl.runtime.core.judge import Surroundings, judge
from sfctl.runtime.core.split import RULES
from sfctl.runtime.core.versions import Joint, joined, judge_both, split_both
from tests.conformance.runtime.rules import declared, foreign, measure, policy, rule, unique

NOW = datetime(2026, 1, 9, tzinfo=UTC)
ROWS = pl.DataFrame({"n": [1, 5, 50, 500], "s": ["a", "a", "b", "c"]})


def both(new: Policy, old: Policy, rows: pl.DataFrame = ROWS, **more: Any) -> Judgement:
    return judge_both(rows, pair(new, old), "gold", now=NOW, **more)


def pair(new: Policy, old: Policy) -> Joint:
    return joined(new, old)


def v(number: int, *rules: Rule, **more: Any) -> Policy:
    return policy(*rules, version=number, **more)


def statuses(judgement: Judgement) -> dict[str, str]:
    return {result.id: result.status for result in judgement.rules}


def test_a_row_valid_for_one_version_only_is_a_warning() -> None:
    found = both(v(2, rule("n < 100", "cap")), v(1, rule("n < 1000", "cap")))
    assert statuses(found) == {"cap": "warn", "cap@v1": "pass"}
    assert (found.bad, found.verdict) == (0, "WARN")
    assert "only version 2 says so" in found.rules[0].reason
    found = both(v(2, rule("n < 1000", "cap")), v(1, rule("n < 100", "cap")))
    assert statuses(found) == {"cap": "pass", "cap@v1": "warn"}
    assert "only version 1 says so" in found.rules[1].reason
    assert (found.bad, found.verdict) == (0, "WARN")
    told = found.gates[-1].details["versions"]
    assert told == {"new": 2, "earlier": 1, "only_new": [], "only_earlier": ["cap@v1"]}


def test_what_both_versions_refuse_fails() -> None:
    joint = pair(v(2, rule("n < 10", "cap")), v(1, rule("n < 100", "cap")))
    found = judge_both(ROWS, joint, "gold", now=NOW)
    assert statuses(found) == {"cap": "fail", "cap@v1": "fail"}
    assert (found.bad, found.good, found.verdict, found.gates[-1].failed) == (1, 3, "FAIL", 1)
    parts = split_both(ROWS, joint, "gold", judgement=found, around=Surroundings())
    assert parts.good["n"].to_list() == [1, 5, 50]
    assert parts.bad[RULES].to_list() == [["cap", "cap@v1"]]


def test_one_row_for_each_version_alone_spoils_neither() -> None:
    found = both(v(2, rule("n < 100", "cap")), v(1, rule("n > 1", "floor")))
    assert (found.bad, found.verdict) == (0, "WARN")
    assert set(statuses(found).values()) == {"warn"}


def test_a_shared_rule_is_evaluated_once_and_fails_as_ever() -> None:
    asked: list[str] = []

    def known(name: str) -> pl.LazyFrame:
        asked.append(name)
        return pl.LazyFrame({"s": ["a", "b"]})

    shared, around = foreign("s", "urn:dp:shop:codes", "s"), Surroundings(references=known)
    calm = v(2, shared, rule("n < 2000", "cap"))
    found = both(calm, v(1, shared, rule("n < 1000", "cap")), around=around)
    assert asked == ["urn:dp:shop:codes"]
    assert [r.id for r in found.rules] == ["fk", "cap", "cap@v1"]
    assert (statuses(found)["fk"], found.bad) == ("fail", 1)
    tight = v(2, shared, rule("n < 100", "cap"))
    found = both(tight, v(1, shared, rule("n < 1000", "cap")), around=around)
    assert statuses(found) == {"fk": "fail", "cap": "fail", "cap@v1": "pass"}
    assert found.bad == 1  # the row fails the new version alone, and both by the shared rule


def test_a_repaired_rule_and_one_on_a_column_that_is_not_there_yet() -> None:
    old, new = rule("10 / (n - 1) > 0", "share"), rule("n = 1 OR 10 / (n - 1) > 0", "share")
    found = both(v(2, new), v(1, old))
    assert (found.bad, found.verdict, statuses(found)["share@v1"]) == (0, "WARN", "warn")
    found = both(v(2, rule("later > 0", "soon")), v(1, rule("n > 0", "first")))
    assert (found.bad, found.verdict, statuses(found)["soon"]) == (0, "WARN", "warn")


def test_keys_batches_and_thresholds_follow_the_same_law() -> None:
    found = both(v(2, unique("s")), v(1, unique("n")))
    assert (found.bad, found.verdict) == (0, "WARN")
    twice = pl.DataFrame({"n": [1, 1], "s": ["a", "a"]})
    found = both(v(2, unique("s")), v(1, unique("n")), twice)
    assert (found.bad, found.verdict) == (2, "FAIL")
    found = both(v(2, measure("row_count", minimum="9")), v(1, measure("row_count", minimum="1")))
    assert (found.verdict, found.batch_failed) == ("WARN", False)
    found = both(v(2, measure("row_count", minimum="9")), v(1, measure("row_count", minimum="5")))
    assert (found.verdict, found.batch_failed) == ("FAIL", True)
    tolerant = rule("n < 10", "cap", threshold=Threshold(1))
    found = both(v(2, rule("n < 10", "cap")), v(1, tolerant))
    assert (found.bad, found.verdict) == (2, "FAIL")


def test_a_tighter_schema_warns_first() -> None:
    narrow, wide = declared(n="INT64", s="STRING!"), declared(n="INT64", s="STRING")
    rows = pl.DataFrame({"n": [1], "s": [1.5]})
    tight, loose = v(2, schema=declared(n="INT64", s="STRING")), v(1, schema=declared(n="INT64"))
    found = both(tight, loose, rows)
    assert (found.gates[0].gate, found.gates[0].result) == ("G3_SCHEMA", "WARN")
    assert both(v(2, schema=narrow), v(1, schema=wide)).gates[0].result == "PASS"
    assert both(tight, v(1, schema=wide), rows).gates[0].result == "FAIL"


def test_a_warning_by_one_version_alone_certifies() -> None:
    new = v(2, rule("n < 100", "cap"))
    found = both(new, v(1, rule("n < 1000", "cap")))
    assert predicate.judged(predicate.Case(new, found)) == ()
    found = both(new, v(1, rule("n < 50", "cap")))
    assert predicate.judged(predicate.Case(new, found)) == ("GATE_FAIL:DQ",)


_CUTS = st.integers(-3, 3)


@settings(max_examples=25, deadline=None)
@given(
    rows=st.lists(st.one_of(st.none(), st.integers(-4, 4)), min_size=1, max_size=12),
    new=st.lists(_CUTS, max_size=2, unique=True),
    old=st.lists(_CUTS, max_size=2, unique=True),
    shared=st.lists(st.integers(-2, 2), max_size=1),
)
def test_bad_is_what_each_version_alone_refuses(
    rows: list[int | None], new: list[int], old: list[int], shared: list[int]
) -> None:
    def version(number: int, cuts: list[int]) -> Policy:
        own = [rule(f"n < {cut}", f"below{index}") for index, cut in enumerate(cuts)]
        return v(number, *own, *(rule(f"n <> {cut}", "not") for cut in shared))

    first, second = version(2, new), version(1, old)
    frame = pl.DataFrame({"n": rows}, schema={"n": pl.Int64})
    refused = []
    for index in range(frame.height):
        one = frame.slice(index, 1)
        refused.append(all(judge(one, p, "gold", now=NOW).bad for p in (first, second)))
    joint = pair(first, second)
    found = judge_both(frame, joint, "gold", now=NOW)
    parts = split_both(frame, joint, "gold", judgement=found, around=Surroundings())
    assert found.bad == sum(refused) == parts.bad.height
    assert parts.good["n"].to_list() == [n for n, no in zip(rows, refused, strict=True) if not no]
    assert found.totals.declared == len(found.rules)

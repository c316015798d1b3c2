"""Whatever the rules: counts add up, both sides of a split too, and chunks do not matter."""

from __future__ import annotations

from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from sfctl.model.policy import Policy, RowCheck, Rule, Threshold
from sfctl.model.verdict import Judgement
from sfctl.runtime.core.judge import judge
from sfctl.runtime.core.sources import FrameSource
from sfctl.runtime.core.split import REASONS, RULES, split
from sfctl.runtime.polars.measures import Measured
from sfctl.runtime.tally import Distinct, RowTally
from tests.conformance.runtime.rules import NOW, condition, measure, policy, rule, unique

_rows = st.lists(
    st.fixed_dictionaries(
        {
            "a": st.none() | st.integers(-2, 2),
            "b": st.none() | st.integers(-2, 2),
            "s": st.none() | st.sampled_from(["x", "y", "zz"]),
            "x": st.none() | st.sampled_from([0.0, -0.0, 1.5, float("nan")]),
        }
    ),
    max_size=25,
)
_SCHEMA = {"a": pl.Int64(), "b": pl.Int64(), "s": pl.String(), "x": pl.Float64()}
_TEXTS = ["a > 0", "a + b < 2", "a // b = 1", "s = 'x' OR a IS NULL", "x > 0", "length(s) = 1"]
_CHECKS = [RowCheck(condition(text, a="INT64", b="INT64", s="STRING", x="DOUBLE"))
           for text in _TEXTS]  # fmt: skip

_THRESHOLDS = [Threshold(), Threshold(2), Threshold(share="0.3")]


@st.composite
def _policies(draw: st.DrawFn) -> Policy:
    found: list[Rule] = []
    for index, check in enumerate(draw(st.lists(st.sampled_from(_CHECKS), max_size=4))):
        found.append(
            rule(
                check, f"r{index}", severity=draw(st.sampled_from(["error", "error", "warn"])),
                gate=draw(st.sampled_from(["G3_SCHEMA", "G4_CONTRACT", "DQ"])),
                threshold=draw(st.sampled_from(_THRESHOLDS)),
                where=draw(st.none() | st.sampled_from([c.expr for c in _CHECKS])),
            )
        )  # fmt: skip
    for index, fields in enumerate(draw(st.lists(st.sampled_from([("a",), ("a", "s"), ("x",)]),
                                                 max_size=2))):  # fmt: skip
        nulls = draw(st.sampled_from(["equal", "distinct"]))
        found.append(unique(*fields, nulls=nulls, rule_id=f"u{index}"))
    if draw(st.booleans()):
        found += [measure("avg", "a", minimum="0"), measure("distinct_count", "s", maximum="1")]
    return policy(*found)


def _comparable(judgement: Judgement) -> Any:
    rules = [(r.id, r.status, r.failed, r.evaluated, r.signatures, r.surplus, r.measured)
             for r in judgement.rules]  # fmt: skip
    gates = [(g.gate, g.result, g.failed, g.evaluated, g.compliance) for g in judgement.gates]
    return rules, gates, judgement.bad, judgement.totals, judgement.verdict


@settings(max_examples=80, deadline=None)
@given(_rows, _policies(), st.integers(1, 7))
def test_counts_add_up_and_chunks_do_not_matter(
    values: list[dict[str, Any]], rules: Policy, size: int
) -> None:
    frame = pl.DataFrame(values, schema=_SCHEMA)
    whole = judge(frame, rules, "gold", now=NOW)
    totals = whole.totals
    assert totals.declared == len(rules.rules) == len(whole.rules)
    assert totals.declared == (
        totals.passed + totals.failed + totals.warned + totals.skipped + totals.error
    )
    assert whole.good + whole.bad == whole.rows == frame.height
    chunked = judge(FrameSource(frame, size), rules, "gold", now=NOW)
    assert _comparable(chunked) == _comparable(whole)
    parts = split(frame, rules, "gold", judgement=whole)
    assert (parts.good.height, parts.bad.height) == (whole.good, whole.bad)
    assert split(frame, rules, "gold").bad.equals(parts.bad)
    assert parts.good.columns == frame.columns
    for ids, reasons in parts.bad.select(RULES, REASONS).iter_rows():
        assert ids
        assert len(ids) == len(reasons)
    per_rule = parts.bad.get_column(RULES).explode().value_counts()
    failed = {r.id: r.failed for r in whole.rules if r.failed and r.measured is None
              and r.severity == "error"}  # fmt: skip
    assert dict(per_rule.iter_rows()) == failed


@given(_rows)
def test_a_split_without_failures_keeps_every_row(values: list[dict[str, Any]]) -> None:
    frame = pl.DataFrame(values, schema=_SCHEMA)
    parts = split(frame, policy(rule("a > 5 OR a <= 5")), "gold")
    assert parts.good.equals(frame)
    assert parts.bad.columns == [*frame.columns, RULES, REASONS]
    assert parts.bad.is_empty()


_counts = st.integers(0, 50)
_tallies = st.builds(
    RowTally, _counts, _counts, _counts, st.dictionaries(st.text("ab", max_size=3), _counts)
)
_distincts = st.builds(
    Distinct, _counts, st.dictionaries(st.sampled_from(["DQ", "G3_SCHEMA"]), _counts)
)


@given(_tallies, _tallies, _tallies)
def test_tallies_merge_in_any_order(a: RowTally, b: RowTally, c: RowTally) -> None:
    assert a.merge(b) == b.merge(a)
    assert a.merge(b).merge(c) == a.merge(b.merge(c))
    assert a.merge(RowTally()) == a


@given(_distincts, _distincts, _distincts)
def test_distinct_rows_merge_in_any_order(a: Distinct, b: Distinct, c: Distinct) -> None:
    assert a.merge(b) == b.merge(a)
    assert a.merge(b).merge(c) == a.merge(b.merge(c))


def test_values_beyond_the_bound_merge_to_the_same_whatever_the_order() -> None:
    left = RowTally(values={f"{n:05}": 1 for n in range(0, 1500, 2)})
    right = RowTally(values={f"{n:05}": 2 for n in range(1, 1500, 2)})
    assert left.merge(right) == right.merge(left)
    assert len(left.merge(right).values) == 1_000


@given(st.lists(st.floats(-100, 100), min_size=3, max_size=12))
def test_moments_merge_to_those_of_the_whole(values: list[float]) -> None:
    import statistics

    def state(part: list[float]) -> Measured:
        mean = statistics.fmean(part)
        return Measured(len(part), len(part), mean=mean,
                        squares=sum((v - mean) ** 2 for v in part))  # fmt: skip

    merged = state(values[:1]).merge(state(values[1:]))
    whole = state(values)
    assert abs(merged.mean - whole.mean) < 1e-9
    assert abs(merged.squares - whole.squares) < 1e-6 * (1 + whole.squares)


def test_only_one_pass_over_rows_that_pass_and_two_where_keys_repeat() -> None:
    from sfctl.runtime.core.budget import Budget
    from sfctl.runtime.core.judge import Surroundings, program_for
    from sfctl.runtime.core.scan import scan

    class Counting(FrameSource):
        asked: list[list[str]] = []  # noqa: RUF012 - filled by the test alone

        def chunks(self, columns: Any) -> Any:
            self.asked.append(list(columns))
            return super().chunks(columns)

    def passes(values: list[int]) -> list[list[str]]:
        source = Counting(pl.DataFrame({"a": values, "b": values, "c": values}))
        source.asked.clear()
        rules = policy(rule("a < 9"), unique("a", "b"), measure("row_count"))
        program, _ = program_for(source, rules, "gold", Surroundings())
        scan(source, program, Budget())
        return list(source.asked)

    assert passes([1, 2, 3]) == [["a", "b"]]
    assert passes([1, 1, 3]) == [["a", "b"]] * 2

"""What a judgement says of rows, rule by rule and gate by gate."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from sfctl.errors import SourceError
from sfctl.model.expr import Constant, Field, Within
from sfctl.model.policy import ColumnSpec, Detection, RowCheck, SchemaPolicy, Threshold
from sfctl.model.types import parse
from sfctl.model.verdict import GateResult, PiiFinding
from sfctl.runtime.core.budget import Budget
from sfctl.runtime.core.judge import Surroundings
from tests.conformance.runtime.rules import (
    condition,
    declared,
    foreign,
    judged,
    measure,
    policy,
    result,
    rule,
    unique,
)

ROWS = pl.DataFrame({"n": [1, 2, 3, None], "s": ["a", "b", "b", "?"]})


def test_only_false_violates_and_unknown_passes() -> None:
    found = judged(ROWS, rule("n > 1"))
    assert (found.rules[0].failed, found.rules[0].evaluated) == (1, 4)
    assert (found.good, found.bad, found.verdict) == (3, 1, "FAIL")
    assert found.rules[0].signatures == {"INVARIANT_VIOLATION:r": 1}


@pytest.mark.parametrize(
    ("threshold", "status"),
    [
        (Threshold(), "fail"),
        (Threshold(1), "fail"),
        (Threshold(2), "pass"),
        (Threshold(share="0.5"), "pass"),
        (Threshold(share="0.49"), "fail"),
    ],
)
def test_a_threshold_decides_the_status_but_not_the_rows(threshold: Any, status: str) -> None:
    found = judged(ROWS, rule("n > 2", threshold=threshold))
    assert found.rules[0].status == status
    assert found.bad == 2
    assert found.gates[-1].failed == 2


def test_warnings_neither_fail_nor_divert() -> None:
    found = judged(ROWS, rule("n > 1", severity="warn"))
    assert (found.rules[0].status, found.verdict, found.bad) == ("warn", "WARN", 0)


def test_where_narrows_the_rows_evaluated() -> None:
    found = result(ROWS, rule("n > 2", where=condition("s = 'b'")))
    assert (found.failed, found.evaluated) == (1, 2)


def test_distinct_rows_are_counted_once_across_rules_and_keys() -> None:
    rows = pl.DataFrame({"n": [1, 1, 2, 3], "m": [0, 5, 0, 5]})
    found = judged(
        rows, rule("m > 0", "a"), rule("m + n > 2", "b", gate="G4_CONTRACT"), unique("n")
    )
    assert [r.failed for r in found.rules] == [2, 2, 2]
    assert (found.good, found.bad) == (1, 3)
    assert {g.gate: g.failed for g in found.gates} == {
        "G3_SCHEMA": 0, "G4_CONTRACT": 2, "G5_PII": 0, "DQ": 3,
    }  # fmt: skip
    assert found.gates[-1].compliance == 0.25


def test_no_rows_skip_row_rules_and_measure_the_batch() -> None:
    found = judged(ROWS.clear(), rule("n > 1"), measure("row_count", minimum="1"))
    assert [(r.status, r.reason) for r in found.rules] == [("skipped", "no rows"), ("fail", "")]
    assert found.totals.declared == 2
    assert judged(ROWS.clear(), rule("n > 1")).verdict == "SKIP"


def test_an_absent_column_is_an_error_of_the_data_and_no_row_passes() -> None:
    found = judged(ROWS, rule("gone > 1"), rule("n < 9", "other"))
    assert (found.rules[0].status, found.rules[0].data_error) == ("error", True)
    assert "gone" in found.rules[0].reason
    assert found.rules[1].status == "pass"
    assert (found.bad, found.verdict) == (4, "FAIL")


def test_a_column_of_another_type_is_an_error_of_the_data() -> None:
    found = result(ROWS, rule(RowCheck(condition("s > 5", s="ANY"))))
    assert (found.status, found.data_error) == ("error", True)


def test_nothing_that_can_be_cast_is_an_error_of_the_data() -> None:
    rows = pl.DataFrame({"n": ["x", "y"]})
    found = result(rows, rule(RowCheck(condition("n > 5", n="INT64"))))
    assert (found.status, found.data_error) == ("error", True)


def test_some_that_cannot_be_cast_fail_as_rows() -> None:
    rows = pl.DataFrame({"n": ["7", "y", None]})
    found = result(rows, rule(RowCheck(condition("n > 5", n="INT64"))))
    assert (found.status, found.failed) == ("fail", 1)
    assert found.signatures == {"EVAL_ERROR:r": 1}


def test_a_fault_of_ours_in_one_rule_is_that_rules_alone() -> None:
    broken = rule(RowCheck(Within(Field(("n",), parse("INT64")), ())), "broken")
    found = judged(ROWS, broken, rule("n < 9", "other"))
    assert (found.rules[0].status, found.rules[0].data_error) == ("error", False)
    assert found.rules[1].status == "pass"
    assert found.gates[-1].result == "ERROR"
    assert found.degraded
    assert found.bad == 0


def test_subsumed_rules_mirror_and_are_not_counted_again() -> None:
    found = judged(ROWS, rule("n > 1", "a"), rule("n > 1", "b", subsumed_by="a"))
    assert [r.status for r in found.rules] == ["fail", "fail"]
    assert (found.rules[1].failed, found.rules[1].subsumed_by) == (0, "a")
    assert found.gates[-1].signatures == {"INVARIANT_VIOLATION:a": 1}


def test_values_are_told_only_where_they_may_be() -> None:
    check = RowCheck(Within(Field(("s",), parse("STRING")), (Constant("a", parse("STRING")),)))
    enum = rule(check, signature="UNKNOWN_ENUM:s", detail_field="s")
    assert result(ROWS, enum).signatures == {"UNKNOWN_ENUM:s:b": 2, "UNKNOWN_ENUM:s:*": 1}
    secret = SchemaPolicy(columns=(ColumnSpec("s", parse("STRING"), pii=True),))
    assert result(ROWS, enum, schema=secret).signatures == {"UNKNOWN_ENUM:s:*": 3}
    everywhere = (Detection("EMAIL"),)
    assert result(ROWS, enum, pii=everywhere).signatures == {"UNKNOWN_ENUM:s:*": 3}
    many = pl.DataFrame({"s": [f"v{i:02}" for i in range(30)]})
    told = result(many, enum).signatures
    assert len(told) == 11
    assert told["UNKNOWN_ENUM:s:*"] == 20


def test_gates_that_are_off_are_skipped_with_their_rules() -> None:
    around = Surroundings(off=frozenset({"DQ"}))
    found = judged(ROWS, rule("n > 1"), around=around)
    assert (found.rules[0].status, found.rules[0].reason) == ("skipped", "KILL_SWITCH")
    assert found.gates[-1].result == "SKIP"


def test_bronze_names_dataset_and_producer() -> None:
    def gates(**around: Any) -> list[str]:
        found = judged(ROWS, stage="bronze", around=Surroundings(**around))
        return [gate.result for gate in found.gates]

    assert gates(registered=True, confidence="HIGH") == ["PASS", "PASS", "SKIP"]
    assert gates(registered=False, confidence="NONE") == ["FAIL", "WARN", "SKIP"]
    assert gates() == ["SKIP", "SKIP", "SKIP"]
    ready = GateResult("G1_RESOLUTION", "PASS", details={"by": "caller"})
    assert gates(ready={"G1_RESOLUTION": ready}, confidence="LOW") == ["PASS", "PASS", "SKIP"]


@pytest.mark.parametrize(
    ("mode", "types", "result", "code"),
    [
        ("compatible", {"n": "INT64", "s": "STRING"}, "PASS", ""),
        ("compatible", {"n": "INT32", "s": "STRING"}, "WARN", "TYPE_MISMATCH:n:INT32→INT64"),
        ("compatible", {"n": "DATE"}, "FAIL", "TYPE_MISMATCH:n:DATE→INT64"),
        ("breaking", {"n": "DATE"}, "PASS", "TYPE_MISMATCH:n:DATE→INT64"),
        ("strict", {"n": "INT32"}, "FAIL", "TYPE_MISMATCH:n:INT32→INT64"),
        ("compatible", {"gone": "DATE"}, "FAIL", "SCHEMA_BREAK:gone:DATE→ABSENT"),
    ],
)
def test_schema_modes(mode: str, types: dict[str, str], result: str, code: str) -> None:
    gate = judged(ROWS, schema=declared(mode, baseline=False, **types)).gates[0]
    assert gate.result == result
    assert gate.reason_codes == ((code,) if code else ())


def test_a_baseline_knows_additions_and_a_required_field_is_missed() -> None:
    baseline = declared("compatible", baseline=True, n="INT64")
    found = judged(ROWS, schema=baseline)
    assert (found.gates[0].result, found.drift) == ("WARN", ("SCHEMA_BREAK:s:ABSENT→STRING",))
    required = SchemaPolicy(columns=(ColumnSpec("gone", parse("ANY"), required=True),))
    assert judged(ROWS, schema=required).gates[0].reason_codes == ("MISSING_FIELD:gone",)


@pytest.mark.parametrize("baseline", [False, True])
def test_g3_tells_a_renamed_column_whatever_it_compares_with(baseline: bool) -> None:
    known = declared("compatible", baseline=baseline, dest="STRING", n="INT64")
    rows = pl.DataFrame({"destination": ["JFK"], "n": [1], "note": [None]})
    gate = judged(rows, schema=known).gates[0]
    assert gate.details["changes"] == [
        {"change": "removed", "field": "dest", "from": "STRING", "to": None},
        {"change": "possible_rename", "field": "dest", "from": "dest", "to": "destination"},
        {"change": "added", "field": "destination", "from": None, "to": "STRING"},
        {"change": "added", "field": "note", "from": None, "to": "NULL"},
    ]


def test_a_gate_with_nothing_declared_is_skipped_and_has_no_say() -> None:
    found = judged(ROWS, rule("n IS NOT NULL", gate="DQ"), stage="gold")
    told = {g.gate: (g.result, g.details.get("reason"), g.compliance) for g in found.gates}
    unasked = ("SKIP", "nothing declared", None)
    assert told == {
        "G3_SCHEMA": unasked, "G4_CONTRACT": unasked, "G5_PII": unasked,
        "DQ": ("FAIL", None, 0.75),
    }  # fmt: skip
    assert judged(ROWS, rule("n > 0")).verdict == "PASS"
    assert judged(ROWS, schema=declared("compatible", baseline=False, n="INT64")).verdict == "PASS"
    assert judged(ROWS).verdict == "PASS"
    empty = judged(ROWS.clear(), rule("n > 0"))
    assert [g.details.get("reason") for g in empty.gates if g.gate == "DQ"] == ["no rows"]
    assert empty.verdict == "SKIP"


def test_g3_lists_a_bounded_number_of_changes() -> None:
    rows = pl.DataFrame({"n": [1], **{f"c{i:03}": ["x"] for i in range(150)}})
    gate = judged(rows, schema=declared("compatible", baseline=False, n="INT64")).gates[0]
    assert (gate.result, len(gate.details["changes"])) == ("PASS", 100)  # type: ignore[arg-type]
    assert gate.details["changes_omitted"] == 50


def test_measures_of_a_batch() -> None:
    rows = pl.DataFrame({"n": [1, 2, 2, 5], "d": [datetime(2024, 1, 15, 11, tzinfo=UTC)] * 4})
    found = judged(
        rows, measure("row_count"), measure("distinct_count", "n"), measure("avg", "n"),
        measure("stddev", "n"), measure("quantile", "n", quantile=0.5), measure("min", "n"),
        measure("freshness", "d", maximum="3600"), measure("null_rate", "n", maximum="0"),
    ).rules  # fmt: skip
    assert [r.measured for r in found] == [
        "4", "3", "2.5", "1.73205080757", "2", "1", "3600", "0",
    ]  # fmt: skip
    assert {r.status for r in found} == {"pass"}
    assert result(rows, measure("avg", "n", maximum="2.4999")).status == "fail"
    assert result(rows, measure("max", "n", maximum="5", exclusive_maximum=True)).status == "fail"
    late = measure("max", "d", minimum="2024-01-15T11:00:00Z")
    assert result(rows, late).status == "pass"
    nothing = pl.DataFrame({"n": [None]}, schema={"n": pl.Int64})
    assert result(nothing, measure("avg", "n")).reason == "no values"


def test_a_measure_that_cannot_be_taken_is_an_error_of_the_data() -> None:
    found = judged(ROWS, measure("stddev", "s"), measure("freshness", "n"))
    assert [(r.status, r.data_error) for r in found.rules] == [("error", True)] * 2
    assert found.verdict == "FAIL"


def test_foreign_keys_look_into_certified_rows() -> None:
    def rows_of(urn: str) -> pl.LazyFrame | None:
        known = pl.LazyFrame({"k": ["a", "b", "b"]})
        return known if urn == "urn:dp:ref:keys" else None

    around = Surroundings(references=rows_of)
    found = result(ROWS, foreign("s", "urn:dp:ref:keys", "k"), around=around)
    assert (found.status, found.failed) == ("fail", 1)
    found = result(ROWS, foreign("s", "urn:dp:ref:other", "k"), around=around)
    assert (found.status, found.data_error) == ("error", True)
    found = result(ROWS, foreign("n", "urn:dp:ref:keys", "k"), around=around)
    assert (found.status, found.data_error) == ("error", True)


def test_uniqueness_against_the_table() -> None:
    table = pl.LazyFrame({"n": [3, 9], "s": ["x", "y"]})
    from sfctl.model.policy import Unique

    key = rule(Unique(("n",), scope="table"), "key", kind="unique")
    around = Surroundings(others=lambda _rule: table)
    rows = pl.DataFrame({"n": [1, 3], "s": ["a", "b"]})
    found = judged(rows, key, around=around)
    assert (found.rules[0].failed, found.rules[0].surplus, found.bad) == (1, 1, 1)
    assert judged(rows, key).bad == 0


def test_whole_rows_that_repeat() -> None:
    rows = pl.DataFrame({"a": [1, 1, 1], "b": ["x", "x", "y"]})
    assert result(rows, unique()).failed == 2


def test_personal_data_is_counted_in_the_same_pass() -> None:
    def look(frame: pl.DataFrame, detections: Any) -> tuple[PiiFinding, ...]:
        return (
            PiiFinding(
                "s", "EMAIL", "mask", len(frame.filter(pl.col("s").str.contains("@"))), frame.height
            ),
        )

    rows = pl.DataFrame({"s": ["a@b.c", "x", "d@e.f"]})
    around = Surroundings(pii=look)
    found = judged(rows, around=around, pii=(Detection("EMAIL", "mask", ("s",)),))
    assert (found.pii[0].matches, found.pii[0].evaluated) == (2, 3)
    assert found.gates[2].signatures == {"PII_DETECTED:s:EMAIL": 2}
    assert found.verdict == "PASS"


def test_past_the_deadline_a_tenth_is_judged_and_says_so() -> None:
    ticks = iter([0.0, *[100.0] * 50])
    budget = Budget(seconds=1.0, clock=lambda: next(ticks))
    rows = pl.DataFrame({"n": [0] * 1_000})
    from sfctl.runtime.core.sources import FrameSource

    found = judged(FrameSource(rows, 100), rule("n > 0"), around=Surroundings(budget=budget))
    assert found.sampled
    assert found.rules[0].sampled
    assert (found.rows, found.rules[0].evaluated) == (1_000, 100 + 90)


def test_past_the_memory_cap_keys_are_given_up_and_nothing_else() -> None:
    sizes = iter([0, *[10**12] * 50])
    budget = Budget(memory=1, resident=lambda: next(sizes))
    found = judged(ROWS, unique("n"), rule("n < 9"), around=Surroundings(budget=budget))
    assert (found.rules[0].status, found.rules[0].data_error) == ("error", False)
    assert found.rules[1].status == "pass"
    assert found.gates[-1].result == "ERROR"


def test_the_judgement_names_its_policy_and_schema() -> None:
    found = judged(ROWS, digest="sha256:x")
    assert found.policy_digest == "sha256:x"
    assert found.schema[0] == {"name": "n", "type": "INT64", "nullable": True}
    assert found.schema_fingerprint.startswith("sha256:")
    assert policy().dataset_urn == found.dataset_urn


@pytest.mark.parametrize("function", ["min", "max"])
def test_texts_are_not_held_against_numbers(function: str) -> None:
    found = result(pl.DataFrame({"a": ["5000", "6"]}), measure(function, "a", maximum="7"))
    assert (found.status, found.data_error) == ("error", True)
    assert result(pl.DataFrame({"a": ["5000", "6"]}), measure(function, "a")).status == "pass"


@pytest.mark.parametrize("function", ["sum", "avg", "stddev", "quantile", "min", "max"])
def test_a_column_of_nothing_but_nulls_has_nothing_to_measure(function: str) -> None:
    rows = pl.DataFrame({"a": pl.Series([None, None], dtype=pl.Null)})
    found = result(rows, measure(function, "a", maximum="1"))
    assert (found.status, found.reason) == ("skipped", "no values")


@pytest.mark.parametrize("name", ["^a.*$", "*"])
def test_a_name_that_reads_as_a_pattern_is_refused_where_a_rule_needs_it(name: str) -> None:
    rows = pl.DataFrame({name: [1, 9], "ab": [1, 1]})
    with pytest.raises(SourceError, match="pattern of names"):
        judged(rows, unique(name))
    assert result(rows, rule("ab > 1")).failed == 2


@pytest.mark.parametrize(
    "text", ["length(a) > 1", "a + 1 > 2", "1 / a > 2.5", "lower(a) = 'x'", "a - a = 0"]
)
def test_what_is_computed_from_nothing_but_nulls_is_unknown(text: str) -> None:
    rows = pl.DataFrame({"a": pl.Series([None, None], dtype=pl.Null)})
    found = result(rows, rule(text))
    assert (found.status, found.failed, found.evaluated) == ("pass", 0, 2)

"""What a judgement on Spark says and what it costs: the same words as on Polars, counted jobs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from msgspec.structs import replace

from sfctl.model.policy import Custom, Performance, Policy, Rule, Threshold, Unique
from sfctl.model.source_code import source_code
from sfctl.model.verdict import Judgement
from sfctl.runtime.core import judge as on_polars
from sfctl.runtime.core import split as polars_split
from sfctl.runtime.core import versions as polars_versions
from sfctl.runtime.core.split import REASONS, RULES
from sfctl.runtime.core.standard import computed
from sfctl.runtime.core.surroundings import Surroundings
from sfctl.runtime.faults import DataError
from sfctl.runtime.spark import versions
from sfctl.runtime.spark.aggregate import accepted, aggregated
from sfctl.runtime.spark.held import Held, believed, observed
from sfctl.runtime.spark.judge import judge
from sfctl.runtime.spark.program import name_of, program_for
from sfctl.runtime.spark.schema import of_frame
from sfctl.runtime.spark.split import split, split_both
from tests.conformance.runtime.rules import declared, foreign, measure, policy, rule, unique

NOW = datetime(2024, 1, 15, 12, tzinfo=UTC)
ROWS = pl.DataFrame(
    {
        "n": [1, 2, 2, 3, None, 500],
        "s": ["a", "b", "b", "c", "d", "e"],
        "d": pl.Series(["1.10", "2.20", "2.20", None, "0.00", "9.99"]).cast(pl.Decimal(10, 2)),
        "x": [0.5, math.nan, -0.0, 0.0, None, 1e300],
        "at": [datetime(2024, 1, day, tzinfo=UTC) for day in (1, 2, 3, 4, 5, 6)],
    }
)
CHEAP = (
    rule("n < 1000", "below"),
    rule("d >= 0", "positive", where=None),
    measure("row_count", minimum="1"),
    measure("null_rate", "n", maximum="0.5"),
    measure("sum", "d", maximum="100"),
    measure("avg", "n"),
    measure("min", "at"),
    measure("max", "x"),
    measure("freshness", "at"),
)


def held(spark: Any, rows: pl.DataFrame, told: bool = True, by: Policy | None = None) -> Held:
    """Hold rows as a write does, in three partitions, one of them empty; observed if `told`."""
    frame = spark.createDataFrame(rows.to_arrow(compat_level=pl.CompatLevel.oldest()))
    parts = frame.repartitionByRange(2, "s").union(frame.limit(0))
    if not told or by is None:
        return Held(parts.localCheckpoint(), rows.height)
    riding = program_for(of_frame(parts), by, "gold").riding()
    watched, observation = observed(parts, riding)
    return Held(watched.localCheckpoint(), rows.height, believed(observation, rows.height))


@contextmanager
def jobs(spark: Any) -> Iterator[Callable[[], int]]:
    """Count the Spark jobs that are started inside of the block."""
    scheduler = spark.sparkContext._jsc.sc().dagScheduler()
    before = scheduler.numTotalJobs()
    yield lambda: int(scheduler.numTotalJobs() - before)


def plain(judgement: Judgement) -> Judgement:
    """Return a judgement without what differs from run to run."""
    gates = tuple(replace(gate, duration_ms=0.0) for gate in judgement.gates)
    return replace(judgement, gates=gates)


def test_rows_that_pass_are_judged_without_a_job(spark: Any) -> None:
    by = policy(*CHEAP)
    rows = held(spark, ROWS, by=by)
    with jobs(spark) as counted:
        found = judge(rows, by, "gold", now=NOW)
        split(rows, by, "gold", judgement=found)
        assert counted() == 0
    assert found.verdict == "PASS"
    assert plain(found) == plain(on_polars.judge(ROWS, by, "gold", now=NOW))


@pytest.mark.parametrize(
    ("rules", "wanted"),
    [
        ((rule("n < 100", "cap"), rule("d > 0", "positive"), measure("sum", "d")), 2),
        ((rule("s != 'b'", "kind", detail_field="s"),), 2 + 3),
        ((unique("s", "at"), rule("n < 1000", "below")), 3),
        ((unique("s"),), 3 + 3),
        ((measure("distinct_count", "s"),), 3),
    ],
    ids=["row rules", "values told", "keys", "keys twice", "different values"],
)
def test_what_fails_costs_so_many_jobs(spark: Any, rules: tuple[Rule, ...], wanted: int) -> None:
    by = policy(*rules)
    rows = held(spark, ROWS, by=by)
    with jobs(spark) as counted:
        found = judge(rows, by, "gold", now=NOW)
        assert counted() == wanted
    assert plain(found) == plain(on_polars.judge(ROWS, by, "gold", now=NOW))


def test_what_was_observed_of_other_columns_is_no_answer(spark: Any) -> None:
    by = policy(rule("n < 100", "cap"))
    whole = replace_observed(held(spark, ROWS), {"sfctl_0000000000000000": 0})
    assert judge(whole, by, "gold", now=NOW).bad == 1
    true = program_for(of_frame(whole.frame), by, "gold").any_failing()
    lied = replace_observed(whole, {name_of(true): 0})
    assert judge(lied, by, "gold", now=NOW).bad == 0, "what was observed is what is believed"


def replace_observed(rows: Held, told: dict[str, Any]) -> Held:
    return Held(rows.frame, rows.height, told)


EVERYTHING = policy(
    rule("n < 100", "cap"),
    rule("n < 3", "few", severity="warn", threshold=Threshold(share="0.9")),
    rule("d / n > 1", "ratio"),
    rule("s != 'b'", "kind", detail_field="s", gate="G4_CONTRACT"),
    unique("n"),
    unique("n", rule_id="strict", nulls="distinct", gate="G4_CONTRACT"),
    unique("x", rule_id="floats", severity="warn"),
    foreign("s", "urn:dp:x:y", "s"),
    rule("gone > 1", "gone"),
    measure("sum", "d", maximum="1"),
    measure("stddev", "n"),
    measure("quantile", "d", quantile=0.25),
    measure("distinct_count", "x"),
    schema=declared("strict", n="STRING", s="STRING", gone="INT64!"),
)


@pytest.mark.parametrize("told", [True, False], ids=["observed", "not observed"])
def test_a_judgement_is_the_same_to_the_letter(spark: Any, told: bool) -> None:
    there = ROWS.filter(pl.col("s") != "c").select("s")
    rows = held(spark, ROWS, told, EVERYTHING)
    known = spark.createDataFrame(there.to_arrow(compat_level=pl.CompatLevel.oldest()))
    found = judge(
        rows, EVERYTHING, "gold", now=NOW, around=Surroundings(references=lambda _: known)
    )
    wanted = on_polars.judge(
        ROWS, EVERYTHING, "gold", now=NOW, around=Surroundings(references=lambda _: there.lazy())
    )
    assert plain(found) == plain(wanted)
    assert found.drift
    assert found.schema_fingerprint


BENT = {
    "spark.sql.ansi.enabled": "false",
    "spark.sql.session.timeZone": "Asia/Kathmandu",
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    "spark.sql.caseSensitive": "true",
    "spark.sql.parser.escapedStringLiterals": "true",
    "spark.sql.adaptive.enabled": "false",
}


def test_no_setting_of_a_session_changes_a_judgement(spark: Any) -> None:
    by = policy(*(r for r in (*EVERYTHING.rules, *CHEAP[2:]) if r.kind != "foreign_key"))
    rows = held(spark, ROWS, by=by)
    before = {name: spark.conf.get(name) for name in BENT}
    try:
        for name, value in BENT.items():
            spark.conf.set(name, value)
        found = judge(rows, by, "gold", now=NOW)
        sides = split(rows, by, "gold", judgement=found)
        bad = sides.bad.frame.count()
    finally:
        for name, value in before.items():
            spark.conf.set(name, value)
    assert plain(found) == plain(on_polars.judge(ROWS, by, "gold", now=NOW))
    assert bad == sides.bad.height


def test_both_sides_are_those_of_polars(spark: Any) -> None:
    by = policy(*(r for r in EVERYTHING.rules if r.kind != "foreign_key" and r.id != "gone"))
    rows = held(spark, ROWS)
    found = judge(rows, by, "gold", now=NOW)
    sides = split(rows, by, "gold", judgement=found)
    wanted = polars_split.split(ROWS, by, "gold")
    assert told_rows(sides.good.frame) == sorted(map(repr, wanted.good.iter_rows()))
    assert told_rows(sides.bad.frame) == sorted(map(repr, wanted.bad.iter_rows()))
    assert sides.bad.frame.columns[-2:] == [RULES, REASONS]
    assert (sides.good.height, sides.bad.height) == (wanted.good.height, wanted.bad.height)
    alone = split(rows, by, "gold")
    assert (alone.good.height, alone.bad.height) == (wanted.good.height, wanted.bad.height)


def told_rows(frame: Any) -> list[str]:
    found = pl.DataFrame(pl.from_arrow(frame.toArrow()))
    return sorted(map(repr, found.cast({"d": pl.Decimal(10, 2)}).iter_rows()))


PAIRS = {
    "the new one refuses": ((rule("n < 100", "cap"),), (rule("n < 1000", "cap"),)),
    "the earlier one refuses": ((rule("n < 1000", "cap"),), (rule("n < 100", "cap"),)),
    "both refuse": ((rule("n < 100", "cap"),), (rule("n < 3", "cap"), unique("s"))),
    "one key, two measures": (
        (unique("n"), measure("sum", "n", maximum="1")),
        (rule("n < 3", "cap"), measure("sum", "n", maximum="2")),
    ),
}


@pytest.mark.parametrize("pair", PAIRS)
def test_two_versions_are_settled_as_on_polars(spark: Any, pair: str) -> None:
    new, earlier = (policy(*rules, version=n) for n, rules in enumerate(PAIRS[pair], 1))
    joint = polars_versions.joined(new, earlier)
    rows = held(spark, ROWS, by=joint.policy)
    found = versions.judge_both(rows, joint, "gold", now=NOW)
    wanted = polars_versions.judge_both(ROWS, joint, "gold", now=NOW)
    assert plain(found) == plain(wanted)
    sides = split_both(rows, joint, "gold", judgement=found, around=Surroundings())
    parts = polars_versions.split_both(ROWS, joint, "gold", judgement=wanted, around=Surroundings())
    assert told_rows(sides.bad.frame) == sorted(map(repr, parts.bad.iter_rows()))
    assert told_rows(sides.good.frame) == sorted(map(repr, parts.good.iter_rows()))


def test_uniqueness_in_the_table_counts_what_lies_there(spark: Any) -> None:
    by = policy(rule(Unique(("n",), scope="table"), "key", signature="UNIQUENESS_VIOLATION:n"))
    there = pl.DataFrame({"n": [3.0, 3.5, 1e300, 500.0], "s": ["x"] * 4})
    known = spark.createDataFrame(there.to_arrow(compat_level=pl.CompatLevel.oldest()))
    rows = held(spark, ROWS, by=by)
    found = judge(rows, by, "gold", now=NOW, around=Surroundings(others=lambda _: known))
    wanted = on_polars.judge(
        ROWS, by, "gold", now=NOW, around=Surroundings(others=lambda _: there.lazy())
    )
    assert plain(found) == plain(wanted)
    assert (found.rules[0].failed, found.rules[0].surplus) == (4, 3)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9, 0.999, 1.0])
def test_quantiles_of_many_values_are_exact(spark: Any, share: float) -> None:
    frame = spark.range(0, 30_001, 1, 3).selectExpr(
        "CAST(id * id AS DECIMAL(38,0)) * 1000000000000000000BD AS d", "id % 7 AS few",
        "CAST(id AS DOUBLE) / 3 AS x",
    )  # fmt: skip
    by = policy(
        *(replace(measure("quantile", name, quantile=share), id=name) for name in ("d", "few", "x"))
    )
    kept = Held(frame, 30_001)
    found = {r.id: r.measured for r in judge(kept, by, "gold", now=NOW).rules}
    numbers = pl.DataFrame({"id": range(30_001)}).select(
        d=(pl.col("id") ** 2).cast(pl.Int128) * pl.lit(10**18, dtype=pl.Int128),
        few=pl.col("id") % 7,
        x=pl.col("id").cast(pl.Float64) / 3,
    )
    wanted = {r.id: r.measured for r in on_polars.judge(numbers, by, "gold", now=NOW).rules}
    assert found == wanted


def test_sums_are_exact_beyond_what_spark_adds_up(spark: Any) -> None:
    most, least = Decimal("9" * 38), Decimal("-" + "9" * 38)
    rows = pl.DataFrame(
        {
            "up": pl.Series([most, least, most, least], dtype=pl.Decimal(38, 0)),
            "over": pl.Series([most, most, Decimal(1), Decimal(0)], dtype=pl.Decimal(38, 0)),
            "i": [2**63 - 1, 2**63 - 1, -(2**63), 5],
            "f": pl.Series([Decimal("9." + "9" * 37)] * 4, dtype=pl.Decimal(38, 37)),
            "s": list("abcd"),
        }
    )
    by = policy(*(replace(measure("sum", name), id=name) for name in ("up", "over", "i", "f")))
    found = judge(held(spark, rows, by=by), by, "gold", now=NOW)
    assert plain(found) == plain(on_polars.judge(rows, by, "gold", now=NOW))
    assert found.rules[1].reason == "the sum has more than 38 digits"


def test_of_many_failing_values_those_are_kept_that_sort_first(spark: Any) -> None:
    rows = pl.DataFrame({"s": [f"v{number:05d}" for number in range(3_000)]})
    by = policy(rule("s = 'never'", "kind", detail_field="s"))
    found = judge(held(spark, rows), by, "gold", now=NOW)
    assert plain(found) == plain(on_polars.judge(rows, by, "gold", now=NOW))


def test_a_rule_that_spark_cannot_evaluate_costs_only_itself(spark: Any) -> None:
    rules = [rule("n < 100", "good"), rule("n < 3", "bad")]
    program = program_for(of_frame(held(spark, ROWS).frame), policy(*rules), "gold")
    wanted = {"count_if(n < 100)": [rules[0]], "count_if(raise_error('no') IS NULL)": [rules[1]]}
    frame = held(spark, ROWS).frame
    assert aggregated(frame, wanted, program) == {}
    assert set(program.faults) == {"bad"}
    assert not isinstance(program.faults["bad"], DataError)


def test_what_spark_makes_no_sense_of_does_not_ride(spark: Any) -> None:
    frame = held(spark, ROWS).frame
    wanted = {"one": "count_if(`n` < 1)", "other": "count_if(no_such_function(`n`))"}
    assert accepted(frame, wanted) == {"one": wanted["one"]}
    assert accepted(frame, {}) == {}


def test_keys_of_maps_variants_and_lists_are_compared(spark: Any) -> None:
    frame = spark.range(0, 6, 1, 3).selectExpr(
        "map('a', id % 2, 'b', 1) AS m", "parse_json(concat('{\"k\":', id % 3, '}')) AS v",
        "array(named_struct('x', CAST('NaN' AS DOUBLE), 'm', map('q', id))) AS list",
        "make_ym_interval(CAST(id % 5 AS INT)) AS months",
    )  # fmt: skip
    by = policy(
        *(unique(name, rule_id=name) for name in ("m", "v", "list", "months")),
        unique("m", "v", rule_id="both"),
        measure("distinct_count", "m"),
    )
    rows = Held(frame.localCheckpoint(), 6)
    found = judge(rows, by, "gold", now=NOW)
    failed = {result.id: result.failed for result in found.rules[:5]}
    assert failed == {"m": 6, "v": 6, "list": 0, "months": 2, "both": 0}
    assert found.rules[5].measured == "2"
    sides = split(rows, policy(by.rules[3]), "gold")
    assert (sides.good.height, sides.bad.height) == (4, 2)


MODULE = """
import random

def sound(batch):
    return [n is None or n < 100 for n in batch["n"].to_pylist()]

def fickle(batch):
    return [random.random() < 0.5 for _ in range(batch.num_rows)]

def failing(batch):
    raise ValueError("no")

def hanging(batch):
    while True:
        pass
"""


def custom(name: str, folder: Path) -> Rule:
    """Return a rule that asks a function of the module."""
    check = Custom(f"mine:{name}", ("n",), source_code(f"mine:{name}", folder).digest)
    return rule(check, name, kind="custom", fields=("n",))


def test_functions_are_asked_pinned_and_in_time(spark: Any, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MODULE)
    rules = [custom(name, tmp_path) for name in ("sound", "failing", "hanging")]
    by = policy(*rules, performance=Performance(gate_timeout_ms=3000))
    around = Surroundings(root=tmp_path)
    rows = held(spark, ROWS)
    found = {result.id: result for result in judge(rows, by, "gold", now=NOW, around=around).rules}
    assert (found["sound"].status, found["sound"].failed) == ("fail", 1)
    assert (found["failing"].status, found["failing"].data_error) == ("error", True)
    assert found["failing"].reason == "mine:failing raised ValueError"
    assert (found["hanging"].status, found["hanging"].data_error) == ("error", False)
    assert "took longer than" in found["hanging"].reason
    sides = split(rows, policy(rules[0]), "gold", around=around)
    assert told_rows(sides.bad.frame)[0].startswith("(500, ")
    (tmp_path / "mine.py").write_text(MODULE.replace("< 100", "< 1000"))
    (altered,) = judge(rows, policy(rules[0]), "gold", now=NOW, around=around).rules
    assert (altered.status, altered.data_error) == ("error", False)
    assert altered.reason == "mine:sound differs from the digest that was compiled"


def test_no_row_is_lost_where_a_function_changes_its_mind(spark: Any, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MODULE)
    by = policy(custom("fickle", tmp_path))
    around = Surroundings(root=tmp_path)
    many = pl.concat([ROWS] * 20).with_columns(n=pl.int_range(120))
    rows = held(spark, many)
    found = judge(rows, by, "gold", now=NOW, around=around)
    sides = split(rows, by, "gold", judgement=found, around=around)
    good = [row["n"] for row in sides.good.frame.select("n").collect()]
    bad = [row["n"] for row in sides.bad.frame.select("n").collect()]
    assert sorted(good + bad) == list(range(120))
    assert (len(good), len(bad)) == (sides.good.height, sides.bad.height)


def test_a_frame_has_the_fingerprints_of_its_arrow_table(spark: Any) -> None:
    import pyarrow as pa

    from sfctl.model.schema import Schema
    from sfctl.runtime.core.schema_of import of_polars

    rows = ROWS.with_columns(
        st=pl.struct(a=pl.col("n").cast(pl.Int32), b=pl.concat_list("s", "s")),
        ntz=pl.col("at").dt.replace_time_zone(None),
        day=pl.col("at").dt.date(),
        raw=pl.col("s").cast(pl.Binary),
        small=pl.col("n").cast(pl.Int16),
        single=pl.col("x").cast(pl.Float32),
        span=pl.duration(hours=1),
    )
    table = pa.table(rows.to_arrow(compat_level=pl.CompatLevel.oldest()))
    frame = spark.createDataFrame(table).selectExpr("*", "CAST('x' AS CHAR(3)) AS c")
    # Spark takes Arrow's moments without a zone for ones of the session's
    frame = frame.withColumn("ntz", frame.ntz.cast("timestamp_ntz"))
    schema = of_frame(frame)
    same = of_polars(rows.with_columns(c=pl.lit("x")).schema)
    assert schema == same
    assert computed(schema, Schema(())) == computed(same, Schema(()))
    assert {column.nullable for column in of_frame(spark.range(1)).columns} == {None}

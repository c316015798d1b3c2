"""What a policy asks of Spark rows, as text: what may ride on a write, and under which names."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from sfctl.model.schema import Column, Schema
from sfctl.model.types import parse
from sfctl.runtime.core.surroundings import Surroundings
from sfctl.runtime.faults import DataError
from sfctl.runtime.measured import number
from sfctl.runtime.spark import columns, measures, unique
from sfctl.runtime.spark.program import Program, name_of, program_for
from tests.conformance.runtime.rules import condition, declared, measure, policy, rule
from tests.conformance.runtime.rules import unique as unique_rule

NOW = datetime(2024, 1, 15, 12, tzinfo=UTC)


def schema(**types: str) -> Schema:
    return Schema(tuple(Column(name, parse(kind)) for name, kind in types.items()))


def program(*rules: object, **types: str) -> Program:
    return program_for(schema(**types), policy(*rules), "gold")  # type: ignore[arg-type]


def test_one_aggregate_tells_whether_any_row_fails() -> None:
    asked = program(
        rule("n > 1", "a"), rule("s = 'x'", "b", severity="warn"), rule("n > 1", "c"),
        n="INT64", s="STRING",
    )  # fmt: skip
    (sql,) = asked.riding().values()
    assert sql.startswith("count_if(")
    assert sql.count(" OR ") == 2


def test_what_where_covers_rides_beside_it() -> None:
    within = rule("n > 1", "a", where=condition("s = 'x'", s="STRING"))
    asked = program(within, measure("sum", "n"), measure("distinct_count", "n"),
                    n="INT32", s="STRING")  # fmt: skip
    told = list(asked.riding().values())
    assert [sql for sql in told if sql.startswith("count_if(") and "AND" not in sql]
    assert "sum(CAST(`n` AS BIGINT))" in told
    assert not any("DISTINCT" in sql for sql in told), "what is not cheap does not ride"


def test_names_are_those_of_the_very_text() -> None:
    one, other = program(rule("n > 1"), n="INT64"), program(rule("n > 1"), n="STRING")
    assert not one.riding().keys() & other.riding().keys()
    assert all(name == name_of(sql) for name, sql in one.riding().items())


def test_nothing_rides_for_rules_that_have_no_outcome() -> None:
    asked = program(rule("gone > 1"), measure("sum", "s"), s="STRING")
    assert asked.riding() == {}
    assert {name: type(error) for name, error in asked.faults.items()} == {
        "r": DataError, "sum": DataError,
    }  # fmt: skip


def test_gates_that_are_off_ask_nothing() -> None:
    by = policy(rule("n > 1"), schema=declared(n="INT64"))
    off = Surroundings(off=frozenset({"DQ"}))
    assert program_for(schema(n="INT64"), by, "gold", off).riding() == {}


@pytest.mark.parametrize(
    ("kind", "found", "wanted"),
    [
        ("INT8", {"low": -7}, Fraction(-7)),
        ("INT64", {"low": 2**21 - 1, "middle": 2**21 - 1, "high": -(2**21)},
         Fraction(2**42 - 1 - 2**63)),
        ("DECIMAL(28,2)", {"low": "1.25"}, Fraction(5, 4)),
        ("DECIMAL(38,0)", {"low": 5, "high": 3}, Fraction(3 * 10**20 + 5)),
        ("DECIMAL(38,38)", {"low": "1E-38", "high": 9}, Fraction(9 * 10**20 + 1, 10**38)),
    ],
)  # fmt: skip
def test_sums_are_put_together_exactly(kind: str, found: dict[str, object], wanted: object) -> None:
    term = columns.as_found("`n`", parse(kind))
    assert set(found) <= set(measures.parts("sum", term, None))
    state = measures.state("sum", term, {"rows": 3, "values": 3, **found})
    assert state.total == wanted


def test_a_moment_comes_as_microseconds_in_no_zone() -> None:
    for kind, wanted in (
        ("TIMESTAMP", "2024-01-15T11:00:00Z"),
        ("TIMESTAMP_NTZ", "2024-01-15T11:00:00"),
        ("DATE", "2024-01-15"),
    ):
        term = columns.as_found("`at`", parse(kind))
        moment = datetime(2024, 1, 15, 11, tzinfo=UTC)
        micros = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        state = measures.state("max", term, {"rows": 1, "values": 1, "end": micros})
        check = measure("max", "at").check
        assert number(check, state, NOW) == wanted  # type: ignore[arg-type]


def test_floats_inside_of_keys_are_made_alike() -> None:
    assert unique.part("`n`", parse("INT64")) == "`n`"
    nested = unique.part("`a`", parse("ARRAY<STRUCT<x:DOUBLE,y:INT64>>"))
    assert "nanvl" in nested
    assert nested.startswith("transform(`a`")
    assert "map_entries" in unique.part("`m`", parse("MAP<STRING,INT64>"))


def test_keys_that_must_be_unique_do_not_ride_but_their_where_does() -> None:
    plain = program(unique_rule("n"), n="INT64")
    assert plain.riding() == {}
    limited = unique_rule("n", where=condition("1 / n > 0", n="INT64"))
    assert len(program(limited, n="INT64").riding()) == 1


def test_what_is_asked_is_known_without_pyspark() -> None:
    code = (
        "import sys; from sfctl.runtime.spark import judge, program, split, versions; "
        "sys.exit('pyspark' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

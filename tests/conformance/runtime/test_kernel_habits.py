"""Silent habits of the kernel that the cases do not name, and what policies promise instead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest

from sfctl.model.policy import RowCheck
from sfctl.runtime.core.budget import Budget
from sfctl.runtime.core.judge import Surroundings, program_for
from sfctl.runtime.core.keys import Keys
from sfctl.runtime.core.sources import FrameSource
from sfctl.runtime.polars.unique import hashes
from sfctl.runtime.tally import UniqueTally
from tests.conformance.runtime.engines import Engine, Polars, result
from tests.conformance.runtime.rules import (
    condition,
    declared,
    failing,
    judged,
    measure,
    policy,
    rule,
    unique,
)

MOST = 2**63 - 1
WIDE = Decimal("9" * 38)


def frame(**columns: object) -> pl.DataFrame:
    return pl.DataFrame(columns)  # type: ignore[arg-type]


def test_integer_arithmetic_does_not_wrap(engine: Engine) -> None:
    rows = frame(a=[MOST, 1], b=[1, 1])
    assert engine.failing(rows, "a + b > 0") == ["pass", "pass"]
    assert engine.failing(rows, "a * a > 0") == ["pass", "pass"]
    assert engine.failing(frame(a=[-(2**63)]), "abs(a) > 0 AND -a > 0") == ["pass"]
    assert engine.failing(frame(a=[-(2**63)], b=[1]), "a - b < 0") == ["pass"]


def test_narrow_integers_do_not_wrap(engine: Engine) -> None:
    rows = frame(a=pl.Series([2**31 - 1], dtype=pl.Int32), b=pl.Series([127], dtype=pl.Int8))
    assert engine.failing(rows, "a + a > 0 AND a * a > 0 AND b + b = 254 AND b * b = 16129") == [
        "pass"
    ]


def test_beyond_38_digits_is_an_evaluation_error(engine: Engine) -> None:
    rows = frame(a=pl.Series([WIDE, Decimal(1)], dtype=pl.Decimal(38, 0)))
    assert engine.failing(rows, "a + 1 > 0") == ["error", "pass"]
    assert engine.failing(rows, "a * 10 > 0") == ["error", "pass"]
    assert engine.failing(rows, "-a - 1 < 0") == ["error", "pass"]


def test_no_digit_is_lost_where_a_sign_is_turned(engine: Engine) -> None:
    most, less = "9" * 38, "9" * 34 + "5000"
    low = [Decimal(f"-{text}") for text in (most, less)]
    rows = frame(a=pl.Series(low, dtype=pl.Decimal(38, 0)))
    assert engine.failing(rows, f"abs(a) IN ({most}, {less})") == ["pass", "pass"]
    assert engine.failing(rows, f"abs(a) = -a AND -a >= {less}") == ["pass", "pass"]
    assert engine.failing(rows, "1 // a = -1 AND a // a = 1") == ["pass", "pass"]


@pytest.mark.parametrize(
    "text", ["a // b = 1", "a % b = 0", "x / y > 0", "x // y > 0", "x % y = 0"]
)
def test_division_by_zero_is_an_evaluation_error(engine: Engine, text: str) -> None:
    rows = frame(a=[4, 4, None], b=[0, 4, 0], x=[4.0, 4.0, None], y=[0.0, 4.0, 0.0])
    assert engine.failing(rows, text)[0] == "error"
    assert engine.failing(rows, text)[2] == "pass"


def test_a_decimal_divided_by_zero_does_not_stop_the_other_rules(engine: Engine) -> None:
    rows = frame(d=pl.Series(["1.10", "2.20"], dtype=pl.String).cast(pl.Decimal(10, 2)), n=[0, 1])
    found = engine.by(rows, policy(rule("d // n > 0", "r"), rule("d > 0", "other"))).rules
    assert [(r.failed, r.status) for r in found] == [(1, "fail"), (0, "pass")]
    assert found[0].signatures == {"EVAL_ERROR:r": 1}


def test_products_of_decimals_are_not_rounded(engine: Engine) -> None:
    rows = frame(
        a=pl.Series([Decimal("1.10")], dtype=pl.Decimal(10, 2)),
        b=pl.Series([Decimal("1.2345")], dtype=pl.Decimal(10, 4)),
    )
    assert engine.failing(rows, "a * b = 1.357950") == ["pass"]
    assert engine.failing(rows, "a * b = 1.3580") == ["fail"]
    assert engine.failing(rows, "a / 4 = 0.275") == ["pass"]


def test_decimals_are_compared_with_literals_of_any_scale(engine: Engine) -> None:
    rows = frame(a=pl.Series([Decimal("1.10"), Decimal("1.11")], dtype=pl.Decimal(10, 2)))
    assert engine.failing(rows, "a < 1.1001") == ["pass", "fail"]
    assert engine.failing(rows, "a = 1.1001") == ["fail", "fail"]
    assert engine.failing(rows, "a IN (1.1, 7.123)") == ["pass", "fail"]


def test_instants_in_two_zones_are_the_same_instant(engine: Engine) -> None:
    noon = datetime(2024, 1, 1, 12, tzinfo=UTC)
    rows = frame(
        a=pl.Series([noon], dtype=pl.Datetime("us", "UTC")),
        b=pl.Series([noon]).dt.convert_time_zone("Asia/Tokyo"),
    )
    assert engine.failing(rows, "a = b AND b <= TIMESTAMP '2024-01-01T12:00:00Z'") == ["pass"]
    assert engine.failing(rows, "hour(b) = 12") == ["pass"]


def test_an_instant_never_meets_a_time_without_zone_in_silence(engine: Engine) -> None:
    rows = frame(a=[datetime(2024, 1, 1, tzinfo=UTC)], b=[datetime(2024, 1, 1)])
    found = result(engine, rows, rule(RowCheck(condition("a = b", a="ANY", b="ANY"))))
    assert (found.status, found.data_error) == ("error", True)


def test_time_units_are_compared_to_the_nanosecond() -> None:
    moment = datetime(2024, 1, 1, tzinfo=UTC)
    fine = pl.Series([moment]).cast(pl.Datetime("ns", "UTC"))
    rows = frame(a=fine + timedelta(microseconds=1), b=pl.Series([moment]).dt.cast_time_unit("ms"))
    assert failing(rows, "a = b") == ["fail"]
    assert failing(rows, "a > b") == ["pass"]


def test_text_is_ordered_and_counted_by_code_point(engine: Engine) -> None:
    rows = frame(s=["é", "Z"], t=["z", "a"])
    assert engine.failing(rows, "s > t") == ["pass", "fail"]
    assert engine.failing(frame(s=["日本"]), "length(s) = 2") == ["pass"]


def test_dictionaries_are_their_values() -> None:
    kind = pl.Enum(["z", "a"])
    rows = frame(s=pl.Series(["z", "a"], dtype=kind), c=pl.Series(["b", "b"], dtype=pl.Categorical))
    assert failing(rows, "s > 'b'") == ["pass", "fail"]
    assert failing(rows, "c = 'b' AND length(c) = 1") == ["pass", "pass"]
    assert result(Polars(), rows, unique("c")).failed == 2
    schema = judged(rows, schema=declared(s="STRING", c="STRING"))
    assert schema.gates[0].result == "PASS"


def test_a_hash_collision_is_no_duplicate() -> None:
    rows = frame(a=[1, 2, 2])
    program, _ = program_for(FrameSource(rows), policy(unique("a")), "gold", Surroundings())
    keys, budget = Keys(program), Budget()
    keys.add(budget.share(rows, 0), budget)
    every = hashes(rows, [pl.col("a")], None)
    keys.confirm(FrameSource(rows), budget, {"key": every.unique()}, {}, [])
    assert keys.tallies["key"] == UniqueTally(3, 2, 1)


def test_what_is_the_same_on_every_row_is_counted_on_every_row(engine: Engine) -> None:
    rows = frame(a=pl.Series([1, 2, 3], dtype=pl.Int8), none=pl.Series([None] * 3, dtype=pl.Int64))
    assert result(engine, rows, rule("a > 1000")).failed == 3
    assert result(engine, rows, rule("coalesce(none, 0) = 1")).failed == 3
    assert result(engine, rows, rule("CASE WHEN none > 0 THEN TRUE ELSE 1 = 2 END")).failed == 3
    assert result(engine, rows, rule("a < 0", where=condition("1 = 1"))).failed == 3
    assert result(engine, rows, rule("1 = 2")).failed == 3


def test_remainders_of_floats_are_exact(engine: Engine) -> None:
    assert engine.failing(frame(x=[2.0**53, 1e308]), "x % 2.5 = 2 OR x % 3 = 2") == ["pass", "pass"]


@pytest.mark.parametrize("text", ["2024-2-1", "24-01-01", " 2024-01-31", "+2024-01-01"])
def test_written_days_and_times_are_digit_for_digit(engine: Engine, text: str) -> None:
    rows = frame(a=[text, f"{text}T01:02:03", "2024-01-31", "2024-01-31 01:02"])
    assert engine.failing(rows, "a < DATE '9999-01-01'", a="DATE")[:3] == ["error", "error", "pass"]
    moments = engine.failing(rows, "a < '9999-01-01'", a="TIMESTAMP_NTZ")
    assert moments == ["error", "error", "pass", "pass"]


def test_a_float_and_its_bound_meet_at_twelve_digits(engine: Engine) -> None:
    middle = measure(
        "quantile", "a", quantile=0.5, minimum="9223372036854775807", maximum="9223372036854775807"
    )
    assert result(engine, frame(a=[MOST, MOST]), middle).status == "pass"
    assert (
        result(engine, frame(a=[-0.0, -0.0]), measure("quantile", "a", quantile=0.5)).measured
        == "0"
    )


def test_floats_are_guarded_where_no_bound_proves_them_safe(engine: Engine) -> None:
    huge = frame(x=[1e308, 1.0, -1e308], y=[1e308, 2.0, 1e308])
    assert engine.failing(huge, "x + y > 0") == ["error", "pass", "fail"]
    assert engine.failing(huge, "x * y > 0") == ["error", "pass", "error"]
    infinite = frame(x=[float("inf"), 1.0], y=[float("inf"), 2.0])
    assert engine.failing(infinite, "x - y < 0") == ["error", "pass"]
    assert result(engine, huge, rule("x + y > 0")).signatures["EVAL_ERROR:r"] == 1
    tame = frame(x=[1.5, None, float("nan")], y=[2.5, 1.0, 1.0])
    assert engine.failing(tame, "x * y + x > 5") == ["pass", "pass", "pass"]


def test_bounds_are_powers_of_two_that_hold_every_value() -> None:
    rows = frame(a=[-(2**63), 2**63 - 1], b=[-5, 5], c=[0, 1], x=[-2.5, 7.0], y=[float("inf"), 0.0])
    program = program_for(
        FrameSource(rows), policy(rule("a + b + c > 0"), rule("x + y > 0", "f")), "gold",
        Surroundings(),
    )[0]  # fmt: skip
    assert program.bounds(rows) == {
        ("a",): (-(2**63), 2**63 - 1), ("b",): (-8, 7), ("c",): (0, 1), ("x",): (-4, 7),
    }  # fmt: skip

"""What common rules become: the SQL that somebody would write by hand, and no guard beside it."""

from __future__ import annotations

import pytest

from sfctl.model.types import parse
from sfctl.runtime.faults import DataError
from sfctl.runtime.spark.emit import Emitter
from sfctl.runtime.spark.sql import quoted, text
from tests.conformance.runtime.rules import condition

TYPES = {
    "i": "INT64", "j": "INT32", "d": "DECIMAL(10,2)", "w": "DECIMAL(38,4)", "x": "DOUBLE",
    "s": "STRING", "b": "BOOLEAN", "day": "DATE", "at": "TIMESTAMP", "ntz": "TIMESTAMP_NTZ",
    "st": "STRUCT<n:INT64>", "u": "UINT64",
}  # fmt: skip


def emitter(**types: str) -> Emitter:
    return Emitter({name: parse(kind) for name, kind in {**TYPES, **types}.items()})


@pytest.mark.parametrize(
    ("written", "sql"),
    [
        ("i IS NOT NULL", "`i` IS NOT NULL"),
        ("i >= 0", "`i` >= 0"),
        ("i BETWEEN 1 AND 9", "`i` >= 1 AND `i` <= 9"),
        ("i < 0.5", "`i` <= 0"),
        ("i IN (1, 2, 2.5)", "`i` IN (1, 2)"),
        ("i NOT IN (1, 2)", "`i` NOT IN (1, 2)"),
        ("i = 9223372036854775807", "`i` = 9223372036854775807"),
        ("d >= 0.10", "`d` >= 0.1BD"),
        ("d <= 10.005", "`d` <= 10BD"),
        ("w > d", "`w` > `d`"),
        ("u = 18446744073709551615", "`u` = 18446744073709551615BD"),
        ("x >= 0", "nanvl(`x`, CAST(NULL AS DOUBLE)) >= 0.0D"),
        ("s IN ('a', 'b')", "CAST(`s` AS STRING) IN ('a', 'b')"),
        ("length(s) <= 3", "char_length(CAST(`s` AS STRING)) <= 3"),
        ("s LIKE 'ab%'", "startswith(CAST(`s` AS STRING), 'ab')"),
        ("s LIKE '%ab'", "endswith(CAST(`s` AS STRING), 'ab')"),
        ("s LIKE '%ab%'", "contains(CAST(`s` AS STRING), 'ab')"),
        ("s LIKE 'ab'", "CAST(`s` AS STRING) = 'ab'"),
        ("at >= TIMESTAMP '2024-01-15T10:00:00+02:00'",
         "`at` >= TIMESTAMP_LTZ'2024-01-15 08:00:00Z'"),
        ("ntz < TIMESTAMP '2024-01-15T10:00:00'", "`ntz` < TIMESTAMP_NTZ'2024-01-15 10:00:00'"),
        ("day = DATE '2024-02-29'", "`day` = DATE'2024-02-29'"),
        ("st.n > 1", "`st`['n'] > 1"),
        ("b OR NOT b", "`b` OR (NOT `b`)"),
        ("j + j > 0", "(CAST(`j` AS BIGINT) + CAST(`j` AS BIGINT)) > 0"),
        ("d * 2 = 4", "(`d` * 2BD) = 4BD"),
    ],
)  # fmt: skip
def test_common_rules_are_plain_sql(written: str, sql: str) -> None:
    term = emitter().condition(condition(written, **TYPES))
    assert (term.value, term.error) == (sql, None)


def test_a_pattern_is_one_match_without_a_backslash() -> None:
    from sfctl.compiler.regex import rewrite
    from sfctl.model.expr import Field, Matches

    node = Matches(Field(("s",), parse("STRING")), rewrite(r"[A-Z]{2}\d+\.x"))
    term = emitter().condition(node)
    assert (term.value, term.error) == (
        "CAST(`s` AS STRING) RLIKE '(?s)^(?:[A-Z]{2}[0-9]+[.]x)(?!.)'",
        None,
    )


def test_what_cannot_fail_is_not_guarded() -> None:
    for written in ("j * j > 0", "i + j > 0", "d * d > 0", "j // 2 = 1", "i % 7 = 1", "-d < 0",
                    "abs(i) > 1", "day + INTERVAL '1 day' > ntz"):  # fmt: skip
        error = emitter().condition(condition(written, **TYPES)).error
        assert (error is None) == ("INTERVAL" not in written), written
    for written in ("i // j = 1", "w * w > 1", "x + x > 1", "x / 2 > 1"):
        assert emitter().condition(condition(written, **TYPES)).error is not None, written


def test_failing_is_false_or_not_to_be_computed() -> None:
    plain = emitter().condition(condition("i > 0", **TYPES))
    assert plain.failing() == "NOT (`i` > 0)"
    guarded = emitter().condition(condition("10 // j > 0", **TYPES))
    assert guarded.failing() == f"coalesce(NOT ({guarded.value}), {guarded.error})"


def test_nested_arithmetic_does_not_double_with_every_level() -> None:
    sizes = []
    for depth in (2, 4, 6):
        node = condition("x" + " * x" * depth + " > 1", **TYPES)
        sizes.append(len(emitter().condition(node).value))
    assert sizes[2] < 3 * sizes[1] < 9 * sizes[0]


def test_a_column_that_is_not_there_is_the_fault_of_the_data() -> None:
    with pytest.raises(DataError, match="column gone is absent"):
        emitter().condition(condition("gone > 1"))
    with pytest.raises(DataError, match="cannot be compared"):
        emitter().condition(condition("s > 1"))
    with pytest.raises(DataError, match="no zone"):
        emitter().condition(condition("at = ntz"))


def test_names_and_texts_that_spark_would_read_otherwise_are_given_by_bytes() -> None:
    assert quoted("a.b`c") == "`a.b``c`"
    assert quoted("${x}") == "IDENTIFIER(CAST(X'60247b787d60' AS STRING))"
    assert text('$5, "so" -- ; {x} é') == "'$5, \"so\" -- ; {x} é'"
    for hostile in ("it's", "a\\b", "${x}", "a\nb", "\x00"):
        assert text(hostile) == f"CAST(X'{hostile.encode().hex()}' AS STRING)"

"""Hostile texts and names through Spark, in the sessions that read SQL in their own way."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Any

import pytest

from sfctl.compiler.regex import rewrite
from sfctl.model.expr import Constant, Field, Format, Matches, Within
from sfctl.model.types import DataType, struct_of
from sfctl.runtime.spark.columns import named
from sfctl.runtime.spark.emit import Emitter
from sfctl.runtime.spark.schema import of_frame, types_of
from sfctl.runtime.spark.sql import DataError, column, text
from sfctl.runtime.spark.unique import part
from tests.conformance.runtime.rules import condition
from tests.conformance.runtime.spark_sessions import SESSIONS, session

STRING = DataType("STRING")
TEXTS = (
    "", "it's", "''", '"', "\\", "\\'", "a\\nb", "a\nb", "\r\n", "\x00", "a\x00b", "\\u0041", "\\0",
    "${spark.app.name}", "${", "$", "$5", "-- x", "/* x */", ";", "`", "\U0001f600", "e\u0301",
    "\u2028", "%", "_", "{x}", "?", ":x", "é", "' OR '1'='1",
)  # fmt: skip
NAMES = (
    "a b", "a.b", "a`b", "a'b", 'a"b', "${spark.app.name}", "é", "\U0001f600", "select", "a;--",
)  # fmt: skip
PARSERS = ("backslashes as they are", "all at once")


@pytest.mark.parametrize("name", ["", *PARSERS])
def test_texts_mean_themselves(spark: Any, name: str) -> None:
    more = {"spark.sql.legacy.consecutiveStringLiterals.enabled": "true"} if name else {}
    with session(spark, {**SESSIONS.get(name, {}), **more}):
        row = spark.range(1).selectExpr(*(text(value) for value in TEXTS)).first()
        assert tuple(row) == TEXTS
        frame = spark.createDataFrame([(value,) for value in TEXTS], "s STRING")
        field = Field(("s",), STRING)
        emitter = Emitter({"s": STRING})
        listed = Within(field, tuple(Constant(value, STRING) for value in TEXTS))
        asked = [emitter.condition(listed).failing()]
        asked += [
            emitter.condition(Matches(field, rewrite(_escaped(value)))).value
            for value in ("it's", "\\u0041", "a\nb", "${spark.app.name}", "a\x00b")
        ]
        row = frame.selectExpr(*(f"count_if({each})" for each in asked)).first()
        assert tuple(row) == (0, 1, 1, 1, 1, 1)


def _escaped(value: str) -> str:
    """Return a pattern that means a text: beside `'` and letters everything by its code."""
    return "".join(c if c.isalnum() or c == "'" else f"\\x{ord(c):02x}" for c in value)


@pytest.mark.parametrize("name", ["", *PARSERS])
def test_names_mean_their_columns(spark: Any, name: str) -> None:
    from pyspark.sql.types import IntegerType, StructField, StructType

    inside = StructType([StructField(each, IntegerType()) for each in NAMES])
    whole = StructType([*inside.fields, StructField("st", inside)])
    numbers = tuple(range(len(NAMES)))
    kind = DataType("INT32")
    types = {**dict.fromkeys(NAMES, kind), "st": struct_of((n, kind, True) for n in NAMES)}
    emitter = Emitter(types)
    with session(spark, SESSIONS.get(name, {})):
        frame = spark.createDataFrame([(*numbers, tuple(n + 50 for n in numbers))], whole)
        terms = [emitter.term(Field((each,), kind)) for each in NAMES]
        terms += [emitter.term(Field(("st", each), kind)) for each in NAMES]
        row = frame.selectExpr(*(term.value for term in terms)).first()
        assert tuple(row) == (*numbers, *(n + 50 for n in numbers))
        # of a frame that is called `st`, `st`.`a b` would be the column `a b`
        row = frame.alias("st").selectExpr(*(term.value for term in terms)).first()
        assert tuple(row) == (*numbers, *(n + 50 for n in numbers))


def test_a_field_that_no_session_can_be_told_is_refused() -> None:
    with pytest.raises(DataError, match="cannot be told"):
        column(("st", "it's ${x}"))


def test_columns_that_are_called_as_names_inside_of_functions(spark: Any) -> None:
    names = {"v": "INT64", "x": "STRING", "p": "STRING", "i": "INT64", "r": "DOUBLE", "a": "INT64"}
    types = {name: DataType(kind) for name, kind in names.items()}
    values = (7, "GB82 WEST 1234 5698 7654 32", "4111 1111 1111 1111", 3, 0.5, 2)
    wide = "v" + " + v" * 12
    texts = (
        f"({wide}) // v = 13", f"({wide}) % (v - 1) = 1", f"({wide}) * r > r * v",
        "(v + i) // a * a <= v + i", f"r < ({wide})",
    )  # fmt: skip
    trees = [condition(each, **names) for each in texts]
    trees += [Format(Field(("x",), STRING), "iban"), Format(Field(("p",), STRING), "credit_card")]
    frame = spark.createDataFrame([values], ", ".join(f"{n} {kind}" for n, kind in _DDL.items()))
    emitter = Emitter(types)
    row = frame.selectExpr(*(emitter.condition(tree).failing() for tree in trees)).first()
    assert tuple(row) == (False,) * len(trees)


_DDL = {"v": "BIGINT", "x": "STRING", "p": "STRING", "i": "BIGINT", "r": "DOUBLE", "a": "BIGINT"}


def test_text_is_code_points_whatever_its_collation(spark: Any) -> None:
    texts = ("a", "A", "a ", "b", "\u00e9", "e\u0301")
    kept = spark.createDataFrame([(value,) for value in texts], "s STRING")
    for kind in ("UTF8_LCASE", "UNICODE_CI_AI_RTRIM"):
        own = f"s COLLATE {kind}"
        frame = kept.selectExpr(
            f"{own} AS s", f"named_struct('k', {own}) AS st", f"array({own}) AS l", "s AS plain"
        )
        schema = types_of(of_frame(frame))
        assert str(schema["s"]) == "STRING"
        emitter = Emitter(schema)
        trees = [
            condition(text, s="STRING", plain="STRING", st="STRUCT<k:STRING>")
            for text in (
                "s = 'a'", "s IN ('A', 'x')", "s > 'Z'", "starts_with(s, 'A')", "st.k = 'a'",
                "contains(s, 'B')", "s <> plain", "s LIKE 'A%'", "coalesce(s, plain) = 'A'",
                "lower(s) = 'a'", "CASE WHEN s = 'A' THEN s ELSE plain END = 'a '",
            )
        ]  # fmt: skip
        found = [f"concat_ws('', collect_list(if({emitter.condition(tree).value}, plain, NULL)))"
                 for tree in trees]  # fmt: skip
        row = frame.coalesce(1).selectExpr(*found).first()
        assert tuple(row) == (
            "a", "A", "aa b\u00e9e\u0301", "A", "a", "", "", "A", "A", "aA", "a ",
        )  # fmt: skip
        parts = [part(*named(name, schema)) for name in ("s", "st", "l")]
        row = frame.selectExpr(*(f"count(DISTINCT {each})" for each in parts)).first()
        assert tuple(row) == (6, 6, 6)


def test_a_text_of_fixed_length_ends_with_the_blanks_it_has(spark: Any, tmp_path: Path) -> None:
    from pyspark.sql.types import StructType

    kinds = StructType.fromJson(
        {"type": "struct", "fields": [{
            "name": "c", "type": "string", "nullable": True,
            "metadata": {"__CHAR_VARCHAR_TYPE_STRING": "char(3)"},
        }]}
    )  # fmt: skip
    spark.createDataFrame([("a",), ("a  ",)], "c STRING").write.parquet(str(tmp_path / "c"))
    frame = spark.read.schema(kinds).parquet(str(tmp_path / "c"))
    emitter = Emitter(types_of(of_frame(frame)))
    trees = [condition(text, c="STRING") for text in ("c = 'a'", "c = 'a  '", "c IN ('a', 'b')")]
    found = [f"count_if({emitter.condition(tree).value})" for tree in trees]
    assert tuple(frame.selectExpr("count_if(c = 'a')", *found).first()) == (2, 0, 2, 0)


def test_a_time_of_day_is_refused_aloud_where_a_session_has_none(spark: Any) -> None:
    from pyspark.errors import AnalysisException

    frame = spark.createDataFrame([(time(10, 30),), (time(9),), (None,)], "t TIME(6)")
    emitter = Emitter(types_of(of_frame(frame)))
    tree = condition("t > TIME '10:00:00.000001'", t="TIME")
    asked = f"count_if({emitter.condition(tree).failing()})"
    with session(spark, {"spark.sql.timeType.enabled": "true"}):
        assert tuple(frame.selectExpr(asked).first()) == (1,)
    with (
        session(spark, {"spark.sql.timeType.enabled": "false"}),
        pytest.raises(AnalysisException, match="UNSUPPORTED_TIME_TYPE"),
    ):
        frame.selectExpr(asked)


def test_names_that_differ_in_case_alone(spark: Any) -> None:
    kind = DataType("INT32")
    with session(spark, SESSIONS["case-sensitive"]):
        frame = spark.createDataFrame([(1, 2)], "a INT, A INT")
        emitter = Emitter({"a": kind, "A": kind})
        some = [emitter.term(Field((name,), kind)).value for name in ("a", "A")]
        assert tuple(frame.selectExpr(*some).first()) == (1, 2)


def test_long_texts_do_not_end_the_job(spark: Any) -> None:
    field, emitter = Field(("s",), STRING), Emitter({"s": STRING})
    frame = spark.createDataFrame([("ab" * 50_000,), ("ab" * 100,), ("x",)], "s STRING")
    possessive = emitter.condition(Matches(field, rewrite("(ab|c)*")))
    assert possessive.error is None
    assert frame.filter(possessive.failing()).count() == 1
    tried = emitter.condition(Matches(field, rewrite("(a|ab|b)*(ab)*")))
    assert frame.filter(tried.failing()).count() == 2, "what is too long is an error of its row"
    formats = [emitter.condition(Format(field, name)) for name in ("email", "hostname", "url")]
    row = frame.selectExpr(*(f"count_if({each.failing()})" for each in formats)).first()
    assert tuple(row) == (3, 2, 3)

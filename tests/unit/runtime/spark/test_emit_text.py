"""Hostile texts and names through Spark, in the sessions that read SQL in their own way."""

from __future__ import annotations

from typing import Any

import pytest

from sfctl.compiler.regex import rewrite
from sfctl.model.expr import Constant, Field, Matches, Within
from sfctl.model.types import DataType, struct_of
from sfctl.runtime.spark.emit import Emitter
from sfctl.runtime.spark.sql import text
from tests.conformance.runtime.test_spark_trees import SESSIONS, session

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
        assert frame.filter(emitter.condition(listed).failing()).count() == 0
        found = [
            frame.filter(emitter.condition(Matches(field, rewrite(_escaped(value)))).value)
            for value in ("it's", "\\u0041", "a\nb", "${spark.app.name}", "a\x00b")
        ]
        assert [each.count() for each in found] == [1] * 5


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
        inner = emitter.term(Field(("st", "a b"), kind)).value
        assert tuple(frame.alias("st").selectExpr(inner).first()) == (50,)


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
    for name in ("email", "hostname", "url"):
        from sfctl.model.expr import Format

        assert frame.filter(emitter.condition(Format(field, name)).failing()).count() >= 1

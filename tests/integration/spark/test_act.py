"""PII actions on executors do what they do on one machine, and count it once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from sfctl.errors import SfctlError
from sfctl.model.policy import Detection
from sfctl.runtime.pii import actions, keys
from sfctl.runtime.pii.keys import KeyRing
from sfctl.runtime.spark import act, workers
from sfctl.runtime.spark.staging import Stage

RING = keys.parse(f"{keys.generate()},{keys.generate()}", "test")
DETECTIONS = (
    Detection("EMAIL", "tokenize"),
    Detection("PHONE", "mask", columns=("who",)),
    Detection("SSN", "redact", columns=("note",), placeholder="gone"),
    Detection("EMAIL", "none", columns=("list",)),
)
ROWS = """
    select id,
      case when id % 3 = 0 then concat('u', id, '@b.org') when id % 3 = 1 then null
           else 'call +1 212 555 0147' end as `who.is`,
      case when id % 4 = 0 then '+1 212 555 0147' else 'nobody' end as who,
      named_struct('at', timestamp '2020-01-01 00:00:00', 'mail', concat('v', id, '@b.org')) as s,
      map('k', concat('w', id, '@b.org'), 'n', null) as m,
      array('a@b.org', null, 'x') as list,
      if(id % 5 = 0, '078-05-1120', 'none') as note,
      cast(id as decimal(38, 10)) as exact, timestamp '2020-01-01 00:00:00' as at, X'00ff' as raw,
      interval '3' day as span, cast(null as void) as nothing
    from range(0, 12000, 1, 3) where id % 3 < 2 or id < 6000
"""


def ring() -> KeyRing:
    return RING


def no_key() -> KeyRing:
    raise SfctlError("none", code="SF450")


def staged(acted: act.Acted, folder: Path) -> tuple[pl.DataFrame, tuple[Any, ...]]:
    """Write the rows as a publish does; return them and the findings that rode on the write."""
    held = Stage(str(folder), "0").put(acted.frame, acted.measures, leave_out=(act.FOUND,))
    assert held.observed is not None
    return pl.read_parquet(folder / "*" / "*.parquet"), acted.findings(held.observed)


@pytest.mark.parametrize("zone", ["UTC", "+05:30"])
def test_the_same_rows_and_findings_as_on_one_machine(
    zone: str, spark: Any, tmp_path: Path
) -> None:
    frame = spark.sql(ROWS)
    before = pl.DataFrame(frame.drop("span", "nothing").toArrow())
    expected, findings = actions.apply(before, DETECTIONS, ring)
    spark.conf.set("spark.sql.session.timeZone", zone)
    try:
        acted = act.act(frame.drop("span", "nothing"), DETECTIONS, ring, 30_000)
        rows, found = staged(acted, tmp_path / "out")
    finally:
        spark.conf.set("spark.sql.session.timeZone", "UTC")
    assert found == findings
    assert len(findings) == 7
    assert_frame_equal(rows.sort("id"), expected.sort("id"))


def test_types_stay_what_they_are_known_beforehand(spark: Any) -> None:
    frame = spark.sql(ROWS)
    acted = act.act(frame, DETECTIONS, ring, 30_000)
    kinds = [(f.name, f.dataType.simpleString()) for f in frame.schema]
    assert [
        (f.name, f.dataType.simpleString()) for f in acted.frame.drop(act.FOUND).schema
    ] == kinds
    assert acted.frame.schema["id"] == frame.schema["id"]
    assert acted.frame.schema["list"].nullable
    assert acted.frame.limit(3).drop(act.FOUND).collect()[0]["nothing"] is None


def test_a_task_that_is_retried_counts_once(spark: Any, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()

    def stumbles(batches: Any) -> Any:
        yield from batches
        try:
            os.close(os.open(marks / "fell", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return
        raise RuntimeError("the task fell after its last row")

    source = spark.range(0, 5000, 1, 1).selectExpr("concat('u', id, '@b.org') as mail")
    acted = act.act(source, [Detection("EMAIL", "mask")], ring, 30_000)
    schema, layout = acted.frame.schema, (acted._layout, acted._detections)
    stumbling = act.Acted(acted.frame.mapInArrow(stumbles, schema), acted.measures, *layout)
    rows, found = staged(stumbling, tmp_path / "out")
    assert (marks / "fell").exists()
    assert (rows.height, [f.matches for f in found]) == (5000, [5000])
    assert acted.counted() == found


def test_no_rows_have_no_findings(spark: Any) -> None:
    acted = act.act(spark.sql(ROWS).where("id < 0"), DETECTIONS, ring, 30_000)
    assert acted.counted() == ()
    assert acted.frame.count() == 0
    nothing = act.act(spark.range(3), DETECTIONS, ring, 30_000)
    assert (nothing.counted(), dict(nothing.measures)) == ((), {})


def test_a_key_is_missed_only_where_something_is_tokenized(spark: Any) -> None:
    plain = spark.createDataFrame([("x",), (None,)], "c string")
    assert act.act(plain, DETECTIONS, no_key, 30_000).counted() == ()
    mail = spark.createDataFrame([("a@b.org",)], "c string")
    with pytest.raises(Exception, match="sfctl:SF450") as raised:
        act.act(mail, DETECTIONS, no_key, 30_000).counted()
    told = workers.explained(raised.value)
    assert getattr(told, "code", "") == "SF450"
    assert "a@b.org" not in str(raised.value)


def test_keys_stand_in_no_plan_and_no_name(spark: Any) -> None:
    acted = act.act(spark.sql(ROWS), DETECTIONS, ring, 30_000)
    plan = acted.frame._jdf.queryExecution().toString()
    shown = f"{plan}{acted!r}{acted.frame._jdf.queryExecution().logical().toJSON()}"
    for key in RING.keys:
        assert key.id not in shown
        assert key.secret.hex() not in shown
    assert "sfctl(" in plan


def test_only_the_active_key_travels() -> None:
    sent, _ = act._ring(DETECTIONS, ring)
    assert sent == KeyRing((RING.active,))
    assert act._ring([Detection("EMAIL", "mask")], no_key) == (None, "")


def test_columns_are_emptied_by_exact_name(spark: Any) -> None:
    frame = spark.sql("select 1 as a, 'x' as `b.c`, 'y' as `A b``c`, array(1) as l")
    empty = act.redacted(frame, {"a": None, "b.c": "[gone]", "l": None})
    assert [tuple(row) for row in empty.collect()] == [(None, "[gone]", "y", None)]
    assert [f.dataType.simpleString() for f in empty.schema] == [
        "int", "string", "string", "array<int>",
    ]  # fmt: skip


def test_kinds_nobody_declared_are_advised_from_a_sample(spark: Any) -> None:
    frame = spark.sql(ROWS)
    found = act.advised(frame, [Detection("EMAIL", "mask", columns=("s",))], frame.count())
    advised = {(f.column, f.kind) for f in found}
    assert {("m.value", "EMAIL"), ("list", "EMAIL"), ("note", "SSN")} <= advised
    assert "s.mail" not in {f.column for f in found}
    assert all(f.advised for f in found)
    assert {f.evaluated for f in found if f.column == "note"} <= set(range(800, 1001))
    assert act.advised(frame.where("id < 0"), [], 0) == ()


def outdated(batches: Any) -> Any:
    yield from batches


def test_executors_of_another_version_are_told_apart(spark: Any) -> None:
    frame = spark.range(2)
    schema = frame.schema
    task = workers._Task(outdated, ("id",), "0.0.0")
    with pytest.raises(Exception, match="sfctl:VERSION") as raised:
        frame.mapInArrow(task, schema).collect()
    told = workers.explained(raised.value)
    assert getattr(told, "code", "") == "SF888"
    assert "another version" in str(told)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("ModuleNotFoundError: No module named 'sfctl'", "SF888"),
        ("ModuleNotFoundError: No module named 'polars'", "SF888"),
        ("x WorkFailed: [sfctl:ComputeError]", "ComputeError"),
        ("java.io.IOException: disk is full", None),
    ],
)
def test_errors_of_executors_are_explained(text: str, code: str | None) -> None:
    assert getattr(workers.explained(RuntimeError(text)), "code", None) == code

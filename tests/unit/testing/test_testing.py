"""What authors of rules are told about their functions and policies."""

from __future__ import annotations

import ctypes
import itertools
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from sfctl.errors import SpecError
from sfctl.testing import answers, assert_rule, judge_rows

NUMBERS = [{"n": 1}, {"n": 5}, {"n": None}, {"n": 3}]


def positive(batch: Any) -> Any:
    return pc.greater(batch["n"], 2)


@pytest.mark.parametrize(
    "form",
    [
        lambda said: said,
        lambda said: pa.chunked_array([said.slice(0, len(said) // 2), said.slice(len(said) // 2)]),
        lambda said: said.to_pylist(),
        lambda said: tuple(said.to_pylist()),
        lambda said: iter(said.to_pylist()),
        lambda said: pl.Series(said),
        lambda said: said.to_pandas(),
        lambda said: pa.array(said.to_pylist(), pa.bool_()).to_pandas().astype(object),
        lambda said: np.array(said.to_pylist(), dtype=object),
    ],
    ids=["array", "chunked", "list", "tuple", "iterator", "polars", "pandas", "object", "numpy"],
)
def test_an_answer_may_take_many_forms(form: Any) -> None:
    assert answers(lambda batch: form(positive(batch)), NUMBERS) == [False, True, None, True]


def test_rows_may_be_a_frame_or_a_table_of_any_kind() -> None:
    import pandas as pd

    wanted = [True, False]
    for rows in (
        pl.DataFrame({"n": [3, 1]}), pa.table({"n": [3, 1]}), pd.DataFrame({"n": [3, 1]}),
        pa.record_batch({"n": [3, 1]}),
    ):  # fmt: skip
        assert answers(positive, rows) == wanted
    typed = pl.DataFrame(
        {
            "d": [Decimal("0.10")], "at": [datetime(2024, 1, 1, tzinfo=UTC)],
            "c": pl.Series(["x"], dtype=pl.Categorical),
        }
    )  # fmt: skip

    def exact(batch: Any) -> list[bool]:
        (row,) = batch.to_pylist() or [None]
        if row is None:
            return []
        assert pa.types.is_large_string(batch.schema.field("c").type)
        return [row == {"d": Decimal("0.10"), "at": datetime(2024, 1, 1, tzinfo=UTC), "c": "x"}]

    assert answers(exact, typed) == [True]


def breaks(batch: Any) -> list[bool]:
    return [len(text) > 1 for text in batch["s"].to_pylist()]


def scribbles(batch: Any) -> Any:
    if batch.num_rows:
        address = batch["n"].buffers()[1].address
        ctypes.memset(address, 7, 8)
    return [True] * batch.num_rows


@pytest.mark.parametrize(
    ("function", "rows", "said"),
    [
        (lambda b: [True], NUMBERS, "returned 1 answers for 4 rows (given all rows)"),
        (lambda b: None, NUMBERS, "returned NoneType, no booleans"),
        (lambda b: b["n"], NUMBERS, "returned values of type int64, no booleans"),
        (breaks, [{"s": "aa"}, {"s": None}], "raised TypeError: object of type 'NoneType'"),
        (
            lambda b: [b["n"][0].as_py() == n for n in b["n"].to_pylist()],
            [{"n": 1}, {"n": 2}],
            "answers otherwise of row 1 when given one by one",
        ),
        (
            lambda b: [n == 0 for n in range(b.num_rows)],
            NUMBERS,
            "answers otherwise of rows 1, 2, 3 when given one by one",
        ),
        (lambda b: positive(b), [], "no rows were given"),
        (scribbles, [{"n": 1}, {"n": 2}], "scribbles alters the rows it is given"),
    ],
)
def test_a_function_that_breaks_the_contract_is_told_how(
    function: Any, rows: Any, said: str
) -> None:
    with pytest.raises(AssertionError) as caught:
        answers(function, rows)
    assert said in str(caught.value)


def test_a_function_that_changes_its_mind_is_found() -> None:
    counter = itertools.count()
    with pytest.raises(AssertionError, match="does not answer the same twice"):
        answers(lambda batch: [next(counter) % 3 == 0 for _ in range(batch.num_rows)], NUMBERS)


def test_rows_that_were_meant_otherwise_are_listed() -> None:
    assert_rule(positive, good=[{"n": 3}], bad=[{"n": 2}], unknown=[{"n": None}])
    with pytest.raises(AssertionError) as caught:
        assert_rule(positive, good=[{"n": 1}, {"n": 3}], bad=[{"n": None}])
    assert str(caught.value).splitlines() == [
        "positive differs on 2 of 3 rows:",
        "  {'n': 1}: expected True, got False",
        "  {'n': None}: expected False, got None",
    ]
    with pytest.raises(AssertionError, match="no rows were given"):
        assert_rule(positive)


def test_a_function_may_be_named_by_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "named_rule.py").write_text("def check(batch):\n    return [False] * len(batch)\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert answers("named_rule:check", NUMBERS) == [False] * 4
    with pytest.raises(ModuleNotFoundError):
        answers("no.such:function", NUMBERS)


POLICY = """
schema: {constraints: [{field: id, type: INT64, nullable: false}]}
dq:
  rules:
    - {kind: unique, field: id}
    - {kind: range, field: n, min: 1, id: positive}
    - {kind: custom, function: "mine:even", field: n, id: even, severity: warn}
    - {kind: row_count, min: 1}
"""


def test_a_policy_says_which_rows_fail_what(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "mine.py").write_text(
        "def even(batch):\n    return [n is None or n % 2 == 0 for n in batch['n'].to_pylist()]\n"
    )
    rows = [{"id": 1, "n": 2}, {"id": 2, "n": 0}, {"id": 1, "n": 3}, {"id": None, "n": None}]
    judged = judge_rows(rows, tmp_path / "policy.yaml")
    assert judged.failing == {
        "unique:id": (0, 2), "positive": (1,), "even": (2,), "nullable:id": (3,),
    }  # fmt: skip
    assert (judged.verdict, judged.bad) == ("FAIL", 4)
    assert judged.rule("even").status == "warn"
    assert judged.gate("DQ").result == "FAIL"
    fine = judge_rows(rows[:1], str(tmp_path / "policy.yaml"), stage="silver")
    assert (fine.verdict, fine.failing) == ("PASS", {})
    with pytest.raises(KeyError, match="there are: even, "):
        judged.rule("odd")
    with pytest.raises(KeyError, match="G3_SCHEMA"):
        judged.gate("G9")
    (tmp_path / "policy.yaml").write_text("dq: {rules: [{kind: ranges}]}\n")
    with pytest.raises(SpecError):
        judge_rows(rows, tmp_path / "policy.yaml")


def test_importing_it_loads_no_library() -> None:
    code = (
        "import sys; import sfctl.testing; "
        "print([m for m in ('polars', 'pyarrow', 'pytest', 'yaml') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

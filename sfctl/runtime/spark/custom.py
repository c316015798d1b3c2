"""Custom rules on executors: the pinned function in its own killable process beside each task.

What a task cannot say of its rows is told in a column, never raised: a function's fault is its
rule's outcome, and no reason to run a task again.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sfctl.model.policy import Custom, Performance, Rule
from sfctl.model.types import DataType
from sfctl.runtime.faults import DataError, Unjudged
from sfctl.runtime.spark import columns
from sfctl.runtime.spark.sql import quoted

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from sfctl.runtime.polars.program import RowJudge

_ANSWER = "_sfctl_answer"
_DATA, _OURS = "data:", "ours:"


@dataclass(frozen=True, slots=True, repr=False)
class Function:
    """A user's function on its way to executors: with it go the files that its digest covers.

    `base` tells functions from different places apart; `schema` is the Arrow schema of the columns
    that it is given, `fields` what they are in the rows, as SQL.
    """

    rule: Rule
    base: str
    files: Mapping[str, bytes]
    schema: Any
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Functions:
    """All functions that are asked of some rows; those of a task share one process."""

    asked: tuple[Function, ...]
    performance: Performance
    hidden: frozenset[str]

    def answers(self, batches: Iterator[pa.Array]) -> Iterator[pa.Array]:
        """Answer one batch after the other; what failed once in a task is not asked again."""
        folder = Path(tempfile.mkdtemp(prefix="sfctl-"))
        bases = {each.base: folder / str(n) for n, each in enumerate(self.asked)}
        from sfctl.runtime.custom.rules import CustomRules

        rules = {b: CustomRules(at, self.performance, self.hidden) for b, at in bases.items()}
        judges: dict[int, RowJudge] = {}
        faults: dict[int, str] = {}
        try:
            for each in self.asked:
                _write(bases[each.base], each.files)
            for batch in batches:
                columns: list[pa.Array] = []
                for number, each in enumerate(self.asked):
                    answer = None
                    if len(batch) and number not in faults:
                        try:
                            if number not in judges:
                                judges[number] = rules[each.base].judge_for(each.rule)
                            answer = judges[number](_rows(batch, each))
                        except Exception as error:  # noqa: BLE001 - it is the rule's outcome
                            faults[number] = _told(error)
                    columns += _answered(answer, faults.get(number), len(batch))
                yield _struct(columns)
        finally:
            for each_rules in rules.values():
                each_rules.close()
            shutil.rmtree(folder, ignore_errors=True)


def function_for(
    rule: Rule, schema: Mapping[str, DataType], frame: DataFrame, root: Path
) -> Function:
    """Return a rule's function with the files it is made of.

    Raises Unjudged for one that is absent or is not the one that was compiled.
    """
    from sfctl.runtime.custom.rules import located
    from sfctl.runtime.spark.arrow import arrow_schema

    check = rule.check
    assert isinstance(check, Custom)
    code = located(check, root)
    values = tuple(columns.named(name, schema)[0] for name in check.fields)
    pairs = zip(values, check.fields, strict=True)
    given = frame.selectExpr(*(f"{value} AS {quoted(name)}" for value, name in pairs))
    return Function(rule, str(code.base), dict(code.files), arrow_schema(given.schema), values)


def marked(
    frame: DataFrame, functions: Functions, marks: Mapping[str, str], faults: Mapping[str, str]
) -> DataFrame:
    """Return the frame with what functions say of each row, and a task's faults in its rows.

    `marks` and `faults` name the columns for that, by rule id.
    """
    from pyspark.sql import functions as f
    from pyspark.sql.pandas.functions import ArrowUDFType, arrow_udf

    values = list(dict.fromkeys(value for each in functions.asked for value in each.fields))
    pairs = ", ".join(f"'{_place(value)}', {value}" for value in values)
    answer = ", ".join(
        f"holds{number} BOOLEAN, fault{number} STRING" for number in range(len(functions.asked))
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pyspark, about pandas
        iterating: Any = ArrowUDFType.SCALAR_ITER
        # not to be asked once for the answers and once more for a filter by them
        asked = arrow_udf(_plain(functions), answer, iterating).asNondeterministic()
    found = frame.withColumn(_ANSWER, asked(f.expr(f"named_struct({pairs})")))
    told = {}
    for number, each in enumerate(functions.asked):
        told[marks[each.rule.id]] = f.expr(f"{_ANSWER}.holds{number}")
        told[faults[each.rule.id]] = f.expr(f"{_ANSWER}.fault{number}")
    return found.withColumns(told).drop(_ANSWER)


def fault_of(told: str) -> Exception:
    """Return the fault that a task told of."""
    kind, _, why = told.partition(":")
    return DataError(why) if f"{kind}:" == _DATA else Unjudged(why)


def _plain(functions: Functions) -> Any:
    """Return a plain function of that name, which is all that a plan shows of it."""

    def sfctl(batches: Iterator[pa.Array]) -> Iterator[pa.Array]:
        return functions.answers(batches)

    return sfctl


def _place(value: str) -> str:
    """Return the name under which a column comes to the executor."""
    return "c" + hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir(exist_ok=True)
    for path, body in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(body)


def _rows(batch: pa.Array, function: Function) -> pl.DataFrame:
    import pyarrow as pa

    from sfctl.runtime.spark.arrow import to_polars

    given = [batch.field(_place(value)) for value in function.fields]
    return to_polars(pa.record_batch(given, names=function.schema.names), function.schema)


def _answered(answer: pl.Series | None, fault: str | None, rows: int) -> list[pa.Array]:
    import pyarrow as pa

    holds = pa.nulls(rows, pa.bool_()) if answer is None else answer.to_arrow().cast(pa.bool_())
    return [holds, pa.nulls(rows, pa.string()) if fault is None else pa.repeat(fault, rows)]


def _struct(columns: list[pa.Array]) -> pa.Array:
    import pyarrow as pa

    names = [
        f"{name}{number}" for number in range(len(columns) // 2) for name in ("holds", "fault")
    ]
    return pa.StructArray.from_arrays(columns, names=names)


def _told(error: Exception) -> str:
    if isinstance(error, DataError):
        return f"{_DATA}{error}"
    return f"{_OURS}{error if isinstance(error, Unjudged) else type(error).__name__}"

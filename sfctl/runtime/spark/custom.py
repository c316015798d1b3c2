"""Custom rules on executors: the pinned function in its own killable process beside each task.

What a task cannot say of its rows is told in a column, never raised: a function's fault is its
rule's outcome, and no reason to run a task again.
"""

from __future__ import annotations

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
from sfctl.runtime.spark.sql import quoted, text

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa
    from pyspark.sql import DataFrame

_ANSWER = "holds BOOLEAN, fault STRING"
_DATA, _OURS = "data:", "ours:"


@dataclass(frozen=True, slots=True, repr=False)
class Function:
    """A user's function on its way to executors: with it go the files that its digest covers."""

    rule: Rule
    performance: Performance
    hidden: frozenset[str]
    files: Mapping[str, bytes]
    schema: Any
    """The Arrow schema of the columns that the function is given."""

    def __call__(self, batches: Iterator[pa.Array]) -> Iterator[pa.Array]:
        """Answer one batch after the other; after a fault, none of the task's is asked."""
        from sfctl.runtime.custom.rules import CustomRules

        folder = Path(tempfile.mkdtemp(prefix="sfctl-"))
        rules = CustomRules(folder, self.performance, self.hidden)
        fault = ""
        try:
            for path, body in self.files.items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(body)
            holds = None
            for batch in batches:
                answer = None
                if not fault:
                    try:
                        holds = holds or rules.judge_for(self.rule)
                        answer = holds(_rows(batch, self.schema))
                    except Exception as error:  # noqa: BLE001 - whatever it is, it is the rule's
                        fault = _told(error)
                yield _answered(answer, fault, len(batch))
        finally:
            rules.close()
            shutil.rmtree(folder, ignore_errors=True)


def function_for(
    rule: Rule,
    schema: Mapping[str, DataType],
    frame: DataFrame,
    root: Path,
    performance: Performance,
    hidden: frozenset[str],
) -> Function:
    """Return a rule's function with the files it is made of.

    Raises Unjudged for one that is absent or is not the one that was compiled.
    """
    from sfctl.runtime.custom.rules import located
    from sfctl.runtime.spark.arrow import arrow_schema

    check = rule.check
    assert isinstance(check, Custom)
    code = located(check, root)
    given = frame.selectExpr(*_fields(check, schema))
    return Function(rule, performance, hidden, dict(code.files), arrow_schema(given.schema))


def marked(
    frame: DataFrame, function: Function, schema: Mapping[str, DataType], mark: str, fault: str
) -> DataFrame:
    """Return the frame with what the function says of each row, and a task's fault in its rows."""
    from pyspark.sql import functions as f
    from pyspark.sql.pandas.functions import ArrowUDFType, arrow_udf

    check = function.rule.check
    assert isinstance(check, Custom)
    pairs = [f"{text(name)}, {columns.named(name, schema)[0]}" for name in check.fields]
    answer = f"{mark}_answer"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pyspark, about pandas
        iterating: Any = ArrowUDFType.SCALAR_ITER
        asked = arrow_udf(_answering(function), _ANSWER, iterating).asNondeterministic()
    found = frame.withColumn(answer, asked(f.expr(f"named_struct({', '.join(pairs)})")))
    told = {mark: f.expr(f"{answer}.holds"), fault: f.expr(f"{answer}.fault")}
    return found.withColumns(told).drop(answer)


def _answering(function: Function) -> Any:
    """Return a plain function of that name, which is all that a plan shows of it."""

    def sfctl(batches: Iterator[pa.Array]) -> Iterator[pa.Array]:
        return function(batches)

    return sfctl


def fault_of(told: str) -> Exception:
    """Return the fault that a task told of."""
    kind, _, why = told.partition(":")
    return DataError(why) if f"{kind}:" == _DATA else Unjudged(why)


def _fields(check: Custom, schema: Mapping[str, DataType]) -> list[str]:
    return [f"{columns.named(name, schema)[0]} AS {quoted(name)}" for name in check.fields]


def _rows(batch: pa.Array, schema: Any) -> pl.DataFrame:
    import pyarrow as pa

    from sfctl.runtime.spark.arrow import to_polars

    return to_polars(pa.RecordBatch.from_struct_array(batch), schema)


def _answered(answer: pl.Series | None, fault: str, rows: int) -> pa.Array:
    import pyarrow as pa

    holds = pa.nulls(rows, pa.bool_()) if answer is None else answer.to_arrow().cast(pa.bool_())
    told = pa.array([fault or None], pa.string()).take(pa.array([0] * rows, pa.int32()))
    return pa.StructArray.from_arrays([holds, told], names=["holds", "fault"])


def _told(error: Exception) -> str:
    if isinstance(error, DataError):
        return f"{_DATA}{error}"
    return f"{_OURS}{error if isinstance(error, Unjudged) else type(error).__name__}"

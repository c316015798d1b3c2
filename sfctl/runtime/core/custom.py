"""Custom rules: a user's function over Arrow batches, found by import path, pinned by digest."""

from __future__ import annotations

import hashlib
import importlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from sfctl.model.policy import Custom
from sfctl.runtime.polars import columns
from sfctl.runtime.polars.program import RowJudge
from sfctl.runtime.polars.term import DataError


class CustomRuleError(Exception):
    """The function cannot be trusted or found; ours to say, and no fault of the data."""


def judge_for(check: Custom) -> RowJudge:
    """Return what tells of each row whether the function says it holds.

    The function gets a `pyarrow.RecordBatch` where pyarrow is installed, else a Polars frame,
    with the rule's columns, and returns one boolean a row. Raises CustomRuleError.
    """
    function = load(check)

    def holds(chunk: pl.DataFrame) -> pl.Series:
        rows = chunk.select(
            columns.named(name, chunk.schema)[0].alias(name) for name in check.fields
        )
        try:
            answer = function(_batch(rows))
            series = _booleans(answer)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # an exit in it would end the run, or pass for a pass
            raise DataError(f"{check.function} raised {type(error).__name__}") from error
        if len(series) != chunk.height:
            raise DataError(f"{check.function} returned {len(series)} of {chunk.height} answers")
        return series

    return holds


def load(check: Custom) -> Callable[[Any], Any]:
    """Import the function and compare its module's bytes with the digest of the policy."""
    name, _, attribute = check.function.partition(":")
    try:
        module = importlib.import_module(name)
        function = getattr(module, attribute)
    except (ImportError, AttributeError) as error:
        raise CustomRuleError(f"{check.function} cannot be imported: {error}") from error
    except SystemExit as error:
        raise CustomRuleError(f"{check.function} exits when it is imported") from error
    if check.digest and digest_of(function) != check.digest:
        raise CustomRuleError(f"{check.function} differs from the digest that was compiled")
    if not callable(function):
        raise CustomRuleError(f"{check.function} is no function")
    return function  # type: ignore[no-any-return]


def digest_of(function: object) -> str:
    """Return `sha256:…` over the source file that holds a function."""
    path = inspect.getsourcefile(function)  # type: ignore[arg-type]
    if path is None:
        raise CustomRuleError("the function has no source file to compare")
    return "sha256:" + hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _batch(rows: pl.DataFrame) -> Any:
    try:
        import pyarrow as pa
    except ImportError:
        return rows
    table = pa.table(rows).combine_chunks()
    batches = table.to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)


def _booleans(answer: Any) -> pl.Series:
    series = answer if isinstance(answer, pl.Series) else pl.Series("holds", answer)
    if series.dtype not in (pl.Boolean, pl.Null):
        raise TypeError("the answers are no booleans")
    return series.cast(pl.Boolean)

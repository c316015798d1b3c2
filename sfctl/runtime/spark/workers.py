"""Our kernels on executors: Arrow batches in, Arrow batches out, in pieces of bounded size.

What a worker raises says its code or its class and nothing else: a message may quote a value, and
executors log what they hear.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfctl import __version__
from sfctl.errors import SfctlError
from sfctl.runtime.spark import quiet

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

PIECE_ROWS = 10_000
"""Rows worked on at once, however large the batches are that a session asks for."""
OUTDATED = "VERSION"
_FAILED = re.compile(r"\[sfctl:(\w+)\]")
_ABSENT = re.compile(r"(?:ModuleNotFoundError|ImportError): .*?['\"](\w+)[\w.]*['\"]")

Work = Callable[[Iterator["pa.RecordBatch"]], Iterator["pa.RecordBatch"]]


class WorkFailed(Exception):
    """What an executor tells of a fault in a worker of ours: its code or its class."""


@dataclass(frozen=True, slots=True, repr=False)
class _Task:
    """One worker on its way to an executor; its name is all that a plan shows of it."""

    work: Work
    names: tuple[str, ...]
    version: str = __version__

    @property
    def __name__(self) -> str:
        return "sfctl"

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        if self.version != __version__:
            raise WorkFailed(f"[sfctl:{OUTDATED}]")
        try:
            named = (batch.rename_columns(self.names) for batch in batches)
            yield from self.work(piece for batch in named for piece in pieces(batch))
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001  a panic of Rust code is no Exception
            code = getattr(error, "code", "")
            told = code if code and isinstance(code, str) else type(error).__name__
            raise WorkFailed(f"[sfctl:{told}]") from None


def through(frame: DataFrame, work: Work, schema: StructType) -> DataFrame:
    """Return, lazily, what `work` makes of the rows; it gets pieces of at most PIECE_ROWS rows.

    `work` is pickled by name and what it holds by value: nothing of it stands in the plan.
    """
    with quiet.about_pandas():
        # pyspark takes names for paths: a dot in one would be looked for inside a struct
        numbered = frame.toDF(*(f"c{i}" for i in range(len(frame.columns))))
        return numbered.mapInArrow(_Task(work, tuple(frame.columns)), schema)


def gathered(frame: DataFrame, rows: int) -> DataFrame:
    """Return a frame that reads `rows` rows in no more tasks than they are worth.

    Every task is a round trip to a worker. Partitions are joined where they lie and keep their
    order; no core is left idle for it.
    """
    cores = frame.sparkSession.sparkContext.defaultParallelism
    return frame.coalesce(max(cores, -(-rows // PIECE_ROWS)))


def pieces(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Yield a batch in slices that share its memory."""
    for start in range(0, batch.num_rows, PIECE_ROWS):
        yield batch.slice(start, PIECE_ROWS)


def explained(error: BaseException) -> BaseException:
    """Return what an error of a Spark job with workers of ours means, or the error itself.

    Errors that an executor told have the code or class it told; one that cannot import what it
    needs is SfctlError SF888.
    """
    text = str(error)
    told = _FAILED.search(text)
    if told is not None and told[1] != OUTDATED:
        return SfctlError(f"an executor failed ({told[1]})", code=told[1])
    absent = _ABSENT.search(text)
    if told is None and absent is None:
        return error
    what = f"have no module {absent[1]}" if absent is not None else "run another version of sfctl"
    return SfctlError(
        f"the Spark executors {what}",
        hint="give executors the Python environment of the driver, for example with "
        "spark.archives and PYSPARK_PYTHON; `sfctl explain SF888` says how",
        code="SF888",
    )

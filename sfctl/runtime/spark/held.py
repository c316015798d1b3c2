"""Rows of the user's frame, taken once: written beside the table, or kept on the executors.

Whatever reads them later reads the very rows that were taken, never the user's plan again.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sfctl.errors import StoreError
from sfctl.runtime.spark.act import quoted
from sfctl.runtime.spark.blame import running
from sfctl.runtime.tables.port import StagedFile

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Observation

PATIENCE_S = 10.0
"""How long an observation may be late; it may also never come."""
_COUNT = "_sfctl_count"


@dataclass(frozen=True, slots=True)
class Held:
    """Rows that were taken. `height` is exact.

    `observed` holds what was measured on the way, by name, and only where it was measured on just
    these rows. `files` are those below the table's folder that hold them; None where there are
    none, as with rows that must not be written as they are.
    """

    frame: DataFrame
    height: int
    observed: Mapping[str, Any] | None = None
    files: tuple[StagedFile, ...] | None = None


def kept(frame: DataFrame, measures: Mapping[str, str]) -> Held:
    """Compute a frame into the executors' own storage, and measure it on the way.

    Nothing is written to the lake. Where a block is lost later it is missed, rather than that
    rows are computed anew that may come out otherwise.
    """
    watched, observation = observed(frame, measures)
    with running():
        rows = computed(watched)
    height = rows.count()
    return Held(rows, height, believed(observation, height))


def computed(frame: DataFrame) -> DataFrame:
    """Compute a frame into the executors' storage, on two of them, for one may be lost."""
    from pyspark import StorageLevel

    alone = frame.sparkSession.sparkContext._jsc.sc().isLocal()
    level = StorageLevel.MEMORY_AND_DISK if alone else StorageLevel.MEMORY_AND_DISK_2
    return frame.localCheckpoint(eager=True, storageLevel=level)


def let_go(held: Held) -> None:
    """Free the executors' storage of rows that were kept; written ones stay."""
    plan = held.frame._jdf.queryExecution().analyzed()
    if hasattr(plan, "rdd") and plan.getClass().getSimpleName() == "LogicalRDD":
        plan.rdd().unpersist(False)


def observed(frame: DataFrame, measures: Mapping[str, str]) -> tuple[DataFrame, Observation]:
    """Return the frame with aggregates riding on it, and where they will be told."""
    from pyspark.sql import Observation
    from pyspark.sql import functions as F  # noqa: N812

    told = Observation()
    count = F.count(F.lit(1)).alias(_COUNT)
    riding = [F.expr(text).alias(name) for name, text in measures.items()]
    return frame.observe(told, count, *riding), told


def believed(
    observation: Observation, height: int, *, lasting: bool = False
) -> Mapping[str, Any] | None:
    """Return what was observed, or None where it does not come or is not of just those rows.

    Retried, skipped and failed writes leave observations that are partial, or none at all. Where
    rows are in `lasting` files, more that went out than are there is StoreError SF335: some are
    lost already, as to a vacuum that spares nothing.
    """
    told: list[dict[str, Any]] = []

    def wait() -> None:
        try:
            told.append(observation.get)
        except Exception:  # noqa: BLE001  for some writes Spark cannot tell it
            return

    waiting = threading.Thread(target=wait, daemon=True, name="sfctl-observation")
    waiting.start()
    waiting.join(PATIENCE_S)
    count = told[0].get(_COUNT) if told else None
    if lasting and count is not None and count > height:
        raise StoreError(
            "files that Spark wrote are gone before they were published",
            hint="run the job again; no vacuum may take files that are younger than a write lasts",
            code="SF335",
        )
    if count != height:
        return None
    return {name: value for name, value in told[0].items() if name != _COUNT}


def measured(frame: DataFrame, measures: Mapping[str, str]) -> Mapping[str, Any]:
    """Return aggregates of a frame by a pass of their own."""
    from pyspark.sql import functions as F  # noqa: N812

    if not measures:
        return {}
    row = frame.agg(*(F.expr(text).alias(name) for name, text in measures.items())).first()
    assert row is not None
    return row.asDict(recursive=False)


def without(frame: DataFrame, names: Sequence[str]) -> DataFrame:
    """Return the frame without some columns, named exactly."""
    return frame.select([quoted(name) for name in frame.columns if name not in names])

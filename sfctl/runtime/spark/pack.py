"""Rows for quarantine, made on executors: packed and sealed piece by piece, as the driver would.

Every task that holds rows has a data key of its own, sealed to the target's public key, and tells
it in its first row: no secret travels, and a task that is retried leaves nothing half sealed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfctl.clock import parse_instant
from sfctl.model import codec
from sfctl.model.policy import Policy
from sfctl.model.write import WriteRecord
from sfctl.runtime.publishing.payload import schema_text
from sfctl.runtime.publishing.quarantine import (
    BLOCKED,
    REASONS,
    RULES,
    Batch,
    batch_record,
    dt_of,
    flagged_columns,
    partition_names,
    sealed_by,
)
from sfctl.runtime.spark import arrow, workers
from sfctl.runtime.spark.act import quoted

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import StructType

ROW = "_sfctl_row"


def packed(
    bad: DataFrame | None,
    good: DataFrame | None,
    record: WriteRecord,
    policy: Policy,
    public_key: bytes,
) -> DataFrame:
    """Return, lazily, the rows of a quarantine table that hold one write; at least one is given.

    `bad` carries rules and reasons, `good` is tagged as blocked with its batch. `row` is unique
    within the write and grows within a partition, with gaps. The frame is to be written once.
    """
    from pyspark.sql import functions as F  # noqa: N812
    from pyspark.sql import types as t

    originals = _originals(bad, good)
    read = record.counts.rows_in * ((bad is not None) + (good is not None))
    rows = workers.gathered(_union(bad, good, originals.names), read)
    rows = rows.withColumn(ROW, F.monotonically_increasing_id())
    schema = arrow.arrow_schema(originals)
    nobody = arrow.no_rows(schema)
    flagged = flagged_columns(nobody, policy, partition=partition_names(record))
    batch = batch_record(record, schema_text(nobody), flagged, policy)
    sealing = _Sealing(batch, schema.serialize().to_pybytes(), public_key)
    texts = t.ArrayType(t.StringType())
    made = workers.through(
        rows,
        sealing,
        t.StructType()
        .add("row", t.LongType())
        .add("rules", texts)
        .add("reasons", texts)
        .add("batch_blocked", t.BooleanType())
        .add("clear", t.StringType())
        .add("sealed", t.BinaryType())
        .add("batch", t.StringType()),
    )
    held_at = int(parse_instant(record.at).timestamp() * 1_000_000)
    return made.select(
        _text(dt_of(record), "dt"),
        _text(record.run.run_id, "run_id"),
        _text(record.write_key, "write_key"),
        _text(record.stage, "stage"),
        "row",
        "rules",
        "reasons",
        _text("held", "state"),
        "batch_blocked",
        _text("", "replay_id"),
        F.expr(f"timestamp_micros({held_at}L)").alias("held_at"),
        "clear",
        "sealed",
        "batch",
    )


def _originals(bad: DataFrame | None, good: DataFrame | None) -> StructType:
    from pyspark.sql import types as t

    frame = bad if bad is not None else good
    assert frame is not None
    return t.StructType([field for field in frame.schema if field.name not in (RULES, REASONS)])


def _union(bad: DataFrame | None, good: DataFrame | None, names: list[str]) -> DataFrame:
    from pyspark.sql import functions as F  # noqa: N812

    columns = [quoted(name) for name in names]
    none = F.expr("cast(array() as array<string>)")
    parts = []
    if bad is not None:
        parts.append(bad.select(*columns, RULES, REASONS, F.lit(False).alias(BLOCKED)))
    if good is not None:
        blocked = F.lit(True).alias(BLOCKED)
        parts.append(good.select(*columns, none.alias(RULES), none.alias(REASONS), blocked))
    return parts[0] if len(parts) == 1 else parts[0].union(parts[1])


def _text(value: str, name: str) -> Column:
    from pyspark.sql import functions as F  # noqa: N812

    return F.lit(value).alias(name)


@dataclass(frozen=True, slots=True, repr=False)
class _Sealing:
    """Packs the rows of one partition under a key that is made for it, on an executor."""

    batch: Batch
    schema: bytes
    public_key: bytes

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        from sfctl.runtime.publishing.payload import pack
        from sfctl.runtime.seal import Sealer

        schema = pa.ipc.read_schema(pa.py_buffer(self.schema))
        sealer = Sealer(self.public_key)
        first: str | None = codec.encode(sealed_by(self.batch, sealer)).decode()
        for piece in batches:
            clear, sealed = pack(arrow.to_polars(piece, schema), self.batch.flagged, sealer)
            told = pa.array([first, *[None] * (piece.num_rows - 1)], pa.string())
            first = None
            yield pa.RecordBatch.from_arrays(
                [
                    piece.column(ROW),
                    piece.column(RULES),
                    piece.column(REASONS),
                    piece.column(BLOCKED),
                    arrow.to_arrow(clear, pa.string()),
                    arrow.to_arrow(sealed, pa.binary()),
                    told,
                ],
                names=["row", "rules", "reasons", "batch_blocked", "clear", "sealed", "batch"],
            )

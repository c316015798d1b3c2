"""A whole batch sealed on executors, for the day nothing may be written otherwise."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfctl.runtime.spark import arrow, workers

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame


def seal(frame: DataFrame, place: str, public_key: bytes, known: int | None = None) -> int:
    """Write rows into a folder of Parquet files that hold nothing in the clear; return how many.

    `known` is how many they are, for rows that were taken; a plan of the job's is run as it is.
    Each value of `sealed` is what `seal.unseal` opens: a Parquet file of `rows` rows. Raises what
    Spark raises, OSError where the files cannot be seen from here.
    """
    from pathlib import Path

    from pyspark.sql import functions as F  # noqa: N812
    from pyspark.sql import types as t

    schema = arrow.arrow_schema(frame.schema).serialize().to_pybytes()
    shape = t.StructType().add("rows", t.LongType()).add("sealed", t.BinaryType())
    rows = frame if known is None else workers.gathered(frame, known)
    workers.through(rows, _Sealing(schema, public_key), shape).write.parquet(place)
    told = frame.sparkSession.read.schema(shape).parquet(place).agg(F.sum("rows")).first()
    written = int(told[0] or 0) if told else 0
    if written and "://" not in place and not any(Path(place).glob("*.parquet")):
        raise OSError("the sealed files lie on other machines")
    return written


@dataclass(frozen=True, slots=True, repr=False)
class _Sealing:
    """Seals pieces of rows, each under a key of its own."""

    schema: bytes
    public_key: bytes

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        from sfctl.runtime import seal

        schema = pa.ipc.read_schema(pa.py_buffer(self.schema))
        for batch in batches:
            buffer = io.BytesIO()
            arrow.to_polars(batch, schema).write_parquet(buffer)
            sealed = seal.seal(buffer.getvalue(), self.public_key)
            yield pa.RecordBatch.from_pydict(
                {"rows": [batch.num_rows], "sealed": [sealed]},
                schema=pa.schema([("rows", pa.int64()), ("sealed", pa.binary())]),
            )

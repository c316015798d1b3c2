"""PII actions on executors: the same bytes as on one machine, counted once whatever is retried.

The first row of each piece carries what was met in it; an observation on the write that follows
adds that up, and the column is left out of what is written. Keys travel inside the pickled worker:
never in a plan's text, a log or the event log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sfctl.errors import SfctlError
from sfctl.model.policy import Detection
from sfctl.model.verdict import PiiFinding
from sfctl.runtime.pii.keys import KeyRing
from sfctl.runtime.spark import arrow, workers

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from sfctl.runtime.pii.actions import Tally

FOUND = "_sfctl_found"
"""The column that counts ride on; whoever writes the frame leaves it out."""
_SEED = 20


@dataclass(frozen=True, slots=True)
class Acted:
    """Rows as they may be written, lazily, and FOUND beside them.

    `measures` are aggregates to observe on the way, by name; `findings` reads what they came to.
    """

    frame: DataFrame
    measures: Mapping[str, str]
    _layout: tuple[Tally, ...]
    _detections: tuple[Detection, ...]

    def findings(self, observed: Mapping[str, Any]) -> tuple[PiiFinding, ...]:
        """Return one finding per text and entry that acted on something. Raises KeyError."""
        from sfctl.runtime.pii import actions

        numbers = iter([int(observed[name] or 0) for name in self.measures])
        tallies = []
        for tally in self._layout:
            evaluated = next(numbers)
            matches = tuple(next(numbers) for _ in tally.entries)
            tallies.append(actions.Tally(tally.path, evaluated, tally.entries, matches))
        return actions.findings(tallies, self._detections)

    def counted(self) -> tuple[PiiFinding, ...]:
        """Return the findings by a pass of its own, where no observation can be believed."""
        from pyspark.sql import functions as F  # noqa: N812

        if not self.measures:
            return ()
        totals = [F.expr(text).alias(name) for name, text in self.measures.items()]
        return self.findings(self.frame.agg(*totals).first().asDict())  # type: ignore[union-attr]


def act(
    frame: DataFrame, detections: Sequence[Detection], keys: Callable[[], KeyRing], rows: int
) -> Acted:
    """Return the frame with every action done when it is written; it has about `rows` rows.

    Columns keep their types; those with texts may be null where they could not before. A missing
    key is a fault only where something is tokenized, on the executor that should have.
    """
    from pyspark.sql import types as t

    from sfctl.runtime.pii import actions

    texts = [field for field in frame.schema if arrow.holds_text(field.dataType)]
    schema = arrow.arrow_schema(t.StructType(texts))
    _, layout = actions.acted(arrow.no_rows(schema), detections, keys)
    width = sum(1 + len(tally.entries) for tally in layout)
    named = {field.name for field in texts}
    fields = [
        t.StructField(field.name, arrow.loosened(field.dataType), metadata=field.metadata)
        if field.name in named
        else field
        for field in frame.schema
    ]
    counts = t.StructField(FOUND, t.ArrayType(t.LongType()))
    ring, code = _ring(detections, keys)
    done = workers.through(
        workers.gathered(frame, rows),
        _Acting(tuple(detections), schema.serialize().to_pybytes(), ring, code),
        t.StructType([*fields, counts]),
    )
    measures = {f"{FOUND}_{i}": f"coalesce(sum({FOUND}[{i}]), 0L)" for i in range(width)}
    return Acted(done, measures, layout, tuple(detections))


def _ring(
    detections: Sequence[Detection], keys: Callable[[], KeyRing]
) -> tuple[KeyRing | None, str]:
    """Return the active key alone, for others are for reading; or the code of why there is none."""
    if all(detection.action != "tokenize" for detection in detections):
        return None, ""
    try:
        return KeyRing((keys().active,)), ""
    except SfctlError as error:
        return None, error.code or type(error).__name__


@dataclass(frozen=True, slots=True, repr=False)
class _Acting:
    """Acts on the texts of pieces, on an executor."""

    detections: tuple[Detection, ...]
    schema: bytes
    ring: KeyRing | None
    code: str

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        from sfctl.runtime.pii import actions

        schema = pa.ipc.read_schema(pa.py_buffer(self.schema))
        for batch in batches:
            frame, tallies = actions.acted(
                arrow.to_polars(batch, schema), self.detections, self._keys
            )
            columns = [
                arrow.to_arrow(frame[name], schema.field(name).type) if name in frame else column
                for name, column in zip(batch.schema.names, batch.columns, strict=True)
            ]
            counts = [n for tally in tallies for n in (tally.evaluated, *tally.matches)]
            found = [counts, *[None] * (batch.num_rows - 1)]
            columns.append(pa.array(found, pa.list_(pa.int64())))
            yield pa.RecordBatch.from_arrays(columns, names=[*batch.schema.names, FOUND])

    def _keys(self) -> KeyRing:
        if self.ring is None:
            raise SfctlError("no PII key came along", code=self.code or "SF450")
        return self.ring


def advised(
    frame: DataFrame, detections: Sequence[Detection], height: int
) -> tuple[PiiFinding, ...]:
    """Look for kinds nobody declared in a sample of at most ADVISORY_ROWS rows, on one executor."""
    from pyspark.sql import types as t

    from sfctl.model import codec
    from sfctl.runtime.pii.actions import ADVISORY_ROWS

    texts = [field for field in frame.schema if arrow.holds_text(field.dataType)]
    if not texts or not height:
        return ()
    rows = frame.select([quoted(field.name) for field in texts])
    if height > ADVISORY_ROWS:
        rows = rows.sample(min(1.0, 1.2 * ADVISORY_ROWS / height), _SEED).limit(ADVISORY_ROWS)
    schema = arrow.arrow_schema(t.StructType(texts)).serialize().to_pybytes()
    told = workers.through(
        rows.coalesce(1),
        _Advising(tuple(detections), schema),
        t.StructType([t.StructField("findings", t.StringType())]),
    ).collect()
    return tuple(f for row in told for f in codec.decode(row[0], tuple[PiiFinding, ...]))


@dataclass(frozen=True, slots=True, repr=False)
class _Advising:
    """Looks at all rows of one partition, of which there are few."""

    detections: tuple[Detection, ...]
    schema: bytes

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import polars as pl
        import pyarrow as pa

        from sfctl.model import codec
        from sfctl.runtime.pii import actions

        schema = pa.ipc.read_schema(pa.py_buffer(self.schema))
        parts = [arrow.to_polars(batch, schema) for batch in batches]
        if parts:
            findings = actions.advise(pl.concat(parts), self.detections)
            yield pa.RecordBatch.from_pydict({"findings": [codec.encode(findings).decode()]})


def redacted(frame: DataFrame, empty: Mapping[str, str | None]) -> DataFrame:
    """Return the frame with columns emptied: by null, or by the text that is given."""
    from pyspark.sql import functions as F  # noqa: N812
    from pyspark.sql import types as t

    columns = []
    for field in frame.schema:
        column = quoted(field.name)
        if field.name in empty:
            kind = field.dataType if empty[field.name] is None else t.StringType()
            filler = F.lit(empty[field.name]).cast(kind)
            column = filler.alias(field.name, metadata=field.metadata)
        columns.append(column)
    return frame.select(columns)


def quoted(name: str) -> Any:
    """Return a column by its exact name, dots and ticks included."""
    from pyspark.sql import functions as F  # noqa: N812

    return F.col("`" + name.replace("`", "``") + "`")

"""The engine of rows that lie in this process: Polars frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sfctl.model.policy import Detection, Policy
from sfctl.model.verdict import PiiFinding
from sfctl.model.write import WriteRecord
from sfctl.runtime.publishing.partition import like_null, null_in, with_partition
from sfctl.runtime.publishing.quarantine import RULES, Quarantine, batch_of
from sfctl.runtime.tables.port import Table, Write

if TYPE_CHECKING:
    import polars as pl

    from sfctl.runtime.publishing.request import Ports, PublishRequest


class InMemory:
    """Publishes Polars frames."""

    @contextmanager
    def taken(self, request: PublishRequest, ports: Ports) -> Iterator[pl.DataFrame]:
        """Return the request's frame with the partition's columns, whose nulls are null."""
        frame = with_partition(request)
        if request.format == "delta" and (texts := like_null(frame)):
            table = ports.open_table(request.path, request.format)
            by = request.partition_columns if table.head() is None else table.partitioned_by()
            frame = null_in(frame, [name for name in texts if name in by])
        yield frame

    def redacted(self, frame: pl.DataFrame, empty: Mapping[str, str | None]) -> pl.DataFrame:
        """Return the frame with columns emptied: by null, or by the text that is given."""
        import polars as pl

        none = {name: pl.lit(None, dtype=frame.schema[name]) for name in empty}
        return frame.with_columns(
            **{name: none[name] if text is None else pl.lit(text) for name, text in empty.items()}
        )

    def columns(self, frame: pl.DataFrame) -> Sequence[str]:
        """Return the names of the columns, in order."""
        return frame.columns

    def advised(
        self, frame: pl.DataFrame, detections: Sequence[Detection]
    ) -> tuple[PiiFinding, ...]:
        """Return kinds of personal data that nobody declared, seen in a sample."""
        from sfctl.runtime.pii.actions import advise

        return advise(frame, detections)

    def distinct(self, frame: pl.DataFrame, names: Sequence[str]) -> Sequence[tuple[object, ...]]:
        """Return the combinations of values that occur in some columns, in order."""
        return frame.select(names).unique(maintain_order=True).rows()

    def failing(
        self, bad: pl.DataFrame, rules: Sequence[str], names: Sequence[str], most: int
    ) -> Sequence[tuple[object, ...]]:
        """Return values of some columns of the first rows that fail one of the rules."""
        import polars as pl

        some = pl.col(RULES).list.eval(pl.element().is_in(list(rules))).list.any()
        return bad.lazy().filter(some).select(names).head(most).collect().rows()

    def hold(
        self,
        store: Quarantine,
        good: pl.DataFrame | None,
        bad: pl.DataFrame | None,
        record: WriteRecord,
        policy: Policy,
        public_key: bytes,
    ) -> int:
        """Keep rows in quarantine in one commit, good ones tagged; return its version."""
        return store.hold(batch_of(good, bad), record, policy, public_key)

    def commit(self, table: Table, frame: pl.DataFrame, write: Write) -> int:
        """Commit rows and record to a table in one step; return the version."""
        return table.write(frame, write)

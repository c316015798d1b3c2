"""How far a write came, so that a fault after the commit is never answered by a second write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from msgspec.structs import replace

from sfctl.model import codec
from sfctl.model.write import WriteRecord, WriteResult
from sfctl.runtime.job import failopen
from sfctl.runtime.publishing.quarantine import Quarantine
from sfctl.runtime.publishing.request import PublishRequest
from sfctl.runtime.publishing.result import result_of
from sfctl.runtime.publishing.settle import Settled
from sfctl.runtime.tables.formats import open_table
from sfctl.runtime.tables.port import StagedFile, Table, Write

if TYPE_CHECKING:
    import polars as pl

    from sfctl.runtime.spark.held import Held


class Trail:
    """The steps of one write. `facts` is read by the last line of defence:

    `outgoing` the rows as they may be written, once they are known; `settled` that nothing is left
    to be written: `table` when they were committed, `quarantine` when all are held back. Of frames
    of Spark `taken` reads the very rows that were taken, `rows` is how many, and `answer` is what
    the job's own plan raised. `withdraw` takes what the write held back out of quarantine again,
    for a caller that can only write all of its rows.
    """

    def __init__(self, facts: dict[str, Any]) -> None:
        self.facts = facts
        self.result: WriteResult | None = None
        self.faults: list[str] = []

    def reached(self, step: str) -> None:
        """Take note of a step of publish."""
        self.facts["step"] = step

    def open_table(self, path: str, form: str) -> Table:
        """Open a table that tells when rows are handed to it and when they are in."""
        return cast("Table", _Traced(open_table(path, form), self.facts))

    def took(self, held: Held) -> None:
        """Take note of rows that were taken; see `spark.engine.Witness`."""
        self.facts |= {"taken": held.frame, "rows": held.height}

    def goes_out(self, held: Held) -> None:
        """Take note of rows as they may be written."""
        self.facts |= {"outgoing": held.frame, "rows": held.height}

    def failed(self, error: BaseException) -> None:
        """Take note that the job's own rows could not be computed: that is its affair."""
        self.facts["answer"] = error

    def rescue(self, request: PublishRequest, error: BaseException) -> None:
        """Find out what became of the rows; set `result` where they are in the table."""
        failopen.show(error)
        facts = self.facts
        if facts.get("step") == "withheld":
            facts["settled"] = "quarantine"
        store = Quarantine(request.quarantine_path, request.dataset_urn)
        facts["withdraw"] = lambda: store.withdraw(request.write_key)
        if "note" not in facts:
            return
        if "version" not in facts:
            version = _committed(request)
            if version is None:
                return
            facts["version"] = version
        facts["settled"] = "table"
        record = codec.decode(facts["note"], WriteRecord)
        answer = result_of(record, facts["version"], Settled(None, [], False))
        reason = f"SETTLE:{failopen.reason_of(error)}"
        self.result = replace(answer, degraded=(*answer.degraded, reason))


class _Traced:
    def __init__(self, table: Table, facts: dict[str, Any]) -> None:
        self._table = table
        self._facts = facts

    def write(self, frame: pl.DataFrame, request: Write) -> int:
        self._facts |= {"outgoing": frame, "note": request.note}
        version = self._table.write(frame, request)
        self._facts |= {"version": version, "settled": "table"}
        return version

    def adopt(
        self,
        staged: Callable[[], Sequence[StagedFile]],
        schema: str,
        request: Write,
        otherwise: Callable[[str], None],
    ) -> int:
        self._facts["note"] = request.note
        version = self._table.adopt(staged, schema, request, otherwise)
        self._facts |= {"version": version, "settled": "table"}
        return version

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)


def _committed(request: PublishRequest) -> int | None:
    try:
        return open_table(request.path, request.format).committed(request.write_key)
    except Exception:  # noqa: BLE001  a table that cannot be read holds nothing of ours for sure
        return None

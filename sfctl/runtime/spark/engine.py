"""The engine of rows that lie on Spark's executors: what leaves them is counts and a few keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from sfctl.errors import StoreError, UsageError
from sfctl.model.policy import Detection, Policy
from sfctl.model.verdict import PiiFinding
from sfctl.model.write import WriteRecord
from sfctl.runtime.publishing.partition import contradicts
from sfctl.runtime.publishing.quarantine import REASONS, RULES, Quarantine
from sfctl.runtime.spark import act, blame, pack, plain, sql, workers
from sfctl.runtime.spark import held as holding
from sfctl.runtime.spark.act import quoted
from sfctl.runtime.spark.held import Held
from sfctl.runtime.spark.limited import as_stored
from sfctl.runtime.spark.session import require_frame
from sfctl.runtime.spark.staging import NULL, Stage
from sfctl.runtime.tables.port import StagedFile, Table, Write

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from sfctl.runtime.pii.keys import KeyRing
    from sfctl.runtime.publishing.request import Ports, PublishRequest

Riding = Callable[["DataFrame"], Mapping[str, str]]
"""From rows that are about to be taken to what is measured on the way, in SQL by name."""
Take = Callable[["DataFrame", Mapping[str, str]], Held]
_ELSEWHERE = "_sfctl_elsewhere_"
_AS_TEXT = {"string", "date", "byte", "short", "integer", "long"}
"""Types whose values read in a folder's name as they do in Python."""


class Witness(Protocol):
    """Told what becomes of a write's rows, for the day that something of ours breaks."""

    def took(self, held: Held) -> None:
        """Hear that the rows were taken: the plan of the job need not run again."""

    def goes_out(self, held: Held) -> None:
        """Hear which rows may be written, and as what."""

    def failed(self, error: BaseException) -> None:
        """Hear that the job's own rows could not be computed or written."""


@dataclass(frozen=True, slots=True)
class Undivided:
    """All rows on one side of a split that could not be made."""

    good: Held
    bad: Held


@dataclass(slots=True)
class OnSpark:
    """Publishes Spark frames; one for each write.

    `riding` says what to measure while rows are taken. `reached` is told the steps of staging,
    `witness` what becomes of the rows.
    """

    riding: Riding = lambda _frame: {}
    reached: Callable[[str], None] = lambda _step: None
    witness: Witness | None = None
    _stage: Stage = field(init=False)
    _spent: list[Held] = field(init=False, default_factory=list)

    @contextmanager
    def taken(self, request: PublishRequest, ports: Ports) -> Iterator[Held | None]:
        """Take the rows of a request, once, and let go of them at the end of the block.

        They are written into the table's folder; where personal data is acted on they are kept on
        the executors instead, for nothing in the clear may enter the lake. Files that no commit
        came to name are removed where the write ended in order, else they are left to a retry.
        """
        rows = require_frame(request.frame)
        stage = Stage(
            request.path, request.write_key, whole=request.format == "parquet", reached=self.reached
        )
        leftovers = stage.abandoned()
        table = ports.open_table(request.path, request.format)
        if table.committed(request.write_key) is not None:
            yield None
            return
        stage.remove(leftovers)
        by = request.partition_columns if table.head() is None else table.partitioned_by()
        self._stage = stage = replace(stage, partition_by=by)
        rows, elsewhere = _of_partition(as_stored(rows, table.limited()), request, by)
        measures = {**self.riding(rows), **elsewhere}
        acted = any(d.action != "none" for d in request.policy.pii)
        found = self._take(rows, measures, holding.kept if acted else stage.put)
        if self.witness is not None:
            self.witness.took(found)
        self._spent.append(found)
        try:
            _check(found, request, elsewhere)
        except BaseException:
            self._let_go()
            raise
        yield found
        self._let_go()

    def _take(self, rows: DataFrame, measures: Mapping[str, str], take: Take) -> Held:
        try:
            return take(rows, measures)
        except Exception as error:
            if blame.ours(error, measures):
                return self._take(rows, {}, take)
            if blame.of_the_job(error) and self.witness is not None:
                self.witness.failed(error)
            raise

    def undivided(self, frame: Held) -> Undivided:
        """Return all rows on the good side."""
        from pyspark.sql import functions as F  # noqa: N812

        none = F.expr("CAST(array() AS ARRAY<STRING>)")
        bad = frame.frame.limit(0).select("*", none.alias(RULES), none.alias(REASONS))
        return Undivided(frame, Held(bad, 0))

    def redacted(self, frame: Held, empty: Mapping[str, str | None]) -> Held:
        """Return the frame with columns emptied: by null, or by the text that is given."""
        return Held(act.redacted(frame.frame, empty), frame.height)

    def columns(self, frame: Held) -> Sequence[str]:
        """Return the names of the columns, in order."""
        return list(frame.frame.columns)

    def advised(self, frame: Held, detections: Sequence[Detection]) -> tuple[PiiFinding, ...]:
        """Return kinds of personal data that nobody declared, seen in a sample."""
        return act.advised(frame.frame, detections, frame.height)

    def act(
        self, frame: Held, detections: Sequence[Detection], keys: Callable[[], KeyRing]
    ) -> tuple[Held, tuple[PiiFinding, ...]]:
        """Do the actions on executors; return the rows as they may be written, and the findings.

        Raises SfctlError with what an executor told where one could not.
        """
        try:
            done = act.act(frame.frame, detections, keys, frame.height)
            if all(d.action == "none" for d in detections):
                return frame, done.counted()
            staged = self._stage.put(done.frame, done.measures, leave_out=(act.FOUND,))
        except Exception as error:
            raise workers.explained(error) from error
        self._spent.append(staged)
        if staged.height != frame.height:
            raise StoreError("an action on personal data lost rows", code="SF335")
        told = staged.observed
        return staged, done.counted() if told is None else done.findings(told)

    def distinct(self, frame: Held, names: Sequence[str]) -> Sequence[tuple[object, ...]]:
        """Return the combinations of values that occur in some columns, in order."""
        kinds = {frame.frame.schema[name].dataType.typeName() for name in names}
        if (
            frame.files is not None
            and kinds <= _AS_TEXT
            and {*names} <= {*self._stage.partition_by}
        ):
            values = {tuple(file.partition[name] for name in names) for file in frame.files}
            return sorted(values, key=str)
        rows = frame.frame.select([quoted(name) for name in names]).distinct()
        return sorted((tuple(row) for row in rows.collect()), key=str)

    def failing(
        self, bad: Held, rules: Sequence[str], names: Sequence[str], most: int
    ) -> Sequence[tuple[object, ...]]:
        """Return values of some columns of at most `most` rows that fail one of the rules."""
        import polars as pl
        from pyspark.sql import functions as F  # noqa: N812

        wanted = F.array(*(F.lit(rule) for rule in rules))
        some = bad.frame.where(F.arrays_overlap(F.col(RULES), wanted)).limit(most)
        found = pl.from_arrow(some.select([quoted(name) for name in names]).toArrow())
        assert isinstance(found, pl.DataFrame)
        return found.rows()

    def hold(
        self,
        store: Quarantine,
        good: Held | None,
        bad: Held | None,
        record: WriteRecord,
        policy: Policy,
        public_key: bytes,
    ) -> int:
        """Keep rows in quarantine in one commit, good ones tagged; return its version."""
        rows = pack.packed(
            bad.frame if bad else None, good.frame if good else None, record, policy, public_key
        )
        reached = lambda step: self.reached(f"held {step}")  # noqa: E731
        stage = Stage(store.path, record.write_key, ("dt", "run_id"), reached=reached)
        store.make_folder()
        leftovers = stage.abandoned()
        if store.table.committed(record.write_key) is None:
            stage.remove(leftovers)  # else an earlier attempt's rows wait in them
        try:
            staged = stage.put(rows, {})
        except Exception as error:
            raise workers.explained(error) from error
        if staged.height != record.counts.rows_quarantined:
            stage.clear(staged)
            raise StoreError("the rows to be held are not those that were judged", code="SF335")
        return store.adopt(staged.files or (), rows.schema.json(), record)

    def commit(self, table: Table, frame: Held, write: Write) -> int:
        """Commit rows and record to a table in one step; return the version."""
        if self.witness is not None:
            self.witness.goes_out(frame)
        schema = _stored(frame.frame)

        found = frame

        def staged() -> Sequence[StagedFile]:
            nonlocal found
            if found.files is None:
                found = self._stage.put(frame.frame, {})
            if found.height != frame.height:
                raise StoreError("the rows to be published are not those judged", code="SF335")
            self._spent = [each for each in self._spent if each.files is not found.files]
            self.reached("adopting")
            return found.files or ()

        def otherwise(why: str) -> None:
            if found.files is not None and found not in self._spent:
                self._spent.append(found)
            plain.write(found.frame, table.path, table.head(), write, why)

        return table.adopt(staged, schema, write, otherwise)

    def _let_go(self) -> None:
        for held in self._spent:
            if held.files is None:
                holding.let_go(held)
            else:
                self._stage.clear(held)
        self._spent.clear()


def _of_partition(
    rows: DataFrame, request: PublishRequest, by: Sequence[str]
) -> tuple[DataFrame, dict[str, str]]:
    """Return the rows with the partition's columns, and counts of those that contradict it.

    An empty text is null as a partition's value, and so is the name that folders have for null;
    they are before anybody judges them. Raises UsageError SF312 where a column is called as the
    partition but for case: Spark would take one for the other.
    """
    from pyspark.sql import functions as F  # noqa: N812
    from pyspark.sql import types as t

    elsewhere = {}
    for i, (name, value) in enumerate(request.partition.items()):
        if name not in rows.columns:
            if alike := [each for each in rows.columns if each.lower() == name.lower()]:
                raise UsageError(
                    f"column {alike[0]} and the partition {name}={value} differ in case only",
                    hint=f"name the partition as the column: partition={{{alike[0]!r}: ...}}",
                    code="SF312",
                )
            rows = rows.withColumn(name, F.lit(value))
            continue
        text = "null" if value is None else sql.text(str(value))
        same = f"cast(`{name.replace('`', '``')}` as string) <=> {text}"
        elsewhere[f"{_ELSEWHERE}{i}"] = f"count_if(not ({same}))"
    for name in by if request.format != "parquet" else ():
        if name in rows.columns and isinstance(rows.schema[name].dataType, t.StringType):
            folder = quoted(name).isin("", NULL)
            rows = rows.withColumn(name, F.when(~folder, quoted(name)))
    return rows, elsewhere


def _check(held: Held, request: PublishRequest, elsewhere: Mapping[str, str]) -> None:
    if not elsewhere or not held.height:
        return
    told = held.observed or holding.measured(held.frame, elsewhere)
    for i, (name, value) in enumerate(request.partition.items()):
        if told.get(f"{_ELSEWHERE}{i}"):
            raise contradicts(name, value)


def _stored(frame: DataFrame) -> str:
    """Return the schema of what files of a frame hold, as the log has it."""
    from pyspark.sql import types as t

    fields = [f for f in frame.schema if f.dataType.typeName() != "void" and f.name != act.FOUND]
    return t.StructType([f for f in fields if f.name not in (RULES, REASONS)]).json()

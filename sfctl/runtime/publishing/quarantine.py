"""The quarantine of a dataset: one Delta table that holds what was not published, sealed.

Partitions are `dt` and `run_id`. Flagged columns of a row are encrypted with a data key, which
is sealed to the target's public key: holding rows never needs a secret. What a batch has in common
stands in its first row, or in the first row of each writer where many hold rows of it at once.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from sfctl.clock import parse_instant
from sfctl.errors import SfctlError, StoreError
from sfctl.model import codec, urn
from sfctl.model.policy import Policy
from sfctl.model.write import Mode, WriteRecord
from sfctl.runtime.publishing.payload import pack, schema_of, schema_text, unpack
from sfctl.runtime.seal import PUBLIC, Opener, Sealer, read_key
from sfctl.runtime.tables.delta import DeltaLake
from sfctl.runtime.tables.port import StagedFile, Write

if TYPE_CHECKING:
    import polars as pl

RULES = "_sfctl_rules"
REASONS = "_sfctl_reasons"
BLOCKED = "_sfctl_batch_blocked"
STATES = ("held", "replaying", "replayed", "discarded")
FOLDER_MODE = 0o700
"""Nobody but the owner: no wider than any source."""


class Batch(msgspec.Struct, frozen=True):
    """What the rows of one write have in common. `header` is the sealed data key in hex."""

    schema: str
    flagged: tuple[str, ...]
    header: str
    mode: Mode
    job: str
    gate: str
    result: str
    failure_signature: str
    policy_digest: str
    published: str
    partition_by: tuple[str, ...] = ()
    logical_date: str = ""


class Held(msgspec.Struct, frozen=True):
    """Rows of one write in one state, counted."""

    dt: str
    run_id: str
    write_key: str
    stage: str
    state: str
    rows: int
    rows_batch_blocked: int
    held_at: datetime
    rules: tuple[str, ...]
    reasons: tuple[str, ...]
    """Every reason of any row, the one that stands for the batch first."""
    replay_id: str
    batch: Batch
    archived: bool = False


def _reasons(first: str, others: Collection[str]) -> tuple[str, ...]:
    # rows hold a reason without the value that the first may name
    rest = [each for each in sorted(others) if not f"{first}:".startswith(f"{each}:")]
    return tuple(each for each in (first, *rest) if each)


def batch_of(good: pl.DataFrame | None, bad: pl.DataFrame | None) -> pl.DataFrame:
    """Return rows to hold: bad ones with their rules and reasons, good ones tagged blocked."""
    import polars as pl

    parts = []
    if bad is not None:
        parts.append(bad.with_columns(pl.lit(False).alias(BLOCKED)))
    if good is not None:
        empty = pl.lit([], dtype=pl.List(pl.String))
        parts.append(
            good.with_columns(empty.alias(RULES), empty.alias(REASONS), pl.lit(True).alias(BLOCKED))
        )
    return pl.concat(parts, how="diagonal")


def flagged_columns(
    frame: pl.DataFrame, policy: Policy, partition: Collection[str] = ()
) -> tuple[str, ...]:
    """Return the columns to encrypt: those the policy flags, and text it does not know.

    Where it flags none, or one entry covers every text column, that is all text. Nested and binary
    columns may hold text and count as text. Partition columns stand in folder names anyway, unless
    an entry acts on every text column: then what stands there is no original.
    """
    import polars as pl

    columns = (*policy.schema.columns, *(policy.schema.baseline or ()))
    named = {name for detection in policy.pii for name in detection.columns}
    named |= {column.name for column in columns if column.pii}
    everywhere = not named or any(not detection.columns for detection in policy.pii)
    known = {column.name for column in columns}
    nested = (pl.List, pl.Array, pl.Struct, pl.Map)
    text = (pl.String, pl.Binary, pl.Categorical, pl.Enum, pl.Object, *nested)
    acted = any(not entry.columns and entry.action != "none" for entry in policy.pii)
    told = () if acted else partition
    unknown = [n for n in frame.columns if n not in told and (everywhere or n not in known)]
    return tuple(
        name
        for name, kind in frame.schema.items()
        if name in named or (name in unknown and kind.base_type() in text)
    )


class Quarantine:
    """The quarantine table of one dataset. Methods raise StoreError when it cannot be used."""

    def __init__(self, path: str, dataset_urn: str) -> None:
        self.path = path
        self.dataset_urn = urn.without_stage(urn.canonical(dataset_urn))
        self.name = f"quarantine.{urn.short_name(dataset_urn)}"
        self.table = DeltaLake(path)

    def partition_name(self, dt: str, run_id: str) -> str:
        """Return the name people and events use for one run's rows."""
        return f"{self.name}/dt={dt}/run_id={run_id}"

    def hold(
        self, held: pl.DataFrame, record: WriteRecord, policy: Policy, public_key: bytes
    ) -> int:
        """Keep the rows of one write in one commit; return the table's version.

        Rows that an earlier attempt at the same write left are replaced in the same commit.
        """
        import polars as pl

        self.make_folder()
        marks = [RULES, REASONS, BLOCKED]
        originals = held.drop(marks)
        flagged = flagged_columns(originals, policy, partition=partition_names(record))
        sealer = Sealer(public_key)
        clear, sealed = pack(originals, flagged, sealer)
        batch = batch_record(record, schema_text(originals), flagged, policy)
        first = codec.encode(sealed_by(batch, sealer)).decode()
        rows = held.select(
            pl.lit(dt_of(record)).alias("dt"),
            pl.lit(record.run.run_id).alias("run_id"),
            pl.lit(record.write_key).alias("write_key"),
            pl.lit(record.stage).alias("stage"),
            pl.int_range(pl.len(), dtype=pl.Int64).alias("row"),
            pl.col(RULES).alias("rules"),
            pl.col(REASONS).alias("reasons"),
            pl.lit("held").alias("state"),
            pl.col(BLOCKED).alias("batch_blocked"),
            pl.lit("").alias("replay_id"),
            pl.lit(parse_instant(record.at)).dt.cast_time_unit("us").alias("held_at"),
            clear.alias("clear"),
            sealed.alias("sealed"),
            pl.Series([first] + [None] * (held.height - 1), dtype=pl.String).alias("batch"),
        )
        again = self.table.committed(record.write_key) is not None
        holding = _holding(record, rows.height, again=again)
        own = _own(record.write_key) if again else ""
        return self.table.write(rows, dataclasses.replace(holding, replaces=own))

    def adopt(self, files: Sequence[StagedFile], schema: str, record: WriteRecord) -> int:
        """Keep packed rows where they lie, in files below the table; return the table's version.

        `schema` is theirs, as the log has it. Rows that an earlier attempt at the same write left
        are replaced in the same commit; where they lie among others by now, in one before it.
        """
        again = self.table.committed(record.write_key) is not None
        holding = _holding(record, sum(file.rows for file in files), again=again)
        own = {"write_key": (record.write_key,), "state": ("held", "replaying")}

        def refused(why: str) -> None:
            raise StoreError(f"{self.name} takes no files: {why}", code="SF333")

        def apart(_why: str) -> None:
            self.withdraw(record.write_key)
            self.table.adopt(lambda: files, schema, holding, refused)

        if not again:
            return self.table.adopt(lambda: files, schema, holding, refused)
        replacing = dataclasses.replace(holding, takes_out=own)
        return self.table.adopt(lambda: files, schema, replacing, apart)

    def withdraw(self, write_key: str) -> int:
        """Drop what an earlier attempt at a write held; return how many rows."""
        if self.table.committed(write_key) is None:
            return 0
        return self.table.delete(_own(write_key), _note("withdraw", write_key=write_key))

    def held(self, states: Collection[str] = STATES) -> list[Held]:
        """Return what is here by write and state, oldest first."""
        import polars as pl

        if self.table.head() is None and not self._archive.is_dir():
            return []
        groups = (
            self._scan()
            .group_by("dt", "run_id", "write_key", "stage", "state", "replay_id", "archived")
            .agg(
                pl.len().alias("rows"),
                pl.col("batch_blocked").sum().alias("rows_batch_blocked"),
                pl.col("held_at").min(),
                pl.col("rules").list.explode(keep_nulls=False, empty_as_null=False).unique(),
                pl.col("reasons").list.explode(keep_nulls=False, empty_as_null=False).unique(),
            )
            .sort("held_at", "write_key", "state")
            .collect()
        )
        batches = self._batches()
        return [
            Held(
                dt=row["dt"],
                run_id=row["run_id"],
                write_key=row["write_key"],
                stage=row["stage"],
                state=row["state"],
                rows=row["rows"],
                rows_batch_blocked=row["rows_batch_blocked"],
                held_at=row["held_at"].astimezone(UTC),
                rules=tuple(sorted(row["rules"])),
                reasons=_reasons(batches[row["write_key"]].failure_signature, row["reasons"]),
                replay_id=row["replay_id"],
                batch=batches[row["write_key"]],
                archived=row["archived"],
            )
            for row in groups.iter_rows(named=True)
            if row["state"] in states
        ]

    def rows(
        self,
        write_key: str,
        *,
        states: Collection[str] = STATES,
        limit: int | None = None,
        private_key: bytes | None = None,
    ) -> pl.DataFrame:
        """Return the original rows of one write, then row, rules, reasons, state, batch_blocked.

        Without a private key flagged columns read `<sealed>`. Raises SfctlError SF454.
        """
        import polars as pl

        found = (
            self._scan()
            .filter(pl.col("write_key") == write_key, pl.col("state").is_in(list(states)))
            .sort("row")
            .slice(0, limit)
            .collect()
        )
        originals = _originals(found, self._firsts(write_key), private_key)
        return originals.with_columns(
            found["row"].alias("_sfctl_held_row"),
            found["rules"].alias(RULES),
            found["reasons"].alias(REASONS),
            found["state"].alias("_sfctl_state"),
            found["batch_blocked"].alias(BLOCKED),
        )

    def mark(
        self,
        state: str,
        *,
        write_key: str,
        was: str,
        replay_id: str = "",
        rows: Sequence[int] | None = None,
        reason: str = "",
    ) -> int:
        """Move rows of one write from state `was` to `state`; return how many. Logged."""
        where = f"write_key = '{write_key}' AND state = '{was}'"
        if rows is not None:
            where += f" AND row IN ({', '.join(map(str, rows))})" if rows else " AND false"
        note = _note(state, write_key=write_key, replay_id=replay_id, reason=reason)
        return self.table.update(
            where, {"state": f"'{state}'", "replay_id": f"'{replay_id}'"}, note
        )

    def compact(self, dt: str, run_id: str) -> None:
        """Join the files of one run's rows."""
        self.table.compact({"dt": dt, "run_id": run_id})

    def archive(self, write_key: str) -> None:
        """Move the rows of one write from the table to an archive file."""
        import polars as pl

        rows = self.table.scan().filter(pl.col("write_key") == write_key).collect()
        if rows.is_empty():
            return
        path = self._archive / f"{write_key}.parquet"
        draft = path.with_suffix(".tmp")
        with self._writable():
            self._archive.mkdir(mode=FOLDER_MODE, exist_ok=True)
            rows.write_parquet(draft, compression="zstd", compression_level=12)
            draft.replace(path)
        self.table.delete(f"write_key = '{write_key}'", _note("archive", write_key=write_key))

    def restore(self, write_key: str) -> None:
        """Bring archived rows of one write back into the table."""
        import polars as pl

        path = self._archive / f"{write_key}.parquet"
        if not path.exists():
            return
        rows = pl.read_parquet(path)
        note = _note("restore", write_key=write_key, rows=rows.height)
        where = f"write_key = '{write_key}'"
        self.table.write(rows, Write("append", (f"restore:{note}",), note, replaces=where))
        path.unlink()

    def remove(self, write_key: str) -> None:
        """Delete the rows of one write for good, wherever they are."""
        if self.table.head() is not None:
            self.table.delete(f"write_key = '{write_key}'", _note("expire", write_key=write_key))
        (self._archive / f"{write_key}.parquet").unlink(missing_ok=True)

    @property
    def _archive(self) -> Path:
        return Path(self.path) / "_archive"

    def _scan(self) -> pl.LazyFrame:
        """Return every row, those in the archive included."""
        import polars as pl

        parts = []
        if self.table.head() is not None:
            parts.append(self.table.scan().with_columns(pl.lit(False).alias("archived")))
        archived = set()
        for file in sorted(self._archive.glob("*.parquet")):
            archived.add(file.stem)
            parts.append(pl.scan_parquet(file).with_columns(pl.lit(True).alias("archived")))
        if archived and len(parts) > len(archived):
            parts[0] = parts[0].filter(~pl.col("write_key").is_in(list(archived)))
        return pl.concat(parts, how="diagonal_relaxed")

    def _batches(self) -> dict[str, Batch]:
        import polars as pl

        firsts = (
            self._scan()
            .filter(pl.col("batch").is_not_null())
            .group_by("write_key")
            .agg(pl.col("batch").first())
            .collect()
        )
        return {key: codec.decode(text, Batch) for key, text in firsts.iter_rows()}

    def _firsts(self, write_key: str) -> list[tuple[int, Batch]]:
        """Return where each key of one write begins, and the batch that tells it, in order.

        There is one a writer: where many hold rows at once, each has a data key of its own.
        """
        import polars as pl

        firsts = (
            self._scan()
            .filter(pl.col("write_key") == write_key, pl.col("batch").is_not_null())
            .select("row", "batch")
            .sort("row")
            .collect()
        )
        return [(row, codec.decode(text, Batch)) for row, text in firsts.iter_rows()]

    def make_folder(self) -> None:
        if "://" in self.path:
            return
        folder = Path(self.path)
        with self._writable():
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(FOLDER_MODE)

    @contextlib.contextmanager
    def _writable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(
                f"{self.name} cannot be written: {error.strerror}",
                hint="rows that may not be published need this place",
                code="SF333",
            ) from error


def _originals(
    found: pl.DataFrame, firsts: Sequence[tuple[int, Batch]], private_key: bytes | None
) -> pl.DataFrame:
    """Return the rows as they were, each opened by the key that stands at or before it."""
    import polars as pl

    parts = []
    for index, (start, batch) in enumerate(firsts):
        some = found if index == 0 else found.filter(pl.col("row") >= start)
        if index + 1 < len(firsts):
            some = some.filter(pl.col("row") < firsts[index + 1][0])
        if index and some.is_empty():
            continue
        opener = Opener(bytes.fromhex(batch.header), private_key) if private_key else None
        schema = schema_of(batch.schema)
        parts.append(unpack(some["clear"], some["sealed"], schema, batch.flagged, opener))
    return pl.concat(parts)


def quarantine_path(lake: str, dataset_urn: str) -> str:
    """Return where the quarantine of a dataset is in a lake."""
    return f"{lake.rstrip('/')}/_quarantine/{urn.slug(dataset_urn)}"


def public_key(settings: Mapping[str, object], store: Path) -> bytes:
    """Return the key that a target's quarantine is sealed to.

    `settings` may name it as `quarantine_key` (hexadecimal), else it is in `store`, the `.sfctl`
    folder. Raises SfctlError SF455.
    """
    text = settings.get("quarantine_key")
    if text is None:
        return read_key(store / PUBLIC)
    try:
        key = bytes.fromhex(str(text).strip())
    except ValueError:
        key = b""
    if len(key) != 32:
        raise SfctlError(
            "quarantine_key of the target is not 32 bytes in hexadecimal",
            hint="copy the line of .sfctl/keys/quarantine.pub",
            code="SF455",
        )
    return key


def dt_of(record: WriteRecord) -> str:
    """Return the day a write belongs to: its logical date, else the day it was held."""
    return (record.run.logical_date or record.at)[:10]


def batch_record(
    record: WriteRecord, schema: str, flagged: tuple[str, ...], policy: Policy
) -> Batch:
    """Return what the rows of a write have in common, without the key they are sealed with."""
    from sfctl.runtime.publishing.testimony import worst_gate

    worst = worst_gate(record)
    return Batch(
        schema=schema,
        flagged=flagged,
        header="",
        mode=record.mode,
        job=record.run.job,
        gate=worst.gate,
        result=worst.result,
        failure_signature=next(iter((*worst.reason_codes, *worst.signatures)), ""),
        policy_digest=policy.digest,
        published=record.published,
        logical_date=record.run.logical_date,
    )


def sealed_by(batch: Batch, sealer: Sealer) -> Batch:
    """Return the batch with the key that its rows are sealed with, itself sealed."""
    return msgspec.structs.replace(batch, header=sealer.header.hex())


def partition_names(record: WriteRecord) -> set[str]:
    """Return the columns that stand in the folder names of a write."""
    return {part.partition("=")[0] for place in record.partitions for part in place.split("/")}


def _holding(record: WriteRecord, rows: int, *, again: bool) -> Write:
    attempt = f"{record.write_key}:{record.run.run_id}:{record.at}"
    return Write(
        mode="append",
        keys=(attempt, record.write_key) if again else (record.write_key,),
        note=_note("hold", write_key=record.write_key, run_id=record.run.run_id, rows=rows),
        partition_by=("dt", "run_id"),
    )


def _own(write_key: str) -> str:
    return f"write_key = '{write_key}' AND state IN ('held', 'replaying')"


def _note(action: str, **facts: object) -> str:
    return codec.encode({"quarantine": action, **facts}).decode()

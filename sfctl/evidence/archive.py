"""The archive: evidence older than a day as Parquet, by day and dataset, in tiers by age.

Hot is the bus alone (24 h), warm are the files as they were written (7 days), cold is one file a
day and dataset. The bus keeps its own copy for its retention. `encryption` is passed through: it
is noted in every file for whoever moves the archive to a bucket; nothing is encrypted here, files
are readable by their owner only, and at rest the disk's or the bucket's encryption counts.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sfctl.clock import format_instant
from sfctl.errors import StoreError
from sfctl.evidence.port import Bus, Query, Record
from sfctl.model import evidence, urn
from sfctl.model.evidence import Evidence

if TYPE_CHECKING:
    import polars as pl

GROUP = "archive"
HOT = timedelta(hours=24)
WARM = timedelta(days=7)
COLD = timedelta(days=400)
"""Longer than the bus's retention: an event that left the bus still opens."""
BATCH = 5000
TIERS = ("warm", "cold")


@dataclass(frozen=True, slots=True)
class Archived:
    """What one pass did: events copied, files made cold, files past their time removed."""

    events: int = 0
    cooled: int = 0
    removed: int = 0


class Archive:
    """The archive below `folder` (`.sfctl/archive`)."""

    def __init__(self, folder: str | Path, *, encryption: Mapping[str, str] | None = None) -> None:
        self.folder = Path(folder)
        self._encryption = dict(encryption or {})

    def run(self, bus: Bus, now: datetime) -> Archived:
        """Copy what is a day old, move files by their age. Safe to repeat after any crash."""
        copied = 0
        limit = format_instant(now - HOT)
        while True:
            records = [r for r in bus.read(GROUP, BATCH) if r.published_at < limit]
            if not records:
                break
            for (day, dataset), group in _by_day_and_dataset(records).items():
                self._write("warm", day, dataset, _frame(group), f"{group[0].offset:012d}")
            bus.commit(GROUP, records)
            copied += len(records)
        return Archived(copied, self._cool(now), self._expire(now))

    def get(self, evidence_id: str, revision: int | None = None) -> Evidence | None:
        """Return one event, the highest revision unless one is named."""
        import polars as pl

        found = self._search(
            pl.col("evidence_id") == evidence_id,
            *([pl.col("revision") == revision] if revision is not None else []),
        )
        return max(found, key=lambda event: event.revision, default=None)

    def query(self, query: Query) -> list[Evidence]:
        """Return matching events in order of time."""
        import polars as pl

        wanted = [
            pl.col(name) == value
            for name, value in (
                ("run_id", query.run_id),
                ("kind", query.kind),
                ("result", "" if query.gate else query.result),
            )
            if value
        ]
        if query.dataset:
            wanted.append(pl.col("dataset_urn") == _canonical(query.dataset))
        if query.gate:
            text = f"|{query.gate}:{query.result}"
            wanted.append(pl.col("gates").str.contains(text, literal=True))
        if query.since:
            wanted.append(pl.col("timestamp") >= format_instant(query.since))
        if query.until:
            wanted.append(pl.col("timestamp") < format_instant(query.until))
        found = self._search(*wanted, since=query.since, until=query.until)
        found.sort(key=lambda event: (event.timestamp, event.seq), reverse=query.newest_first)
        return found[: query.limit]

    def size(self) -> int:
        """Return the bytes the archive takes on disk."""
        return sum(path.stat().st_size for tier in TIERS for path in self._files(tier))

    def _write(self, tier: str, day: str, dataset: str, frame: pl.DataFrame, name: str) -> Path:
        path = self.folder / tier / f"day={day}" / f"dataset={dataset}" / f"{name}.parquet"
        fresh = path.with_suffix(".tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            fresh.touch(mode=0o600)
            frame.write_parquet(
                fresh,
                compression="zstd",
                metadata={"sfctl.encryption": json.dumps(self._encryption, sort_keys=True)},
            )
            fresh.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                fresh.unlink()
            raise StoreError(
                f"cannot write to the archive {self.folder}: {error.strerror}", code="SF605"
            ) from error
        return path

    def _cool(self, now: datetime) -> int:
        """Fold the parts of old days into one cold file each, and only then forget the parts."""
        limit = (now - WARM).date()
        cooled = 0
        for folder in sorted(self.folder.glob("warm/day=*/dataset=*")):
            if _day(folder) >= limit:
                continue
            day, dataset = (part.partition("=")[2] for part in folder.parts[-2:])
            parts = sorted(folder.glob("*.parquet"))
            cold = self.folder / "cold" / folder.parts[-2] / folder.parts[-1] / "all.parquet"
            merged = self._read([*parts, *([cold] if cold.exists() else [])])
            self._write("cold", day, dataset, merged, "all")
            for part in parts:
                part.unlink()
            _remove_empty(folder, self.folder)
            cooled += len(parts)
        return cooled

    def _expire(self, now: datetime) -> int:
        limit = (now - COLD).date()
        removed = 0
        for path in self._files("cold"):
            if _day(path.parent) < limit and _written(path) < now - COLD:
                path.unlink()
                _remove_empty(path.parent, self.folder)
                removed += 1
        return removed

    def _files(self, tier: str) -> list[Path]:
        return sorted(self.folder.glob(f"{tier}/day=*/dataset=*/*.parquet"))

    def _search(
        self, *wanted: pl.Expr, since: datetime | None = None, until: datetime | None = None
    ) -> list[Evidence]:
        first = since.date() if since else date.min
        last = until.date() if until else date.max
        files = [
            path
            for tier in TIERS
            for path in self._files(tier)
            if first <= _day(path.parent) <= last
        ]
        frame = self._read(files, wanted)
        return [evidence.decode(body) for body in frame["body"]]

    def _read(self, files: Sequence[Path], wanted: Iterable[pl.Expr] = ()) -> pl.DataFrame:
        import polars as pl

        if not files:
            return pl.DataFrame(schema=_schema())
        try:
            frame = pl.scan_parquet(list(files), hive_partitioning=False)
            found = frame.filter(*wanted) if (wanted := list(wanted)) else frame
            return (
                found.unique(["evidence_id", "revision"], keep="first")
                .sort("timestamp", "evidence_id", "revision")
                .collect()
            )
        except (OSError, pl.exceptions.PolarsError) as error:
            raise StoreError(
                f"the archive {self.folder} cannot be read: {error}".splitlines()[0],
                hint="restore or remove the damaged file; the rest is not affected",
                code="SF806",
            ) from error


def _by_day_and_dataset(records: Sequence[Record]) -> dict[tuple[str, str], list[Record]]:
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        day = record.event.timestamp[:10]
        groups.setdefault((day, _folder_name(record.event)), []).append(record)
    return groups


def _folder_name(event: Evidence) -> str:
    name = event.dataset_urn
    if urn.is_dataset(name):
        return urn.slug(name)
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", name)[:100] or "_none"


def _frame(records: Sequence[Record]) -> pl.DataFrame:
    import polars as pl

    rows = [
        (
            record.event.evidence_id,
            record.event.revision,
            record.event.timestamp,
            record.event.kind,
            record.event.dataset_urn,
            record.event.run_id,
            record.event.result,
            "".join(f"|{g.get('gate', '')}:{g.get('result', '')}|" for g in record.event.gates),
            evidence.encode(record.event),
        )
        for record in records
    ]
    return pl.DataFrame(rows, schema=_schema(), orient="row")


def _schema() -> dict[str, Any]:
    import polars as pl

    text = ("evidence_id", "timestamp", "kind", "dataset_urn", "run_id", "result", "gates")
    columns: dict[str, Any] = dict.fromkeys(text, pl.String())
    order = ("evidence_id", "revision", *text[1:], "body")
    return {name: columns.get(name, pl.Int64()) for name in order} | {"body": pl.Binary()}


def _canonical(name: str) -> str:
    return urn.without_stage(urn.canonical(name)) if urn.is_dataset(name) else name


def _day(folder: Path) -> date:
    return date.fromisoformat(folder.parent.name.partition("=")[2])


def _written(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _remove_empty(folder: Path, root: Path) -> None:
    while folder != root and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent

"""The days of a dataset, measured: those that are known stay, those that are new or were rewritten
are read. What is kept between two profiles is one file a dataset below `.sfctl/`.
"""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from sfctl.errors import SourceError
from sfctl.profiling.atomic import replace
from sfctl.profiling.calendar import UNDATED, Calendar, calendar_of
from sfctl.profiling.day import DayScan, DayState
from sfctl.profiling.rows import Part, Rows, first_line, print_of
from sfctl.runtime.core.schema_of import of_polars
from sfctl.runtime.core.sources import QUERY_CHUNK
from sfctl.runtime.pii.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

WINDOW = 28
"""The newest days that a baseline speaks of; older ones are not read."""
FORMAT = 4
_SLICE = 245_760


class Kept(msgspec.Struct, frozen=True):
    """What one profile leaves to the next. `parts` maps a file's print to the days in it."""

    format: int
    kernel: str
    source: str
    schema: str
    secrets: list[str]
    days: dict[str, DayState]
    parts: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class History:
    """The newest days of a dataset, oldest first. `undated` counts rows that belong to no day.

    `read_days` and `read_rows` say what had to be read this time.
    """

    days: Mapping[str, DayState]
    calendar: Calendar
    read_days: int = 0
    read_rows: int = 0

    @property
    def dated(self) -> bool:
        """Whether anything says what day rows belong to."""
        return bool(self.calendar.by)

    @property
    def personal(self) -> dict[str, str]:
        """The columns that held personal data on some day, with its kind."""
        return _personal(self.days)


def measured(
    rows: Rows,
    hidden: frozenset[str],
    kept: Path | None = None,
    step: Callable[[Iterable[pl.DataFrame]], Iterable[pl.DataFrame]] = iter,
    kinds: tuple[Kind, ...] = (),
) -> History:
    """Return the days of a source, reading only what `kept` does not hold or holds no longer.

    `step` is handed the chunks and may show how they go by; `kinds` of personal data are looked
    for beside those that are built in. A `kept` file that is damaged or of
    other columns is as none, and is written anew. Raises SourceError.
    """
    import polars as pl

    # what is kept was measured under these, and does not serve under others
    secrets = sorted([*hidden, *(f"{kind.name} {kind.pattern}" for kind in kinds)])
    try:
        scan = partial(DayScan, hidden, kinds)
        before = _load(kept, rows, secrets)
        calendar = calendar_of(rows)
        parts = _parts_of_days(rows, calendar, before)
        newest = sorted(parts)[-WINDOW:]
        prints = {day: print_of(parts[day]) for day in newest}
        days = {
            day: state
            for day, state in before.days.items()
            if day in prints and state.print_ == prints[day]
        }
        read = [day for day in newest if day not in days]
        days |= _read(rows, calendar, read, parts, scan, step)
        again = _forgotten(days, hidden)
        days |= _read(rows, calendar, again, parts, scan, step)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SourceError(f"{Path(rows.path).name} cannot be read: {first_line(error)}") from error
    read += again
    secret = _personal(days).keys()
    days = {
        day: msgspec.structs.replace(state, print_=prints[day]).scrubbed(frozenset(secret))
        for day, state in sorted(days.items())
    }
    if kept is not None:
        with contextlib.suppress(OSError):  # then the next profile reads these days again
            _save(kept, rows, secrets, days, parts)
    count = sum(days[day].rows for day in read if day in days)
    return History(days, calendar, len(read), count)


def _personal(days: Mapping[str, DayState]) -> dict[str, str]:
    found: dict[str, str] = {}
    for _, state in sorted(days.items()):
        found |= state.personal
    return found


def _forgotten(days: Mapping[str, DayState], hidden: frozenset[str]) -> list[str]:
    """Return the days without values that are secret no longer: what hid them has gone."""
    secret = hidden | _personal(days).keys()
    return [
        day
        for day, state in sorted(days.items())
        if any(c.hidden and name not in secret for name, c in state.columns.items())
    ]


def _read(
    rows: Rows,
    calendar: Calendar,
    days: list[str],
    parts: Mapping[str, list[Part]],
    scan: Callable[[], DayScan],
    step: Callable[[Iterable[pl.DataFrame]], Iterable[pl.DataFrame]],
) -> dict[str, DayState]:
    """Return some days as their rows are now; one that has lost all of them is left out."""
    if not days:
        return {}
    scans = {day: scan() for day in days}
    for chunk in step(_chunks(rows, calendar, days, parts)):
        _deal(chunk, calendar, rows.schema, scans)
    return {
        day: msgspec.structs.replace(each.sealed(), arrived=_arrived(day, parts[day]))
        for day, each in scans.items()
        if each.rows or day == UNDATED
    }


def _parts_of_days(rows: Rows, calendar: Calendar, before: Kept) -> dict[str, list[Part]]:
    """Return the parts that hold rows of each day; of a part seen before nothing is read."""
    found: dict[str, list[Part]] = {}
    for part in rows.parts:
        if not calendar.by:
            days = [UNDATED]
        elif calendar.by == "partition":
            day = calendar.day(part)
            days = [] if day is None else [day]
        elif part.print_ in before.parts:
            days = before.parts[part.print_]
        else:
            named = calendar.expression(rows.schema).alias("day")
            days = rows.of(part).select(named.unique()).collect().to_series().drop_nulls().to_list()
        for day in days:
            found.setdefault(day, []).append(part)
    return found


def _chunks(
    rows: Rows,
    calendar: Calendar,
    stale: list[str],
    parts: Mapping[str, list[Part]],
) -> Iterator[pl.DataFrame]:
    """Yield the rows of the stale days, bounded in size, in the order of the source."""
    import polars as pl

    whole = calendar.by != "partition" and len(stale) == len(parts)
    if whole and rows.kind == "parquet":
        # cut by hand: the streaming engine reads far ahead of whoever takes its batches
        total = rows.frame.select(pl.len()).collect().item()
        for start in range(0, total, _SLICE):
            yield rows.frame.slice(start, _SLICE).collect()
        return
    frame = rows.frame
    if calendar.by:
        touched = [part for day in stale for part in parts[day]]
        frame = frame.filter(calendar.within(stale, touched, rows.schema))
    yield from frame.collect_batches(chunk_size=QUERY_CHUNK, maintain_order=True)


def _deal(
    chunk: pl.DataFrame, calendar: Calendar, schema: pl.Schema, scans: Mapping[str, DayScan]
) -> None:
    if not calendar.by:
        scans[UNDATED].add(chunk)
        return
    mark = "_sfctl_day"
    marked = chunk.with_columns(calendar.expression(schema).alias(mark))
    for part in marked.partition_by(mark, maintain_order=True):
        day = part.item(0, mark)
        if day in scans:
            scans[day].add(part.drop(mark))


def _arrived(day: str, parts: Iterable[Part]) -> int | None:
    """Return seconds from the start of the day until the last of its files was added."""
    times = [part.added_at for part in parts]
    if day == UNDATED or not times or None in times:
        return None
    start = datetime.fromisoformat(day).replace(tzinfo=UTC)
    return round(max(time for time in times if time is not None) / 1000 - start.timestamp())


def _load(kept: Path | None, rows: Rows, secrets: list[str]) -> Kept:
    empty = _kept(rows, secrets, {}, {})
    if kept is None:
        return empty
    try:
        found = msgspec.msgpack.decode(zlib.decompress(kept.read_bytes()), type=Kept)
    except (OSError, zlib.error, msgspec.MsgspecError, UnicodeDecodeError):
        return empty
    same = (
        found.format == empty.format
        and found.kernel == empty.kernel
        and found.source == empty.source
        and found.schema == empty.schema
        and found.secrets == empty.secrets
    )
    return found if same else empty


def _kept(
    rows: Rows,
    secrets: list[str],
    days: Mapping[str, DayState],
    parts: Mapping[str, list[str]],
) -> Kept:
    import polars as pl

    schema = of_polars(rows.schema).fingerprint()
    # hashes are the kernel's, and another version's need not be the same
    return Kept(FORMAT, pl.__version__, rows.path, schema, secrets, dict(days), dict(parts))


def _save(
    kept: Path,
    rows: Rows,
    secrets: list[str],
    days: Mapping[str, DayState],
    parts: Mapping[str, list[Part]],
) -> None:
    by_part: dict[str, list[str]] = {}
    for day, held in parts.items():
        for part in held:
            by_part.setdefault(part.print_, []).append(day)
    data = zlib.compress(msgspec.msgpack.encode(_kept(rows, secrets, days, by_part)), 1)
    replace(kept, data)

"""Whether a certified version is still there, and what could take its files from it.

Files are what a version is: a count from the log's metadata answers even when they are gone, so
a version is probed by reading its rows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sfctl.errors import StoreError

if TYPE_CHECKING:
    from deltalake import DeltaTable

WEEK = timedelta(days=7)
"""Delta's own default of how long files are kept that no newer version needs."""
RETENTION = "delta.deletedFileRetentionDuration"
_LOG, _LOG_DEFAULT = "delta.logRetentionDuration", timedelta(days=30)
_INTERVAL = re.compile(r"([\d.]+)\s+(second|minute|hour|day|week)")


@dataclass(frozen=True, slots=True)
class Danger:
    """A setting of a table as found, what it does to a pinned version, and what to do instead."""

    setting: str
    value: str
    harm: str
    remedy: str


def dangers(path: str, version: int | None, now: datetime) -> list[Danger]:
    """Return what lets a VACUUM that is not ours, or the log's own cleaning, take a version.

    `version` is the certified one, None where there is none yet. Raises StoreError where the table
    cannot be read.
    """
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    try:
        table = DeltaTable(path)
        settings = table.metadata().configuration
        replaced_at = None if version is None else _replaced_at(table, version)
    except (DeltaError, OSError) as error:
        name = path.rstrip("/").rpartition("/")[2]
        raise StoreError(f"Delta table {name} cannot be read") from error
    found, kept = [], _duration(settings, RETENTION, WEEK)
    value = settings.get(RETENTION) or "interval 1 week"
    if kept < WEEK:
        harm = f"a VACUUM elsewhere may take versions older than {kept / timedelta(days=1):g} days"
        found.append(
            Danger(RETENTION, value, harm, f"set {RETENTION} to 'interval 7 days' or more")
        )
    if replaced_at is not None and now - replaced_at > kept:
        harm = f"any VACUUM elsewhere may take the certified version {version} by now"
        remedy = f"raise {RETENTION}, or mend what holds the view: sfctl status"
        found.append(Danger(RETENTION, value, harm, remedy))
    if _duration(settings, _LOG, _LOG_DEFAULT) < kept:
        harm = "the log forgets versions whose files are still kept"
        remedy = f"set {_LOG} to at least what {RETENTION} says"
        found.append(Danger(_LOG, settings.get(_LOG) or "", harm, remedy))
    return found


def is_readable(path: str, version: int) -> bool:
    """Tell whether a version's rows can be read still: each of its files gives up a value."""
    import polars as pl

    from sfctl.runtime.tables.delta_part import snapshot

    try:
        found = snapshot(path, version)
        for name in found.partitions:
            found.rows((name,)).head(1).collect()
    except (StoreError, OSError, pl.exceptions.PolarsError):
        return False
    return True


def _replaced_at(table: DeltaTable, version: int) -> datetime | None:
    """Return when the version after a version was committed, None where there is none."""
    behind = table.version() - version
    for entry in table.history(behind) if behind > 0 else ():
        if int(entry.get("version", -1)) == version + 1:
            return datetime.fromtimestamp(int(entry["timestamp"]) / 1000, UTC)
    return None


def _duration(settings: Mapping[str, str | None], name: str, default: timedelta) -> timedelta:
    match = _INTERVAL.search(settings.get(name) or "")
    return timedelta(**{f"{match[2]}s": float(match[1])}) if match else default

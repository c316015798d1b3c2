"""What a log may say of a Parquet file, read off its footer: what is not surely right is left out.

Bounds let readers skip files, so that a wrong one loses rows without a word. Floats are left out
(NaN is in no bound), decimals that a JSON number does not hold, texts cut short, instants at the
ends of time.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sfctl.runtime.tables.adoption import Field

if TYPE_CHECKING:
    from pyarrow.parquet import FileMetaData

MOST_COLUMNS = 32
MOST_TEXT = 32
_EXACT_DIGITS = 15
_WHOLE = ("byte", "short", "integer", "long")
_INSTANT = ("timestamp", "timestamp_ntz")


def stats_of(footer: FileMetaData, fields: Sequence[Field]) -> str:
    """Return the statistics of one file as the log has them, in JSON."""
    leaves = [footer.schema.column(i) for i in range(len(footer.schema))]
    paths = [leaf.path for leaf in leaves]
    nulls: dict[str, int] = {}
    least: dict[str, Any] = {}
    most: dict[str, Any] = {}
    for field in fields[:MOST_COLUMNS]:
        name, kind = field["name"], field["type"]
        if not isinstance(kind, str) or paths.count(name) != 1:
            continue  # nested, absent, or not to be told from a field of another column
        index = paths.index(name)
        if leaves[index].max_repetition_level:
            continue
        groups = [
            footer.row_group(i).column(index).statistics for i in range(footer.num_row_groups)
        ]
        groups = [each for i, each in enumerate(groups) if footer.row_group(i).num_rows]
        if any(each is None or not each.has_null_count for each in groups):
            continue
        nulls[name] = sum(each.null_count for each in groups)
        filled = [each for each in groups if each.num_values]
        if not filled or not all(each.has_min_max for each in filled):
            continue
        try:
            low = _bound(min(each.min for each in filled), kind, up=False)
            high = _bound(max(each.max for each in filled), kind, up=True)
        except (ValueError, OverflowError):
            continue  # a moment that Python has no name for
        least |= {} if low is None else {name: low}
        most |= {} if high is None else {name: high}
    told: dict[str, Any] = {"numRecords": footer.num_rows}
    told |= {"minValues": least, "maxValues": most, "nullCount": nulls} if nulls else {}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def rows_only(rows: int) -> str:
    """Return the statistics of a file of which no more than its rows is known."""
    return json.dumps({"numRecords": rows})


def _bound(value: Any, kind: str, *, up: bool) -> Any:
    """Return a bound as the log writes it, None for one that might be wrong."""
    if kind in _WHOLE and isinstance(value, int):
        return value
    if kind == "date" and isinstance(value, date):
        return value.isoformat()
    if kind in _INSTANT and isinstance(value, datetime):
        return _instant(value, kind, up=up)
    if kind == "string" and isinstance(value, str):
        cut = value[:MOST_TEXT]
        return cut if not up or cut == value else None
    if kind.startswith("decimal") and isinstance(value, Decimal):
        precision = int(kind.removeprefix("decimal(").partition(",")[0])
        return float(value) if precision <= _EXACT_DIGITS else None
    return None


def _instant(value: datetime, kind: str, *, up: bool) -> str | None:
    """Return a bound to the millisecond, outwards: readers know no finer one."""
    moment = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    if not 1900 <= moment.year <= 9000:
        return None
    rest = timedelta(microseconds=moment.microsecond % 1000)
    if rest:
        moment += timedelta(milliseconds=1) - rest if up else -rest
    zone = "Z" if kind == "timestamp" else ""
    return moment.isoformat(timespec="milliseconds") + zone

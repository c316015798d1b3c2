"""A version added to a Parquet table by hand, on the standard library alone."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def write(frame: Any, path: str, *, whole: bool) -> int:
    """Add one version with one data file to a Parquet table."""
    table, name = Path(path), f"data/{time.time_ns():x}.parquet"
    (table / "data").mkdir(parents=True, exist_ok=True)
    frame.write_parquet(table / name)
    return add(table, [{"path": name, "rows": frame.height}], whole=whole)


def add(table: Path, added: list[dict[str, Any]], *, whole: bool) -> int:
    """Add one version to a Parquet table: a manifest that lists all files."""
    (table / "_versions").mkdir(parents=True, exist_ok=True)
    files = sorted((table / "_versions").glob("*.json"))
    last: dict[str, Any] = json.loads(files[-1].read_bytes()) if files else {"version": -1}
    listed = [*([] if whole else last.get("files", [])), *added]
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    same = {"partition_by": [], "keys": {}, "schema": "sfctl.snapshot.v1"} | last
    new = {"version": last["version"] + 1, "at": at, "operation": "WRITE", "note": ""}
    with (table / "_versions" / f"{new['version']:020d}.json").open("x") as manifest:
        manifest.write(json.dumps(same | new | {"files": listed}))
    return int(last["version"]) + 1

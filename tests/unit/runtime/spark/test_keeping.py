"""Certified versions outlive our vacuum, and what could take them is told."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable

from sfctl.runtime.tables import keeping
from sfctl.runtime.tables.formats import open_table
from sfctl.runtime.tables.port import StagedFile, Write

NOW = datetime.now(UTC)


def staged(root: Path, name: str, *ids: int) -> StagedFile:
    """Put a file where a Spark write stages it."""
    folder = root / f"stage-{name}-0"
    folder.mkdir(parents=True)
    file = folder / "part-0.parquet"
    pl.DataFrame({"id": list(ids)}).write_parquet(file)
    written = int(file.stat().st_mtime * 1000)
    path = f"{folder.name}/{file.name}"
    return StagedFile(path, file.stat().st_size, len(ids), {}, written, "{}")


def adopt(root: Path, name: str, *ids: int, mode: str = "overwrite") -> int:
    schema = (
        '{"type":"struct","fields":[{"name":"id","type":"long","nullable":true,"metadata":{}}]}'
    )

    def refuse(why: str) -> None:
        raise AssertionError(why)

    write = Write(mode, (name,), "{}")  # type: ignore[arg-type]
    return open_table(str(root)).adopt(lambda: [staged(root, name, *ids)], schema, write, refuse)


def test_vacuum_keeps_adopted_files_of_certified_versions(tmp_path: Path) -> None:
    root = tmp_path / "t"
    versions = [adopt(root, name, number) for number, name in enumerate("abc")]
    leftover = staged(root, "killed", 9)
    old = time.time() - 7200
    for file in root.rglob("*.parquet"):
        os.utime(file, (old, old))
    gone = open_table(str(root)).vacuum([versions[0]], retention_hours=0, dry_run=False)
    assert versions == [0, 1, 2]
    assert {Path(name).parent.name for name in gone} == {"stage-b-0", "stage-killed-0"}
    assert not (root / leftover.path).exists()
    assert open_table(str(root)).scan(0).collect()["id"].to_list() == [0]
    assert open_table(str(root)).scan(2).collect()["id"].to_list() == [2]
    assert [keeping.is_readable(str(root), version) for version in versions] == [True, False, True]


def test_a_count_does_not_tell_that_files_are_gone(tmp_path: Path) -> None:
    path = str(tmp_path / "t")
    pl.DataFrame({"id": [1]}).write_delta(path)
    for file in (tmp_path / "t").glob("*.parquet"):
        file.unlink()
    assert DeltaTable(path).count() == 1
    assert not keeping.is_readable(path, 0)


@pytest.mark.parametrize(
    ("settings", "later", "told"),
    [
        ({}, 6, []),
        ({}, 8, ["any VACUUM elsewhere may take the certified version 0 by now"]),
        ({"deletedFileRetentionDuration": "interval 30 days"}, 8, []),
        (
            {"deletedFileRetentionDuration": "interval 12 hours"}, 0,
            ["a VACUUM elsewhere may take versions older than 0.5 days"],
        ),
        (
            {"logRetentionDuration": "interval 2 days"}, 0,
            ["the log forgets versions whose files are still kept"],
        ),
    ],
)  # fmt: skip
def test_what_can_take_a_certified_version(
    tmp_path: Path, settings: dict[str, str], later: int, told: list[str]
) -> None:
    path = str(tmp_path / "t")
    own = {f"delta.{name}": value for name, value in settings.items()}
    pl.DataFrame({"id": [1]}).write_delta(path, delta_write_options={"configuration": own})
    pl.DataFrame({"id": [2]}).write_delta(path, mode="append")
    found = keeping.dangers(path, 0, NOW + timedelta(days=later, minutes=1))
    assert [danger.harm for danger in found] == told
    newest = keeping.dangers(path, 1, NOW + timedelta(days=later))
    assert not [danger for danger in newest if "certified version" in danger.harm]

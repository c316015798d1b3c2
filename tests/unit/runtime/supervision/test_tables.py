"""Whose a version is: what the log tells of it, and what it does not."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest
from deltalake import CommitProperties, write_deltalake

from sfctl.errors import StoreError
from sfctl.model.manifest import DatasetEntry, JobEntry, Manifest, TargetEntry
from sfctl.runtime.job.compiled import Compiled
from sfctl.runtime.supervision import tables
from sfctl.runtime.supervision.spark import marker
from sfctl.runtime.supervision.tables import known_by
from sfctl.runtime.tables import delta_log
from sfctl.runtime.tables.delta_log import LogVersion

SPARK = "Apache-Spark/4.2.0 Delta-Lake/4.4.0"
RUST = "delta-rs:py-1.6.0"


def version(engine: str, metadata: str) -> LogVersion:
    return LogVersion(3, 0, "WRITE", {}, {}, engine, metadata, (), (), ())


@pytest.mark.parametrize(
    ("engine", "metadata", "declared", "submitted", "found"),
    [
        (SPARK, marker("me"), True, True, "marker"),
        (SPARK, marker("me"), False, True, "marker"),
        (SPARK, marker("you"), True, True, "other_run"),
        (SPARK, "", True, True, "unknown"),
        (SPARK, "", True, False, "unknown"),
        (SPARK, "nightly load", True, True, "outputs"),
        (SPARK, "nightly load", False, True, "unknown"),
        (RUST, "", True, False, "outputs"),
        (RUST, "", False, False, "unknown"),
        (RUST, "", True, True, "unknown"),
        (RUST, marker("me"), False, False, "marker"),
    ],
)
def test_whose_a_version_is(
    engine: str, metadata: str, declared: bool, submitted: bool, found: str
) -> None:
    seen = version(engine, metadata)
    assert known_by(seen, "me", declared=declared, submitted=submitted) == found


@pytest.fixture
def project(tmp_path: Path) -> Compiled:
    entries = {
        f"urn:dp:shop:{name}": DatasetEntry(
            name, f"urn:dp:shop:{name}", paths={"gold": str(tmp_path / name)}, format=form
        )
        for name, form in (("orders", "delta"), ("lines", "delta"), ("files", "parquet"))
    }
    target = TargetEntry("dev", "dev", str(tmp_path))
    jobs = {"daily": JobEntry("daily", outputs=("urn:dp:shop:orders#gold",))}
    return Compiled(tmp_path, Manifest("shop", target, entries, jobs))


def write(path: Path, *numbers: int, metadata: str = "", mode: str = "append") -> None:
    told = CommitProperties(custom_metadata={"userMetadata": metadata}) if metadata else None
    frame = pl.DataFrame({"id": list(numbers)})
    write_deltalake(path, frame, mode=mode, commit_properties=told)  # type: ignore[call-overload]


def test_a_job_watches_what_it_declares_and_else_every_table(project: Compiled) -> None:
    declared, _ = tables.watch(project, ["urn:dp:shop:orders#gold"])
    assert [(each.entry.name, each.declared) for each in declared] == [("orders", True)]
    every, _ = tables.watch(project, ())
    assert [(each.entry.name, each.declared) for each in every] == [
        ("orders", False), ("lines", False),
    ]  # fmt: skip


def test_versions_since_the_start_are_told_apart(project: Compiled, tmp_path: Path) -> None:
    write(tmp_path / "orders", 1)
    (watched,), _ = tables.watch(project, ["urn:dp:shop:orders#gold"])
    write(tmp_path / "orders", 2, metadata=marker("me"))
    write(tmp_path / "orders", 3, metadata=marker("you"))
    write(tmp_path / "orders", 4)
    seen = list(tables.versions(watched, "me", submitted=False))
    assert [(each.version.version, each.known_by, each.own) for each in seen] == [
        (1, "marker", True), (2, "other_run", False), (3, "outputs", True),
    ]  # fmt: skip


def test_heads_survive_the_supervisor(project: Compiled, tmp_path: Path) -> None:
    write(tmp_path / "orders", 1)
    before, _ = tables.watch(project, ())
    tables.remember(tmp_path, before)
    write(tmp_path / "orders", 2)
    write(tmp_path / "lines", 1)
    now, _ = tables.watch(project, ())
    assert tables.recall(tmp_path, now) == before
    (tmp_path / tables.FILE).write_text("{")
    assert tables.recall(tmp_path, now) == []


def test_a_table_made_anew_is_new_from_its_first_version(project: Compiled, tmp_path: Path) -> None:
    write(tmp_path / "orders", 1)
    (watched,), _ = tables.watch(project, ["urn:dp:shop:orders#gold"])
    shutil.rmtree(tmp_path / "orders")
    write(tmp_path / "orders", 2)
    write(tmp_path / "orders", 3)
    seen = tables.versions(watched, "me", submitted=False)
    assert [each.version.version for each in seen] == [0, 1]


@pytest.mark.parametrize("damage", [b"{", b"[]\n", b'{"add": 7}\n', b"\xff\n", b'{"add": {}}\n'])
def test_a_log_that_is_none_is_told_and_hides_nothing_else(tmp_path: Path, damage: bytes) -> None:
    write(tmp_path / "t", 1)
    log = tmp_path / "t" / "_delta_log" / f"{0:020d}.json"
    log.write_bytes(damage)
    with pytest.raises(StoreError, match="not readable"):
        delta_log.read(str(tmp_path / "t"), 0)
    assert delta_log.read(str(tmp_path / "t"), 1) is None
    assert delta_log.head(str(tmp_path / "nothing")) is None

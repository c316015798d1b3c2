"""Writers, readers and janitors at once: no bad row is seen, no row is lost or there twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sfctl.model.write import WriteResult
from sfctl.runtime.tables.formats import open_table
from tests.publish_rig import batch, policy
from tests.spark_publish_rig import SparkRig

ROUNDS = 2


def test_appenders_of_several_datasets_into_one_table(tmp_path: Path, spark: Any) -> None:
    """Three jobs whose state is not shared: no lock of ours keeps them apart."""
    policy()  # msgspec looks at a type for the first time in one thread only
    rigs = [SparkRig(tmp_path / str(n), spark=spark) for n in range(3)]
    for rig in rigs:
        rig.lake = tmp_path / "shared"

    def load(rig: SparkRig) -> list[WriteResult]:
        number = int(rig.root.name)
        days = [number * ROUNDS + n for n in range(1, ROUNDS + 1)]
        return [rig.write(batch(1, -1, 2, start=day * 10), day=day) for day in days]

    with ThreadPoolExecutor(3) as pool:
        results = [each for some in pool.map(load, rigs) for each in some]
    versions = [result.version for result in results]
    assert len(set(versions)) == len(versions)
    days = range(1, 3 * ROUNDS + 1)
    assert rigs[0].ids() == [day * 10 + n for day in days for n in (0, 2)]
    held = rigs[0].quarantine().held()
    assert sum(each.rows for each in held) == 3 * ROUNDS


def test_a_reader_never_sees_a_bad_row_nor_half_a_batch(tmp_path: Path, spark: Any) -> None:
    rig = SparkRig(tmp_path, spark=spark)
    rig.write(batch(*range(1, 5)), day=1)
    seen: list[tuple[int, float]] = []
    done = threading.Event()

    def poll() -> None:
        while not done.is_set():
            frame = pl.read_delta(rig.path)
            seen.append((frame.height, float(frame["amount"].min() or 0)))  # type: ignore[arg-type]

    reader = threading.Thread(target=poll)
    reader.start()
    try:
        rig.write(batch(1, -1, 2, -2, 3, 4, start=10), day=2)
        rig.write(batch(5, -5, start=20), policy(share="0.1"), day=3)
        rig.write(batch(1, 2, start=30), day=4, mode="overwrite")
    finally:
        done.set()
        reader.join()
    assert {height for height, _ in seen} <= {4, 8, 2}
    assert min(least for _, least in seen) > 0


def once(work: Callable[[], object]) -> Callable[[str], None]:
    """What does something at the last moment before a commit, the first time."""
    left = [work]

    def step(name: str) -> None:
        if name == "adopting" and left:
            left.pop()()

    return step


@pytest.mark.parametrize("what", ["restore", "optimize", "delete", "append", "overwrite"])
def test_what_others_do_between_taking_and_committing(
    tmp_path: Path, spark: Any, what: str
) -> None:
    rig = SparkRig(tmp_path, spark=spark)
    rig.write(batch(1, 2), day=1)
    rig.write(batch(3, 4, start=10), day=2)
    table = f"delta.`{rig.path}`"
    row = "SELECT 90L, 1D, 'x'"
    meanwhile = {
        "restore": f"RESTORE TABLE {table} TO VERSION AS OF 0",
        "optimize": f"OPTIMIZE {table}",
        "delete": f"DELETE FROM {table} WHERE id = 10",
        "append": f"INSERT INTO {table} {row}",
        "overwrite": f"INSERT OVERWRITE {table} {row}",
    }[what]
    before = {
        "restore": [0, 1], "optimize": [0, 1, 10, 11], "delete": [0, 1, 11],
        "append": [0, 1, 10, 11, 90], "overwrite": [90],
    }[what]  # fmt: skip

    rig.staging = once(lambda: spark.sql(meanwhile).collect())
    result = rig.write(batch(5, -5, start=20), day=3)
    assert (result.rows_published, result.rows_quarantined) == (1, 1)
    assert rig.ids() == [*before[: before.index(90)], 20, 90] if 90 in before else [*before, 20]
    if what in ("append", "overwrite"):
        assert result.certification == "HELD_AT_PREVIOUS"


def test_an_overwrite_stands_alone(tmp_path: Path, spark: Any) -> None:
    rig = SparkRig(tmp_path, spark=spark)
    rig.write(batch(1, 2), day=1)

    insert = f"INSERT INTO delta.`{rig.path}` SELECT 90L, 1D, 'x'"
    rig.staging = once(lambda: spark.sql(insert).collect())
    rig.write(batch(5, start=20), day=2, mode="overwrite")
    assert rig.ids() == [20]


def test_two_attempts_at_one_write_publish_once(tmp_path: Path, spark: Any) -> None:
    rig = SparkRig(tmp_path, spark=spark)
    rig.write(batch(1), day=1)
    with ThreadPoolExecutor(2) as pool:
        both = list(
            pool.map(
                lambda n: rig.write(batch(5, -5, start=20), day=2, attempt=n, ports=WAITS), range(2)
            )
        )
    assert {result.version for result in both} == {1}
    assert sorted(result.already_published for result in both) == [False, True]
    assert (rig.ids(), rig.held_ids()) == ([0, 20], [21])


WAITS = {"lock_seconds": 120.0}


def test_a_version_is_the_same_to_every_reader(tmp_path: Path, spark: Any) -> None:
    import pandas as pd
    from deltalake import DeltaTable

    rig = SparkRig(tmp_path, spark=spark)
    rig.write(batch(1, 2, 3), day=1, partition_by=("note",))
    rig.write(batch(4, -1, start=5), day=2, partition_by=("note",))
    rig.write(batch(9, start=5), day=3, partition_by=("note",), mode="overwrite_partitions")
    for version, wanted in enumerate([[0, 1, 2], [0, 1, 2, 5], [0, 1, 2, 5]]):
        pinned = DeltaTable(rig.path, version=version)
        read = spark.read.format("delta").option("versionAsOf", version).load(rig.path)
        frames: list[pd.DataFrame] = [
            read.toArrow().to_pandas(),
            pinned.to_pandas(),
            pinned.to_pyarrow_table().to_pandas(),
            pl.scan_delta(pinned).collect().to_pandas(),
        ]
        try:
            import duckdb

            frames.append(duckdb.connect().from_arrow(pinned.to_pyarrow_table()).df())
        except ImportError:
            pass  # the other four stand for it
        rows = [
            sorted(f[["id", "amount", "note"]].itertuples(index=False, name=None)) for f in frames
        ]
        assert all(each == rows[0] for each in rows)
        assert [row[0] for row in rows[0]] == wanted
    assert open_table(rig.path).committed("none") is None

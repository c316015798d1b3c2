"""The floor under the embedded stores: upgrades, locks, damage, forks."""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path

import pytest

from sfctl.errors import StoreError, StoreLocked
from sfctl.sqlite import Database

FIRST = "CREATE TABLE t (n INTEGER)"
SECOND = "ALTER TABLE t ADD COLUMN m INTEGER;\nUPDATE t SET m = n * 2"


def database(path: Path, *steps: str, timeout: float = 0.1) -> Database:
    return Database(path, steps or (FIRST,), timeout=timeout)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "x.db"


def fill(path: Path, *numbers: int) -> None:
    db = database(path)
    with db.transaction() as cursor:
        cursor.executemany("INSERT INTO t VALUES (?)", [(n,) for n in numbers])
    db.close()


def test_a_transaction_is_all_or_nothing(path: Path) -> None:
    db = database(path)

    def fail_half_way() -> None:
        with db.transaction() as cursor:
            cursor.execute("INSERT INTO t VALUES (1)")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert db.rows("SELECT * FROM t") == []
    fill(path, 2)
    assert db.rows("SELECT * FROM t") == [(2,)]
    assert db.size() > 0
    db.shrink()
    db.close()
    db.close()


def test_an_older_file_is_brought_forward_with_a_backup(path: Path) -> None:
    fill(path, 1, 2)
    db = database(path, FIRST, SECOND)
    assert db.rows("SELECT n, m FROM t ORDER BY n") == [(1, 2), (2, 4)]
    db.close()
    with sqlite3.connect(path.with_name("x.db.v1.bak")) as backup:
        assert backup.execute("SELECT * FROM t").fetchall() == [(1,), (2,)]
    backup.close()


def test_an_upgrade_that_fails_changes_nothing(path: Path) -> None:
    fill(path, 1)
    with pytest.raises(StoreError):
        database(path, FIRST, SECOND, "nonsense").rows("SELECT 1")
    assert database(path).rows("SELECT * FROM t") == [(1,)]


def test_a_newer_file_is_refused(path: Path) -> None:
    database(path, FIRST, SECOND).rows("SELECT 1")
    with pytest.raises(StoreError, match="has format 2") as caught:
        database(path).rows("SELECT 1")
    assert caught.value.code == "SF606"


def test_a_lock_that_is_held_too_long(path: Path) -> None:
    with (
        database(path).transaction(),
        pytest.raises(StoreLocked, match="held by another process"),
    ):
        fill(path, 1)
    fill(path, 1)


def test_damage_is_told_clearly(path: Path) -> None:
    fill(path, *range(10))
    path.write_bytes(b"no database at all " * 100)
    with pytest.raises(StoreError, match="is damaged") as caught:
        database(path).rows("SELECT * FROM t")
    assert caught.value.code == "SF604"
    assert "restore" in caught.value.hint


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot make"):
        database(tmp_path / "file" / "x.db").rows("SELECT 1")
    (tmp_path / "folder.db").mkdir()
    with pytest.raises(StoreError, match="does not answer"):
        database(tmp_path / "folder.db").rows("SELECT 1")


def test_a_full_disk_is_told(path: Path) -> None:
    db = database(path)
    db.rows("PRAGMA max_page_count = 4")
    with pytest.raises(StoreError, match="no room") as caught, db.transaction() as cursor:
        cursor.execute("INSERT INTO t VALUES (zeroblob(100000))")
    assert caught.value.code == "SF605"


def test_threads_take_turns(path: Path) -> None:
    db = database(path, timeout=5.0)

    def add() -> None:
        for n in range(20):
            with db.transaction() as cursor:
                cursor.execute("INSERT INTO t VALUES (?)", (n,))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert db.rows("SELECT COUNT(*) FROM t") == [(80,)]
    db.close()


def test_a_forked_child_has_its_own_connection(path: Path) -> None:
    db = database(path, timeout=5.0)
    db.rows("SELECT 1")
    child = os.fork()
    if child == 0:
        with db.transaction() as cursor:
            cursor.execute("INSERT INTO t VALUES (1)")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert db.rows("SELECT * FROM t") == [(1,)]
    db.close()

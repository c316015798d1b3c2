"""`.sfctl/` is brought forward whole or not at all; a newer one is left alone."""

from __future__ import annotations

import sqlite3
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sfctl.errors import StoreError, StoreLocked
from sfctl.evidence.outbox import Outbox
from sfctl.state import migrations
from sfctl.state.embedded import EmbeddedState
from sfctl.state.migrations import format_of, prepare

NOW = datetime(2024, 1, 15, tzinfo=UTC)


def add_marker_file(folder: Path) -> None:
    (folder / "two").write_text("2")


def rename_table(folder: Path) -> None:
    with sqlite3.connect(folder / "state.db") as connection:
        connection.execute("UPDATE items SET tbl = 'renamed'")
    connection.close()


def fail(folder: Path) -> None:
    (folder / "half").write_text("done")
    raise OSError("no space left")


TWO = (*migrations.STEPS, add_marker_file)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "repo" / ".sfctl"


def test_a_new_folder_is_made(folder: Path) -> None:
    assert prepare(folder) == -1
    assert format_of(folder) == len(migrations.STEPS)
    assert (folder / "outbox").is_dir()
    assert prepare(folder) == len(migrations.STEPS)
    assert [path.name for path in folder.parent.iterdir()] == [".sfctl"]


def test_an_empty_folder_is_a_new_one(folder: Path) -> None:
    folder.mkdir(parents=True)
    assert format_of(folder) == -1
    prepare(folder)
    assert format_of(folder) == 1


def test_a_folder_without_a_marker_is_brought_forward(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "switches.json").write_text("{}")
    assert prepare(folder) == 0
    assert format_of(folder) == 1
    assert (folder / "switches.json").read_text() == "{}"


def test_an_older_folder_is_upgraded_with_a_backup(folder: Path) -> None:
    prepare(folder)
    with EmbeddedState(folder / "state.db") as state:
        state.put("t", "k", {"n": 1})
        assert prepare(folder, (*TWO, rename_table)) == 1
    assert format_of(folder) == 3
    assert (folder / "two").read_text() == "2"
    with EmbeddedState(folder / "state.db") as state:
        assert [item.key for item in state.query("renamed")] == ["k"]
    with EmbeddedState(folder / "backups" / "format-1" / "state.db") as state:
        assert [item.key for item in state.query("t")] == ["k"]
    assert [path.name for path in folder.parent.iterdir()] == [".sfctl"]


def test_a_file_that_cannot_be_copied_changes_nothing(folder: Path) -> None:
    prepare(folder)
    (folder / "state.db").write_bytes(b"no database, but long enough to be asked for a page " * 40)
    before = sorted(path.name for path in folder.iterdir())
    with pytest.raises(StoreError) as caught:
        prepare(folder, TWO)
    assert caught.value.code == "SF608"
    assert sorted(path.name for path in folder.iterdir()) == before
    assert [path.name for path in folder.parent.iterdir()] == [".sfctl"]


def test_a_step_that_fails_changes_nothing(folder: Path) -> None:
    prepare(folder)
    (folder / "keys" / "dev").write_text("key")
    with pytest.raises(StoreError) as caught:
        prepare(folder, (*TWO, fail))
    assert caught.value.code == "SF608"
    assert format_of(folder) == 1
    assert not (folder / "two").exists()
    assert not (folder / "half").exists()
    assert prepare(folder, TWO) == 1
    assert (folder / "keys" / "dev").read_text() == "key"


def test_a_newer_folder_is_refused_untouched(folder: Path) -> None:
    prepare(folder, TWO)
    with pytest.raises(StoreError, match="has format 2, this sfctl knows up to 1") as caught:
        prepare(folder)
    assert (caught.value.code, caught.value.exit_code) == ("SF606", 3)
    assert format_of(folder) == 2


def test_a_marker_that_is_no_number(folder: Path) -> None:
    prepare(folder)
    (folder / "format").write_text("new")
    with pytest.raises(StoreError, match="does not hold a number"):
        prepare(folder)


def test_a_running_job_is_waited_for(folder: Path) -> None:
    prepare(folder)
    with Outbox(folder / "outbox", "r1"), pytest.raises(StoreLocked, match="running job"):
        prepare(folder, TWO)
    prepare(folder, TWO)


def test_a_swap_that_was_killed_half_way_is_finished(folder: Path) -> None:
    prepare(folder)
    prepare(folder.with_name(".sfctl.new"), TWO)
    folder.rename(folder.with_name(".sfctl.old"))
    assert prepare(folder, TWO) == 2
    assert (folder / "backups" / "format-1" / "format").read_text() == "1\n"
    assert [path.name for path in folder.parent.iterdir()] == [".sfctl"]


def test_a_swap_that_was_killed_after_it_keeps_the_backup(folder: Path) -> None:
    prepare(folder, TWO)
    prepare(folder.with_name(".sfctl.old"))
    assert prepare(folder, TWO) == 2
    assert (folder / "backups" / "format-1").is_dir()


def test_a_swap_whose_copy_is_gone_goes_back(folder: Path) -> None:
    prepare(folder)
    folder.rename(folder.with_name(".sfctl.old"))
    assert prepare(folder, TWO) == 1
    assert (folder / "two").exists()


def test_two_at_once_make_one(folder: Path) -> None:
    threads = [threading.Thread(target=prepare, args=(folder,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert format_of(folder) == 1
    assert [path.name for path in folder.parent.iterdir()] == [".sfctl"]


def test_two_at_once_upgrade_once(folder: Path) -> None:
    prepare(folder)
    count: list[Path] = []

    def counted(target: Path) -> None:
        count.append(target)

    steps = (*migrations.STEPS, counted)
    threads = [threading.Thread(target=prepare, args=(folder, steps)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(count) == 1
    assert format_of(folder) == 2


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot prepare"):
        prepare(tmp_path / "file" / ".sfctl")

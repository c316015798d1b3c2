"""`target/` on disk: all of a compile or nothing of it, whatever happens in between."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from sfctl.compiler import target_folder
from sfctl.errors import StoreError, StoreLocked


def content(target: Path) -> dict[str, bytes]:
    files = (path for path in target.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(target)): path.read_bytes() for path in files}


OLD = {"manifest.json": b"old", "policies/a.json": b"a"}
NEW = {"manifest.json": b"new", "policies/a.json": b"aa", "policies/b.json": b"b"}


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "target"
    with target_folder.locked(folder):
        target_folder.place(folder, OLD, frozenset())
    (folder / "run_results.json").write_bytes(b"results")
    return folder


def test_files_land_and_those_of_others_stay(target: Path) -> None:
    target_folder.place(target, NEW, frozenset({"policies/gone.json"}))
    assert content(target) == {**NEW, "run_results.json": b"results"}
    target_folder.place(target, {}, frozenset({"policies/a.json", "policies/never.json"}))
    assert "policies/a.json" not in content(target)


def test_what_is_the_same_is_not_written_again(target: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in target.rglob("*.json")}
    target_folder.place(target, OLD, frozenset())
    assert {p: p.stat().st_mtime_ns for p in target.rglob("*.json")} == before


def test_many_files_land_too(target: Path) -> None:
    many = {f"policies/{n}.json": b"x" for n in range(150)}
    target_folder.place(target, many, frozenset())
    assert len(content(target)) == 153


@pytest.mark.parametrize("at", range(8))
def test_a_fault_at_any_write_leaves_the_old_or_the_new(
    target: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    left = [at]

    def failing(*names: str) -> None:
        for name in names:
            owner, _, attribute = name.rpartition(".")
            place = os if owner == "os" else Path
            original = getattr(place, attribute)

            def faulty(*args: object, _original: object = original, **kwargs: object) -> object:
                left[0] -= 1
                if left[0] < 0:
                    raise OSError(28, "No space left on device")
                return _original(*args, **kwargs)  # type: ignore[operator]

            monkeypatch.setattr(place, attribute, faulty)

    failing("os.fsync", "Path.rename", "Path.replace")
    old = content(target)
    with suppress(StoreError):
        target_folder.place(target, NEW, frozenset())
    monkeypatch.undo()
    committed = (target / ".pending").exists()
    with target_folder.locked(target):
        found = content(target)
    finished = {**NEW, "run_results.json": b"results"}
    assert found == (finished if committed or found != old else old)


def test_a_fault_says_what_it_was(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="no space left") as caught:
        target_folder.place(target, NEW, frozenset())
    assert caught.value.hint


def test_the_next_compile_finishes_what_a_kill_left(target: Path) -> None:
    pending = target / ".pending"
    (pending / "policies").mkdir(parents=True)
    for name, data in NEW.items():
        (pending / name).write_bytes(data)
    (pending / ".removed").write_text("policies/c.json")
    (target / "policies/c.json").write_bytes(b"c")
    (target / ".staging-x").mkdir()
    with target_folder.locked(target):
        assert content(target) == {**NEW, "run_results.json": b"results"}
        assert not (target / ".staging-x").exists()


def test_one_compile_at_a_time(target: Path) -> None:
    with (
        target_folder.locked(target),
        pytest.raises(StoreLocked),
        target_folder.locked(target, wait=0.05),
    ):
        raise AssertionError("two at once")
    order: list[str] = []

    def second() -> None:
        with target_folder.locked(target):
            order.append("second")

    with target_folder.locked(target):
        thread = threading.Thread(target=second)
        thread.start()
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(StoreError, match="cannot be written"),
        target_folder.locked(tmp_path / "file" / "target"),
    ):
        raise AssertionError("locked nothing")


def test_an_unreadable_manifest_is_none(target: Path) -> None:
    assert target_folder.read_manifest(target) is None
    assert target_folder.read_manifest(target / "absent") is None

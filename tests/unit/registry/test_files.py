"""Versions as files in the data repo: whole or not there, and damage is said."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from sfctl.model.schema import Column, Schema
from sfctl.model.types import parse
from sfctl.registry import embedded
from sfctl.registry.embedded import FileRegistry
from sfctl.registry.port import RegistryUnreachable

URN = "urn:dp:shop:orders"
ONE = Schema((Column("id", parse("INT64"), False),))


def schema(number: int) -> Schema:
    return Schema((*ONE.columns, Column(f"c{number}", parse("STRING"), True)))


def registry(root: Path) -> FileRegistry:
    return FileRegistry({URN: root / "datasets" / "orders" / "schemas"})


def put(root: Path, made: Schema = ONE) -> int:
    return registry(root).register(URN, made, at="2026-11-21T12:00:00Z", by="a", formats={}).version


def path(root: Path, number: int = 1) -> Path:
    return root / "datasets" / "orders" / "schemas" / f"{number}.json"


def test_a_version_is_a_file_that_people_can_read(tmp_path: Path) -> None:
    put(tmp_path)
    assert json.loads(path(tmp_path).read_text()) == {
        "subject": URN, "version": 1, "registered_at": "2026-11-21T12:00:00Z",
        "registered_by": "a", "fingerprint": ONE.fingerprint(), "shape": ONE.shape(),
        "columns": [{"name": "id", "type": "INT64", "nullable": False}], "formats": {},
    }  # fmt: skip
    assert path(tmp_path).read_text().count("\n") > 10
    assert [each.name for each in path(tmp_path).parent.iterdir()] == ["1.json"]


def damaged(document: dict[str, Any], **changes: Any) -> str:
    return json.dumps({**document, **changes})


DAMAGE = {
    "half written": lambda text, _: text[: len(text) // 2],
    "empty": lambda _text, _: "",
    "another number": lambda _, found: damaged(found, version=7),
    "another dataset": lambda _, found: damaged(found, subject="urn:dp:shop:lines"),
    "altered columns": lambda _, found: damaged(found, columns=[{"name": "x", "type": "DATE"}]),
    "unknown type": lambda _, found: damaged(found, columns=[{"name": "x", "type": "MONEY"}]),
    "no name": lambda _, found: damaged(found, columns=[{"type": "DATE"}]),
    "no list": lambda _, found: damaged(found, columns=3),
    "merge conflict": lambda text, _: f"<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> b\n",
}


@pytest.mark.parametrize("what", DAMAGE)
def test_a_damaged_version_is_unreachable_and_nothing_is_added_after_it(
    what: str, tmp_path: Path
) -> None:
    put(tmp_path)
    text = path(tmp_path).read_text()
    path(tmp_path).write_text(DAMAGE[what](text, json.loads(text)))
    for ask in (registry(tmp_path).latest, registry(tmp_path).versions):
        with pytest.raises(RegistryUnreachable, match=r"orders/schemas/1.json: .+") as error:
            ask(URN)
        assert error.value.code == "SF520"
    with pytest.raises(RegistryUnreachable):
        put(tmp_path, schema(2))
    assert not path(tmp_path, 2).exists()
    path(tmp_path).write_text(text)
    assert put(tmp_path, schema(2)) == 2


def test_files_that_are_no_versions_are_not_read(tmp_path: Path) -> None:
    put(tmp_path)
    for name in ("notes.json", "1.json.bak", ".2.json.77.tmp", "٣.json"):
        (path(tmp_path).parent / name).write_text("{")
    assert [each.version for each in registry(tmp_path).versions(URN)] == [1]


def test_a_version_that_was_deleted_leaves_the_numbers_as_they_are(tmp_path: Path) -> None:
    for number in range(3):
        put(tmp_path, schema(number))
    path(tmp_path, 2).unlink()
    assert [each.version for each in registry(tmp_path).versions(URN)] == [1, 3]
    assert put(tmp_path, ONE) == 4


def test_a_folder_that_is_a_file_says_so(tmp_path: Path) -> None:
    path(tmp_path).parent.parent.mkdir(parents=True)
    path(tmp_path).parent.write_text("")
    with pytest.raises(RegistryUnreachable, match="Not a directory"):
        registry(tmp_path).latest(URN)
    with pytest.raises(RegistryUnreachable):
        put(tmp_path)


def test_a_link_to_a_device_is_no_version(tmp_path: Path) -> None:
    put(tmp_path)
    path(tmp_path, 2).symlink_to("/dev/zero")
    with pytest.raises(RegistryUnreachable, match="no regular file"):
        registry(tmp_path).latest(URN)


def test_a_file_too_long_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path)
    monkeypatch.setattr(embedded, "MAX_BYTES", 10)
    with pytest.raises(RegistryUnreachable, match="longer than"):
        registry(tmp_path).latest(URN)


def _endless(root: Path, start: int) -> None:
    for number in range(start, 10_000, 4):
        put(root, schema(number))


def test_writers_that_are_killed_leave_whole_versions_only(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_endless, args=(tmp_path, i)) for i in range(4)]
    for writer in writers:
        writer.start()
    deadline = time.monotonic() + 10
    while not path(tmp_path, 40).exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    for writer in writers:
        os.kill(writer.pid or 0, signal.SIGKILL)
        writer.join()
    found = registry(tmp_path).versions(URN)
    assert [each.version for each in found] == list(range(1, len(found) + 1))
    assert len(found) >= 40
    assert put(tmp_path) == len(found) + 1

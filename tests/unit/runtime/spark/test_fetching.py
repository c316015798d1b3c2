"""`stack fetch`: whole or not at all, from Maven or a folder, twice at once, after a kill."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sfctl.cli import main
from sfctl.errors import SfctlError
from sfctl.runtime.spark import fetching, jars, pins
from sfctl.runtime.spark.pins import Jar
from tests.unit.runtime.spark import jar_rig

Pinned = tuple[Jar, Jar]
BRING = "".join(
    f"""\
echo 'Downloading from place: https://host/path/{name}-1.0.jar'
printf '{octets.decode()}' > "$out/{name}-1.0.jar"
"""
    for name, octets in jar_rig.CONTENT.items()
)


@pytest.fixture
def pinned(monkeypatch: pytest.MonkeyPatch) -> Pinned:
    monkeypatch.delenv(jars.VARIABLE, raising=False)
    first, second = jar_rig.pin(monkeypatch)
    return first, second


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.mark.parametrize(
    "layout",
    [
        lambda jar: jar.name,
        lambda jar: f"{jars.FOLDER}/{jar.name}",
        lambda jar: f"org/small/{jar.artifact}/1.0/{jar.name}",
    ],
    ids=["flat", "as it leaves them", "a Maven repository"],
)
def test_jars_that_were_carried_over(
    pinned: Pinned,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    layout: Callable[[Jar], str],
) -> None:
    for jar in pinned:
        jar_rig.lay(jar, tmp_path / "usb" / layout(jar))
    words = ["stack", "fetch", "--from", str(tmp_path / "usb"), "--to", str(tmp_path / "to")]
    assert main([*words, "--dry-run", "--format", "json"]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert [each["state"] for each in planned["jars"]] == ["wanted", "wanted"]
    assert not (tmp_path / "to").exists()

    assert main(words) == 0
    said = capsys.readouterr()
    shelf = jars.look(tmp_path / "to" / jars.FOLDER)
    assert shelf.complete
    assert said.out.splitlines()[-1] == jars.setting(shelf.paths)
    assert f"export SFCTL_JARS={tmp_path / 'to'}" in said.err
    assert names(tmp_path / "to") == [jars.FOLDER]

    before = [path.stat().st_ino for path in shelf.paths]
    assert main([*words, "--format", "json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert [each["state"] for each in again["jars"]] == ["there", "there"]
    assert [path.stat().st_ino for path in shelf.paths] == before


@pytest.mark.usefixtures("pinned")
def test_a_plan_tells_of_jars_that_are_found_elsewhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(jars.VARIABLE, str(tmp_path / "there"))
    words = ["stack", "fetch", "--dry-run", "--to", str(tmp_path / "to")]
    assert main(words) == 0
    assert "already" not in capsys.readouterr().err
    for jar in pins.JARS:
        jar_rig.lay(jar, tmp_path / "there" / jars.FOLDER / jar.name)
    assert main(words) == 0
    found = tmp_path / "there" / jars.FOLDER
    assert f"sfctl finds all of them in {found} already" in capsys.readouterr().err


def test_a_folder_that_lacks_one_gives_none(pinned: Pinned, tmp_path: Path) -> None:
    jar_rig.lay(pinned[0], tmp_path / "usb" / pinned[0].name)
    (tmp_path / "usb" / pinned[1].name).mkdir()
    with pytest.raises(SfctlError, match=r"usb lacks second-1\.0\.jar") as raised:
        fetching.from_folder(tmp_path / "usb", pinned, tmp_path / "to" / jars.FOLDER)
    assert raised.value.code == "SF782"
    assert not (tmp_path / "to").exists()


def test_a_jar_that_is_another_is_not_kept_and_spoils_none(pinned: Pinned, tmp_path: Path) -> None:
    jar_rig.lay(pinned[0], tmp_path / "usb" / pinned[0].name)
    (tmp_path / "usb" / pinned[1].name).write_bytes(b"something else")
    to = tmp_path / "to" / jars.FOLDER
    jar_rig.lay(pinned[0], to / pinned[0].name)
    with pytest.raises(SfctlError, match=r"another than the one pinned \(got sha256 \w{64}") as r:
        fetching.from_folder(tmp_path / "usb", pinned, to)
    assert r.value.code == "SF783"
    assert names(to) == [pinned[0].name]
    assert names(tmp_path / "to") == [jars.FOLDER]


def test_only_what_is_missing_or_altered_is_fetched(
    pinned: Pinned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to = tmp_path / "to" / jars.FOLDER
    jar_rig.lay(pinned[0], to / pinned[0].name)
    (to / pinned[1].name).write_bytes(b"half of")
    kept = (to / pinned[0].name).stat().st_ino
    (tmp_path / "usb").mkdir()
    jar_rig.lay(pinned[1], tmp_path / "usb" / pinned[1].name)
    assert main(["stack", "fetch", "--from", f"{tmp_path}/usb", "--to", f"{tmp_path}/to"]) == 0
    assert jars.look(to).complete
    assert (to / pinned[0].name).stat().st_ino == kept


def test_maven_brings_them_and_says_what_it_asks_for(
    pinned: Pinned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jar_rig.maven(tmp_path, monkeypatch, BRING)
    to = tmp_path / "to" / jars.FOLDER
    assert list(fetching.from_maven(pinned, to)) == ["first-1.0.jar", "second-1.0.jar"]
    assert jars.look(to).complete
    assert names(to.parent) == [jars.FOLDER]


@pytest.mark.parametrize(
    ("script", "code", "message", "hint"),
    [
        ("exit 3", "SF782", "exit code 3", "run it again"),
        (
            "echo '[ERROR] Could not transfer x from central (https://u:secret@host/p): Unknown "
            "host host'; exit 1",
            "SF782",
            "Could not transfer x from central … Unknown host host",
            "--from DIR",
        ),
        ('printf other > "$out/first-1.0.jar"; exit 0', "SF783", "another than", "mirror"),
        ("exit 0", "SF782", "did not bring first-1.0.jar", ""),
        ("echo 'The JAVA_HOME variable is not defined' >&2; exit 1", "SF782", "JAVA_HOME", ""),
    ],
)
def test_what_maven_may_do_instead(
    pinned: Pinned,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: str,
    code: str,
    message: str,
    hint: str,
) -> None:
    jar_rig.maven(tmp_path, monkeypatch, script)
    with pytest.raises(SfctlError) as raised:
        list(fetching.from_maven(pinned, tmp_path / "to" / jars.FOLDER))
    assert raised.value.code == code
    assert message in str(raised.value)
    assert hint in raised.value.hint
    assert "secret" not in str(raised.value)
    assert names(tmp_path / "to") == []


def test_without_maven_the_way_to_it_is_said(
    pinned: Pinned,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["stack", "fetch", "--to", str(tmp_path / "to")]) == 3
    said = capsys.readouterr().err
    assert "SF781" in said
    assert "apt install maven" in said
    assert "--from DIR" in said
    assert not (tmp_path / "to").exists()


def test_requests_that_cannot_be_meant(
    pinned: Pinned,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["stack", "fetch", "sparc"]) == 2
    assert "did you mean `spark`?" in capsys.readouterr().err
    assert main(["stack", "fetch", "--to", str(tmp_path / "a,b")]) == 2
    assert "SF780" in capsys.readouterr().err
    assert main(["stack", "fetch", "--from", str(tmp_path / "gone")]) == 2
    assert "SF007" in capsys.readouterr().err
    (tmp_path / "file").write_text("in the way")
    jar_rig.maven(tmp_path, monkeypatch, BRING)
    assert main(["stack", "fetch", "--to", str(tmp_path / "file")]) == 3
    assert "jars cannot be kept in" in capsys.readouterr().err


def test_a_full_disk_is_called_one(
    pinned: Pinned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for jar in pinned:
        jar_rig.lay(jar, tmp_path / "usb" / jar.name)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(SfctlError, match="No space left on device") as raised:
        fetching.from_folder(tmp_path / "usb", pinned, tmp_path / "to" / jars.FOLDER)
    assert (raised.value.code, raised.value.exit_code) == ("SF784", 3)
    assert names(tmp_path / "to") == []


def test_what_a_killed_fetch_left_is_removed_when_nobody_can_be_at_it(
    pinned: Pinned, tmp_path: Path
) -> None:
    for jar in pinned:
        jar_rig.lay(jar, tmp_path / "usb" / jar.name)
    old, new = tmp_path / "to" / ".fetch-old", tmp_path / "to" / ".fetch-new"
    for folder in (old, new):
        folder.mkdir(parents=True)
    two_days_ago = time.time() - 2 * 86_400
    os.utime(old, (two_days_ago, two_days_ago))
    fetching.from_folder(tmp_path / "usb", pinned, tmp_path / "to" / jars.FOLDER)
    assert names(tmp_path / "to") == [".fetch-new", jars.FOLDER]


def test_several_at_once_leave_every_jar_whole(
    pinned: Pinned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jar_rig.maven(tmp_path, monkeypatch, BRING)
    to = tmp_path / "to" / jars.FOLDER
    seen: list[jars.Shelf] = []
    failed: list[BaseException] = []

    def fetch() -> None:
        try:
            list(fetching.from_maven(pinned, to))
        except BaseException as error:
            failed.append(error)

    at_work = [threading.Thread(target=fetch) for _ in range(4)]
    for each in at_work:
        each.start()
    while any(each.is_alive() for each in at_work):
        seen.append(jars.look(to))
    assert failed == []
    assert jars.look(to).complete
    assert not any(shelf.altered for shelf in seen), "a name never stands for half a jar"


def test_an_interrupted_fetch_ends_maven_and_the_next_goes_on(
    pinned: Pinned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jar_rig.maven(
        tmp_path,
        monkeypatch,
        f"echo $$ > '{tmp_path}/pid'; echo 'Downloading from p: h://h/x.jar'; exec sleep 60",
    )
    to = tmp_path / "to"
    with subprocess.Popen(
        [sys.executable, "-m", "sfctl", "stack", "fetch", "--to", str(to)],
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    ) as process:
        deadline = time.monotonic() + 30
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().strip():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    assert names(to) == []
    jar_rig.maven(tmp_path, monkeypatch, BRING)
    list(fetching.from_maven(pinned, to / jars.FOLDER))
    assert jars.look(to / jars.FOLDER).complete


def test_the_pinned_sizes_are_those_of_the_jars() -> None:
    found = jars.found()
    if not found:
        pytest.skip("nobody fetched Delta's jars here")
    assert [path.stat().st_size for path in found] == [jar.octets for jar in pins.JARS]

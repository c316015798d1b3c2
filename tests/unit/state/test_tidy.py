"""`.sfctl/` does not grow for ever, and where it lies is known."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sfctl.state import tidy as tidying
from sfctl.state.embedded import EmbeddedState
from sfctl.state.mounts import network_file_system
from sfctl.state.tidy import Tidied, size_of, tidy


class HandClock:
    """A clock that is set by hand."""

    def __init__(self, instant: datetime) -> None:
        self.instant = instant

    def now(self) -> datetime:
        return self.instant


NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=31)


def test_expired_items_go_and_old_versions_are_remembered_for_a_month(tmp_path: Path) -> None:
    clock = HandClock(NOW)
    with EmbeddedState(tmp_path / "state.db", clock=clock) as state:
        for n in range(5):
            state.put("t", f"k{n}", {"x": "y" * 1000}, expires_at=NOW + timedelta(hours=1))
        state.put("t", "stays", {})
        state.delete("t", "never")
        clock.instant = NOW + timedelta(hours=2)
        assert tidy(tmp_path, state, clock.instant).items == 5
        assert tidy(tmp_path, state, clock.instant).items == 0
        assert state.put("t", "k0", {}).version == 2
        clock.instant = NOW + timedelta(days=32)
        assert state.sweep() == 4
        assert [item.key for item in state.query("t")] == ["k0", "stays"]


def test_old_runs_payloads_backups_and_leftovers_go(tmp_path: Path) -> None:
    for name in ("runs/r1/log", "payloads/evd-1.json", "backups/format-0/format"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("x" * 100)
    outbox = tmp_path / "outbox"
    outbox.mkdir()
    for name in ("gone.done", "live.done", "live.outbox", "x.tmp"):
        (outbox / name).write_text("1")
    with EmbeddedState(tmp_path / "state.db") as state:
        assert tidy(tmp_path, state, NOW) == Tidied(bytes=size_of(tmp_path))
        done = tidy(tmp_path, state, LATER)
        assert (done.runs, done.payloads, done.leftovers) == (1, 0, 3)
        assert done.freed_bytes >= 200
        assert {path.name for path in outbox.iterdir()} == {"live.done", "live.outbox"}
        assert tidy(tmp_path, state, NOW + timedelta(days=91)).payloads == 1


def test_only_so_many_runs_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tidying, "RUNS_KEPT", 2)
    for n in range(4):
        (tmp_path / "runs" / f"r{n}").mkdir(parents=True)
        os.utime(tmp_path / "runs" / f"r{n}", (NOW.timestamp() - n, NOW.timestamp() - n))
    with EmbeddedState(tmp_path / "state.db") as state:
        assert tidy(tmp_path, state, NOW).runs == 2
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {"r0", "r1"}


MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/sdb1 /home/local\\040disk ext4 rw 0 0
//nas/share /mnt/share cifs rw 0 0
short
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/data/x/.sfctl", ""),
        ("/home/ann/.sfctl", "nfs4"),
        ("/home/local disk/.sfctl", ""),
        ("/mnt/share", "cifs"),
        ("/homeless", ""),
    ],
)
def test_network_file_systems_are_told(tmp_path: Path, path: str, kind: str) -> None:
    table = tmp_path / "mounts"
    table.write_text(MOUNTS)
    assert network_file_system(Path(path), table) == kind


def test_without_a_mount_table_nothing_is_known(tmp_path: Path) -> None:
    assert network_file_system(tmp_path, tmp_path / "nothing") == ""

"""Old evidence moves by age and still opens; the bus stays within its bounds."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from sfctl.errors import StoreError
from sfctl.evidence import retention
from sfctl.evidence.archive import Archive, Archived
from sfctl.evidence.embedded import EmbeddedBus
from sfctl.evidence.port import DeadLetter, Query
from sfctl.model.evidence import SCHEMA, Evidence

AT = datetime(2024, 1, 15, 12, tzinfo=UTC)
DAY = timedelta(days=1)


class HandClock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.instant = AT

    def now(self) -> datetime:
        return self.instant


def event(number: int, *, at: datetime = AT, dataset: str = "urn:dp:a:b", **more: Any) -> Evidence:
    fields = {
        "schema": SCHEMA,
        "evidence_id": f"evd-{number:026d}",
        "kind": "GATE",
        "timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "dataset_urn": dataset,
        "run_id": f"r{number % 2}",
        "seq": number,
        "validation": {"result": "PASS", "gates": [{"gate": "DQ", "result": "PASS"}]},
        "payload": {"strange": {"deep": [number]}},
        **more,
    }
    return msgspec.convert(fields, Evidence)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def bus(tmp_path: Path, clock: HandClock) -> EmbeddedBus:
    return EmbeddedBus(tmp_path / "bus.db", clock=clock)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive", encryption={"kms_key_id": "k1"})


def test_the_young_stay_and_the_old_are_copied(bus: EmbeddedBus, archive: Archive) -> None:
    bus.publish([event(1), event(2, dataset="urn:dp:a:c"), event(3, dataset="")])
    assert archive.run(bus, AT + timedelta(hours=23)) == Archived()
    assert archive.run(bus, AT + timedelta(hours=25)) == Archived(events=3)
    assert archive.run(bus, AT + timedelta(hours=26)) == Archived()
    assert archive.get(event(1).evidence_id) == event(1)
    folders = sorted(path.parent.name for path in archive.folder.rglob("*.parquet"))
    assert folders == ["dataset=_none", "dataset=a__b", "dataset=a__c"]
    assert bus.count() == 3


def test_files_are_private_and_note_their_encryption(bus: EmbeddedBus, archive: Archive) -> None:
    bus.publish([event(1)])
    archive.run(bus, AT + 2 * DAY)
    (path,) = archive.folder.rglob("*.parquet")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert pl.read_parquet_metadata(path)["sfctl.encryption"] == '{"kms_key_id": "k1"}'
    assert archive.size() == path.stat().st_size


def test_a_week_makes_cold_and_folds_the_parts(
    bus: EmbeddedBus, archive: Archive, clock: HandClock
) -> None:
    for n in range(3):
        bus.publish([event(n)])
        clock.instant += DAY
        archive.run(bus, clock.instant + timedelta(hours=1))
    assert len(list(archive.folder.glob("warm/*/*/*.parquet"))) == 3
    done = archive.run(bus, AT + 8 * DAY)
    assert done.cooled == 3
    assert [path.name for path in archive.folder.rglob("*.parquet")] == ["all.parquet"]
    assert not list(archive.folder.glob("warm/*"))
    bus.publish([event(7)])
    archive.run(bus, AT + 9 * DAY)
    assert [found.seq for found in archive.query(Query())] == [0, 1, 2, 7]


def test_a_crash_before_the_commit_repeats_and_counts_once(
    bus: EmbeddedBus, archive: Archive
) -> None:
    bus.publish([event(1), event(2)])
    archive.run(bus, AT + 2 * DAY)
    bus.seek("archive", "start")
    bus.publish([event(3)])
    archive.run(bus, AT + 3 * DAY)
    assert [found.seq for found in archive.query(Query())] == [1, 2, 3]


def test_the_cold_go_in_the_end(bus: EmbeddedBus, archive: Archive) -> None:
    bus.publish([event(1)])
    archive.run(bus, AT + 10 * DAY)
    assert archive.run(bus, AT + 300 * DAY).removed == 0
    far = datetime.now(UTC) + 500 * DAY
    assert archive.run(bus, far).removed == 1
    assert archive.get(event(1).evidence_id) is None
    assert not list(archive.folder.glob("cold/*"))


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"run_id": "r1"}, [1, 3]),
        ({"dataset": "ds://a/b"}, [0, 1, 2, 3]),
        ({"dataset": "elsewhere"}, []),
        ({"kind": "GATE", "result": "PASS"}, [0, 1, 2, 3]),
        ({"gate": "DQ", "result": "FAIL"}, []),
        ({"gate": "DQ"}, [0, 1, 2, 3]),
        ({"since": AT + 2 * DAY}, [2, 3]),
        ({"until": AT + 2 * DAY}, [0, 1]),
        ({"limit": 2}, [0, 1]),
        ({"limit": 1, "newest_first": True}, [3]),
    ],
)
def test_queries(bus: EmbeddedBus, archive: Archive, wanted: Any, found: list[int]) -> None:
    bus.publish([event(n, at=AT + n * DAY) for n in range(4)])
    archive.run(bus, AT + 2 * DAY)
    assert [event.seq for event in archive.query(Query(**wanted))] == found


def test_the_highest_revision_opens(bus: EmbeddedBus, archive: Archive) -> None:
    bus.publish([event(1), event(1, revision=1, stage="gold")])
    archive.run(bus, AT + 2 * DAY)
    newest = archive.get(event(1).evidence_id)
    assert newest is not None
    assert newest.stage == "gold"
    assert archive.get(event(1).evidence_id, 0) == event(1)


def test_a_damaged_file_is_named(bus: EmbeddedBus, archive: Archive) -> None:
    bus.publish([event(1)])
    archive.run(bus, AT + 2 * DAY)
    (path,) = archive.folder.rglob("*.parquet")
    path.write_bytes(b"PAR1 nonsense")
    with pytest.raises(StoreError) as caught:
        archive.get(event(1).evidence_id)
    assert caught.value.code == "SF806"


def test_an_archive_that_cannot_be_written_is_an_error(bus: EmbeddedBus, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    bus.publish([event(1)])
    with pytest.raises(StoreError, match="cannot write"):
        Archive(tmp_path / "file").run(bus, AT + 2 * DAY)
    assert bus.lag("archive") == 1


def test_an_empty_archive_has_nothing(archive: Archive) -> None:
    assert archive.get("evd-1") is None
    assert archive.query(Query()) == []
    assert archive.size() == 0


class TestRetention:
    def test_archived_events_leave_after_90_days(
        self, bus: EmbeddedBus, archive: Archive, clock: HandClock
    ) -> None:
        bus.publish([event(1)])
        clock.instant = AT + 50 * DAY
        bus.publish([event(2)])
        now = AT + 100 * DAY
        assert retention.sweep(bus, now).aged == 0
        archive.run(bus, now)
        swept = retention.sweep(bus, now)
        assert (swept.aged, swept.over_bytes, bus.count()) == (1, 0, 1)
        assert archive.get(event(1).evidence_id) == event(1)

    def test_the_size_bound_drops_the_oldest_archived(
        self, bus: EmbeddedBus, archive: Archive
    ) -> None:
        bus.publish([event(n, payload={"x": "y" * 2000}) for n in range(300)])
        now = AT + 2 * DAY
        archive.run(bus, now)
        bound = bus.size() // 3
        swept = retention.sweep(bus, now, max_bytes=bound)
        assert swept.crowded > 0
        assert swept.bytes <= bound
        assert swept.over_bytes == 0

    def test_what_may_not_go_is_told(self, bus: EmbeddedBus) -> None:
        bus.publish([event(n) for n in range(10)])
        swept = retention.sweep(bus, AT + 2 * DAY, max_bytes=1000)
        assert swept.over_bytes > 0
        assert bus.count() == 10

    def test_dead_letters_are_bounded(
        self, bus: EmbeddedBus, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(retention, "MAX_DEAD_LETTERS", 3)
        bus.dead_letter([DeadLetter("t", "NO_TIME", "", "f", f"{n}") for n in range(5)])
        assert retention.sweep(bus, AT).dead_letters == 2
        assert [letter.body for letter in bus.dead_letters()] == ["4", "3", "2"]
        assert retention.sweep(bus, AT).dead_letters == 0

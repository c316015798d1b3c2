"""The outbox never loses, never raises into a job, and says what it could not take."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfctl.errors import StoreError
from sfctl.evidence import flush as flushing
from sfctl.evidence import spool
from sfctl.evidence.embedded import EmbeddedBus
from sfctl.evidence.flush import Flushed, flush, pending_bytes
from sfctl.evidence.outbox import Outbox
from sfctl.evidence.port import Published, Query
from sfctl.model import facts
from sfctl.model.evidence import Evidence
from sfctl.model.run import RunContext

AT = datetime(2024, 1, 15, tzinfo=UTC)
RUN = RunContext(run_id="r1", job="j", started_at="2024-01-15T00:00:00Z")


def beat(number: int, **more: object) -> Evidence:
    return facts.heartbeat(RUN, AT, beat=number, elapsed=60.0 * number, seq=number, **more)


def on_bus(bus: EmbeddedBus) -> list[int]:
    return [record.event.payload["beat"] for record in bus.query(Query())]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / ".sfctl" / "outbox"


@pytest.fixture
def bus(tmp_path: Path) -> EmbeddedBus:
    return EmbeddedBus(tmp_path / "bus.db", timeout=0.1)


def test_what_was_appended_is_on_the_bus_after_a_flush(folder: Path, bus: EmbeddedBus) -> None:
    with Outbox(folder, "r1") as outbox:
        assert all(outbox.append(beat(n), sync=n == 2) for n in range(3))
        assert outbox.written == 3
        flushed = flush(folder, bus)
        assert (flushed.published, flushed.pending_bytes) == (Published(accepted=3), 0)
        assert outbox.append(beat(3))
        assert pending_bytes(folder) > 0
    assert flush(folder, bus).published == Published(accepted=1)
    assert on_bus(bus) == [0, 1, 2, 3]
    assert list(folder.glob("*.outbox")) == []
    assert list(folder.glob("*.done")) == []
    assert flush(folder, bus) == Flushed()


def test_a_file_stays_while_its_writer_lives(folder: Path, bus: EmbeddedBus) -> None:
    with Outbox(folder, "r1") as outbox:
        outbox.append(beat(0))
        assert flush(folder, bus).files == 1
        assert outbox.path.exists()


def test_two_outboxes_of_one_process_do_not_share_a_file(folder: Path) -> None:
    with Outbox(folder, "r/1") as one, Outbox(folder, "r/1") as other:
        assert one.path != other.path
        assert "/" not in one.path.name


def test_readable_while_written(folder: Path) -> None:
    with Outbox(folder, "r1") as outbox:
        outbox.append(beat(0))
        (chunk,) = spool.chunks(outbox.path)
        assert [event.payload["beat"] for event in chunk.events] == [0]
        outbox.append(beat(1))
        (chunk,) = spool.chunks(outbox.path, chunk.end)
        assert [event.payload["beat"] for event in chunk.events] == [1]


def test_a_half_written_last_line_waits_while_its_writer_lives(
    folder: Path, bus: EmbeddedBus
) -> None:
    outbox = Outbox(folder, "r1")
    outbox.append(beat(0))
    with outbox.path.open("ab") as stream:
        stream.write(b"0000beef {half")
    assert flush(folder, bus).damaged == 0
    outbox.close()
    flushed = flush(folder, bus)
    assert (flushed.damaged, flushed.files, on_bus(bus)) == (1, 0, [0])
    (letter,) = bus.dead_letters()
    assert (letter.reason, letter.origin) == ("CORRUPT_LINE", outbox.path.name)


def test_corrupt_lines_are_dead_letters_and_the_rest_arrives(
    folder: Path, bus: EmbeddedBus
) -> None:
    with Outbox(folder, "r1") as outbox:
        for n in range(3):
            outbox.append(beat(n))
    lines = outbox.path.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b'"beat":1', b'"beat":7')
    lines.insert(2, b"\xff\xfe jane@example.com\n")
    outbox.path.write_bytes(b"".join(lines))
    flushed = flush(folder, bus)
    assert (flushed.damaged, on_bus(bus)) == (2, [0, 2])
    assert "jane" not in "".join(letter.body for letter in bus.dead_letters())


@settings(max_examples=40, deadline=None)
@given(damage=st.lists(st.tuples(st.integers(0, 2000), st.binary(min_size=1, max_size=3))))
def test_no_damage_stops_a_flush(
    tmp_path_factory: pytest.TempPathFactory, damage: list[tuple[int, bytes]]
) -> None:
    base = tmp_path_factory.mktemp("damage")
    with Outbox(base / "outbox", "r1") as outbox:
        for n in range(5):
            outbox.append(beat(n))
    data = bytearray(outbox.path.read_bytes())
    for place, junk in damage:
        at = place % len(data)
        data[at : at + len(junk)] = junk
    outbox.path.write_bytes(bytes(data))
    with EmbeddedBus(base / "bus.db") as bus:
        flushed = flush(base / "outbox", bus)
        assert flushed.pending_bytes == 0
        assert flushed.published.accepted <= 5
        if not damage:
            assert flushed.published.accepted == 5
        assert set(on_bus(bus)) <= set(range(5))


def test_the_bound_is_kept_and_told(folder: Path) -> None:
    with Outbox(folder, "r1", max_bytes=2000) as outbox:
        taken = [outbox.append(beat(n)) for n in range(50)]
        assert taken.index(False) == sum(taken) == outbox.written
        assert outbox.refused == 50 - outbox.written
        assert "full at 2000 bytes" in outbox.trouble
        assert outbox.path.stat().st_size <= 2000


def test_the_folder_has_a_bound_too(folder: Path) -> None:
    with Outbox(folder, "r1", max_folder_bytes=2000) as outbox:
        while outbox.append(beat(outbox.written)):
            pass
    with Outbox(folder, "r2", max_folder_bytes=2000) as other:
        assert not other.append(beat(0))


def test_a_full_disk_is_told_and_leaves_whole_lines(folder: Path, bus: EmbeddedBus) -> None:
    """A file size limit gives what a full disk gives: a write cut short, then an error."""
    outbox = Outbox(folder, "r1")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1500, hard))
        taken = [outbox.append(beat(n)) for n in range(10)]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert not all(taken)
    assert outbox.trouble
    assert outbox.append(beat(99))
    outbox.close()
    assert flush(folder, bus).damaged == 0
    assert on_bus(bus) == [n for n in range(10) if taken[n]] + [99]


def test_a_closed_outbox_refuses(folder: Path) -> None:
    outbox = Outbox(folder, "r1")
    outbox.close()
    outbox.close()
    assert not outbox.append(beat(0))
    assert not outbox.sync()
    assert outbox.refused == 1
    assert outbox.trouble


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot open an outbox"):
        Outbox(tmp_path / "file" / "outbox", "r1")


def test_threads_share_an_outbox(folder: Path, bus: EmbeddedBus) -> None:
    with Outbox(folder, "r1") as outbox:

        def write(start: int) -> None:
            for n in range(start, start + 50):
                assert outbox.append(beat(n))

        threads = [threading.Thread(target=write, args=(n * 50,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert outbox.written == 200
    assert flush(folder, bus).damaged == 0
    assert sorted(on_bus(bus)) == list(range(200))


def test_a_forked_child_writes_its_own_file(folder: Path, bus: EmbeddedBus) -> None:
    outbox = Outbox(folder, "r1")
    outbox.append(beat(0))
    child = os.fork()
    if child == 0:
        ok = outbox.append(beat(1))
        outbox.close()
        os._exit(0 if ok else 1)
    _, status = os.waitpid(child, 0)
    assert status == 0
    outbox.append(beat(2))
    outbox.close()
    assert flush(folder, bus).published.accepted == 3
    assert sorted(on_bus(bus)) == [0, 1, 2]


WRITER = """
import os, sys
from tests_child import beat
from sfctl.evidence.outbox import Outbox
outbox = Outbox(sys.argv[1], "r1")
n = 0
while True:
    assert outbox.append(beat(n))
    n += 1
    if n == 200:
        print("ready", flush=True)
"""
CHILD = """
from datetime import UTC, datetime
from sfctl.model import facts
from sfctl.model.run import RunContext
AT = datetime(2024, 1, 15, tzinfo=UTC)
RUN = RunContext(run_id="r1", job="j", started_at="2024-01-15T00:00:00Z")
def beat(n):
    return facts.heartbeat(RUN, AT, beat=n, elapsed=1.0, seq=n)
"""


@pytest.mark.chaos
def test_a_killed_writer_loses_nothing_it_was_told_is_written(
    tmp_path: Path, folder: Path, bus: EmbeddedBus
) -> None:
    (tmp_path / "tests_child.py").write_text(CHILD)
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{os.getcwd()}"}
    child = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, env=environment
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    flushed = flush(folder, bus)
    assert (flushed.damaged, flushed.files) == (0, 0)
    count = flushed.published.accepted
    assert count >= 200
    assert bus.count() == count


class DeadBus(EmbeddedBus):
    """A bus whose file cannot be opened."""

    def __init__(self) -> None:
        super().__init__("/proc/nowhere/bus.db", timeout=0.05)


def test_a_dead_bus_costs_little_and_loses_nothing(folder: Path, bus: EmbeddedBus) -> None:
    with Outbox(folder, "r1") as outbox:
        outbox.append(beat(0))
    started = time.monotonic()
    flushed = flush(folder, DeadBus())
    assert time.monotonic() - started < 2
    assert flushed.trouble
    assert flushed.pending_bytes > 0
    assert flush(folder, bus).published.accepted == 1


def test_a_held_bus_costs_its_timeout(folder: Path, tmp_path: Path, bus: EmbeddedBus) -> None:
    bus.publish([beat(100)])
    with Outbox(folder, "r1") as outbox:
        outbox.append(beat(0))
    with EmbeddedBus(bus.path)._db.transaction():
        flushed = flush(folder, bus)
    assert "held by another process" in flushed.trouble
    assert flush(folder, bus).published.accepted == 1


def test_a_second_flusher_gives_up_in_time(folder: Path, bus: EmbeddedBus) -> None:
    with Outbox(folder, "r1") as outbox:
        outbox.append(beat(0))
    with flushing._turn(folder, 0.1):
        assert flush(folder, bus, deadline=0.1).trouble == "another flush is at work"
    assert flush(folder, bus).published.accepted == 1


class ForgetfulBus(EmbeddedBus):
    """Publishes, then dies before it can say so."""

    def publish(self, events: Sequence[Evidence]) -> Published:
        super().publish(events)
        raise StoreError("gone")


def test_a_crash_between_publish_and_mark_counts_nothing_twice(
    folder: Path, tmp_path: Path
) -> None:
    with Outbox(folder, "r1") as outbox:
        for n in range(3):
            outbox.append(beat(n))
    with ForgetfulBus(tmp_path / "bus.db") as forgetful:
        assert flush(folder, forgetful).trouble == "gone"
    with EmbeddedBus(tmp_path / "bus.db") as bus:
        assert flush(folder, bus).published == Published(duplicates=3)
        assert on_bus(bus) == [0, 1, 2]


def test_a_deadline_leaves_the_rest_for_later(folder: Path, bus: EmbeddedBus) -> None:
    for run in ("a", "b"):
        with Outbox(folder, run) as outbox:
            outbox.append(beat(ord(run)))
    first = flush(folder, bus, deadline=0.0)
    assert first.trouble == "stopped after 0 s"
    assert first.pending_bytes > 0
    flush(folder, bus)
    assert sorted(on_bus(bus)) == [97, 98]


def test_a_stale_mark_means_from_the_start(folder: Path, bus: EmbeddedBus) -> None:
    with Outbox(folder, "r1") as outbox:
        outbox.append(beat(0))
    outbox.path.with_suffix(".done").write_text("999999")
    assert flush(folder, bus).published.accepted == 1


def test_values_are_cleaned_before_they_reach_the_disk(folder: Path) -> None:
    with Outbox(folder, "r1") as outbox:
        outbox.append(beat(0, message="for 'Jane' <jane@example.com>"))
    assert b"ane" not in outbox.path.read_bytes().replace(b"urn", b"")


def test_a_large_payload_goes_beside_the_log(folder: Path, bus: EmbeddedBus) -> None:
    from sfctl.evidence import bulk

    rows = [f"row {n}" for n in range(20_000)]
    with Outbox(folder, "r1") as outbox:
        assert outbox.append(beat(0, big=rows))
        assert outbox.path.stat().st_size < 64 * 1024
    flush(folder, bus)
    event = bus.query(Query())[0].event
    assert event.payload_ref.startswith("payloads/")
    assert event.payload["beat"] == 0
    assert bulk.hydrate(event, folder.parent).payload["big"] == rows
    assert bulk.hydrate(beat(1), folder.parent) == beat(1)
    (folder.parent / event.payload_ref).unlink()
    with pytest.raises(StoreError, match="cannot be read"):
        bulk.hydrate(event, folder.parent)

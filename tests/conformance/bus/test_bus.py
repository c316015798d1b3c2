"""The suite of the bus port. An implementation is one fixture; every test here is for all."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfctl.evidence.embedded import EmbeddedBus
from sfctl.evidence.port import Bus, DeadLetter, Published, Query
from sfctl.model.evidence import SCHEMA, Evidence

AT = datetime(2024, 1, 15, tzinfo=UTC)
Open = Callable[[], Bus]


def event(
    number: int, *, dataset: str = "urn:dp:a:b", revision: int = 0, **more: object
) -> Evidence:
    at = AT + timedelta(minutes=number)
    fields = {
        "schema": SCHEMA,
        "evidence_id": f"evd-{number:026d}",
        "kind": "GATE",
        "timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "dataset_urn": dataset,
        "revision": revision,
        "run_id": f"r{number % 3}",
        "seq": number,
        "validation": {
            "result": "FAIL" if number % 4 == 0 else "PASS",
            "gates": [{"gate": "G3_SCHEMA" if number % 2 else "DQ", "result": "PASS"}],
        },
        **more,
    }
    return msgspec.convert(fields, Evidence)


def numbers(bus: Bus, **wanted: object) -> list[int]:
    return [record.event.seq for record in bus.query(Query(**wanted))]  # type: ignore[arg-type]


@pytest.fixture(params=["embedded"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Open the implementation again and again on one and the same log."""
    handles: list[Bus] = []

    def again() -> Bus:
        handles.append(EmbeddedBus(tmp_path / "bus.db", timeout=10.0))
        return handles[-1]

    yield again
    for handle in handles:
        handle.close()


@pytest.fixture
def bus(opened: Open) -> Bus:
    return opened()


class TestLog:
    def test_events_come_back_in_order_with_their_keys(self, bus: Bus) -> None:
        assert bus.publish([event(n) for n in range(5)]) == Published(accepted=5)
        records = bus.read("g")
        assert [record.event for record in records] == [event(n) for n in range(5)]
        assert {record.key for record in records} == {"external:urn:dp:a:b"}
        assert [r.offset for r in records] == sorted({r.offset for r in records})

    def test_nothing_published_changes_nothing(self, bus: Bus) -> None:
        assert bus.publish([]) == Published()
        assert bus.read("g") == []

    def test_the_same_event_twice_is_one(self, bus: Bus) -> None:
        bus.publish([event(1)])
        assert bus.publish([event(1), event(2), event(2)]) == Published(1, 2, 0)
        assert numbers(bus) == [1, 2]

    def test_the_same_id_with_other_content_is_refused_and_kept_as_a_dead_letter(
        self, bus: Bus
    ) -> None:
        bus.publish([event(1)])
        assert bus.publish([event(1, stage="gold")]) == Published(refused=1)
        assert [record.event for record in bus.query(Query())] == [event(1)]
        (letter,) = bus.dead_letters()
        assert letter.reason == "ID_REUSED"
        assert event(1).evidence_id in letter.body

    def test_an_amended_fact_keeps_its_id(self, bus: Bus) -> None:
        assert bus.publish([event(1), event(1, revision=1, stage="gold")]).accepted == 2
        newest, first = bus.get(event(1).evidence_id), bus.get(event(1).evidence_id, 0)
        assert newest is not None
        assert newest.event.revision == 1
        assert first is not None
        assert first.event == event(1)

    def test_what_is_not_there_is_none(self, bus: Bus) -> None:
        assert bus.get("evd-nothing") is None
        bus.publish([event(1)])
        assert bus.get(event(1).evidence_id, 7) is None

    def test_unknown_fields_survive(self, bus: Bus) -> None:
        strange = event(1, payload={"brand_new": {"deep": [1, None]}})
        bus.publish([strange])
        assert bus.query(Query())[0].event == strange

    @settings(
        max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(batches=st.lists(st.lists(st.integers(0, 9), max_size=6), max_size=6))
    def test_dedup_and_order_per_key_hold_for_any_batches(
        self, tmp_path_factory: pytest.TempPathFactory, batches: list[list[int]]
    ) -> None:
        with EmbeddedBus(tmp_path_factory.mktemp("bus") / "bus.db") as bus:
            total = Published()
            for batch in batches:
                total += bus.publish([event(n, dataset=f"urn:dp:a:d{n % 2}") for n in batch])
            sent = [n for batch in batches for n in batch]
            first = list(dict.fromkeys(sent))
            assert total == Published(len(first), len(sent) - len(first), 0)
            for half in (0, 1):
                key = f"external:urn:dp:a:d{half}"
                found = [r.event.seq for r in bus.read("g") if r.key == key]
                assert found == [n for n in first if n % 2 == half]


class TestGroups:
    def test_reading_does_not_move_committing_does(self, bus: Bus) -> None:
        bus.publish([event(n) for n in range(5)])
        assert [r.event.seq for r in bus.read("g", 2)] == [0, 1]
        records = bus.read("g", 2)
        assert [r.event.seq for r in records] == [0, 1]
        bus.commit("g", records)
        assert [r.event.seq for r in bus.read("g")] == [2, 3, 4]
        assert bus.lag("g") == 3

    def test_groups_do_not_know_each_other(self, bus: Bus) -> None:
        bus.publish([event(n) for n in range(3)])
        bus.commit("signal_engines.freshness", bus.read("signal_engines.freshness"))
        assert bus.lag("signal_engines.freshness") == 0
        assert bus.lag("signal_engines.volume") == 3

    def test_a_group_never_goes_back_by_committing(self, bus: Bus) -> None:
        bus.publish([event(n) for n in range(3)])
        records = bus.read("g")
        bus.commit("g", records)
        bus.commit("g", records[:1])
        bus.commit("g", [])
        assert bus.lag("g") == 0

    def test_offsets_outlive_the_connection(self, bus: Bus, opened: Open) -> None:
        bus.publish([event(n) for n in range(3)])
        bus.commit("g", bus.read("g", 2))
        bus.close()
        assert [r.event.seq for r in opened().read("g")] == [2]

    @pytest.mark.parametrize(
        ("to", "rest"),
        [
            ("start", [0, 1, 2, 3, 4]),
            ("end", []),
            (AT + timedelta(minutes=3), [3, 4]),
            (AT + timedelta(minutes=2, seconds=30), [3, 4]),
            (AT + timedelta(days=1), []),
            (AT - timedelta(days=1), [0, 1, 2, 3, 4]),
        ],
    )
    def test_a_group_replays_from_anywhere(self, bus: Bus, to: object, rest: list[int]) -> None:
        bus.publish([event(n) for n in range(5)])
        bus.commit("g", bus.read("g", 3))
        bus.seek("g", to)  # type: ignore[arg-type]
        assert [r.event.seq for r in bus.read("g")] == rest
        assert bus.lag("g") == len(rest)

    def test_a_group_replays_from_an_offset_included(self, bus: Bus) -> None:
        bus.publish([event(n) for n in range(5)])
        third = bus.read("g")[2]
        bus.seek("g", third.offset)
        assert bus.read("g")[0] == third

    def test_seeking_in_an_empty_log(self, bus: Bus) -> None:
        for to in ("start", "end", AT, 0):
            bus.seek("g", to)  # type: ignore[arg-type]
        bus.publish([event(1)])
        assert bus.lag("g") == 1


class TestQueries:
    @pytest.mark.parametrize(
        ("wanted", "found"),
        [
            ({"run_id": "r1"}, [1, 4, 7]),
            ({"dataset": "urn:dp:a:b"}, [0, 1, 2, 3, 4, 5, 6, 7]),
            ({"dataset": "ds://a/b"}, [0, 1, 2, 3, 4, 5, 6, 7]),
            ({"dataset": "urn:dp:a:other"}, []),
            ({"kind": "GATE", "result": "FAIL"}, [0, 4]),
            ({"kind": "CONFIG"}, []),
            ({"gate": "G3_SCHEMA"}, [1, 3, 5, 7]),
            ({"gate": "DQ", "result": "PASS"}, [0, 2, 4, 6]),
            ({"gate": "DQ", "result": "FAIL"}, []),
            ({"since": AT + timedelta(minutes=6)}, [6, 7]),
            ({"until": AT + timedelta(minutes=2)}, [0, 1]),
            ({"limit": 2}, [0, 1]),
            ({"limit": 2, "newest_first": True}, [7, 6]),
        ],
    )
    def test_filters(self, bus: Bus, wanted: dict[str, object], found: list[int]) -> None:
        bus.publish([event(n) for n in range(8)])
        assert numbers(bus, **wanted) == found


class TestDeadLetters:
    def test_the_newest_first_each_once(self, bus: Bus) -> None:
        letters = [
            DeadLetter("2024-01-15T00:00:00.000Z", "NO_TIME", "no time", "f.jsonl", f"body {n}")
            for n in range(3)
        ]
        bus.dead_letter(letters)
        bus.dead_letter(letters[:1])
        assert [letter.body for letter in bus.dead_letters()] == ["body 2", "body 1", "body 0"]
        assert len(bus.dead_letters(2)) == 2


PUBLISHER = """
import sys
sys.path.insert(0, sys.argv[2])
from test_bus import event
from sfctl.evidence.embedded import EmbeddedBus
bus = EmbeddedBus(sys.argv[1], timeout=10.0)
bus.publish([event(n) for n in range(50)])
print("published", flush=True)
sys.stdin.read()
"""


def _race(path: str, start: int) -> None:
    with EmbeddedBus(path, timeout=10.0) as bus:
        for n in range(start, start + 30):
            bus.publish([event(n)])


class TestProcesses:
    @pytest.mark.chaos
    def test_a_kill_between_publish_and_acknowledgement_counts_nothing_twice(
        self, tmp_path: Path, opened: Open
    ) -> None:
        environment = {**os.environ, "PYTHONPATH": os.getcwd()}
        child = subprocess.Popen(
            [sys.executable, "-c", PUBLISHER, str(tmp_path / "bus.db"), str(Path(__file__).parent)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        assert child.stdout is not None
        assert child.stdin is not None
        assert child.stdout.readline() == b"published\n"
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        child.stdin.close()
        bus = opened()
        again = bus.publish([event(n) for n in range(60)])
        assert again == Published(accepted=10, duplicates=50)
        assert numbers(bus) == list(range(60))

    def test_two_publishers_at_once_lose_nothing(self, tmp_path: Path, opened: Open) -> None:
        context = multiprocessing.get_context("spawn")
        path = str(tmp_path / "bus.db")
        workers = [context.Process(target=_race, args=(path, start)) for start in (0, 20)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(30)
        assert [worker.exitcode for worker in workers] == [0, 0]
        found = [record.event.seq for record in opened().read("g")]
        assert sorted(found) == list(range(50))
        assert [n for n in found if n < 20] == list(range(20))

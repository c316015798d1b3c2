"""Five minutes, the last that is known, and back again: counted by a clock that is set by hand."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sfctl.clock import format_instant
from sfctl.errors import SfctlError
from sfctl.model.schema import Column, Schema
from sfctl.model.types import parse
from sfctl.registry.cached import Cache
from sfctl.registry.port import Registered, RegistryUnreachable, drafted

URN, OTHER = "urn:dp:shop:orders", "urn:dp:shop:lines"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ONE = Schema((Column("id", parse("INT64"), False),))


class Server:
    """A registry that can be stopped, and counts who asks."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.newest = 1
        self.fault: BaseException | None = None
        self.gate = threading.Event()
        self.gate.set()

    def latest(self, subject: str) -> Registered | None:
        self.asked.append(subject)
        self.gate.wait(5)
        if self.fault is not None:
            raise self.fault
        if self.newest == 0:
            return None
        return drafted(subject, self.newest, ONE, at="", by="", formats={})

    def subjects(self) -> tuple[str, ...]:
        return ()

    def versions(self, subject: str) -> tuple[Registered, ...]:
        return ()

    def version(self, subject: str, number: int) -> Registered | None:
        return None

    def register(
        self, subject: str, schema: Schema, *, at: str, by: str, formats: Mapping[str, str]
    ) -> Registered:
        raise AssertionError("who asks what is registered registers nothing")

    def close(self) -> None:
        pass


def minutes(count: float) -> datetime:
    return NOW + timedelta(minutes=count)


def version(cache: Cache, at: datetime, subject: str = URN) -> tuple[int | None, bool]:
    """The version that is known, and whether it is stale."""
    known = cache.latest(subject, at)
    return (known.registered.version if known.registered else None), bool(known.trouble)


def test_at_most_two_calls_a_subject_in_six_minutes(tmp_path: Path) -> None:
    server = Server()
    cache = Cache(lambda: server, tmp_path)
    for second in range(0, 361, 10):
        for subject in (URN, OTHER):
            assert version(cache, NOW + timedelta(seconds=second), subject) == (1, False)
    assert server.asked == [URN, OTHER] * 2


def test_nor_by_processes_that_live_a_moment_each_or_by_a_registry_that_is_down(
    tmp_path: Path,
) -> None:
    server = Server()
    for second in range(0, 361, 10):
        if second == 100:
            server.fault = RegistryUnreachable("down")
        version(Cache(lambda: server, tmp_path), NOW + timedelta(seconds=second))
    assert len(server.asked) == 2


def test_the_last_that_is_known_is_used_and_it_recovers_by_itself(tmp_path: Path) -> None:
    server = Server()
    assert version(Cache(lambda: server, tmp_path), NOW) == (1, False)
    server.fault = RegistryUnreachable("the file is half written")
    server.newest = 2
    assert version(Cache(lambda: server, tmp_path), minutes(4)) == (1, False), "not asked yet"
    known = Cache(lambda: server, tmp_path).latest(URN, minutes(6))
    assert known.trouble == "SF520 the file is half written"
    assert known.answered_at == format_instant(NOW)
    assert known.registered is not None
    assert version(Cache(lambda: server, tmp_path), minutes(12)) == (1, True)
    server.fault = None
    assert version(Cache(lambda: server, tmp_path), minutes(13)) == (1, True)
    assert version(Cache(lambda: server, tmp_path), minutes(18)) == (2, False)


def test_a_registry_that_never_answered_leaves_nothing_and_says_so(tmp_path: Path) -> None:
    server = Server()
    server.fault = OSError("secret-host refused")
    known = Cache(lambda: server, tmp_path).latest(URN, NOW)
    assert (known.registered, known.answered_at, known.trouble) == (None, "", "OSError")


@pytest.mark.parametrize("fault", [SystemExit(3), MemoryError(), KeyError("x"), SfctlError("no")])
def test_whatever_it_raises_is_only_a_reason(fault: BaseException, tmp_path: Path) -> None:
    server = Server()
    server.fault = fault
    assert version(Cache(lambda: server, tmp_path), NOW) == (None, True)

    def closed() -> Server:
        raise fault

    assert version(Cache(closed, tmp_path / "other"), NOW) == (None, True)


def test_one_that_hangs_is_waited_for_no_longer_than_its_time(tmp_path: Path) -> None:
    server = Server()
    server.gate.clear()
    known = Cache(lambda: server, tmp_path, timeout=0.05).latest(URN, NOW)
    assert known.trouble == "no answer within 0.05 s"
    server.gate.set()


def test_nothing_registered_is_an_answer_too(tmp_path: Path) -> None:
    server = Server()
    server.newest = 0
    assert version(Cache(lambda: server, tmp_path), NOW) == (None, False)
    assert version(Cache(lambda: server, tmp_path), minutes(1)) == (None, False)
    assert len(server.asked) == 1


def test_what_was_asked_before_a_compile_is_asked_again(tmp_path: Path) -> None:
    server = Server()
    version(Cache(lambda: server, tmp_path), NOW)
    server.newest = 2
    after = format_instant(minutes(1))
    assert version(Cache(lambda: server, tmp_path, since=after), minutes(2)) == (2, False)
    assert version(Cache(lambda: server, tmp_path, since=after), minutes(3)) == (2, False)
    later = format_instant(minutes(60))
    assert version(Cache(lambda: server, tmp_path, since=later), minutes(4)) == (2, False)
    assert len(server.asked) == 2


def test_a_clock_that_goes_back_believes_nothing_of_the_future(tmp_path: Path) -> None:
    server = Server()
    version(Cache(lambda: server, tmp_path), minutes(60))
    version(Cache(lambda: server, tmp_path), NOW)
    assert len(server.asked) == 2


@pytest.mark.parametrize("text", ["", "{", "[]", '{"asked_at": "yesterday"}', "\x00" * 100])
def test_a_cache_that_was_damaged_is_no_cache(text: str, tmp_path: Path) -> None:
    server = Server()
    version(Cache(lambda: server, tmp_path), NOW)
    (path,) = (tmp_path / "registry").iterdir()
    path.write_text(text)
    assert version(Cache(lambda: server, tmp_path), minutes(1)) == (1, False)
    assert len(server.asked) == 2


def test_a_folder_that_cannot_be_written_costs_only_the_cache(tmp_path: Path) -> None:
    (tmp_path / "registry").write_text("in the way")
    server = Server()
    cache = Cache(lambda: server, tmp_path)
    assert version(cache, NOW) == version(cache, minutes(1)) == (1, False)
    assert len(server.asked) == 1


def test_threads_of_one_process_ask_once(tmp_path: Path) -> None:
    server = Server()
    cache = Cache(lambda: server, tmp_path)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: version(cache, NOW), range(8))) == {(1, False)}
    assert len(server.asked) == 1

"""The suite of the state port. An implementation is one fixture; every test here is for all."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfctl.errors import Conflict
from sfctl.state.embedded import EmbeddedState
from sfctl.state.port import ABSENT, Delete, Item, Put, StateStore

AT = datetime(2024, 1, 15, tzinfo=UTC)
LATER = AT + timedelta(hours=2)


class HandClock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.instant = AT

    def now(self) -> datetime:
        return self.instant


Open = Callable[[], StateStore]


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(params=["embedded"])
def opened(request: pytest.FixtureRequest, tmp_path: Path, clock: HandClock) -> Iterator[Open]:
    handles: list[StateStore] = []

    def again() -> StateStore:
        handles.append(EmbeddedState(tmp_path / "state.db", timeout=10.0, clock=clock))
        return handles[-1]

    yield again
    for handle in handles:
        handle.close()


@pytest.fixture
def store(opened: Open) -> StateStore:
    return opened()


class TestItems:
    def test_an_item_comes_back_with_its_version(self, store: StateStore, opened: Open) -> None:
        put = store.put("t", "k", {"a": [1, None, "ä"]})
        assert put == Item("t", "k", {"a": [1, None, "ä"]}, 1)
        assert opened().get("t", "k") == put
        assert store.put("t", "k", {}).version == 2

    def test_tables_and_keys_are_apart(self, store: StateStore) -> None:
        store.put("t", "k", {"n": 1})
        store.put("u", "k", {"n": 2})
        assert store.get("t", "other") is None
        assert store.get("t", "k") != store.get("u", "k")

    def test_a_deleted_item_is_gone(self, store: StateStore) -> None:
        store.put("t", "k", {})
        store.delete("t", "k")
        store.delete("t", "k")
        assert store.get("t", "k") is None
        assert store.query("t") == []

    def test_queries_are_by_prefix_in_key_order(self, store: StateStore) -> None:
        for key in ("run/2", "run/10", "run/1", "other", "run", "ruo", "run%"):
            store.put("t", key, {"key": key})
        assert [item.key for item in store.query("t", "run/")] == ["run/1", "run/10", "run/2"]
        assert [i.key for i in store.query("t", "run%")] == ["run%"]
        assert len(store.query("t")) == 7


class TestConditions:
    def test_absent_means_the_first_wins(self, store: StateStore) -> None:
        store.put("t", "k", {"n": 1}, expect=ABSENT)
        with pytest.raises(Conflict, match="t/k is at version 1, expected absent"):
            store.put("t", "k", {"n": 2}, expect=ABSENT)
        assert store.get("t", "k") == Item("t", "k", {"n": 1}, 1)

    def test_a_version_must_match(self, store: StateStore) -> None:
        version = store.put("t", "k", {}).version
        version = store.put("t", "k", {}, expect=version).version
        with pytest.raises(Conflict):
            store.put("t", "k", {}, expect=version - 1)
        with pytest.raises(Conflict, match="is absent"):
            store.put("t", "new", {}, expect=1)
        with pytest.raises(Conflict):
            store.delete("t", "k", expect=version + 1)
        store.delete("t", "k", expect=version)

    def test_a_version_never_comes_back(self, store: StateStore) -> None:
        old = store.put("t", "k", {"owner": "a"}).version
        store.delete("t", "k")
        new = store.put("t", "k", {"owner": "b"}, expect=ABSENT).version
        assert new > old
        with pytest.raises(Conflict):
            store.put("t", "k", {"owner": "a"}, expect=old)


class TestExpiry:
    def test_an_expired_item_is_gone_at_once(self, store: StateStore, clock: HandClock) -> None:
        put = store.put("t", "k", {}, expires_at=LATER)
        assert store.get("t", "k") == put
        assert put.expires_at == LATER
        clock.instant = LATER
        assert store.get("t", "k") is None
        assert store.query("t") == []

    def test_an_expired_lease_can_be_taken_but_not_renewed(
        self, store: StateStore, clock: HandClock
    ) -> None:
        lease = store.put("locks", "d", {"owner": "a"}, expect=ABSENT, expires_at=LATER)
        clock.instant = LATER + timedelta(seconds=1)
        taken = store.put("locks", "d", {"owner": "b"}, expect=ABSENT)
        with pytest.raises(Conflict):
            store.put("locks", "d", {"owner": "a"}, expect=lease.version)
        assert store.get("locks", "d") == taken

    def test_a_put_without_expiry_stays(self, store: StateStore, clock: HandClock) -> None:
        store.put("t", "k", {}, expires_at=LATER)
        store.put("t", "k", {"n": 1})
        clock.instant = LATER
        assert store.get("t", "k") is not None


class TestTransactions:
    def test_all_of_it(self, store: StateStore) -> None:
        store.put("t", "gone", {})
        store.transact(
            [
                Put("t", "a", {"n": 1}, expect=ABSENT),
                Put("u", "b", {"n": 2}),
                Delete("t", "gone", expect=1),
            ]
        )
        assert [item.key for item in store.query("t")] == ["a"]
        assert store.get("u", "b") is not None

    @pytest.mark.parametrize(
        "failing",
        [Put("t", "k", {}, expect=7), Delete("t", "k", expect=7), Put("t", "k", {}, ABSENT)],
    )
    def test_or_none(self, store: StateStore, failing: Put | Delete) -> None:
        before = store.put("t", "k", {"n": 0})
        with pytest.raises(Conflict, match="t/k"):
            store.transact([Put("t", "a", {}), Put("t", "k", {"n": 1}, expect=1), failing])
        assert store.query("t") == [before]

    @settings(max_examples=40, deadline=None)
    @given(
        writes=st.lists(
            st.tuples(
                st.sampled_from("abc"),
                st.sampled_from([None, ABSENT, 1, 2, 3]),
                st.booleans(),
            ),
            max_size=12,
        )
    )
    def test_one_by_one_is_the_same_as_a_dictionary(
        self, tmp_path_factory: pytest.TempPathFactory, writes: list[tuple[str, Any, bool]]
    ) -> None:
        model: dict[str, int] = {}
        last: dict[str, int] = {}
        with EmbeddedState(tmp_path_factory.mktemp("state") / "state.db") as store:
            for key, expect, remove in writes:
                found = model.get(key, ABSENT)
                try:
                    if remove:
                        store.delete("t", key, expect=expect)
                        model.pop(key, None)
                    else:
                        store.put("t", key, {"key": key}, expect=expect)
                        last[key] = model[key] = last.get(key, 0) + 1
                except Conflict:
                    assert expect is not None
                    assert expect != found
                else:
                    assert expect is None or expect == found
            assert {item.key: item.version for item in store.query("t")} == model


def _race(path: str, rounds: int) -> None:
    with EmbeddedState(path, timeout=30.0) as store:
        won = 0
        while won < rounds:
            item = store.get("t", "counter")
            value = {"n": item.value["n"] + 1 if item else 1}
            try:
                store.put("t", "counter", value, expect=item.version if item else ABSENT)
            except Conflict:
                continue
            won += 1


TRANSACTIONS = """
import sys
from sfctl.state.embedded import EmbeddedState
from sfctl.state.port import Put
store = EmbeddedState(sys.argv[1])
n = 0
while True:
    n += 1
    store.transact([Put("t", key, {"n": n}) for key in "abcdefgh"])
    if n == 5:
        print("ready", flush=True)
"""


class TestProcesses:
    def test_two_writers_racing_lose_no_update(self, tmp_path: Path, opened: Open) -> None:
        context = multiprocessing.get_context("spawn")
        path = str(tmp_path / "state.db")
        workers = [context.Process(target=_race, args=(path, 40)) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
        assert [worker.exitcode for worker in workers] == [0, 0]
        item = opened().get("t", "counter")
        assert item is not None
        assert (item.value, item.version) == ({"n": 80}, 80)

    @pytest.mark.chaos
    def test_a_kill_leaves_whole_transactions(self, tmp_path: Path, opened: Open) -> None:
        child = subprocess.Popen(
            [sys.executable, "-c", TRANSACTIONS, str(tmp_path / "state.db")],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.getcwd()},
        )
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        items = opened().query("t")
        assert len(items) == 8
        assert len({item.value["n"] for item in items}) == 1
        assert items[0].value["n"] >= 5

"""The kill switch: quick to read, hard to leave on by mistake, known to the last moment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest

from sfctl.errors import StoreError, UsageError
from sfctl.model.policy import Gate
from sfctl.state import switch as switches
from sfctl.state.embedded import EmbeddedState
from sfctl.state.port import StateStore
from sfctl.state.switch import Switches, read, switch_off, switch_on

NOW = datetime(2024, 1, 15, tzinfo=UTC)
NONE: Mapping[str, str] = {}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / ".sfctl"


def store(folder: Path) -> EmbeddedState:
    return EmbeddedState(folder / "state.db", clock=_Still())


class _Still:
    def now(self) -> datetime:
        return NOW


def off(folder: Path, scope: str, hours: float = 2) -> None:
    with store(folder) as state:
        switch_off(
            state,
            folder,
            scope=scope,
            reason="load",
            actor="ann",
            now=NOW,
            expires=timedelta(hours=hours),
        )


def seen(folder: Path, now: datetime = NOW, environ: Mapping[str, str] = NONE) -> Switches:
    return read(folder, now, store=lambda: store(folder), environ=environ)


def test_the_gates_are_those_of_the_policy() -> None:
    assert (*switches.GATES, "CERTIFICATION") == get_args(Gate)


def test_without_anything_gates_are_on(folder: Path) -> None:
    assert seen(folder).off(job="j") is None
    assert read(folder / "never", NOW, environ=NONE) == Switches((), "default")


@pytest.mark.parametrize(
    ("scope", "place", "elsewhere"),
    [
        ("fleet", {}, None),
        ("cluster:c1", {"cluster": "c1"}, {"cluster": "c2"}),
        ("job:orders", {"job": "orders"}, {"job": "orders2"}),
        ("dataset:ds://a/b", {"dataset": "urn:dp:a:b#gold"}, {"dataset": "urn:dp:a:c"}),
        ("dataset:b", {"dataset": "urn:dp:a:b"}, {"dataset": "odd name"}),
        ("gate:pii", {"gate": "G5_PII"}, {"gate": "DQ"}),
        ("gate:G5", {"gate": "G5_PII"}, {}),
        ("gate:DQ", {"gate": "DQ"}, {"gate": "G5_PII"}),
    ],
)
def test_scopes(
    folder: Path, scope: str, place: dict[str, str], elsewhere: dict[str, str] | None
) -> None:
    off(folder, scope)
    found = seen(folder).off(**place)
    assert found is not None
    assert (found.reason, found.actor) == ("load", "ann")
    assert found.expires == "2024-01-15T02:00:00.000Z"
    if elsewhere is not None:
        assert seen(folder).off(**elsewhere) is None


def test_on_again(folder: Path) -> None:
    off(folder, "job:j")
    with store(folder) as state:
        was = switch_on(state, folder, scope="job:j")
        assert was is not None
        assert was.scope == "job:j"
        assert switch_on(state, folder, scope="job:j") is None
    assert seen(folder).live == ()


def test_a_switch_expires_by_itself(folder: Path) -> None:
    off(folder, "fleet", hours=2)
    assert seen(folder, NOW + timedelta(hours=1, minutes=59)).off() is not None
    assert seen(folder, NOW + timedelta(hours=2)).off() is None


@pytest.mark.parametrize(
    ("scope", "reason", "hours"),
    [
        ("everything", "x", 2),
        ("fleet:x", "x", 2),
        ("job:", "x", 2),
        ("gate:G9", "x", 2),
        ("fleet", "  ", 2),
        ("fleet", "x", 25),
        ("fleet", "x", 0),
    ],
)
def test_out_of_bounds(folder: Path, scope: str, reason: str, hours: float) -> None:
    with store(folder) as state, pytest.raises(UsageError) as caught:
        switch_off(
            state,
            folder,
            scope=scope,
            reason=reason,
            actor="ann",
            now=NOW,
            expires=timedelta(hours=hours),
        )
    assert caught.value.code == "SF805"
    assert seen(folder).live == ()


def test_longer_than_a_day_below_the_fleet(folder: Path) -> None:
    off(folder, "job:j", hours=72)
    assert seen(folder, NOW + timedelta(hours=71)).off(job="j") is not None


@pytest.mark.parametrize("text", ["1", "true", "FLEET", "all"])
def test_the_environment_turns_everything_off(folder: Path, text: str) -> None:
    found = seen(folder, environ={"SFCTL_DISABLE": text})
    assert found.source == "environment"
    assert found.off(job="any") is not None


def test_the_environment_can_name_scopes_and_a_reason(folder: Path) -> None:
    environ = {"SFCTL_DISABLE": "job:x, gate:dq,nonsense:y", "SFCTL_DISABLE_REASON": "drill"}
    found = seen(folder, environ=environ)
    switch = found.off(job="x")
    assert switch is not None
    assert (switch.reason, switch.expires) == ("drill", "")
    assert found.off(gate="DQ") is not None
    assert found.off(job="y") is None


@pytest.mark.parametrize("text", ["", "0", "false", "no"])
def test_an_empty_variable_says_nothing(folder: Path, text: str) -> None:
    assert seen(folder, environ={"SFCTL_DISABLE": text}).live == ()


def test_environment_and_store_add_up(folder: Path) -> None:
    off(folder, "job:stored")
    found = seen(folder, environ={"SFCTL_DISABLE": "job:stated"})
    assert found.off(job="stored") is not None
    assert found.off(job="stated") is not None


def test_a_fresh_file_saves_the_question(folder: Path) -> None:
    off(folder, "job:j")

    def never() -> StateStore:
        raise AssertionError("the store was asked")

    found = read(folder, NOW, store=never, environ=NONE)
    assert (found.source, found.off(job="j") is not None) == ("cache", True)


def age(folder: Path, seconds: float) -> None:
    past = time.time() - seconds
    os.utime(folder / switches.FILE, (past, past))


def test_an_old_file_is_asked_again_and_renewed(folder: Path) -> None:
    off(folder, "job:j")
    (folder / switches.FILE).write_text('{"switches": []}')
    age(folder, 60)
    assert seen(folder).source == "store"
    assert seen(folder).source == "cache"
    assert seen(folder).off(job="j") is not None


def broken() -> StateStore:
    raise StoreError("gone")


ANSWERED = threading.Event()


def slow() -> StateStore:
    ANSWERED.wait(30)
    raise StoreError("gone")


@pytest.mark.parametrize("unreachable", [broken, slow])
def test_an_unreachable_store_leaves_the_last_known(folder: Path, unreachable: object) -> None:
    off(folder, "job:j")
    age(folder, 3600)
    ANSWERED.clear()
    found = read(folder, NOW, store=unreachable, environ=NONE)  # type: ignore[arg-type]
    assert not ANSWERED.is_set()
    ANSWERED.set()
    assert found.source == "last known"
    assert found.off(job="j") is not None
    (folder / switches.FILE).unlink()
    assert read(folder, NOW, store=broken, environ=NONE) == Switches((), "default")


@pytest.mark.parametrize("text", ["{", "[]", '{"switches": [{"x": 1}]}', '{"switches": 7}'])
def test_a_damaged_file_is_no_file(folder: Path, text: str) -> None:
    off(folder, "job:j")
    (folder / switches.FILE).write_text(text)
    assert seen(folder).off(job="j") is not None


def test_a_folder_that_cannot_be_written_does_not_matter(tmp_path: Path) -> None:
    with EmbeddedState(tmp_path / "state.db", clock=_Still()) as state:
        (tmp_path / "file").write_text("")
        switch_off(state, tmp_path / "file", scope="fleet", reason="x", actor="a", now=NOW)
        assert state.get("switches", "fleet") is not None


def test_reading_the_file_loads_no_library(folder: Path) -> None:
    off(folder, "job:j")
    code = (
        "import sys, json; from pathlib import Path; from datetime import datetime, UTC\n"
        "from sfctl.state.switch import read\n"
        f"read(Path({str(folder)!r}), datetime.now(UTC))\n"
        "print(json.dumps([m for m in ('msgspec', 'polars', 'sfctl.sqlite') if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert json.loads(done.stdout) == []

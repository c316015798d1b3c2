"""The runner over real stores: batch-cut-free, replayable, and unharmed by an engine's faults."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from sfctl.clock import format_instant, parse_instant
from sfctl.consumer import Reader, advanced
from sfctl.engines.engine import Cell, Step
from sfctl.engines.registry import engine_named
from sfctl.engines.runner import Runner
from sfctl.evidence.embedded import EmbeddedBus
from sfctl.evidence.port import Query
from sfctl.model import decisions
from sfctl.model.evidence import Evidence, encode, from_plain
from sfctl.model.ids import signal_id
from sfctl.model.signal import STATE_TABLE, Signal, SignalState, Window
from sfctl.state.embedded import EmbeddedState
from tests.unit.engines.events import ORDERS, config, run, wrote

HOUR = timedelta(hours=1)
NOW = parse_instant("2026-03-09T00:00:00Z")


class Tally(Cell, frozen=True, omit_defaults=True):
    dataset: str
    counts: dict[str, int] = {}  # noqa: RUF012  msgspec copies an empty default


class Hourly:
    """Counts gates by hour, says each count when the hour is over; `bad` is too much for it."""

    name = "hourly"
    cell = Tally

    def keys(self, event: Evidence) -> Iterable[str]:
        return (event.dataset_urn,) if event.kind == "GATE" else ()

    def fresh(self, key: str) -> Tally:
        return Tally(key)

    def fold(self, cell: Tally, event: Evidence) -> Step[Tally]:
        if event.run_id == "bad":
            raise ValueError("secret 4711")
        hour = event.timestamp[:13]
        return Step(replace(cell, counts={**cell.counts, hour: cell.counts.get(hour, 0) + 1}))

    def tick(self, cell: Tally, now: datetime) -> Step[Tally]:
        over = sorted(hour for hour in cell.counts if _end(hour) <= now)
        left = {hour: n for hour, n in cell.counts.items() if hour not in over}
        return Step(replace(cell, counts=left), tuple(_signal(cell, hour) for hour in over))

    def next_deadline(self, cell: Tally) -> datetime | None:
        return min(map(_end, cell.counts), default=None)

    def status(self, cell: Tally) -> tuple[SignalState, ...]:
        return ()


def _end(hour: str) -> datetime:
    return parse_instant(f"{hour}:00:00Z") + HOUR


def _signal(cell: Tally, hour: str) -> Signal:
    end = _end(hour)
    return Signal(
        signal_id=signal_id(end, cell.dataset, hour),
        signal_type="COUNT",
        dataset_urn=cell.dataset,
        state="WARNING",
        timestamp=format_instant(end),
        window=Window(format_instant(end - HOUR), format_instant(end)),
        metrics={"count": cell.counts[hour]},
        evidence_refs=tuple(f"evd-{n}" for n in range(20)),
    )


def gate(number: int, dataset: int = 0, hour: int = 0, run: str = "r") -> Evidence:
    return from_plain(
        {
            "schema": "urn:schema:evidence:3",
            "evidence_id": f"evd-{number:026d}",
            "kind": "GATE",
            "timestamp": f"2026-03-01T{hour:02d}:00:00.000000Z",
            "dataset_urn": f"urn:dp:shop:d{dataset}",
            "run_id": run,
        }
    )


def said(root: Path, events: list[Evidence], limit: int = 500) -> list[bytes]:
    root.mkdir()
    with EmbeddedBus(root / "bus.db") as bus, EmbeddedState(root / "state.db") as state:
        bus.publish(events)
        runner = Runner(Hourly(), bus, state, limit=limit)
        while runner.advance(NOW).more:
            pass
        assert runner.advance(NOW).emitted == 0
        assert not state.query("engine_hourly") or runner.next_deadline() is None
        return [encode(r.event) for r in bus.query(Query(kind="SIGNAL"))]


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5)), max_size=12), st.integers(1, 6))
def test_any_cut_of_the_log_gives_the_same_signals(
    places: list[tuple[int, int]], limit: int
) -> None:
    events = [gate(n, dataset, hour) for n, (dataset, hour) in enumerate(places)]
    with TemporaryDirectory() as folder:
        whole = said(Path(folder) / "whole", events)
        assert sorted(said(Path(folder) / "cut", events, limit)) == sorted(whole)
        assert len(whole) == len(set(places))


def test_a_poison_event_is_one_dead_letter_and_harms_nothing_else(tmp_path: Path) -> None:
    found = said(tmp_path / "a", [gate(0), gate(1, run="bad"), gate(2, 1)])
    assert len(found) == 2
    with EmbeddedBus(tmp_path / "a" / "bus.db") as bus:
        (letter,) = bus.dead_letters()
    assert (letter.reason, letter.detail) == ("ENGINE_FAILED", "hourly: ValueError")
    assert letter.origin == gate(1).evidence_id
    assert "4711" not in str(letter)


def fold_all(root: Path, name: str, events: list[Evidence], now: str) -> list[Signal]:
    """Run one of our engines over further events; return what it published."""
    with EmbeddedBus(root / "bus.db") as bus, EmbeddedState(root / "state.db") as state:
        bus.publish(events)
        runner = Runner(engine_named(name), bus, state)
        while advanced(runner, parse_instant(now)).more:
            pass
        return runner.published


def test_a_job_that_left_the_project_is_not_missed_any_more(tmp_path: Path) -> None:
    promised = config("2026-03-01T00:00:00Z", job={"schedule": "0 6 * * *"})
    first = fold_all(tmp_path, "freshness", [promised], "2026-03-01T12:00:00Z")
    assert [each.reason for each in first] == ["JOB_NOT_TRIGGERED"]
    with EmbeddedState(tmp_path / "state.db") as state:
        assert [item.key for item in state.query(STATE_TABLE)] == [f"{ORDERS}|freshness"]
    left = decisions.config(
        parse_instant("2026-03-01T13:00:00Z"),
        manifest_digest="sha256:2",
        project="shop",
        datasets={},
        jobs={},
        lineage={},
    )
    assert fold_all(tmp_path, "freshness", [left], "2026-03-09T00:00:00Z") == []
    with EmbeddedState(tmp_path / "state.db") as state:
        assert state.query(STATE_TABLE) == []
    # It comes back: only what is missed from then on counts.
    back = config("2026-03-09T00:00:00Z", job={"schedule": "0 6 * * *"})
    again = fold_all(tmp_path, "freshness", [back], "2026-03-09T12:00:00Z")
    assert [each.window.end[:10] for each in again] == ["2026-03-09"]


def test_a_worker_that_lags_behind_its_group_catches_up(tmp_path: Path) -> None:
    """Another worker folded all and died before it told the bus: nothing is folded twice."""
    events = [gate(n, hour=n) for n in range(6)]
    with EmbeddedBus(tmp_path / "bus.db") as bus, EmbeddedState(tmp_path / "state.db") as state:
        bus.publish(events)
        behind = Reader(bus, state, "hourly", limit=2)
        assert len(behind.next().records) == 2
        ahead = Runner(Hourly(), bus, state, limit=2)
        while ahead.advance(NOW).more:
            pass
        bus.seek("signal_engines.hourly", "start")
        batch = behind.next()
        assert {record.event.kind for record in batch.records} == {"SIGNAL"}
        assert len(bus.query(Query(kind="SIGNAL"))) == 6


def test_evidence_that_comes_late_amends_at_once(tmp_path: Path) -> None:
    """The commit was in time, but its event stood in the outbox past the deadline."""
    terms = config("2026-03-01T00:00:00Z", freshness={"expected_update_by": "09:00 UTC"})
    noon = "2026-03-01T12:00:00Z"
    (late,) = fold_all(tmp_path, "freshness", [terms], noon)
    assert (late.reason, late.state) == ("UPDATE_LATE", "CRITICAL")
    (amended,) = fold_all(
        tmp_path, "freshness", [wrote(run("2026-03-01"), "2026-03-01T08:50")], noon
    )
    assert (amended.signal_id, amended.revision, amended.state) == (late.signal_id, 1, "OK")


def test_the_past_is_judged_by_its_last_deadline(tmp_path: Path) -> None:
    terms = config("2026-03-01T00:00:00Z", freshness={"expected_update_by": "09:00 UTC"})
    (late,) = fold_all(tmp_path, "freshness", [terms], "2024-01-15T09:31:00Z")
    assert (late.reason, late.window.end[:10]) == ("UPDATE_LATE", "2024-01-15")


@pytest.mark.parametrize(("now", "said"), [("09:30:00", 0), ("09:30:01", 1), ("23:00:00", 1)])
def test_a_deadline_counts_from_its_very_end(tmp_path: Path, now: str, said: int) -> None:
    terms = config("2026-03-01T00:00:00Z", freshness={"expected_update_by": "09:00 UTC"})
    assert len(fold_all(tmp_path, "freshness", [terms], f"2026-03-01T{now}Z")) == said

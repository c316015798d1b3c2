"""The view's states, its compare-and-set, and the pin beside the table."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sfctl.certification import pin, view
from sfctl.certification.view import decided, moved_back, status_at
from sfctl.errors import Conflict, StoreError, UsageError
from sfctl.model.certificate import Certificate
from sfctl.state.embedded import EmbeddedState

URN = "urn:dp:curated:orders"
FRESH = Certificate(URN)
AT = "2026-11-21T00:00:00.000Z"
LATER = "2026-11-22T00:00:00.000Z"


def certified(*versions: int) -> Certificate:
    found = FRESH
    for version in versions:
        found = decided(found, version=version, blockers=(), at=AT)
    return found


def test_a_view_certifies_holds_and_certifies_again() -> None:
    first = decided(FRESH, version=None, blockers=("BLOCKED",), at=AT)
    assert (first.status, first.held_reason) == ("NEVER_CERTIFIED", "BLOCKED")
    good = decided(first, version=0, blockers=(), at=AT, run_id="r")
    assert (good.status, good.certified_version, good.held_since) == ("CERTIFIED", 0, "")
    held = decided(good, version=1, blockers=("GATE_FAIL:DQ",), at=AT)
    still = decided(held, version=2, blockers=("TAINTED(1)",), at=LATER)
    assert (still.status, still.certified_version) == ("HELD_AT_PREVIOUS", 0)
    assert (still.held_since, still.held_reason) == (AT, "TAINTED(1)")
    assert decided(still, version=3, blockers=(), at=LATER).history == (0, 3)


def test_a_late_decision_never_moves_the_view_backwards() -> None:
    present = certified(3)
    assert decided(present, version=2, blockers=(), at=LATER) == present
    assert decided(present, version=3, blockers=("X",), at=LATER) == present
    again = decided(present, version=3, blockers=(), at=LATER, again=True)
    assert again.last_certified_at == LATER


@pytest.mark.parametrize(("tier", "hours"), [(1, 24), (2, 48), (3, 72)])
def test_a_view_held_too_long_escalates_by_tier(tier: int, hours: int) -> None:
    held = decided(certified(0), version=1, blockers=("X",), at=AT)
    limit = datetime(2026, 11, 21, tzinfo=UTC) + timedelta(hours=hours)
    minute = timedelta(minutes=1)
    assert status_at(held, tier, limit - minute) == "HELD_AT_PREVIOUS"
    assert status_at(held, tier, limit + minute) == "STALE_ESCALATION"
    beside = pin.pin_of(held, tier=tier, on_stale="serve_certified", format="delta")
    assert beside.status_at(limit - minute) == "HELD_AT_PREVIOUS"
    assert beside.status_at(limit + minute) == "STALE_ESCALATION"
    assert status_at(certified(0), tier, limit + minute) == "CERTIFIED"


def test_moving_back_only_to_what_was_certified() -> None:
    present = certified(1, 3, 5)
    back = moved_back(present, None, LATER)
    assert (back.certified_version, back.status) == (3, "HELD_AT_PREVIOUS")
    assert (back.held_reason, back.distrusted) == ("ROLLED_BACK(5)", (5,))
    further = moved_back(back, 1, LATER)
    assert (further.certified_version, further.distrusted) == (1, (5, 3))
    forward = moved_back(further, 5, LATER)
    assert (forward.status, forward.held_since, forward.distrusted) == ("CERTIFIED", "", ())
    assert moved_back(present, 5, LATER) == present
    with pytest.raises(UsageError, match=r"version 4 .* has no CERTIFIED record"):
        moved_back(present, 4, LATER)
    with pytest.raises(UsageError, match="an earlier certified version"):
        moved_back(certified(1), None, LATER)


def test_the_view_moves_by_compare_and_set(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    EmbeddedState(path).put("warm", "up", {})

    def bump() -> None:
        with EmbeddedState(path, timeout=20) as state:
            for _ in range(5):
                view.move(state, URN, lambda c: msgspec.structs.replace(
                    c, quarantined_rows=c.quarantined_rows + 1))  # fmt: skip

    racers = [threading.Thread(target=bump) for _ in range(2)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    with EmbeddedState(path) as state:
        found = view.load(state, URN)
    assert (found.quarantined_rows, found.generation) == (10, 10)


def test_a_view_that_others_keep_moving_says_so(tmp_path: Path) -> None:
    with EmbeddedState(tmp_path / "state.db") as state:

        def rival(present: Certificate) -> Certificate:
            state.put(view.TABLE, URN, {"dataset_urn": URN, "generation": present.generation})
            return msgspec.structs.replace(present, run_id="mine")

        with pytest.raises(Conflict, match="keeps being moved by others"):
            view.move(state, URN, rival)


def a_pin(generation: int, **changes: Any) -> pin.Pin:
    made = msgspec.structs.replace(certified(generation), generation=generation, **changes)
    return pin.pin_of(made, tier=1, on_stale="serve_certified", format="delta")


def test_a_pin_moves_forward_only(tmp_path: Path) -> None:
    assert pin.read(tmp_path) is None
    assert pin.write(tmp_path, a_pin(2))
    assert not pin.write(tmp_path, a_pin(1))
    assert not pin.write(tmp_path, a_pin(2))
    assert pin.read(tmp_path) == a_pin(2)
    assert [path.name for path in (tmp_path / "_sfctl").iterdir()] == ["certified.json"]


def test_a_pin_says_what_was_ordered(tmp_path: Path) -> None:
    pin.write(tmp_path, a_pin(1))
    written = json.loads((tmp_path / pin.NAME).read_text())
    assert written["last_certified_version"] == 1
    assert written["last_certified_at"] == written["data_as_of"] == AT
    assert written["certification_status"] == "CERTIFIED"
    assert written["schema"] == "sfctl.pin.v1"


def test_a_damaged_pin_is_reported_and_replaced(tmp_path: Path) -> None:
    pin.write(tmp_path, a_pin(1))
    (tmp_path / pin.NAME).write_text("{")
    with pytest.raises(StoreError, match="cannot be read"):
        pin.read(tmp_path)
    assert pin.write(tmp_path, a_pin(1))
    assert pin.read(tmp_path) == a_pin(1)


def test_a_pin_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "_sfctl").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be written"):
        pin.write(tmp_path, a_pin(1))

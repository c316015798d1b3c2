"""How long something has been wrong is said where it has been so for any time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sfctl.commands.signals import _state_lines
from sfctl.model.signal import SignalState

BEGAN = datetime(2024, 1, 15, 10, tzinfo=UTC)


def test_what_began_now_is_not_told_in_milliseconds() -> None:
    state = SignalState(
        dataset_urn="urn:dp:orders:created",
        engine="drift",
        state="CRITICAL",
        last_updated="2024-01-15T10:00:00.000Z",
        failure_signature="MISSING_FIELD:dest",
    )
    assert list(_state_lines([state], BEGAN))[1] == "    MISSING_FIELD:dest"
    later = list(_state_lines([state], BEGAN + timedelta(hours=2)))
    assert later[1] == "    for 2.0 h: MISSING_FIELD:dest"

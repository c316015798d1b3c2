"""How old a stream's newest event may get: WARNING from two thirds of the limit, then CRITICAL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
from msgspec.structs import replace

from sfctl.clock import format_instant, parse_instant
from sfctl.model.evidence import Evidence
from sfctl.model.ids import signal_id
from sfctl.model.signal import Signal, State, Window

WINDOW = timedelta(minutes=5)
GRACE = timedelta(minutes=2)
_WARNING = 2 / 3


class Delay(msgspec.Struct, frozen=True, omit_defaults=True):
    """A stream's newest event. `episode` names the breach that goes on: its newest event then."""

    last_event_ts: str = ""
    late: int = 0
    episode: str = ""


def window_of(moment: datetime) -> tuple[datetime, datetime]:
    """Return the 5-minute tumbling window of an instant."""
    at = moment.astimezone(UTC)
    start = at.replace(minute=at.minute - at.minute % 5, second=0, microsecond=0)
    return start, start + WINDOW


def heard_at(event: Evidence, clock: str) -> datetime | None:
    """Return when an event was processed: its own word, else the cell's clock, else None."""
    for text in (event.stream.get("processing_time"), clock):
        try:
            return parse_instant(str(text))
        except ValueError:
            continue
    return None


def heard(delay: Delay, event: Evidence, clock: str) -> Delay:
    """Note an event of the stream; one that comes past its window's grace is only counted.

    Lateness is measured by the event's own processing time, else by the cell's clock.
    """
    moment = parse_instant(event.timestamp)
    told = heard_at(event, clock)
    if told is not None and told > window_of(moment)[1] + GRACE:
        return replace(delay, late=delay.late + 1)
    stamp = format_instant(moment)
    return replace(delay, last_event_ts=max(delay.last_event_ts, stamp))


def delay_step(
    dataset: str, delay: Delay, limit: float, now: datetime
) -> tuple[Delay, Signal | None]:
    """Judge a stream at `now`; the signals of one breach share an id, its end included."""
    if not delay.last_event_ts:
        return delay, None
    state, since = _state(delay, limit, now)
    if state == "OK" and not delay.episode:
        return delay, None
    episode = delay.episode or delay.last_event_ts
    last = parse_instant(delay.last_event_ts)
    start, end = window_of(last)
    signal = Signal(
        signal_id=signal_id(parse_instant(episode), "freshness", dataset, "delay", episode),
        signal_type="FRESHNESS_BREACH",
        dataset_urn=dataset,
        state=state,
        timestamp=format_instant(since),
        window=Window(format_instant(start), format_instant(end), "TUMBLING_5MIN"),
        engine="freshness",
        reason="" if state == "OK" else "UPDATE_LATE",
        metrics={"max_delay_seconds": limit},
        details={"last_event_ts": delay.last_event_ts, "breach_since": episode},
    )
    return replace(delay, episode="" if state == "OK" else episode), signal


def next_step(delay: Delay, limit: float, now: datetime) -> datetime | None:
    """Return when the state changes if nothing more is heard."""
    if not (delay.last_event_ts and limit):
        return None
    last = parse_instant(delay.last_event_ts)
    steps = (last + timedelta(seconds=limit * share) for share in (_WARNING, 1))
    later = [step + timedelta(milliseconds=1) for step in steps]
    return next((step for step in later if step > now), None)


def _state(delay: Delay, limit: float, now: datetime) -> tuple[State, datetime]:
    last = parse_instant(delay.last_event_ts)
    critical, warning = (last + timedelta(seconds=limit * share) for share in (1, _WARNING))
    if now > critical:
        return "CRITICAL", critical
    return ("WARNING", warning) if now >= warning else ("OK", last)

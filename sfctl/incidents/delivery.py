"""Notices go out: each at least once, none too often, and a dead channel holds nothing up."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from sfctl.clock import format_instant, parse_instant
from sfctl.incidents import notice as wording
from sfctl.incidents import outbox, routing, sending, store
from sfctl.incidents.notifiers import file
from sfctl.incidents.notifiers.webhook import Refused
from sfctl.incidents.outbox import Notice
from sfctl.incidents.severity import RANK
from sfctl.model.incident import Incident
from sfctl.model.manifest import ChannelEntry
from sfctl.model.topology import Topology
from sfctl.state.port import Delete, Put, StateStore

ALERTED = "incident_alerts"
"""State table: `cause_key` → when it was told, by severity; and whether it was escalated."""
TEAMS = "incident_teams"
"""State table: team → when it was alerted within the hour, and what waits for its digest."""
UPSTREAM = "incident_upstream"
"""State table: consumer → when its owner was warned last."""
HOUR = timedelta(hours=1)
TRIES = 24
"""After half a minute, then twice as long each time up to an hour: about 18 hours in all."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a person can take. Escalation is by severity; SEV-3 waits for office hours."""

    dedup: timedelta = timedelta(minutes=5)
    alerts_per_hour: int = 10
    escalate: tuple[tuple[str, timedelta], ...] = (
        ("SEV-1", timedelta(minutes=30)),
        ("SEV-2", timedelta(hours=4)),
    )
    stale: timedelta = timedelta(hours=24)
    """Warnings about what is further back than this concern nobody any more."""
    budget_s: float = 15.0
    """How long one pass may take; what is left waits for the next."""


@dataclass(slots=True)
class Delivered:
    """What one pass did."""

    sent: int = 0
    waiting: int = 0
    lines: list[str] = field(default_factory=list)


def deliver(
    state: StateStore, topology: Topology, root: Path, now: datetime, limits: Limits
) -> Delivered:
    """Send what is due at `now`. Sending again after a kill carries the same dedup key."""
    post = _Post(state, topology, root, now, limits)
    notices = [msgspec.convert(item.value, Notice) for item in state.query(outbox.TABLE)]
    for notice in sorted(notices, key=lambda n: (RANK[n.severity], n.at, n.id)):
        if (notice.next_at and parse_instant(notice.next_at) > now) or post.spent():
            post.result.waiting += 1
        else:
            post.take(notice)
    post.digests()
    post.escalations()
    return post.result


@dataclass(slots=True)
class _Post:
    state: StateStore
    topology: Topology
    root: Path
    now: datetime
    limits: Limits
    result: Delivered = field(default_factory=Delivered)
    _started: float = field(default_factory=time.monotonic)

    def spent(self) -> bool:
        """Tell whether this pass has taken its time."""
        return time.monotonic() - self._started > self.limits.budget_s

    def take(self, notice: Notice) -> None:
        """Send one notice, or drop it where it says nothing new."""
        handler: dict[str, Callable[[Notice], None]] = {
            "trigger": self._alert,
            "resolve": self._end,
            "upstream": self._warn,
            "gap": self._gap,
        }
        if notice.kind in handler:
            handler[notice.kind](notice)

    def _alert(self, notice: Notice) -> None:
        incident = self._incident(notice)
        if incident is None:
            self._drop(notice)
            return
        told = self._value(ALERTED, incident.cause_key)
        over = incident.status == "RESOLVED"
        if not notice.attempts and ((over and not told) or self._told_lately(told, notice)):
            self._drop(notice)
            return
        if not notice.attempts and not self._room(notice, incident):
            return
        done = self._heard(incident, format_instant(self.now))
        self._send(notice, incident, self._channels(notice, incident), done)

    def _end(self, notice: Notice) -> None:
        incident = self._incident(notice)
        if incident is None or incident.status != "RESOLVED":
            self._drop(notice)
            return
        told = self._value(ALERTED, incident.cause_key)
        if not told.get("at"):
            self._drop(notice)
            return
        quiet = Put(ALERTED, incident.cause_key, {**told, "escalated": True})
        self._send(notice, incident, self._channels(notice, incident), quiet)

    def _warn(self, notice: Notice) -> None:
        consumer = str(notice.body.get("consumer", ""))
        last = self._value(UPSTREAM, consumer).get("at", "")
        at = parse_instant(notice.at)
        if self.now - at > self.limits.stale or (last and abs(at - parse_instant(last)) < HOUR):
            self._drop(notice)
            return
        done = Put(UPSTREAM, consumer, {"at": notice.at})
        self._send(notice, None, self._channels(notice, None), done)

    def _gap(self, notice: Notice) -> None:
        self._send(notice, None, self._channels(notice, None))

    def digests(self) -> None:
        """Tell each team that had too much to hear what else there is, once an hour."""
        for item in self.state.query(TEAMS):
            held = list(item.value.get("held", []))
            last = item.value.get("digest", "")
            if not held or (last and self.now - parse_instant(last) < HOUR) or self.spent():
                continue
            found = [pair[0] for key in held if (pair := store.load(self.state, key))]
            live = sorted(
                (each for each in found if each.status != "RESOLVED"),
                key=lambda each: (RANK[each.severity], store.number(each.incident_id)),
            )
            at = format_instant(self.now)
            empty = Put(TEAMS, item.key, {**item.value, "held": [], "digest": at}, item.version)
            if not live:
                self.state.transact([empty])
                continue
            lines = [f"{i.incident_id} [{i.severity}] {i.title}" for i in live]
            noun = "incident" if len(live) == 1 else "incidents"
            body = {
                "summary": f"[DIGEST] {len(live)} more {noun} within the hour",
                "incidents": [each.incident_id for each in live],
                "lines": lines,
            }
            notice = Notice(
                id=f"digest|{item.key}",
                kind="digest",
                at=at,
                team=item.key.removeprefix("team:"),
                severity=live[0].severity,
                body=body,
            )
            heard = [self._heard(each, at) for each in live]
            self._send(notice, None, self._channels(notice, None), empty, *heard)

    def escalations(self) -> None:
        """Tell somebody else of what nobody has acknowledged, once."""
        limits = dict(self.limits.escalate)
        for incident in store.every(self.state, open_only=True):
            told = self._value(ALERTED, incident.cause_key)
            limit = limits.get(incident.severity)
            if incident.status != "OPEN" or limit is None or not incident.alerts:
                continue
            if told.get("escalated") or not told.get("at"):
                continue
            if self.now - min(map(parse_instant, told["at"].values())) < limit or self.spent():
                continue
            notice = Notice(
                id=f"{incident.cause_key}|{len(incident.history):04}|escalate",
                kind="escalate",
                at=format_instant(self.now),
                team=incident.owner,
                cause_key=incident.cause_key,
                severity=incident.severity,
            )
            done = Put(ALERTED, incident.cause_key, {**told, "escalated": True})
            self._send(notice, incident, self._channels(notice, incident), done)

    def _room(self, notice: Notice, incident: Incident) -> bool:
        """Count an alert against its team's hour; one too many waits for the digest."""
        key = f"team:{notice.team}"
        item = self.state.get(TEAMS, key)
        value: dict[str, Any] = dict(item.value) if item else {}
        recent = [at for at in value.get("sent", []) if self.now - parse_instant(at) < HOUR]
        if len(recent) < self.limits.alerts_per_hour:
            recent.append(format_instant(self.now))
            self.state.put(TEAMS, key, {**value, "sent": recent})
            return True
        held = sorted({*value.get("held", []), incident.cause_key})
        later = Put(TEAMS, key, {**value, "sent": recent, "held": held})
        self.state.transact([later, Delete(outbox.TABLE, notice.id)])
        return False

    def _heard(self, incident: Incident, at: str) -> Put:
        """Return the write that says people know of an incident as bad as it is now."""
        told = self._value(ALERTED, incident.cause_key)
        severities = {**told.get("at", {}), incident.severity: at}
        return Put(ALERTED, incident.cause_key, {"at": severities, "escalated": False})

    def _told_lately(self, told: dict[str, Any], notice: Notice) -> bool:
        """Tell whether people heard of it, as bad as this or worse, within the last minutes."""
        return any(
            RANK[severity] <= RANK[notice.severity]
            and self.now - parse_instant(at) < self.limits.dedup
            for severity, at in told.get("at", {}).items()
        )

    def _send(
        self,
        notice: Notice,
        incident: Incident | None,
        channels: tuple[ChannelEntry, ...],
        *done: Put,
    ) -> None:
        """Send through every channel that has it not yet; keep the rest for another try."""
        if kept := self.state.get(outbox.TABLE, notice.id):
            tried = msgspec.convert(kept.value, Notice)
            notice = replace(notice, attempts=tried.attempts, done=tried.done)
            if tried.next_at and parse_instant(tried.next_at) > self.now:
                return
        name = incident.incident_id if incident else notice.team or "nobody"
        have = list(notice.done)
        failed: list[str] = []
        unusable: list[str] = []
        for channel in channels:
            mark = sending.fingerprint(channel)
            if mark in have:
                continue
            try:
                sending.send(channel, notice, incident, self.root)
                have.append(mark)
            except sending.Unusable as error:
                unusable.append(f"{channel.type}: {error}")
            except Refused as error:
                failed.append(f"{channel.type}: {error}")
        if not have and not failed:
            try:
                file.append(self.root, "", wording.document(notice, incident, ""))
                have.append("file:default")
            except Refused as error:
                failed.append(f"file: {error}")
        why = "; ".join(failed + unusable)
        if failed and notice.attempts < TRIES:
            self._later(replace(notice, done=tuple(have)), name, why)
            return
        self.state.transact([*done, Delete(outbox.TABLE, notice.id)])
        self.result.sent += 1
        where = ", ".join(dict.fromkeys(mark.partition(":")[0] for mark in have)) or "nowhere"
        line = f"{name}: {notice.kind} told by {where}"
        self.result.lines.append(f"{line} ({why})" if why else line)

    def _later(self, notice: Notice, name: str, why: str) -> None:
        wait = min(timedelta(seconds=30) * 2**notice.attempts, HOUR)
        next_at = format_instant(self.now + wait)
        again = replace(notice, attempts=notice.attempts + 1, next_at=next_at)
        self.state.transact([outbox.write_of(again)])
        self.result.waiting += 1
        self.result.lines.append(f"{name}: {notice.kind} waits ({why})")

    def _drop(self, notice: Notice) -> None:
        self.state.delete(outbox.TABLE, notice.id)

    def _incident(self, notice: Notice) -> Incident | None:
        found = store.Ledger(self.state).get(notice.cause_key)
        loaded = store.load(self.state, found.cause_key) if found else None
        return loaded[0] if loaded else None

    def _channels(self, notice: Notice, incident: Incident | None) -> tuple[ChannelEntry, ...]:
        known = routing.channels_of(notice.team, self.topology)
        alerts = incident.alerts if incident else True
        return routing.chosen(known, notice.kind, notice.severity, alerts=alerts)

    def _value(self, table: str, key: str) -> dict[str, Any]:
        item = self.state.get(table, key)
        return dict(item.value) if item else {}

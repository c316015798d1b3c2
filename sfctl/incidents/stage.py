"""The incidents' stage: reads signals from the log, decides, keeps what it decided in one step.

The graph is written before the place in the log moves, and the writes are the same when they come
again: a kill at any point loses nothing and doubles nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec.structs import replace

from sfctl.clock import format_instant
from sfctl.consumer import Progress, Reader
from sfctl.evidence.port import Bus, DeadLetter, Record
from sfctl.graph.port import Graph
from sfctl.incidents import cause, citation, correlation, good, lifecycle, outbox, reading
from sfctl.incidents.delivery import Delivered, Limits, deliver
from sfctl.incidents.impact import consumers, impact_of, owner_of, tier_of
from sfctl.incidents.node import elements, elements_of_merged
from sfctl.incidents.outbox import Notice
from sfctl.incidents.seen import Seen
from sfctl.incidents.severity import alerting, engine_of
from sfctl.incidents.store import Ledger
from sfctl.incidents.surroundings import Survey
from sfctl.model import codec, urn
from sfctl.model import topology as topologies
from sfctl.model.evidence import Evidence
from sfctl.model.graph import Elements
from sfctl.model.incident import Incident
from sfctl.model.signal import Signal
from sfctl.model.topology import Topology
from sfctl.state.port import Delete, Put, StateStore

TOPOLOGY = "incident_topology"
"""State table: `current` → the CONFIG the stage has passed last."""


@dataclass(slots=True)
class IncidentStage:
    """Folds signals into incidents. `root` is the project: file channels must lie inside it."""

    bus: Bus
    state: StateStore
    graph: Graph
    root: Path
    limits: Limits = field(default_factory=Limits)
    told: list[str] = field(default_factory=list)
    """One line for each notice since the stage was made: for whoever runs it to print."""
    batch: int = 500
    name: str = "incidents"
    _reader: Reader | None = field(default=None, init=False)

    def advance(self, now: datetime) -> Progress:
        """Take the next events in; tell people once the log is read to its end."""
        if self._reader is None:
            self._reader = Reader(self.bus, self.state, self.name, limit=self.batch)
        batch = self._reader.next()
        work = _Pass(self.bus, self.state, self.graph)
        if batch.records:
            for record in batch.records:
                work.take(record)
            work.finish()
            if letters := work.letters:
                self.bus.dead_letter(letters)
            self.graph.upsert(work.elements(), now)
            self.state.transact([*work.writes(), batch.moved()])
            self._reader.done(batch)
        if not batch.more:
            self.told += self.deliver(now).lines
        return Progress(len(batch.records), work.emitted, len(work.letters), batch.more)

    def deliver(self, now: datetime) -> Delivered:
        """Tell who is to be told; what cannot be delivered now waits for its next turn."""
        return deliver(self.state, topology_of(self.state), self.root, now, self.limits)

    def turn(self) -> AbstractContextManager[None]:
        """Hold the graph: it is drawn before the group moves."""
        return self.graph.turn()

    def next_deadline(self) -> datetime | None:
        """Return None: nothing becomes due that the next call would not do."""
        return None


def topology_of(state: StateStore) -> Topology:
    """Return the project as the stage knows it, an empty one before the first CONFIG."""
    item = state.get(TOPOLOGY, "current")
    return msgspec.convert(item.value, Topology) if item else Topology()


@dataclass(slots=True)
class _Pass:
    """One batch, from the first record to the writes."""

    bus: Bus
    state: StateStore
    graph: Graph
    letters: list[DeadLetter] = field(default_factory=list)
    _notices: dict[str, Notice] = field(default_factory=dict)
    _merged: list[tuple[Incident, Incident]] = field(default_factory=list)
    _topology: Topology | None = None
    _configured: bool = False
    _ledger: Ledger = field(init=False)
    _survey: Survey = field(init=False)

    def __post_init__(self) -> None:
        self._ledger = Ledger(self.state)
        self._survey = Survey(self.graph, self.bus)

    @property
    def emitted(self) -> int:
        """How many incidents the batch changed."""
        return len(self._ledger.changed())

    @property
    def topology(self) -> Topology:
        if self._topology is None:
            self._topology = topology_of(self.state)
        return self._topology

    def take(self, record: Record) -> None:
        """Take one event in; what cannot be read becomes a dead letter."""
        event = record.event
        reader: Callable[[Record], None] | None = {
            "CONFIG": self._config,
            "DeploymentEvent": self._deployed,
            "SIGNAL": self._signal,
            "QUARANTINE": self._signal,
            "GATE": self._gate,
        }.get(event.kind)
        if reader is None:
            return
        try:
            reader(record)
        except (msgspec.ValidationError, ValueError) as error:
            self.letters.append(_letter(event, error))

    def finish(self) -> None:
        """Say of each incident that changed whom it concerns."""
        for incident in self._ledger.changed():
            impact = impact_of(incident.datasets, self.topology, self.graph)
            self._ledger.keep(replace(incident, impact=impact))

    def elements(self) -> Elements:
        """Return the graph's part of what was decided."""
        found = Elements()
        for incident in self._ledger.changed():
            found += elements(incident)
        for older, newer in self._merged:
            found += elements_of_merged(older, newer)
        return found

    def writes(self) -> list[Put | Delete]:
        """Return the state's part of what was decided."""
        done = self._ledger.writes()
        done += [outbox.write_of(notice) for notice in self._notices.values()]
        if self._configured:
            done.append(Put(TOPOLOGY, "current", codec.plain(self.topology)))
        return done

    def _config(self, record: Record) -> None:
        before, now = self.topology, topologies.from_event(record.event)
        for notice in outbox.gaps(before, now):
            self._notices[notice.id] = notice
        self._topology, self._configured = now, True

    def _signal(self, record: Record) -> None:
        signal = reading.signal_of(record.event)
        if signal is None or signal.state == "UNKNOWN":
            return
        if signal.state == "OK":
            for incident in self._ledger.open():
                for key in good.content(signal, incident):
                    self._keep(incident, lifecycle.heard_good(incident, key, signal.timestamp))
                    incident = self._ledger.get(incident.cause_key) or incident
            return
        seen = self._seen(signal, record.offset)
        if seen is None:
            return
        self._place(seen)
        if signal.state == "WARNING" and seen.alerts:
            for consumer in consumers(seen.dataset, self.graph):
                owner = str(consumer.props.get("owner") or "")
                notice = outbox.warning(seen, consumer.id, owner)
                self._notices[notice.id] = notice

    def _gate(self, record: Record) -> None:
        for incident in self._ledger.open():
            for key in good.passed(record.event, incident):
                at = record.event.timestamp
                self._keep(incident, lifecycle.heard_good(incident, key, at))
                incident = self._ledger.get(incident.cause_key) or incident

    def _deployed(self, record: Record) -> None:
        """Look again at open incidents: a deployment that came late may be what brought them."""
        for incident in self._ledger.open():
            if incident.suspected_deployment:
                continue
            for each in incident.symptoms:
                dataset = urn.without_stage(each.dataset_urn)
                node = self._survey.deployment(each.signature, dataset, record.offset)
                if node is not None:
                    at = str(node.props.get("deployed_at") or "")
                    service = str(node.props.get("service") or "")
                    version = str(node.props.get("version") or "")
                    named = lifecycle.attributed(incident, node.id, at, service, version)
                    self._keep(incident, named)
                    break
        self._merge()

    def _seen(self, signal: Signal, offset: int) -> Seen | None:
        """Return a bad signal with its surroundings, None where enforcement wants no incident."""
        level = reading.level_of(self.topology, signal.dataset_urn)
        told = alerting(engine_of(signal.signal_type, signal.engine), level)
        if told == "none":
            return None
        dataset = urn.without_stage(signal.dataset_urn)
        wrote = {
            version
            for version in self._survey.versions(signal.run_id, "WROTE_TO")
            if urn.without_stage(version.rpartition("@")[0]) == dataset
        }
        return reading.seen(
            signal,
            self._survey.of(signal, offset),
            tier=tier_of(dataset, self.topology, self.graph),
            owner=owner_of(dataset, self.topology, self.graph),
            level=level,
            wrote=frozenset(wrote),
        )

    def _place(self, seen: Seen) -> None:
        """Put a bad signal where it belongs: an open incident, an ended one, or a new one."""
        open_ = self._ledger.open()
        for incident in open_:
            if any(each.signal_id == seen.symptom.signal_id for each in incident.symptoms):
                self._grow(incident, seen, "")
                return
        found = correlation.match(seen, open_)
        if found is not None:
            self._grow(found.incident, seen, found.because)
            return
        key = cause.cause_key(seen)
        number = 1
        while (known := self._ledger.get(key)) is not None:
            if lifecycle.may_reopen(known, seen.symptom.timestamp):
                self._grow(known, seen, "the same cause")
                return
            number += 1
            key = cause.again(cause.cause_key(seen), number)
        if seen.severity is None:
            return
        new = lifecycle.opened(seen, self._ledger.next_alias(), key)
        others = correlation.related(seen, open_)
        self._keep(None, self._cited(replace(new, related=others), seen))

    def _grow(self, incident: Incident, seen: Seen, because: str) -> None:
        known = next(
            (s.because for s in incident.symptoms if s.signal_id == seen.symptom.signal_id), because
        )
        grown = lifecycle.shown(incident, seen, known)
        if grown != incident:
            self._keep(incident, self._cited(grown, seen))
            if grown.suspected_deployment != incident.suspected_deployment:
                self._merge()

    def _cited(self, incident: Incident, seen: Seen) -> Incident:
        """Return the incident with copies of the events that the signal stands on."""
        leads = incident.signal_id == seen.symptom.signal_id
        return citation.cited(incident, seen.evidence_refs, self.bus, leads=leads)

    def _merge(self) -> None:
        for first, newer in correlation.duplicates(self._ledger.open()):
            older = self._ledger.get(first.cause_key) or first
            one = lifecycle.merged(older, newer, newer.suspected_deployment)
            one = replace(one, evidence=one.evidence[: citation.COPIES])
            self._ledger.merge(one, newer)
            self._merged.append((one, newer))
            self._notify(older, one)

    def _keep(self, before: Incident | None, now: Incident) -> None:
        if now == before:
            return
        self._ledger.keep(now)
        if now.suspected_deployment and not (before and before.suspected_deployment):
            self._ledger.point(cause.of_deployment(now.suspected_deployment), now)
        self._notify(before, now)

    def _notify(self, before: Incident | None, now: Incident) -> None:
        for notice in outbox.after(before, now):
            self._notices[notice.id] = notice


def _letter(event: Evidence, error: Exception) -> DeadLetter:
    return DeadLetter(
        at=event.timestamp or format_instant(datetime.fromtimestamp(0)),
        reason="NOT_A_SIGNAL",
        detail=f"{event.kind} {event.evidence_id} cannot be folded into incidents: "
        f"{type(error).__name__}",
        origin="incidents",
        body=event.evidence_id,
    )

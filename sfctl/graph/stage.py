"""The graph as a consumer of the log: events in, nodes and edges out, nothing lost, nothing twice.

What a batch means is upserted before the group moves past it: a kill in between only repeats
upserts that change nothing. Counts, the current topology and what is left to explain move in one
transaction with the group. Causes are looked for when the log has been read to its end.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from sfctl.clock import format_instant
from sfctl.consumer import Batch, Progress, Reader
from sfctl.errors import UsageError
from sfctl.evidence.port import Bus, DeadLetter, Record
from sfctl.evidence.sanitizer import clean_message
from sfctl.graph import tally
from sfctl.graph.capped import capped, renamed
from sfctl.graph.causes import causes, owners
from sfctl.graph.flows import flows
from sfctl.graph.meaning import elements
from sfctl.graph.meaning.occurrences import Occurrence, occurrences
from sfctl.graph.pending import KEY, Pending, affected, touched
from sfctl.graph.pending import TABLE as PENDING
from sfctl.graph.port import Graph
from sfctl.model import codec
from sfctl.model import topology as project
from sfctl.model.evidence import Evidence
from sfctl.model.graph import Edge, Elements, Node, merged, run_id, signature_id
from sfctl.model.resolver import Resolver
from sfctl.model.topology import Topology
from sfctl.state.port import Delete, Expect, Put, StateStore

TOPOLOGY, CURRENT = "graph_topology", "current"
COMMITS = "graph_commits"
WRITE = 1_000
"""At most so many edges an upsert."""
_POISON = (ValueError, KeyError, TypeError, AttributeError, msgspec.ValidationError, UsageError)


def current_topology(state: StateStore) -> Topology:
    """Return the topology the graph was last drawn by, an empty one before the first CONFIG."""
    item = state.get(TOPOLOGY, CURRENT)
    return msgspec.convert(item.value, Topology) if item else Topology()


@dataclass(slots=True)
class GraphStage:
    """The consumer group `signal_engines.graph`."""

    bus: Bus
    state: StateStore
    graph: Graph
    name: str = "graph"
    limit: int = 500
    _reader: Reader = field(init=False)
    _topology: Topology = field(init=False)
    _version: Expect = field(default=None, init=False)
    _resolver: Resolver = field(init=False)
    _lineage: set[tuple[str, str, str]] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        self._reader = Reader(self.bus, self.state, self.name, self.limit)
        self._use(current_topology(self.state))

    def advance(self, now: datetime) -> Progress:
        """Take the next events; explain failures once there are no more."""
        batch = self._reader.next()
        if batch.version != self._version:  # another worker may have passed a CONFIG
            self._use(current_topology(self.state))
            self._version = batch.version
        changed = dead = 0
        if batch.records:
            changed, dead = self._take(batch, now)
        if not batch.more:
            changed += self._settle(now)
        return Progress(len(batch.records), changed, dead, batch.more)

    def turn(self) -> AbstractContextManager[None]:
        """Hold the graph: it is drawn before the group moves."""
        return self.graph.turn()

    def next_deadline(self) -> datetime | None:
        """Return None: nothing here falls due without an event."""
        return None

    def _take(self, batch: Batch, now: datetime) -> tuple[int, int]:
        drawing = _Drawing(self.state, self._topology, self._resolver, now)
        letters = [
            letter for record in batch.records if (letter := drawing.add(record)) is not None
        ]
        drawn = distinct(drawing.elements())
        changed = sum(self.graph.upsert(part, now) for part in parts(drawn))
        fed = flows(self.graph, runs_in(drawn), drawing.topology, Resolver(drawing.topology))
        changed += sum(self.graph.upsert(part, now) for part in parts(fed))
        pending = self._pending() | touched(drawn, self._lineage) | touched(fed, self._lineage)
        writes: list[Put | Delete] = [*drawing.writes(), Put(PENDING, KEY, pending.plain())]
        self.bus.dead_letter(letters)
        self.state.transact([batch.moved(), *writes])
        self._reader.done(batch)
        self._version = batch.next_version
        self._use(drawing.topology)
        return changed, len(letters)

    def _settle(self, now: datetime) -> int:
        """Draw what brought each failure, for all that something has changed about."""
        item = self.state.get(PENDING, KEY)
        pending = msgspec.convert(item.value, Pending) if item else Pending()
        if item is None or not pending:
            return 0
        known: dict[str, list[str]] = {}
        for seen in self.state.query(tally.TABLE) if pending.datasets or pending.producers else ():
            dataset, _, signature = seen.key.partition("|")
            known.setdefault(dataset, []).append(signature_id(signature, dataset))
        signatures = affected(self.graph, pending, known)
        changed = 0
        for explained in (owners, causes):
            found = explained(self.graph, signatures)
            changed += sum(self.graph.upsert(part, now) for part in parts(found))
        # What another worker has added since is not explained yet.
        self.state.put(PENDING, KEY, Pending().plain(), expect=item.version)
        return changed

    def _pending(self) -> Pending:
        item = self.state.get(PENDING, KEY)
        return msgspec.convert(item.value, Pending) if item else Pending()

    def _use(self, topology: Topology) -> None:
        self._topology = topology
        self._resolver = Resolver(topology)


class _Drawing:
    """One batch on its way into the graph."""

    def __init__(
        self, state: StateStore, topology: Topology, resolver: Resolver, now: datetime
    ) -> None:
        self.topology = topology
        self._resolver = resolver
        self._state = state
        self._now = now
        self._parts: list[Elements] = []
        self._tallies: dict[str, tally.Tally] = {}
        self._known: dict[str, set[str]] = {}
        self._commits: dict[str, dict[str, list[str]]] = {}
        self._configured = False

    def add(self, record: Record) -> DeadLetter | None:
        """Take an event in, or return why it cannot be."""
        event = record.event
        try:
            if event.kind == "CONFIG":
                self._configure(event)
            drawn = elements(event, self.topology, self._resolver)
            self._parts.append(self._counted(event, drawn))
            self._parts.append(self._joined(drawn))
        except _POISON as error:
            detail = clean_message(f"{event.kind} {event.evidence_id}: {error}")
            origin = f"{record.partition}:{record.offset}"
            body = codec.encode({"evidence_id": event.evidence_id, "kind": event.kind}).decode()
            return DeadLetter(format_instant(self._now), "NOT_DRAWN", detail, origin, body)
        return None

    def elements(self) -> Elements:
        """Return all that the batch says."""
        return Elements(
            tuple(node for part in self._parts for node in part.nodes),
            tuple(edge for part in self._parts for edge in part.edges),
        )

    def writes(self) -> Iterator[Put]:
        """Give what the state store keeps of the batch."""
        if self._configured:
            value = codec.decode(codec.encode(self.topology), dict[str, Any])
            yield Put(TOPOLOGY, CURRENT, value)
        for key in sorted(self._tallies):
            yield Put(tally.TABLE, key, self._tallies[key])
        for commit in sorted(self._commits):
            yield Put(COMMITS, commit, self._commits[commit])

    def _configure(self, event: Evidence) -> None:
        new = project.from_event(event)
        if new.compiled_at >= self.topology.compiled_at:
            self.topology, self._resolver, self._configured = new, Resolver(new), True

    def _counted(self, event: Evidence, drawn: Elements) -> Elements:
        """Return the event's elements with its failures added up over all events so far."""
        names: dict[str, tuple[str, str]] = {}
        found: dict[tuple[str, str, str], Occurrence] = {}
        for each in occurrences(event, self._resolver):
            kept = capped(each, self._signatures(each.dataset))
            if kept is not each:
                names[signature_id(each.signature, each.dataset)] = (kept.signature, kept.dataset)
            self._known[each.dataset].add(kept.signature)
            same = (kept.dataset, kept.signature, kept.source)
            before = found[same].count if same in found else 0
            found[same] = dataclasses.replace(kept, count=kept.count + before)
        nodes, edges = [], []
        for kept in found.values():
            key = tally.key(kept.dataset, kept.signature)
            counts = tally.folded(self._tally(key), kept, event.revision)
            self._tallies[key] = counts
            id = signature_id(kept.signature, kept.dataset)
            total = {"occurrence_count": tally.total(counts)}
            nodes.append(Node(id, "FailureSignature", total))
            if kept.run:
                met = {"count": tally.of_run(counts["runs"][kept.run])}
                edges.append(Edge(run_id(kept.run), id, "ENCOUNTERED", met))
        return renamed(drawn, names) + Elements(tuple(nodes), tuple(edges))

    def _tally(self, key: str) -> tally.Tally:
        if key not in self._tallies:
            item = self._state.get(tally.TABLE, key)
            return item.value if item else {}
        return self._tallies[key]

    def _signatures(self, dataset: str) -> set[str]:
        if dataset not in self._known:
            prefix = tally.key(dataset, "")
            items = self._state.query(tally.TABLE, prefix)
            self._known[dataset] = {item.key.removeprefix(prefix) for item in items}
        return self._known[dataset]

    def _joined(self, drawn: Elements) -> Elements:
        """Return who deployed what, where a spec and a deployment name the same commit."""
        edges: list[Edge] = []
        for node in drawn.nodes:
            commit = node.props.get("commit")
            side = {"Deployment": "deployments", "Job": "producers", "Service": "producers"}
            if not isinstance(commit, str) or node.label not in side:
                continue
            if commit not in self._commits:
                item = self._state.get(COMMITS, commit)
                self._commits[commit] = dict(item.value) if item else {}
            sides = self._commits[commit]
            listed = sides.setdefault(side[node.label], [])
            if node.id not in listed:
                listed.append(node.id)
                listed.sort()
            edges += [
                Edge(producer, deployment, "DEPLOYED", {"commit": commit})
                for producer in sides.get("producers", ())
                for deployment in sides.get("deployments", ())
            ]
        return Elements(edges=tuple(edges))


def distinct(elements: Elements) -> Elements:
    """Return elements with what comes twice merged."""
    nodes: dict[str, Node] = {}
    edges: dict[tuple[str, str, str], Edge] = {}
    for node in elements.nodes:
        if known := nodes.get(node.id):
            node = Node(node.id, node.label or known.label, merged(known.props, node.props))
        nodes[node.id] = node
    for edge in elements.edges:
        key = (edge.source, edge.label, edge.target)
        if old := edges.get(key):
            edge = replace(edge, props=merged(old.props, edge.props))
        edges[key] = edge
    return Elements(tuple(nodes.values()), tuple(edges.values()))


def runs_in(elements: Elements) -> set[str]:
    """Return the runs whose reads or writes are among some elements."""
    return {edge.source for edge in elements.edges if edge.label in ("READ_FROM", "WROTE_TO")}


def parts(elements: Elements) -> Iterator[Elements]:
    """Give elements in pieces of at most WRITE edges, every node before the edges it ends."""
    nodes: Sequence[Node] = elements.nodes
    for start in range(0, len(nodes), WRITE):
        yield Elements(nodes=tuple(nodes[start : start + WRITE]))
    for start in range(0, len(elements.edges), WRITE):
        yield Elements(edges=elements.edges[start : start + WRITE])

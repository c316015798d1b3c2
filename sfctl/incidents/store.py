"""Incidents in the state store: one item each, a short list of the open ones, aliases apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from sfctl.model import codec
from sfctl.model import graph as ids
from sfctl.model.incident import ALIASES, TABLE, Incident
from sfctl.state.port import ABSENT, Delete, Expect, Put, StateStore

OPEN = "incidents_open"
"""State table: `cause_key` → {} for every incident that is not resolved."""
COUNTER = "next"


@dataclass(slots=True)
class Ledger:
    """The incidents one pass works on: read on demand, written all at once."""

    state: StateStore
    _known: dict[str, Incident | None] = field(default_factory=dict)
    _versions: dict[str, Expect] = field(default_factory=dict)
    _changed: set[str] = field(default_factory=set)
    _aliases: dict[str, str] = field(default_factory=dict)
    _open: set[str] | None = None
    _sorted: list[Incident] | None = None
    _counter: tuple[int, Expect] | None = None
    _counted: bool = False

    def open(self) -> list[Incident]:
        """Return the incidents that are not resolved, oldest first."""
        if self._open is None:
            self._open = {item.key for item in self.state.query(OPEN)}
        if self._sorted is None:
            found = [incident for key in self._open if (incident := self._at(key))]
            live = [each for each in found if each.status != "RESOLVED"]
            self._sorted = sorted(live, key=lambda e: (e.created_at, number(e.incident_id)))
        return list(self._sorted)

    def get(self, key: str) -> Incident | None:
        """Return the incident of a cause, or the one it was merged into."""
        found = self._at(key)
        if found is not None:
            return found
        target = self._aliases.get(key) or _pointed(self.state, key)
        return self.get(target) if target and target != key else None

    def keep(self, incident: Incident) -> None:
        """Take a changed incident in."""
        known = self._at(incident.cause_key)
        if known == incident:
            return
        self._known[incident.cause_key] = incident
        self._sorted = None
        self._changed.add(incident.cause_key)
        if self._open is not None:
            self._open.add(incident.cause_key)

    def next_alias(self) -> str:
        """Return the next `INC-<n>`; it is used up when the pass is written."""
        if self._counter is None:
            item = self.state.get(ALIASES, COUNTER)
            self._counter = (int(item.value["n"]), item.version) if item else (1, ABSENT)
        n, version = self._counter
        self._counter = (n + 1, version)
        self._counted = True
        return f"INC-{n}"

    def point(self, key: str, incident: Incident) -> None:
        """Let another cause lead to an incident from now on, unless it is one already."""
        if self.get(key) is None:
            self._aliases[key] = incident.cause_key

    def merge(self, older: Incident, newer: Incident) -> None:
        """Keep the older; the newer one's alias and cause lead there from now on."""
        self.keep(older)
        self._known[newer.cause_key] = None
        self._sorted = None
        self._changed.add(newer.cause_key)
        for item in self.state.query(ALIASES):
            if item.value.get("cause_key") == newer.cause_key:
                self._aliases[item.key] = older.cause_key
        for name, key in list(self._aliases.items()):
            if key == newer.cause_key:
                self._aliases[name] = older.cause_key
        self._aliases[newer.incident_id] = older.cause_key
        self._aliases[newer.cause_key] = older.cause_key
        if self._open is not None:
            self._open.discard(newer.cause_key)

    def changed(self) -> list[Incident]:
        """Return what was changed in this pass and still stands."""
        found = [self._known[key] for key in sorted(self._changed)]
        return [each for each in found if each is not None]

    def writes(self) -> list[Put | Delete]:
        """Return what makes it last; it fails where another writer was quicker."""
        done: list[Put | Delete] = []
        for key in sorted(self._changed):
            incident, version = self._known[key], self._versions[key]
            if incident is None:
                if version != ABSENT:
                    done.append(Delete(TABLE, key, version))
                done.append(Delete(OPEN, key))
                continue
            done += writes_of(incident, version)
            if version == ABSENT:
                done.append(Put(ALIASES, incident.incident_id, {"cause_key": key}))
        done += [Put(ALIASES, a, {"cause_key": to}) for a, to in sorted(self._aliases.items())]
        if self._counted and self._counter is not None:
            n, version = self._counter
            done.append(Put(ALIASES, COUNTER, {"n": n}, version))
        return done

    def _at(self, key: str) -> Incident | None:
        if key not in self._known:
            item = self.state.get(TABLE, key)
            self._versions[key] = item.version if item else ABSENT
            self._known[key] = _read(item.value) if item else None
        return self._known[key]


def writes_of(incident: Incident, expect: Expect) -> list[Put | Delete]:
    """Return the writes that keep one incident; `expect` is its item's version."""
    key = incident.cause_key
    done: list[Put | Delete] = [Put(TABLE, key, codec.plain(incident), expect)]
    done.append(Put(OPEN, key, {}) if incident.status != "RESOLVED" else Delete(OPEN, key))
    return done


def load(state: StateStore, key: str) -> tuple[Incident, int] | None:
    """Return an incident by its cause key, and its item's version."""
    item = state.get(TABLE, key)
    return (_read(item.value), item.version) if item else None


def every(state: StateStore, *, open_only: bool = False) -> list[Incident]:
    """Return incidents by alias."""
    if open_only:
        found = Ledger(state).open()
    else:
        found = [_read(item.value) for item in state.query(TABLE)]
    return sorted(found, key=lambda each: number(each.incident_id))


def resolve_name(state: StateStore, name: str) -> list[str]:
    """Return the cause keys that `INC-7`, `7`, a cause key or the beginning of one may mean."""
    alias = f"INC-{name}" if name.isdigit() else name.upper()
    item = state.get(ALIASES, alias) if alias != COUNTER.upper() else None
    if item is not None:
        return [str(item.value["cause_key"])]
    if pointed := _pointed(state, name):
        return [pointed]
    return [item.key for item in state.query(TABLE, name.lower())] if len(name) >= 4 else []


def find(state: StateStore, name: str) -> Incident | None:
    """Return the one incident a name means; None for none, or for several."""
    keys = resolve_name(state, name)
    found = load(state, keys[0]) if len(keys) == 1 else None
    return found[0] if found else None


def cited_nodes(state: StateStore) -> set[str]:
    """Return the ids of graph nodes that live incidents cite: those must not expire before them."""
    return set(_cited(state))


def number(alias: str) -> int:
    """Return the number of an alias, for order."""
    tail = alias.rpartition("-")[2]
    return int(tail) if tail.isdigit() else 0


def _cited(state: StateStore) -> Iterator[str]:
    for incident in Ledger(state).open():
        yield incident.incident_id
        if incident.suspected_deployment:
            yield incident.suspected_deployment
        if incident.job_urn:
            yield incident.job_urn
        for each in incident.symptoms:
            yield each.signal_id
            yield each.dataset_urn
            if each.run_id:
                yield ids.run_id(each.run_id)
            if each.signature:
                yield ids.signature_id(each.signature, each.dataset_urn)
                yield ids.signature_id(each.signature, each.dataset_urn.partition("#")[0])


def _pointed(state: StateStore, key: str) -> str:
    item = state.get(ALIASES, key) if key != COUNTER else None
    return str(item.value["cause_key"]) if item else ""


def _read(value: dict[str, Any]) -> Incident:
    return msgspec.convert(value, Incident)

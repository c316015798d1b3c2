"""The kill switch: gates off at a scope, for a while, with a reason. Read before every judgement.

Reading asks the environment, then a small cached file, then the state store for at most 50 ms.
What cannot be read leaves the last known state; with none, gates are on. The reading path uses the
standard library alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sfctl.clock import format_instant, parse_instant
from sfctl.errors import UsageError
from sfctl.model import urn

if TYPE_CHECKING:
    from sfctl.state.port import StateStore

TABLE = "switches"
FILE = "switches.json"
VARIABLE = "SFCTL_DISABLE"
"""`1`, `true`, `all` or `fleet`, or scopes with commas between them: `job:X,gate:G5_PII`."""
REASON_VARIABLE = "SFCTL_DISABLE_REASON"
CACHE_S = 30.0
"""How long the cached file is believed without asking the store."""
STORE_TIMEOUT_S = 0.05
DEFAULT_EXPIRY = timedelta(hours=2)
FLEET_LIMIT = timedelta(hours=24)
SCOPES = ("fleet", "cluster", "job", "dataset", "gate")
GATES = ("G1_RESOLUTION", "G2_IDENTITY", "G3_SCHEMA", "G4_CONTRACT", "G5_PII", "DQ")

_WHOLE_FLEET = frozenset({"1", "true", "yes", "on", "all", "fleet"})
_NOTHING = frozenset({"", "0", "false", "no"})


@dataclass(frozen=True, slots=True)
class Switch:
    """Gates are off for `scope` until `expires`; empty means as long as the environment says so."""

    scope: str
    reason: str
    actor: str
    set_at: str = ""
    expires: str = ""

    def is_live(self, now: datetime) -> bool:
        """Tell whether the switch has not expired."""
        return not self.expires or parse_instant(self.expires) > now

    def covers(self, *, cluster: str, job: str, dataset: str, gate: str) -> bool:
        """Tell whether the switch is meant for this place."""
        kind, _, name = self.scope.partition(":")
        if kind == "dataset":
            return bool(dataset) and name in (dataset, urn.without_stage(dataset), _short(dataset))
        wanted = {"cluster": cluster, "job": job, "gate": gate}
        return kind == "fleet" or (bool(name) and wanted.get(kind) == name)


@dataclass(frozen=True, slots=True)
class Switches:
    """What is off now. `source` says where that is known from."""

    live: tuple[Switch, ...] = ()
    source: str = "default"

    def off(
        self, *, cluster: str = "", job: str = "", dataset: str = "", gate: str = ""
    ) -> Switch | None:
        """Return the switch that turns gates off here, or None: gates are on."""
        for switch in self.live:
            if switch.covers(cluster=cluster, job=job, dataset=dataset, gate=gate):
                return switch
        return None


def read(
    folder: Path,
    now: datetime,
    *,
    store: Callable[[], StateStore] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Switches:
    """Return what is off. Never raises and never takes much longer than 50 ms.

    `folder` is `.sfctl`; `store` opens the state store and is called only when the cache is old.
    """
    stated = _from_environment(environ)
    cached, fresh = _from_file(folder / FILE)
    if fresh or store is None or any(switch.scope == "fleet" for switch in stated):
        known, source = cached, "cache" if cached is not None else "default"
    else:
        found = _from_store(store)
        known, source = (found, "store") if found is not None else (cached, "last known")
        if found is not None:
            _write_file(folder / FILE, found)
        elif cached is None:
            source = "default"
    live = tuple(switch for switch in known or () if switch.is_live(now))
    return Switches(stated + live, "environment" if stated else source)


def switch_off(
    store: StateStore,
    folder: Path,
    *,
    scope: str,
    reason: str,
    actor: str,
    now: datetime,
    expires: timedelta = DEFAULT_EXPIRY,
) -> Switch:
    """Turn gates off at a scope and return the switch. Raises UsageError for one out of bounds."""
    scope = check_scope(scope)
    if not reason.strip():
        raise UsageError("a switch needs a reason", hint="--reason 'why'", code="SF805")
    if expires <= timedelta(0):
        raise UsageError("a switch must expire in the future", hint="--expires 2h", code="SF805")
    if scope == "fleet" and expires > FLEET_LIMIT:
        raise UsageError(
            "the whole fleet can be off for at most 24 h",
            hint="--expires 24h, and switch it off again if need be",
            code="SF805",
        )
    until = now + expires
    switch = Switch(scope, reason.strip(), actor, format_instant(now), format_instant(until))
    store.put(TABLE, scope, asdict(switch), expires_at=until)
    _write_file(folder / FILE, _stored(store))
    return switch


def switch_on(store: StateStore, folder: Path, *, scope: str) -> Switch | None:
    """Turn gates on again at a scope; return the switch that was there, or None."""
    scope = check_scope(scope)
    item = store.get(TABLE, scope)
    store.delete(TABLE, scope)
    _write_file(folder / FILE, _stored(store))
    return Switch(**item.value) if item else None


def check_scope(scope: str) -> str:
    """Return the scope in its one spelling. Raises UsageError for anything that is none."""
    kind, _, name = scope.strip().partition(":")
    if kind == "fleet" and not name:
        return "fleet"
    if kind not in SCOPES or not name or kind == "fleet":
        raise UsageError(
            f"no such scope: {scope!r}",
            hint="fleet, cluster:X, job:X, dataset:X or gate:X",
            code="SF805",
        )
    if kind == "dataset" and urn.is_dataset(name):
        name = urn.without_stage(urn.canonical(name))
    if kind == "gate":
        name = _gate(name)
    return f"{kind}:{name}"


def _gate(name: str) -> str:
    wanted = name.upper()
    for gate in GATES:
        if wanted in (gate, *gate.split("_")):
            return gate
    raise UsageError(f"no such gate: {name!r}", hint=", ".join(GATES), code="SF805")


def _from_environment(environ: Mapping[str, str]) -> tuple[Switch, ...]:
    text = environ.get(VARIABLE, "").strip()
    if text.lower() in _NOTHING:
        return ()
    reason = environ.get(REASON_VARIABLE) or f"{VARIABLE} is set"
    found = []
    for scope in text.split(","):
        if scope.strip().lower() in _WHOLE_FLEET:
            scope = "fleet"
        try:
            found.append(Switch(check_scope(scope), reason, "environment"))
        except UsageError:
            continue
    return tuple(found)


def _from_file(path: Path) -> tuple[tuple[Switch, ...] | None, bool]:
    """Return what the cached file says, and whether it is fresh enough to be believed."""
    try:
        age = time.time() - path.stat().st_mtime
        entries = json.loads(path.read_bytes())["switches"]
        return tuple(Switch(**entry) for entry in entries), 0 <= age < CACHE_S
    except (OSError, ValueError, TypeError, KeyError):
        return None, False


def _from_store(store: Callable[[], StateStore]) -> tuple[Switch, ...] | None:
    found: list[tuple[Switch, ...]] = []

    def ask() -> None:
        try:
            with_store = store()
            try:
                found.append(_stored(with_store))
            finally:
                with_store.close()
        except Exception:  # noqa: BLE001  whatever is wrong with the store, gates stay as they were
            return

    asking = threading.Thread(target=ask, daemon=True, name="sfctl-switch")
    asking.start()
    asking.join(STORE_TIMEOUT_S)
    return found[0] if found else None


def _stored(store: StateStore) -> tuple[Switch, ...]:
    return tuple(Switch(**item.value) for item in store.query(TABLE))


def _write_file(path: Path, switches: tuple[Switch, ...]) -> None:
    fresh = path.with_suffix(f".{os.getpid()}.tmp")
    body: dict[str, Any] = {"switches": [asdict(switch) for switch in switches]}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(json.dumps(body))
        fresh.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            fresh.unlink()


def _short(dataset: str) -> str:
    return urn.short_name(dataset) if urn.is_dataset(dataset) else dataset

"""`sfctl status`: what consumers read of each dataset, since when, and what holds it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import typer

from sfctl import exit_codes, wiring
from sfctl.certification import predicate, view
from sfctl.clock import clock_from_environment, format_instant, parse_instant
from sfctl.commands import status_metrics
from sfctl.commands.run_outcome import source_says
from sfctl.errors import PolicyRejected, SfctlError
from sfctl.evidence.flush import pending_bytes
from sfctl.evidence.port import Bus, Query
from sfctl.incidents.document import counts
from sfctl.incidents.store import every
from sfctl.model import codec, urn
from sfctl.model.certificate import Certificate
from sfctl.model.incident import Incident
from sfctl.model.manifest import DatasetEntry
from sfctl.model.signal import STATE_TABLE, SignalState
from sfctl.profiling.review import late_drafts
from sfctl.report import text
from sfctl.report.outcome import Outcome
from sfctl.runtime.job.compiled import Compiled, load
from sfctl.runtime.publishing.certified import current_pin
from sfctl.spec.repository import find_root
from sfctl.state import switch
from sfctl.state.port import StateStore

T = TypeVar("T")
Select = Annotated[tuple[str, ...], typer.Argument(help="Datasets; all without any.")]
BUS = "bus store"
_WORDS = {
    "CERTIFIED": "certified",
    "HELD_AT_PREVIOUS": "held",
    "STALE_ESCALATION": "stale",
    "NEVER_CERTIFIED": "never",
}


_LEVELS = {
    "observe": " (observed only: nothing was judged)",
    "post-commit": " (judged after its commit)",
}


def status(
    select: Select = (),
    *,
    exclude: Annotated[tuple[str, ...], typer.Option(help="Datasets to leave out.")] = (),
    metrics: Annotated[
        bool, typer.Option("--metrics", help="The same as Prometheus text.")
    ] = False,
    health: Annotated[
        bool, typer.Option("--health", help="Only whether the stores answer; exit 3 if not.")
    ] = False,
    project_dir: Path = Path(),
    target: str | None = None,
    now: datetime | None = None,
) -> Outcome:
    """Show per dataset the certified version, its state, the last run and what waits.

    Works offline; where something is there and cannot be read, what it would have said is left
    out and named, and the exit code is 3.
    """
    root = find_root(project_dir)
    moment = now or clock_from_environment().now()
    look = _Look(root, moment)
    look.open()
    try:
        if look.compiled is not None:
            look.compiled.require_target(target)
        if health:
            return look.health()
        entries = look.chosen(select, exclude, target)
        rows = [look.dataset(entry) for entry in entries]
        payload = {
            "project": look.project_name,
            "target": look.compiled.manifest.target.name if look.compiled else None,
            "at": format_instant(moment),
            "datasets": rows,
            "incidents": counts(look.incidents),
            "switches": [{"scope": s.scope, "expires": s.expires} for s in look.switches],
            "evidence_pending_bytes": pending_bytes(look.store / "outbox"),
            "stores": look.stores,
            "drafts": [
                {"name": name, "drafted_at": format_instant(at)}
                for name, at in late_drafts(root, moment)
            ],
            "troubles": look.troubles,
            "unread": look.unread,
        }
    finally:
        look.close()
    shown = status_metrics.prometheus(payload) if metrics else _text(payload, moment)
    code = exit_codes.UNABLE if look.unread else exit_codes.OK
    return Outcome("status", payload, shown, code, notes=tuple(look.troubles))


@dataclass(slots=True)
class _Look:
    """One look at a project; what does not answer is told in `troubles`."""

    root: Path
    now: datetime
    compiled: Compiled | None = None
    state: StateStore | None = None
    bus: Bus | None = None
    troubles: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    """What is there and could not be read; such a look is not whole."""
    stores: dict[str, str] = field(default_factory=dict)
    switches: tuple[switch.Switch, ...] = ()
    signals: list[SignalState] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)

    @property
    def store(self) -> Path:
        return self.root / wiring.STORE

    @property
    def project_name(self) -> str:
        return self.compiled.manifest.project if self.compiled else self.root.name

    def open(self) -> None:
        """Open what there is. A project that never ran has no stores, and none are made."""
        try:
            self.compiled = load(self.root)
        except PolicyRejected as error:
            self.troubles.append(f"{error.code} {error}: {error.hint}")
        settings = self.compiled.manifest.target if self.compiled else None
        if (self.store / "state.db").exists():
            self.state = self._answering(
                "state",
                lambda: wiring.open_state(self.store, settings.state if settings else None),
                lambda state: state.query(view.TABLE),
            )
        if (self.store / "bus.db").exists():
            self.bus = self._answering(
                "bus",
                lambda: wiring.open_bus(self.store, settings.bus if settings else None),
                lambda bus: bus.query(Query(limit=1)),
            )
        if (self.store / "graph.db").exists():
            graph = self._answering(
                "graph",
                lambda: wiring.open_graph(self.store, settings.graph if settings else None),
                lambda graph: graph.generation(),
            )
            if graph is not None:
                graph.close()
        if self.state is not None:
            self._told(self.state)
        self.switches = switch.read(self.store, self.now).live

    def _told(self, state: StateStore) -> None:
        """Read what engines and incidents say."""
        try:
            items = state.query(STATE_TABLE)
            self.signals = [msgspec.convert(item.value, SignalState) for item in items]
            self.incidents = every(state)
        except SfctlError as error:
            self._trouble("state store", error)

    def _trouble(self, what: str, error: SfctlError) -> None:
        """Tell once of something that could not be read, and what to do."""
        hint = f"; {error.hint}" if error.hint else ""
        said = f"{error.code} {what} cannot be read: {error}{hint}"
        if said not in self.troubles:
            self.troubles.append(said)
        if what not in self.unread:
            self.unread.append(what)

    def close(self) -> None:
        """Let go of the stores."""
        for each in (self.state, self.bus):
            if each is not None:
                each.close()

    def _answering(
        self, name: str, opened: Callable[[], T], ask: Callable[[T], object]
    ) -> T | None:
        """Return a store that answers a first question, None for one that does not."""
        try:
            found = opened()
            ask(found)
        except SfctlError as error:
            self._trouble(f"{name} store", error)
            self.stores[name] = "broken"
            return None
        self.stores[name] = "ok"
        return found

    def health(self) -> Outcome:
        """Return whether everything that is there answers."""
        broken = [name for name, said in self.stores.items() if said != "ok"]
        waiting = pending_bytes(self.store / "outbox")
        healthy = not broken and self.compiled is not None
        payload = {
            "healthy": healthy,
            "compiled": self.compiled is not None,
            "stores": self.stores,
            "evidence_pending_bytes": waiting,
            "troubles": self.troubles,
        }
        lines = [text.status_line(f"{name} store", said) for name, said in self.stores.items()]
        lines.append(text.status_line("policies", "ok" if self.compiled else "missing"))
        lines.append("healthy" if healthy else "not healthy: " + "; ".join(self.troubles))
        code = exit_codes.OK if healthy else exit_codes.UNABLE
        return Outcome("status", payload, "\n".join(lines), code)

    def chosen(
        self, select: tuple[str, ...], exclude: tuple[str, ...], target: str | None
    ) -> list[DatasetEntry]:
        """Return the datasets selected; selectors read the YAML, names and URNs do not."""
        if self.compiled is None:
            return []
        entries = list(self.compiled.manifest.datasets.values())
        if not select and not exclude:
            return entries
        named = [self.compiled.dataset(name) for name in select]
        if named and all(named) and not exclude:
            wanted = {entry.urn for entry in named if entry}
            return [entry for entry in entries if entry.urn in wanted]
        from sfctl.commands.selection import chosen as selected
        from sfctl.spec.project import load as load_spec

        names = {files.name for files in selected(load_spec(self.root, target), select, exclude)}
        return [entry for entry in entries if entry.name in names]

    def dataset(self, entry: DatasetEntry) -> dict[str, Any]:
        """Return what is known of one dataset."""
        certificate = self._certificate(entry)
        state = view.status_at(certificate, entry.tier, self.now)
        run, level = self._last_run(entry)
        draft = self._draft(entry)
        off = next((s.scope for s in self.switches if _covers(s, entry)), None)
        return {
            "urn": entry.urn,
            "name": entry.name,
            "owner": entry.owner,
            "tier": entry.tier,
            "stages": list(entry.paths),
            "certified_version": certificate.certified_version,
            "last_certified_version": certificate.certified_version,
            "last_certified_at": certificate.last_certified_at or None,
            "certification_status": state,
            "held_since": certificate.held_since or None,
            "held_reason": certificate.held_reason or None,
            "data_as_of": certificate.data_as_of or None,
            "quarantined_rows": self._waiting(entry),
            "last_run": run,
            "integration_level": level,
            "enforcement_level": "G0" if draft else entry.level,
            "draft": draft,
            "policy_version": entry.version,
            "source_says": source_says(entry) if entry.draft else None,
            "gates_off": off,
            "signals": [
                codec.plain(word)
                for word in self.signals
                if urn.without_stage(word.dataset_urn) == entry.urn
            ],
            "incidents": [
                {
                    "incident_id": each.incident_id,
                    "severity": each.severity,
                    "status": each.status,
                    "title": each.title,
                    "created_at": each.created_at,
                }
                for each in self.incidents
                if each.status != "RESOLVED" and entry.urn in each.datasets
            ],
        }

    def _certificate(self, entry: DatasetEntry) -> Certificate:
        """Return the certificate; without a state store, what the pin beside the table tells."""
        try:
            if self.state is not None:
                return view.load(self.state, entry.urn)
            known = current_pin(
                entry.urn,
                entry.paths.get("gold", ""),
                None,
                format=entry.formats.get("gold") or entry.format,
                tier=entry.tier,
                on_stale=entry.on_stale,
            )
        except SfctlError as error:
            self._trouble(f"certificate of {entry.name}", error)
            return Certificate(entry.urn)
        if known is None:
            return Certificate(entry.urn)
        return Certificate(
            entry.urn,
            status=known.certification_status,
            certified_version=known.last_certified_version,
            last_certified_at=known.last_certified_at,
            generation=known.generation,
            held_since=known.held_since,
            held_reason=known.held_reason,
            data_as_of=known.data_as_of,
        )

    def _last_run(self, entry: DatasetEntry) -> tuple[dict[str, Any] | None, str | None]:
        """Return the newest run that concerns a dataset, and how deep sfctl stands in it."""
        if self.bus is None or self.compiled is None:
            return None, None
        own = self._newest(Query(dataset=entry.urn, kind="GATE", limit=1, newest_first=True))
        jobs = {
            urn.job(job.name)
            for job in self.compiled.manifest.jobs.values()
            if any(output.partition("#")[0] == entry.urn for output in job.outputs)
        }
        ends = [
            event
            for kind in ("JobRunCompleted", "JobRunFailed")
            for event in self._events(Query(kind=kind, limit=500, newest_first=True))
            if event["job_urn"] in jobs or (own and event["run_id"] == own["run_id"])
        ]
        end = max(ends, key=lambda event: event["timestamp"], default=None)
        newest = end or own
        if newest is None:
            return None, None
        shown = {
            "run_id": newest["run_id"],
            "job": newest["job_urn"].removeprefix("urn:job:") or None,
            "at": newest["timestamp"],
            "outcome": {"JobRunCompleted": "completed", "JobRunFailed": "failed"}.get(
                newest["kind"], "unknown"
            ),
        }
        return shown, own["integration_level"] if own else "observe"

    def _newest(self, query: Query) -> dict[str, Any] | None:
        return next(iter(self._events(query)), None)

    def _events(self, query: Query) -> list[dict[str, Any]]:
        assert self.bus is not None
        try:
            events = [record.event for record in self.bus.query(query)]
        except SfctlError as error:
            self._trouble(BUS, error)
            return []
        names = ("run_id", "job_urn", "timestamp", "kind")
        return [
            {
                **{name: getattr(event, name) for name in names},
                "integration_level": event.payload.get("integration_level") or "in-job",
            }
            for event in events
        ]

    def _waiting(self, entry: DatasetEntry) -> int | None:
        """Return how many rows wait in quarantine, None where the table cannot be read."""
        from sfctl.runtime.publishing.quarantine import Quarantine, quarantine_path

        assert self.compiled is not None
        path = quarantine_path(self.compiled.manifest.target.lake, entry.urn)
        if not Path(path).exists():
            return 0
        try:
            held = Quarantine(path, entry.urn).held(("held", "replaying"))
        except SfctlError as error:
            self._trouble(f"quarantine of {entry.name}", error)
            return None
        return sum(each.rows for each in held)

    def _draft(self, entry: DatasetEntry) -> str | None:
        """Return why the policy does not count, None for an approved one."""
        assert self.compiled is not None
        if not entry.policy:
            return "there is no policy"
        try:
            _, approval = self.compiled.policy(entry)
        except SfctlError as error:
            return str(error)
        return None if approval.approved else approval.sentence


def _covers(each: switch.Switch, entry: DatasetEntry) -> bool:
    return each.scope == "fleet" or each.covers(cluster="", job="", dataset=entry.urn, gate="")


def _text(payload: dict[str, Any], now: datetime) -> str:
    lines: list[str] = []
    for row in payload["datasets"]:
        version = row["certified_version"]
        name = row["name"] if version is None else f"{row['name']} v{version}"
        lines.append(text.status_line(name, _WORDS[row["certification_status"]]))
        lines += [f"    {line}" for line in _details(row, now, runs=BUS not in payload["unread"])]
    for each in payload["drafts"]:
        waited = text.duration((now - parse_instant(each["drafted_at"])).total_seconds())
        file = f"datasets/{each['name']}/policy_bundle.yaml"
        lines.append(f"{file} is a draft, unreviewed for {waited}")
    lines += [f"gates are off for {s['scope']} until {s['expires']}" for s in payload["switches"]]
    if waiting := payload["evidence_pending_bytes"]:
        lines.append(f"{waiting:,} bytes of evidence wait in the outbox: sfctl evidence flush")
    count = len(payload["datasets"])
    certified = sum(r["certification_status"] == "CERTIFIED" for r in payload["datasets"])
    lines.append(f"{text.count(count, 'dataset')}, {certified} certified.")
    if payload["unread"]:
        lines.append(f"not whole: {', '.join(payload['unread'])} cannot be read: sfctl doctor")
    return "\n".join(lines)


def _details(row: dict[str, Any], now: datetime, *, runs: bool) -> Iterable[str]:
    if row["stages"] and "gold" not in row["stages"]:
        yield "it stores no gold stage, which alone is certified"
    if row["held_since"]:
        since = text.duration((now - parse_instant(row["held_since"])).total_seconds())
        yield f"held for {since}: {row['held_reason']}"
        if predicate.only_tainted(row["held_reason"]):
            yield f"sfctl certify {row['name']} --revalidate judges the table as a whole"
    if row["quarantined_rows"]:
        waiting = text.count(row["quarantined_rows"], "row")
        yield f"{waiting} in quarantine: sfctl quarantine list {row['name']}"
    if row["draft"]:
        yield f"draft, level G0: {row['draft']}"
    if row["source_says"]:
        yield f"{row['source_says']}: sfctl policy diff {row['name']}"
    if row["gates_off"]:
        yield f"gates are off ({row['gates_off']})"
    for each in row["incidents"]:
        yield f"{each['incident_id']} [{each['severity']}] {each['title']}"
    yield from (line for word in row["signals"] if (line := _wrong(word)))
    run = row["last_run"]
    if run is None:
        yield "no run on record" if runs else "last run unknown"
    elif row["integration_level"] != "in-job" or run["outcome"] == "failed":
        told = _LEVELS.get(row["integration_level"], "")
        yield f"last run {run['run_id']} {run['outcome']}{told}"


def _wrong(word: dict[str, Any]) -> str:
    """Return what an engine complains of, empty where it is content."""
    if word["state"] not in ("WARNING", "CRITICAL"):
        return ""
    why = word.get("failure_signature") or word.get("reason") or "no reason told"
    return f"{word['engine']} {word['state']}: {why}"

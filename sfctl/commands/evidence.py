"""`sfctl evidence`: read, publish, move and archive the log of what happened."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from sfctl import exit_codes, wiring
from sfctl.clock import clock_from_environment
from sfctl.commands.spans import instant_of
from sfctl.errors import StoreError, UsageError
from sfctl.evidence import bulk, foreign, retention
from sfctl.evidence.codec import Accepted, accept
from sfctl.evidence.configuration import announce
from sfctl.evidence.flush import Flushed, pending_bytes
from sfctl.evidence.flush import flush as flush_outbox
from sfctl.evidence.intake import documents
from sfctl.evidence.leniency import GATES, RESULTS
from sfctl.evidence.outbox import Outbox
from sfctl.evidence.port import DeadLetter, Published, Query
from sfctl.graph.cited import cited
from sfctl.incidents.store import every
from sfctl.model import codec, topology
from sfctl.model import evidence as envelope
from sfctl.model.evidence import KINDS, Evidence
from sfctl.model.manifest import Manifest
from sfctl.model.resolver import Resolver
from sfctl.report.outcome import Outcome
from sfctl.runtime.job.compiled import check_target, manifest_of
from sfctl.spec.repository import find_root
from sfctl.state.port import StateStore
from sfctl.state.tidy import tidy

_BATCH = 1000

Run = Annotated[str, typer.Option(help="Only this run.")]
Dataset = Annotated[str, typer.Option(help="Only this dataset, in either spelling.")]
Kind = Annotated[str, typer.Option(help=f"Only this kind: {', '.join(KINDS)}.")]
Gate = Annotated[str, typer.Option(help=f"Only this gate: {', '.join(GATES)}.")]
Result = Annotated[str, typer.Option(help=f"Only this result: {', '.join(RESULTS)}.")]
Since = Annotated[str, typer.Option(help="From this time (RFC 3339) or this long ago (2h, 7d).")]
Until = Annotated[str, typer.Option(help="Up to this time or this long ago.")]


def list_events(
    *,
    run: Run = "",
    dataset: Dataset = "",
    kind: Kind = "",
    gate: Gate = "",
    result: Result = "",
    since: Since = "",
    until: Until = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 200,
    archived: Annotated[bool, typer.Option(help="Look in the archive as well.")] = False,
    project_dir: Path = Path(),
    target: str | None = None,
    now: datetime | None = None,
) -> Outcome:
    """List events, oldest first."""
    folder, moment = _begin(project_dir, target, now)
    query = Query(
        run_id=run,
        dataset=dataset,
        kind=_one_of("kind", kind, KINDS),
        gate=_one_of("gate", gate, GATES),
        result=_one_of("result", result, RESULTS),
        since=instant_of(since, moment),
        until=instant_of(until, moment),
        limit=limit,
        newest_first=True,
    )
    with wiring.open_bus(folder) as bus:
        events = [record.event for record in bus.query(query)]
    if archived:
        known = {(event.evidence_id, event.revision) for event in events}
        older = wiring.open_archive(folder).query(query)
        events += [event for event in older if (event.evidence_id, event.revision) not in known]
        events = sorted(events, key=lambda event: event.timestamp, reverse=True)[:limit]
    events.reverse()
    lines = [_line(event) for event in events]
    lines.append(f"{len(events)} event{'s' if len(events) != 1 else ''}")
    return Outcome(
        "evidence",
        {"events": [envelope.to_plain(event) for event in events], "count": len(events)},
        "\n".join(lines),
        notes=_waiting(folder),
    )


def show(
    evidence_id: Annotated[str, typer.Argument(help="The id, as `evidence list` prints it.")],
    *,
    revision: Annotated[int | None, typer.Option(help="This revision, else the highest.")] = None,
    payload: Annotated[bool, typer.Option(help="Open a payload kept in a file.")] = False,
    project_dir: Path = Path(),
    target: str | None = None,
) -> Outcome:
    """Show one event, from the bus or the archive.

    Raises StoreError SF803 when there is no such event.
    """
    folder, _ = _begin(project_dir, target, None)
    with wiring.open_bus(folder) as bus:
        record = bus.get(evidence_id, revision)
    event = record.event if record else wiring.open_archive(folder).get(evidence_id, revision)
    if event is None:
        wait = pending_bytes(folder / "outbox")
        raise UsageError(
            f"there is no event {evidence_id}",
            hint="it may still wait in the outbox: `sfctl evidence flush`"
            if wait
            else "`sfctl evidence list` shows what there is",
            code="SF803",
        )
    if payload:
        event = bulk.hydrate(event, folder)
    document = envelope.to_plain(event)
    return Outcome(
        "evidence",
        {**document, "schema": "sfctl.evidence.v1", "event_schema": event.schema}
        | {"found_in": "bus" if record else "archive"},
        _fields(document),
    )


def publish(
    file: Annotated[str, typer.Argument(help="JSON or JSON Lines; `-` reads stdin.")],
    *,
    project_dir: Path = Path(),
    target: str | None = None,
    now: datetime | None = None,
) -> Outcome:
    """Publish events of any accepted form; what cannot be placed becomes a dead letter."""
    folder, moment = _begin(project_dir, target, now)
    forgiven: dict[str, int] = {}
    rejected: list[dict[str, Any]] = []
    letters: list[DeadLetter] = []
    events: list[Evidence] = []
    origin = Path(file).name if file != "-" else "stdin"
    manifest = manifest_of(folder.parent)
    resolve = Resolver(topology.of(manifest)).dataset if manifest else foreign.unresolved
    for line, item in documents(file, moment, origin):
        outcome = (
            item
            if isinstance(item, DeadLetter)
            else accept(item, moment, origin=origin, resolve=resolve)
        )
        if isinstance(outcome, Accepted):
            events.append(outcome.event)
            for name in outcome.leniencies:
                forgiven[name] = forgiven.get(name, 0) + 1
        else:
            letters.append(outcome)
            rejected.append({"line": line, "reason": outcome.reason, "detail": outcome.detail})
    done, pending = _deliver(folder, events, letters, manifest)
    text = [f"line {x['line']}: {x['reason']} {x['detail']}  REJECTED" for x in rejected]
    text.append(
        f"{done.accepted} published, {done.duplicates} known already, {done.refused} refused, "
        f"{len(rejected)} rejected" + (f", {pending} kept in the outbox" if pending else "")
    )
    found = exit_codes.FOUND if rejected or done.refused else exit_codes.OK
    return Outcome(
        "evidence",
        {
            "published": done.accepted,
            "duplicates": done.duplicates,
            "refused": done.refused,
            "rejected": rejected,
            "pending": pending,
            "leniencies": dict(sorted(forgiven.items())),
        },
        "\n".join(text),
        exit_codes.worst(found, exit_codes.UNDELIVERED if pending else exit_codes.OK),
    )


def replay(
    *,
    group: Annotated[str, typer.Option(help="Move this consumer group back.")] = "",
    to: Annotated[
        Path | None, typer.Option(help="Write the events to this JSON Lines file.")
    ] = None,
    since: Annotated[str, typer.Option(help="From this time or this long ago.")] = "",
    offset: Annotated[int | None, typer.Option(min=0, help="From this offset.")] = None,
    project_dir: Path = Path(),
    target: str | None = None,
    now: datetime | None = None,
) -> Outcome:
    """Read the log again from a point: for a consumer group, or into a file."""
    folder, moment = _begin(project_dir, target, now)
    if not group and to is None:
        raise UsageError("replay needs --group or --to", hint="see --help", code="SF807")
    start: Literal["start"] | datetime | int = instant_of(since, moment) or offset or "start"
    with wiring.open_bus(folder) as bus:
        reader = group or f"replay.{moment.timestamp():.6f}"
        bus.seek(reader, start)
        count = bus.lag(reader)
        if to is not None:
            with to.open("wb") as stream:
                while records := bus.read(reader, _BATCH):
                    for record in records:
                        stream.write(envelope.encode(record.event) + b"\n")
                    bus.commit(reader, records)
            bus.seek(reader, start)
        if not group:
            bus.forget_group(reader)
    where = f"written to {to}" if to else f"wait for group {group}"
    return Outcome(
        "evidence",
        {"events": count, "group": group or None, "file": str(to) if to else None},
        f"{count} events {where}",
    )


def archive(
    *, project_dir: Path = Path(), target: str | None = None, now: datetime | None = None
) -> Outcome:
    """Archive what is a day old, move files by age, and bound what lies under .sfctl."""
    folder, moment = _begin(project_dir, target, now)
    with wiring.open_bus(folder) as bus, wiring.open_state(folder) as state:
        archived = wiring.open_archive(folder).run(bus, moment)
        swept = retention.sweep(bus, moment)
        expired = _expired(folder, state, moment)
        tidied = tidy(folder, state, moment)
    over = f"; the bus is {swept.over_bytes:,} bytes over its bound" if swept.over_bytes else ""
    left = swept.aged + swept.crowded
    return Outcome(
        "evidence",
        {
            "archived": asdict(archived),
            "swept": asdict(swept),
            "tidied": {**asdict(tidied), "graph_nodes": expired},
        },
        f"{archived.events} events archived, {archived.cooled} files made cold, "
        f"{archived.removed} removed\n"
        f"{left} events left the bus, which takes {swept.bytes:,} bytes{over}\n"
        f"{tidied.freed_bytes:,} bytes freed, .sfctl takes {tidied.bytes:,} bytes",
    )


def _expired(folder: Path, state: StateStore, now: datetime) -> int:
    """Drop from the graph what is past its days, in small steps; what incidents cite stays."""
    if not (folder / "graph.db").exists():
        return 0
    with wiring.open_graph(folder) as graph:
        keep, total = cited(graph, every(state)), 0
        while gone := graph.expire(now, keep=keep):
            total += gone
    return total


def flush(*, project_dir: Path = Path(), target: str | None = None) -> Outcome:
    """Move what waits in the outbox to the bus."""
    folder, _ = _begin(project_dir, target, None)
    with wiring.open_bus(folder) as bus:
        flushed = flush_outbox(folder / "outbox", bus, deadline=30.0)
    done = flushed.published
    text = f"{done.accepted} published, {done.duplicates} known already, {done.refused} refused"
    if flushed.damaged:
        text += f", {flushed.damaged} damaged lines"
    if flushed.pending_bytes:
        text += f"; {flushed.pending_bytes:,} bytes wait: {flushed.trouble}"
    return Outcome(
        "evidence",
        {
            "published": done.accepted,
            "duplicates": done.duplicates,
            "refused": done.refused,
            "damaged": flushed.damaged,
            "pending_bytes": flushed.pending_bytes,
            "trouble": flushed.trouble or None,
        },
        text,
        _flush_code(flushed),
    )


def dead_letters(
    *,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 100,
    project_dir: Path = Path(),
    target: str | None = None,
) -> Outcome:
    """List what could not be accepted, and why."""
    folder, _ = _begin(project_dir, target, None)
    with wiring.open_bus(folder) as bus:
        letters = bus.dead_letters(limit)
    lines = [f"{x.at}  {x.origin}  {x.detail}  {x.reason}" for x in letters]
    lines.append(f"{len(letters)} dead letter{'s' if len(letters) != 1 else ''}")
    payload = {"dead_letters": [asdict(x) for x in letters], "count": len(letters)}
    return Outcome("evidence", payload, "\n".join(lines))


SUBVERBS = {
    "list": list_events,
    "show": show,
    "publish": publish,
    "replay": replay,
    "archive": archive,
    "flush": flush,
    "dead-letters": dead_letters,
}


def _begin(project_dir: Path, target: str | None, now: datetime | None) -> tuple[Path, datetime]:
    root = find_root(project_dir)
    check_target(root, target)
    folder = wiring.store_folder(root)
    return folder, now or clock_from_environment().now()


def _deliver(
    folder: Path,
    events: list[Evidence],
    letters: list[DeadLetter],
    manifest: Manifest | None,
) -> tuple[Published, int]:
    """Publish, or keep in the outbox what the bus does not take; return how many were kept."""
    done = Published()
    try:
        with wiring.open_bus(folder) as bus:
            if manifest is not None:
                announce(bus, manifest)
            for start in range(0, len(events), _BATCH):
                done += bus.publish(events[start : start + _BATCH])
            bus.dead_letter(letters)
        return done, 0
    except StoreError:
        rest = events[done.accepted + done.duplicates + done.refused :]
        with Outbox(folder / "outbox", "publish") as outbox:
            kept = sum(outbox.append(event) for event in rest)
        if kept < len(rest):
            raise
        return done, kept


def _flush_code(flushed: Flushed) -> int:
    if flushed.pending_bytes or flushed.trouble:
        return exit_codes.UNDELIVERED
    return exit_codes.FOUND if flushed.damaged or flushed.published.refused else exit_codes.OK


def _waiting(folder: Path) -> tuple[str, ...]:
    waiting = pending_bytes(folder / "outbox")
    return (f"{waiting:,} bytes still wait in the outbox: sfctl evidence flush",) if waiting else ()


def _one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    found = next((each for each in known if each.lower() == value.lower()), None)
    if value and found is None:
        raise UsageError(
            f"there is no {name} {value}", hint=f"one of {', '.join(known)}", code="SF807"
        )
    return found or ""


def _line(event: Evidence) -> str:
    if event.kind == "POLICY":
        return _policy_line(event)
    subject = event.dataset_urn or event.job_urn or str(event.payload.get("scope", ""))
    if event.stage:
        subject += f"#{event.stage}"
    gates = ",".join(str(gate.get("gate", "")) for gate in event.gates)
    what = f"{event.kind} {gates}".strip()
    moved = event.kind in ("DatasetRead", "DatasetWriteCommitted")
    mark = event.schema_fingerprint[:19] if moved else ""
    return (
        f"{event.timestamp}  {what:<24}  {subject:<40}  {event.run_id or '-'}  "
        f"{event.evidence_id}  {event.result or '-':<5}  {mark and f'schema {mark}'}"
    ).rstrip()


def _policy_line(event: Evidence) -> str:
    """Say who did what to which policy: version, digest, the one before it, key, reason."""
    said = event.payload
    version, before = said.get("version"), said.get("version_before")
    digest = str(said.get("digest") or "").removeprefix("sha256:")[:12]
    moved = f"v{before} → v{version}" if before else f"v{version}" if version else ""
    key = f"with {said['key_id']}" if said.get("key_id") else ""
    reason = f": {said['reason']}" if said.get("reason") else ""
    subject = event.dataset_urn or ("minimums" if "minimum" in str(said.get("action")) else "keys")
    words = (str(said.get("action")), moved, digest, f"by {said.get('actor')}", key)
    told = " ".join(word for word in words if word)
    return f"{event.timestamp}  {event.kind}  {subject}  {told}{reason}  {event.evidence_id}"


def _fields(document: dict[str, Any]) -> str:
    lines = []
    for name, value in document.items():
        if isinstance(value, dict | list):
            body = codec.canonical(value).decode()
            lines.append(f"{name}: {body}")
        else:
            lines.append(f"{name}: {value}")
    return "\n".join(lines)

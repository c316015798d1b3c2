"""`sfctl incidents`: what is broken, since when, who is on it, and how it ended."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from sfctl import exit_codes, wiring
from sfctl.clock import clock_from_environment, format_instant, parse_instant
from sfctl.commands.actor import actor
from sfctl.errors import PolicyRejected, StoreError, UsageError
from sfctl.incidents import lifecycle, node, outbox, store
from sfctl.incidents.document import brief, counts, document
from sfctl.incidents.severity import RANK
from sfctl.model.incident import Incident
from sfctl.report import text
from sfctl.report.outcome import Outcome
from sfctl.runtime.job.compiled import check_target, load
from sfctl.spec.repository import find_root
from sfctl.spec.wording import suggestion
from sfctl.state.port import StateStore

STATUSES = ("OPEN", "ACKNOWLEDGED", "RESOLVED")
Name = Annotated[str, typer.Argument(help="INC-7, 7, a cause key or how one begins.")]
By = Annotated[str, typer.Option(help="Who; else SFCTL_ACTOR or the user.")]
Note = Annotated[str, typer.Option(help="What is known; it is kept in the history.")]


def list_incidents(
    *,
    all: Annotated[bool, typer.Option("--all", help="The resolved ones as well.")] = False,
    status: Annotated[str, typer.Option(help=f"Only these: {', '.join(STATUSES)}.")] = "",
    fail_on: Annotated[
        str, typer.Option(help="Exit 1 when one as bad as this is not resolved: SEV-1 to SEV-3.")
    ] = "",
    project_dir: Path = Path(),
    target: str | None = None,
    now: datetime | None = None,
) -> Outcome:
    """List incidents, the worst first; those that are not resolved unless told otherwise."""
    wanted = _one_of("status", status.upper(), STATUSES)
    limit = _one_of("severity", fail_on.upper(), tuple(RANK))
    moment = now or clock_from_environment().now()
    with _state(project_dir, target) as (_, state):
        known = store.every(state)
    live = [each for each in known if each.status != "RESOLVED"]
    shown = [each for each in known if each.status == wanted] if wanted else known if all else live
    shown = sorted(
        shown,
        key=lambda each: (
            each.status == "RESOLVED",
            RANK[each.severity],
            store.number(each.incident_id),
        ),
    )
    lines: list[str] = []
    for each in shown:
        lines.append(text.status_line(_head(each), each.status.lower()))
        if each.status != "RESOLVED":
            lines += [f"    {line}" for line in _brief_lines(each, moment)]
    found = counts(known)
    lines.append(_summary(found))
    bad = limit and any(RANK[each.severity] <= RANK[limit] for each in live)
    return Outcome(
        "incidents",
        {"incidents": [brief(each) for each in shown], **found},
        "\n".join(lines),
        exit_codes.FOUND if bad else exit_codes.OK,
    )


def show(
    name: Name,
    *,
    project_dir: Path = Path(),
    target: str | None = None,
) -> Outcome:
    """Show one incident: what it is, whom it hurts, what shows of it, its history."""
    with _state(project_dir, target) as (_, state):
        incident, _version = _found(state, name)
    return Outcome("incidents", document(incident), "\n".join(_lines(incident)))


def ack(
    name: Name,
    *,
    by: By = "",
    note: Note = "",
    project_dir: Path = Path(),
    target: str | None = None,
    now: datetime | None = None,
) -> Outcome:
    """Acknowledge an incident: somebody is on it, and it is not escalated.

    Raises UsageError SF852 for one that is resolved.
    """
    moment = now or clock_from_environment().now()
    with _state(project_dir, target) as (folder, state):
        incident, version = _found(state, name)
        if incident.status == "RESOLVED":
            raise UsageError(
                f"{incident.incident_id} was resolved at {incident.resolved_at}",
                hint="it opens again by itself when its cause comes back",
                code="SF852",
            )
        done = lifecycle.acknowledged(incident, format_instant(moment), by or actor(), note)
        _keep(folder, state, incident, done, version, moment)
    return _told(done, done.history[-1].by)


def resolve(
    name: Name,
    *,
    by: By = "",
    note: Note = "",
    false_positive: Annotated[
        bool, typer.Option("--false-positive", help="Nothing was wrong: count it as such.")
    ] = False,
    project_dir: Path = Path(),
    target: str | None = None,
    now: datetime | None = None,
) -> Outcome:
    """Resolve an incident by hand; one that was resolved may still become a false positive."""
    moment = now or clock_from_environment().now()
    with _state(project_dir, target) as (folder, state):
        incident, version = _found(state, name)
        done = lifecycle.resolved(
            incident,
            format_instant(moment),
            by or actor(),
            note,
            false_positive=false_positive or incident.false_positive,
        )
        _keep(folder, state, incident, done, version, moment)
    return _told(done, done.history[-1].by)


SUBVERBS = {"list": list_incidents, "show": show, "ack": ack, "resolve": resolve}


@contextlib.contextmanager
def _state(project_dir: Path, target: str | None) -> Iterator[tuple[Path, StateStore]]:
    root = find_root(project_dir)
    check_target(root, target)
    settings = None
    with contextlib.suppress(PolicyRejected):
        settings = load(root).manifest.target.state
    folder = wiring.store_folder(root)
    with wiring.open_state(folder, settings) as state:
        yield folder, state


def _found(state: StateStore, name: str) -> tuple[Incident, int]:
    """Return the incident a person means. Raises UsageError SF850."""
    keys = store.resolve_name(state, name)
    found = store.load(state, keys[0]) if len(keys) == 1 else None
    if found is not None:
        return found
    if len(keys) > 1:
        raise UsageError(
            f"{name!r} may be any of {len(keys)} incidents",
            hint="give more of the cause key, or the alias",
            code="SF850",
        )
    known = [each.incident_id for each in store.every(state)]
    if not known:
        raise UsageError(
            f"there is no incident {name!r}, nor any other",
            hint="`sfctl engine run --once` folds evidence into incidents",
            code="SF850",
        )
    raise UsageError(
        f"there is no incident {name!r}",
        hint=suggestion(name, known, closed=len(known) <= 10)
        or "`sfctl incidents list --all` shows what there is",
        code="SF850",
    )


def _keep(
    folder: Path,
    state: StateStore,
    before: Incident,
    after: Incident,
    version: int,
    moment: datetime,
) -> None:
    if after == before:
        return
    writes = store.writes_of(after, version)
    writes += [outbox.write_of(notice) for notice in outbox.after(before, after)]
    state.transact(writes)
    # The graph only shows it; the next change of the incident draws it again.
    with contextlib.suppress(StoreError):
        graph = wiring.open_graph(folder)
        try:
            graph.upsert(node.elements(after), moment)
        finally:
            graph.close()


def _told(incident: Incident, by: str) -> Outcome:
    word = "false alarm" if incident.false_positive else incident.status.lower()
    line = text.status_line(_head(incident), word)
    return Outcome("incidents", document(incident), f"{line}\nby {by}" if by else line)


def _head(incident: Incident) -> str:
    """Return alias, severity and title, the signature left to the line below."""
    short = incident.title.removesuffix(f" - {incident.failure_signature}")
    return f"{incident.incident_id} [{incident.severity}] {short}"


def _brief_lines(incident: Incident, now: datetime) -> Iterator[str]:
    since = text.duration(max(0.0, (now - parse_instant(incident.created_at)).total_seconds()))
    rate = incident.evidence_summary.get("failure_rate")
    parts = [incident.failure_signature, f"{rate} failed" if rate else ""]
    if told := ", ".join(part for part in parts if part):
        yield told
    owner = f", owned by {incident.owner}" if incident.owner else ""
    yield f"for {since}{owner}; sfctl rca {incident.incident_id}"
    if len(incident.datasets) > 1:
        yield f"{text.count(len(incident.datasets), 'dataset')}: {', '.join(incident.datasets)}"
    if incident.related:
        yield f"related: {', '.join(incident.related)}"


def _lines(incident: Incident) -> list[str]:
    rows: list[tuple[str, str]] = [
        ("failure", incident.failure_signature),
        ("cause key", incident.cause_key),
        ("datasets", ", ".join(incident.datasets)),
        ("owner", incident.owner),
        ("since", incident.created_at),
        ("resolved", incident.resolved_at),
        ("producer", _producer(incident.suspected_producer)),
        ("deployment", incident.suspected_deployment),
        ("failed", _failed(incident.evidence_summary)),
        ("first failure", str(incident.evidence_summary.get("first_failure", ""))),
        ("impact", _impact(incident.impact)),
        ("evidence", incident.primary_evidence_id),
        ("trace", incident.primary_trace_id),
        ("run", incident.run_id),
        ("related", ", ".join(incident.related)),
    ]
    lines = [text.status_line(_head(incident), incident.status.lower())]
    lines += text.table([row for row in rows if row[1]], indent="    ")
    lines += ["    symptoms:"] + [
        f"      {each.timestamp} {each.signal_type} {each.dataset_urn} {each.state}"
        f" - {each.because}"
        for each in incident.symptoms
    ]
    lines += ["    history:"] + [
        f"      {each.at} {each.status}{f' by {each.by}' if each.by else ''}"
        f"{f': {each.note}' if each.note else ''}"
        for each in incident.history
    ]
    lines.append(f"Why: sfctl rca {incident.incident_id}")
    return lines


def _producer(producer: dict[str, Any]) -> str:
    if not producer:
        return ""
    return f"{producer['service']} {producer['version']}".strip() + f" ({producer['confidence']})"


def _failed(summary: dict[str, Any]) -> str:
    if "failure_rate" not in summary:
        return ""
    return (
        f"{summary['failed_events']:,} of {summary['total_events']:,} ({summary['failure_rate']})"
    )


def _impact(impact: dict[str, Any]) -> str:
    consumers = ", ".join(impact.get("downstream_consumers", ())) or "no consumer known"
    return f"tier {impact.get('tier')}, {impact.get('classification')}; {consumers}"


def _summary(found: dict[str, Any]) -> str:
    line = f"{found['open']} open, {found['acknowledged']} acknowledged, "
    line += f"{found['resolved']} resolved"
    if found["false_positives"]:
        rate = text.share(found["false_positive_rate"])
        line += f"; {text.count(found['false_positives'], 'false alarm')} ({rate})"
    return line + "."


def _one_of(what: str, value: str, known: tuple[str, ...]) -> str:
    if value and value not in known:
        raise UsageError(f"no {what} {value!r}", hint=suggestion(value, known), code="SF851")
    return value

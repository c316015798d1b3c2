"""`sfctl switch`: turn gates off for a while and on again, with a reason, on the record."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from sfctl import wiring
from sfctl.clock import clock_from_environment
from sfctl.commands.actor import actor
from sfctl.commands.spans import span_of
from sfctl.errors import PolicyRejected, UsageError
from sfctl.evidence.flush import flush
from sfctl.evidence.outbox import Outbox
from sfctl.model import decisions
from sfctl.report.outcome import Outcome
from sfctl.runtime.job.compiled import check_target, load
from sfctl.spec.repository import find_root
from sfctl.spec.wording import suggestion
from sfctl.state import switch as switches
from sfctl.state.switch import Switch

Scope = Annotated[str, typer.Option(help="fleet, cluster:X, job:X, dataset:X or gate:X.")]


def off(
    *,
    reason: Annotated[str, typer.Option(help="Why; it is on the record.")] = "",
    scope: Scope = "fleet",
    expires: Annotated[str, typer.Option(help="For how long; the fleet at most 24h.")] = "2h",
    project_dir: Path = Path(),
    target: str | None = None,
    now: datetime | None = None,
) -> Outcome:
    """Turn gates off: data flows unjudged, nothing certifies, until the switch expires."""
    folder, moment = _begin(project_dir, target, now)
    _check_known(folder.parent, scope)
    with wiring.open_state(folder) as state:
        switch = switches.switch_off(
            state,
            folder,
            scope=scope,
            reason=reason,
            actor=actor(),
            now=moment,
            expires=span_of(expires),
        )
    notes = _audit(folder, moment, switch, "off")
    return Outcome(
        "switch",
        {"state": "off", **asdict(switch)},
        f"{switch.scope} until {switch.expires}: {switch.reason}  OFF",
        notes=notes,
    )


def on(
    *,
    reason: Annotated[str, typer.Option(help="Why; it is on the record.")] = "",
    scope: Scope = "fleet",
    project_dir: Path = Path(),
    target: str | None = None,
    now: datetime | None = None,
) -> Outcome:
    """Turn gates on again at a scope."""
    folder, moment = _begin(project_dir, target, now)
    scope = switches.check_scope(scope)
    with wiring.open_state(folder) as state:
        found = switches.switch_on(state, folder, scope=scope)
    switch = Switch(scope, reason or "switched on again", actor())
    notes = _audit(folder, moment, switch, "on") if found else ("it was on already",)
    return Outcome(
        "switch",
        {"state": "on", "scope": scope, "was_off": asdict(found) if found else None},
        f"{scope}  ON",
        notes=notes,
    )


def status(
    *, project_dir: Path = Path(), target: str | None = None, now: datetime | None = None
) -> Outcome:
    """Show what is off, by whom, why, until when."""
    folder, moment = _begin(project_dir, target, now)
    known = switches.read(folder, moment, store=lambda: wiring.open_state(folder))
    lines = [
        f"{x.scope}  by {x.actor}  until {x.expires or 'the environment changes'}: {x.reason}  OFF"
        for x in known.live
    ]
    lines.append(f"{len(known.live)} off" if known.live else "all gates are on")
    off_now = [{"state": "off", **asdict(x)} for x in known.live]
    return Outcome("switch", {"switches": off_now, "source": known.source}, "\n".join(lines))


SUBVERBS = {"off": off, "on": on, "status": status}


def _begin(project_dir: Path, target: str | None, now: datetime | None) -> tuple[Path, datetime]:
    root = find_root(project_dir)
    check_target(root, target)
    return wiring.store_folder(root), now or clock_from_environment().now()


def _check_known(root: Path, scope: str) -> None:
    """Raise UsageError SF805 for a dataset or job that the compiled project does not have."""
    kind, _, name = switches.check_scope(scope).partition(":")
    if kind not in ("dataset", "job"):
        return
    try:
        project = load(root)
    except PolicyRejected:
        return  # nothing to compare with: in need, gates can be turned off all the same
    entries = project.manifest.datasets.values()
    known = [entry.name for entry in entries] if kind == "dataset" else [*project.manifest.jobs]
    if project.dataset(name) is None if kind == "dataset" else name not in known:
        raise UsageError(
            f"target/ has no {kind} {name!r}",
            hint=suggestion(name.rpartition(":")[2], known),
            code="SF805",
        )


def _audit(folder: Path, moment: datetime, switch: Switch, state: str) -> tuple[str, ...]:
    event = decisions.kill_switch(
        moment,
        scope=switch.scope,
        state=state,
        reason=switch.reason,
        actor=switch.actor,
        expires=switch.expires,
    )
    with Outbox(folder / "outbox", "switch") as outbox:
        if not outbox.append(event, sync=True):
            return (f"the switch is not on the record: {outbox.trouble}",)
    with wiring.open_bus(folder) as bus:
        flushed = flush(folder / "outbox", bus)
    return (f"the record waits in the outbox: {flushed.trouble}",) if flushed.trouble else ()

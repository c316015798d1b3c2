"""`sfctl engine`: fold the evidence into signals, graph and incidents."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from sfctl import exit_codes, wiring
from sfctl.clock import clock_from_environment
from sfctl.commands import engine_follow
from sfctl.commands.engine_backtest import backtest
from sfctl.commands.engine_pass import Pass, advance_all, signal_line, stage_line
from sfctl.consumer import PREFIX, Stage
from sfctl.engines.registry import names as engine_names
from sfctl.engines.runner import Runner
from sfctl.errors import PolicyRejected, UsageError
from sfctl.evidence.configuration import announce
from sfctl.evidence.flush import flush
from sfctl.evidence.port import Bus, Query
from sfctl.model.signal import SEVERITY, document_of
from sfctl.report import text
from sfctl.report.outcome import Outcome
from sfctl.runtime.job.compiled import Compiled, check_target, load
from sfctl.spec.repository import find_root
from sfctl.spec.wording import suggestion

FLUSH_S = 30.0
BATCH = 500


def run(
    names: Annotated[
        tuple[str, ...], typer.Argument(help="Engines, `graph`, `incidents`; all without any.")
    ] = (),
    *,
    once: Annotated[bool, typer.Option("--once", help="End when nothing moves (default).")] = False,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until told to end.")] = False,
    fail_on: Annotated[
        Literal["", "warning", "critical"], typer.Option(help="Exit 1 for new signals so bad.")
    ] = "",
    project_dir: Path = Path(),
    target: str | None = None,
    now: datetime | None = None,
    format: str = "text",
) -> Outcome:
    """Bring signals, graph and incidents up to the end of the log.

    Raises UsageError SF820 for an unknown name, SF821 for --follow with --once or --now.
    """
    _check(names, once, follow, now)
    root = find_root(project_dir)
    check_target(root, target)
    with _opened(root, names) as opened:
        if follow:
            return engine_follow.follow(opened.stages, opened.prepare, format)
        notes = opened.prepare()
        lag = [opened.bus.lag(PREFIX + stage.name) for stage in opened.stages]
        steps = sum(1 + each // BATCH for each in lag)
        done = advance_all(opened.stages, now or clock_from_environment().now(), steps)
        if not any(lag) and not opened.bus.query(Query(limit=1)):
            notes = (*notes, "the log is empty: `sfctl run` and `sfctl evidence publish` fill it")
        return _outcome(done, opened.bus, fail_on, notes)


def rebuild(
    names: Annotated[tuple[str, ...], typer.Argument(help="Signal engines.")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done.")] = False,
    project_dir: Path = Path(),
    target: str | None = None,
    now: datetime | None = None,
) -> Outcome:
    """Let engines forget what they keep and fold the whole log again.

    Signals keep their ids: what is on the log already is not said twice. Raises UsageError SF820
    for a name that is no signal engine.
    """
    for name in names:
        if name not in engine_names():
            raise UsageError(
                f"no signal engine {name!r} (expected one of {', '.join(engine_names())})",
                hint=suggestion(name, engine_names()) or "graph and incidents keep no cells",
                code="SF820",
            )
    root = find_root(project_dir)
    check_target(root, target)
    moment = now or clock_from_environment().now()
    with _opened(root, names) as opened:
        runners = [stage for stage in opened.stages if isinstance(stage, Runner)]
        if dry_run:
            lines = [text.status_line(f"{each.name}: {each.kept():,} cells", "kept")
                     for each in runners]  # fmt: skip
            return Outcome("engine", {"stages": [], "signals": []}, "\n".join(lines))
        notes = opened.prepare()
        for each in runners:
            each.forget()
        done = advance_all(opened.stages, moment, 1 + opened.bus.lag(PREFIX) // BATCH)
        return _outcome(done, opened.bus, "", notes)


SUBVERBS = {"run": run, "rebuild": rebuild, "backtest": backtest}


@dataclass(frozen=True, slots=True)
class _Opened:
    """The stores and the stages over them."""

    folder: Path
    bus: Bus
    stages: list[Stage]
    compiled: Compiled | None

    def prepare(self) -> tuple[str, ...]:
        """Bring what waits in the outbox to the bus, and say which project holds."""
        notes = []
        flushed = flush(self.folder / "outbox", self.bus, deadline=FLUSH_S)
        if flushed.trouble:
            notes.append(f"{flushed.pending_bytes:,} bytes wait in the outbox: {flushed.trouble}")
        if self.compiled is not None:
            announce(self.bus, self.compiled.manifest)
        else:
            notes.append("SF752 the project was never compiled: datasets have their defaults")
        return tuple(notes)


@contextlib.contextmanager
def _opened(root: Path, names: tuple[str, ...]) -> Iterator[_Opened]:
    compiled: Compiled | None = None
    with contextlib.suppress(PolicyRejected):
        compiled = load(root)
    settings = compiled.manifest.target if compiled else None
    folder = wiring.store_folder(root)
    with contextlib.ExitStack() as stack:
        bus = wiring.open_bus(folder, settings.bus if settings else None)
        stack.callback(bus.close)
        state = wiring.open_state(folder, settings.state if settings else None)
        stack.callback(state.close)
        graph = wiring.open_graph(folder, settings.graph if settings else None)
        stack.callback(graph.close)
        yield _Opened(folder, bus, wiring.stages(root, bus, state, graph, names), compiled)


def _check(names: tuple[str, ...], once: bool, follow: bool, now: datetime | None) -> None:
    known = wiring.stage_names()
    for name in names:
        if name not in known:
            raise UsageError(
                f"there is no engine {name!r}", hint=suggestion(name, known), code="SF820"
            )
    if follow and (once or now is not None):
        raise UsageError(
            f"--follow does not go with {'--once' if once else '--now'}",
            hint="give one of the two",
            code="SF821",
        )


def _outcome(done: Pass, bus: Bus, fail_on: str, notes: tuple[str, ...]) -> Outcome:
    stages: list[dict[str, Any]] = [
        {
            "name": name,
            "events": moved.events,
            "emitted": moved.emitted,
            "dead": moved.dead,
            "lag": bus.lag(PREFIX + name),
        }
        for name, moved in done.progress.items()
    ]
    lines = [stage_line(name, moved) for name, moved in done.progress.items()]
    lines += [signal_line(each) for each in done.signals]
    lines += done.told
    wrong = sum(each.state != "OK" for each in done.signals)
    dead = sum(moved.dead for moved in done.progress.values())
    summary = f"{text.count(len(done.signals), 'new signal')}, {wrong} of them not OK"
    if dead:
        summary += f"; {text.count(dead, 'dead letter')}: sfctl evidence dead-letters"
    lines.append(summary + ".")
    limit = SEVERITY.get(fail_on.upper(), 99)
    found = any(SEVERITY[each.state] >= limit for each in done.signals)
    return Outcome(
        "engine",
        {"stages": stages, "signals": [document_of(each) for each in done.signals]},
        "\n".join(lines),
        exit_codes.FOUND if found else exit_codes.OK,
        notes=notes,
    )

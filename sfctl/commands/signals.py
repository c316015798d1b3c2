"""`sfctl signals`: each engine's last word on each dataset, and what it said before."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, get_args

import msgspec
import typer

from sfctl import wiring
from sfctl.clock import clock_from_environment, format_instant, parse_instant
from sfctl.commands.spans import instant_of
from sfctl.errors import PolicyRejected, UsageError
from sfctl.evidence.port import Query
from sfctl.incidents.title import spoken, words
from sfctl.model import codec, urn
from sfctl.model import signal as signals_of
from sfctl.model.signal import SEVERITY, STATE_TABLE, Signal, SignalState, State
from sfctl.report import text
from sfctl.report.outcome import Outcome
from sfctl.runtime.job.compiled import Compiled, check_target, load
from sfctl.spec.repository import find_root
from sfctl.spec.wording import suggestion

_MOMENT = timedelta(seconds=1)
"""What began less long ago began now."""
STATES: tuple[str, ...] = get_args(State)


def signals(
    select: Annotated[tuple[str, ...], typer.Argument(help="Datasets; all without any.")] = (),
    *,
    state: Annotated[str, typer.Option(help=f"Only this state: {', '.join(STATES)}.")] = "",
    type: Annotated[str, typer.Option(help="Only this type, as CONTRACT_BREACH.")] = "",
    since: Annotated[
        str, typer.Option(help="Signals from this time (RFC 3339) or this long ago (2h, 7d).")
    ] = "",
    all: Annotated[bool, typer.Option("--all", help="Show what is well, too.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many signals, the newest.")] = 200,
    project_dir: Path = Path(),
    target: str | None = None,
    now: datetime | None = None,
) -> Outcome:
    """Show what is wrong now by engine; --since lists what was said, --all what is well."""
    if state and state.upper() not in STATES:
        raise UsageError(
            f"no state {state!r}", hint=suggestion(state.upper(), STATES), code="SF851"
        )
    moment = now or clock_from_environment().now()
    start = instant_of(since, moment)
    root = find_root(project_dir)
    check_target(root, target)
    compiled: Compiled | None = None
    with contextlib.suppress(PolicyRejected):
        compiled = load(root)
    settings = compiled.manifest.target if compiled else None
    folder = wiring.store_folder(root)
    with wiring.open_state(folder, settings.state if settings else None) as store:
        words_now = [msgspec.convert(item.value, SignalState) for item in store.query(STATE_TABLE)]
    with wiring.open_bus(folder, settings.bus if settings else None) as bus:
        query = Query(kind="SIGNAL", since=start, limit=_DEEP, newest_first=True)
        said = [record.event for record in bus.query(query)]
    spoken_of = {urn.without_stage(word.dataset_urn) for word in words_now}
    spoken_of |= {urn.without_stage(event.dataset_urn) for event in said}
    wanted = _chosen(select, compiled, spoken_of, root, target)
    known = [
        signal
        for event in said
        if urn.without_stage(event.dataset_urn) in wanted
        for signal in _read(event)
    ]
    kinds = {signal.signal_type for signal in known} | {w.signal_type for w in words_now}
    if type and type.upper() not in kinds:
        raise UsageError(
            f"no signal of type {type!r}",
            hint=suggestion(type.upper(), sorted(k for k in kinds if k)),
            code="SF851",
        )

    def fits(each: Signal | SignalState) -> bool:
        return (not state or each.state == state.upper()) and (
            not type or each.signal_type == type.upper()
        )

    listed = _newest_revisions(each for each in known if fits(each))[:limit]
    listed.reverse()
    last = [w for w in words_now if urn.without_stage(w.dataset_urn) in wanted and fits(w)]
    last.sort(key=lambda w: (-SEVERITY[w.state], w.dataset_urn, w.engine))
    payload = {
        "at": format_instant(moment),
        "states": [codec.plain(word) for word in last],
        "signals": [signals_of.document_of(each) for each in listed],
        "counts": {name: sum(w.state == name for w in last) for name in STATES},
    }
    shown = [w for w in last if all or state or w.state != "OK"]
    lines = list(_state_lines(shown, moment))
    if since:
        lines += [_signal_line(each) for each in listed]
    lines.append(_summary(last, listed if since else None))
    return Outcome("signals", payload, "\n".join(lines))


_DEEP = 10_000
"""How far back the log is looked through before it is filtered."""


def _chosen(
    select: tuple[str, ...],
    compiled: Compiled | None,
    known: set[str],
    root: Path,
    target: str | None,
) -> set[str]:
    """Return the datasets asked for: URNs, names of the project, names in the log, selectors."""
    if not select:
        return known
    found: set[str] = set()
    for name in select:
        entry = compiled.dataset(name) if compiled else None
        if entry is not None:
            found.add(entry.urn)
        elif urn.is_dataset(name):
            found.add(urn.without_stage(urn.canonical(name)))
        elif near := {each for each in known if name in (each, spoken(each), _tail(each))}:
            found |= near
        elif compiled is not None and (set(name) & set(":+*")):
            from sfctl.commands.selection import chosen as selected
            from sfctl.spec.project import load as load_spec

            chosen = {files.name for files in selected(load_spec(root, target), (name,))}
            every = compiled.manifest.datasets.values()
            found |= {each.urn for each in every if each.name in chosen}
        else:
            entries = compiled.manifest.datasets.values() if compiled else ()
            names = {each.name for each in entries}
            raise UsageError(
                f"no dataset {name!r}",
                hint=suggestion(name, sorted({*names, *map(spoken, known)})),
                code="SF851",
            )
    return found


def _tail(name: str) -> str:
    return spoken(name).rpartition(":")[2]


def _read(event: Any) -> list[Signal]:
    try:
        return [signals_of.from_event(event)]
    except msgspec.ValidationError:
        return []


def _newest_revisions(found: Iterable[Signal]) -> list[Signal]:
    newest: dict[str, Signal] = {}
    for each in found:
        if each.signal_id not in newest or newest[each.signal_id].revision < each.revision:
            newest[each.signal_id] = each
    return sorted(newest.values(), key=lambda s: (s.timestamp, s.signal_id), reverse=True)


def _state_lines(states: Iterable[SignalState], now: datetime) -> Iterable[str]:
    for each in states:
        yield text.status_line(f"{spoken(each.dataset_urn)} {each.engine}", each.state.lower())
        if each.state == "OK":
            continue
        why = each.failure_signature or each.reason
        began = each.breach_start or each.last_updated
        since = text.duration(max(0.0, (now - parse_instant(began)).total_seconds()))
        parts = [why] if why else []
        if each.score is not None:
            parts.append(f"score {text.share(each.score)}" if each.score <= 1 else f"{each.score}")
        if each.top_producer:
            parts.append(f"{each.top_producer} {each.top_producer_version}".strip())
        why = ", ".join(parts) or "no reason told"
        yield f"    {why}" if now < parse_instant(began) + _MOMENT else f"    for {since}: {why}"


def _signal_line(each: Signal) -> str:
    name = f"{each.timestamp} {words(each.signal_type)} {spoken(each.dataset_urn)}"
    return text.status_line(name, each.state.lower())


def _summary(states: list[SignalState], listed: list[Signal] | None) -> str:
    wrong = [each for each in states if each.state != "OK"]
    datasets = {urn.without_stage(each.dataset_urn) for each in wrong}
    line = "Everything is well" if states else "No engine has spoken yet: sfctl engine run --once"
    if wrong:
        line = (
            f"{text.count(len(datasets), 'dataset')} with something wrong, "
            f"by {text.count(len({each.engine for each in wrong}), 'engine')}"
        )
    if listed is not None:
        line += f"; {text.count(len(listed), 'signal')}"
    return f"{line}."

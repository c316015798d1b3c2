"""The versions that a run's tables got: looked for in their logs, and judged after their commit."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sfctl import wiring
from sfctl.clock import Clock
from sfctl.errors import SfctlError
from sfctl.model import urn
from sfctl.model.manifest import JobEntry
from sfctl.model.run import RunContext
from sfctl.runtime.job import failopen
from sfctl.runtime.job.active import Active
from sfctl.runtime.job.compiled import Compiled
from sfctl.runtime.job.journal import Journal
from sfctl.runtime.publishing.request import Sink
from sfctl.runtime.supervision import tables
from sfctl.runtime.supervision.tables import Seen, Watched

UNFINISHED = "unfinished"
MOST = 100
"""At most this many versions an event or a result; more are counted."""


@dataclass(frozen=True, slots=True)
class Versions:
    """What was found. `writes` are judged versions, `seen` all that came while the job ran."""

    writes: tuple[dict[str, Any], ...] = ()
    seen: tuple[dict[str, Any], ...] = ()
    troubles: tuple[str, ...] = ()
    rows: int = 0
    looked: bool = False
    """Whether the logs of all tables could be read."""

    @property
    def own(self) -> tuple[dict[str, Any], ...]:
        """Those that the run made."""
        return tuple(each for each in self.seen if each["own"])

    @property
    def told(self) -> dict[str, Any]:
        """What the run's last event says of them."""
        if not self.looked:
            return {}
        return {"versions": list(self.seen[:MOST]), "versions_committed": len(self.own)}


def watched(
    compiled: Compiled | None, entry: JobEntry | None, folder: Path
) -> tuple[list[Watched], list[str]]:
    """Return the tables of a run with their heads, kept in its folder too; and what is amiss."""
    if compiled is None:
        return [], []
    try:
        found, troubles = tables.watch(compiled, entry.outputs if entry else ())
        with contextlib.suppress(OSError):
            tables.remember(folder, found)
    except Exception as error:  # noqa: BLE001  the job starts whatever a log looks like
        failopen.show(error)
        return [], [f"SF766 no table is watched: {type(error).__name__}"]
    return found, [f"SF766 {each}" for each in troubles]


def settled(
    compiled: Compiled | None,
    run: RunContext,
    records: Journal,
    sink: Sink,
    clock: Clock,
    watched: Sequence[Watched],
    *,
    submitted: bool,
    observe: bool,
) -> Versions:
    """Return the versions that came since, the run's own judged unless it only observes."""
    if compiled is None or not watched:
        return Versions()
    seen: list[Seen] = []
    troubles: list[str] = []
    for each in watched:
        try:
            seen += tables.versions(each, run.run_id, submitted=submitted)
        except Exception as error:  # noqa: BLE001  one log that is damaged hides no other
            failopen.show(error)
            troubles.append(f"SF766 {each.entry.name}#{each.stage}: {error}")
    looked = not troubles
    if not seen:
        return Versions(troubles=tuple(troubles), looked=looked)
    try:
        from sfctl.runtime.supervision import after

        session = wiring.session_of(compiled)
        active = Active(run, records, sink, clock, True, _numbers=after.numbers())
        found = after.settle_versions(
            session, active, seen, observe=observe,
            unguarded=after.unguarded(records.entries("write")),
        )  # fmt: skip
        judged, writes = found.judged, tuple(found.writes)
        troubles += found.troubles
    except Exception as error:  # noqa: BLE001  the job's end is told whatever happens here
        failopen.show(error)
        judged, writes = set(), ()
        troubles.append(f"SF766 nothing was judged after its commit: {type(error).__name__}")
    ended = _ended(records)
    told = tuple({**e.told, "own": e.own, "judged": _judged(e, judged, ended)} for e in seen)
    return Versions(writes, told, tuple(troubles), _rows(seen), looked)


def finish(
    compiled: Compiled | None, run: RunContext, folder: Path, sink: Sink, clock: Clock
) -> list[str]:
    """Judge what a run had committed whose supervisor was killed; return what to tell of it."""
    if compiled is None:
        return []
    entry = compiled.job(run.job)
    try:
        now, _ = tables.watch(compiled, entry.outputs if entry else ())
    except SfctlError:
        return []
    found = settled(
        compiled, run, Journal(folder), sink, clock, tables.recall(folder, now),
        submitted=run.runtime == "spark",
        observe=entry is not None and entry.level == "observe",
    )  # fmt: skip
    many = len(found.writes)
    return [*found.troubles, *([f"{many} of its versions judged now"] if many else [])]


def _ended(records: Journal) -> set[tuple[str, int | None]]:
    """Return the versions whose writes came to their end in the job; None where none is named."""
    return {
        (urn.with_stage(each["dataset"], each["stage"]), each.get("version"))
        for each in records.entries("write")
    }


def _judged(seen: Seen, judged: set[tuple[str, int]], ended: set[tuple[str, int | None]]) -> str:
    """Return where a version was judged: in the job, after its commit, or nowhere.

    One whose `sf.write` the job did not live to see end is unfinished.
    """
    place = (seen.table.stage_urn, seen.version.version)
    if seen.known_by == "record":
        whole = place in ended or (place[0], None) in ended
        return "in-job" if whole else UNFINISHED
    return "post-commit" if place in judged else "not"


def _rows(seen: Sequence[Seen]) -> int:
    """Return how many rows the logs tell of that nobody counted inside the job."""
    unseen = (each.version for each in seen if each.own and each.known_by != "record")
    return sum(version.metric("numOutputRows", "num_added_rows") or 0 for version in unseen)

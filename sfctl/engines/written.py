"""How much each run wrote, by its own word or by lineage's, whichever order they come in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from sfctl.clock import format_instant, parse_instant
from sfctl.engines.openlineage import outputs, statistics_of
from sfctl.model import urn
from sfctl.model.evidence import Evidence

KEPT = 240
ORDER = ("", *urn.STAGES)
"""Stages, most downstream last; the first stands for none given."""


class Commit(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one run wrote to one stage: its own word, or where it gives none OpenLineage's."""

    run_id: str
    stage: str
    date: str
    at: str
    rows: dict[str, int] = {}
    """By the write's id, so that a run's several writes add up and none counts twice."""
    bytes: dict[str, int] = {}
    external: bool = False
    """Known from OpenLineage alone."""
    job_urn: str = ""
    dag_id: str = ""
    dag_run_id: str = ""


def commits_of(event: Evidence, dataset: str) -> list[Commit]:
    """Return what an event says was written to a dataset; nothing where it gives no figure."""
    if event.kind == "OpenLineage":
        told = [
            (name.partition("#")[2] or event.stage, name, *statistics_of(event, output))
            for name, output in outputs(event)
            if urn.without_stage(name) == dataset
        ]
    else:
        stage = event.stage or event.dataset_urn.partition("#")[2]
        figures = (event.payload.get("rows_written"), event.payload.get("bytes_written"))
        told = [(stage, event.evidence_id, *figures)]
    return [
        replace(
            _commit(event, stage),
            rows={key: rows} if is_count(rows) else {},
            bytes={key: size} if is_count(size) else {},
        )
        for stage, key, rows, size in told
        if is_count(rows) or is_count(size)
    ]


def _commit(event: Evidence, stage: str) -> Commit:
    day = event.logical_date or event.scheduled_time or event.started_at or event.timestamp
    if event.kind == "OpenLineage":
        run = event.payload.get("openlineage", {}).get("run", {})
        facets = run.get("facets") if isinstance(run, dict) else None
        nominal = facets.get("nominalTime") if isinstance(facets, dict) else None
        if isinstance(nominal, dict) and nominal.get("nominalStartTime"):
            day = str(nominal["nominalStartTime"])
    return Commit(
        run_id=event.run_id or event.evidence_id,
        stage=stage if stage in urn.STAGES else "",
        date=_date(day, event.timestamp, scheduled=bool(event.logical_date)),
        at=event.timestamp,
        external=event.kind == "OpenLineage",
        job_urn=event.job_urn,
        dag_id=event.dag_id,
        dag_run_id=event.dag_run_id,
    )


def _date(text: str, fallback: str, *, scheduled: bool) -> str:
    """Return the date, or for a logical instant within a day the instant, that a count is of."""
    try:
        moment = parse_instant(text)
    except ValueError:
        moment, scheduled = parse_instant(fallback), False
    whole = (moment.hour, moment.minute, moment.second) == (0, 0, 0)
    return format_instant(moment) if scheduled and not whole else moment.date().isoformat()


def noted(commits: Sequence[Commit], commit: Commit) -> tuple[Commit, ...]:
    """Add a write to what its run wrote to the stage, by the same teller; bounded."""
    known = next((each for each in commits if _who(each) == _who(commit)), commit)
    added = replace(
        known,
        at=max(known.at, commit.at),
        date=min(known.date, commit.date),
        rows={**known.rows, **commit.rows},
        bytes={**known.bytes, **commit.bytes},
    )
    rest = [each for each in commits if each is not known]
    kept = sorted([*rest, added], key=lambda each: (each.date, each.at, _who(each)))
    return tuple(kept[-KEPT:])


def _who(commit: Commit) -> tuple[str, str, bool]:
    return commit.run_id, commit.stage, commit.external


def told_once(commits: Sequence[Commit], last_stage: str) -> list[Commit]:
    """Return the commits, each run's own word before what lineage says of the same write.

    Lineage without a stage means the most downstream that the run itself names, else the most
    downstream one of the dataset.
    """
    own = [each for each in commits if not each.external]
    found = {_who(each)[:2]: each for each in own}
    for commit in (each for each in commits if each.external):
        named = [each.stage for each in own if each.run_id == commit.run_id]
        stage = commit.stage or max(named, key=ORDER.index, default=last_stage)
        same = found.get((commit.run_id, stage))
        if same is None:
            found[commit.run_id, stage] = replace(commit, stage=stage)
        elif not same.bytes:
            found[commit.run_id, stage] = replace(same, bytes=commit.bytes)
    return [found[who] for who in sorted(found)]


def is_count(value: Any) -> bool:
    """Tell whether a value is a whole number of 0 or more."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def newest_by_date(commits: Iterable[Commit]) -> dict[tuple[str, str], Commit]:
    """Return the run that wrote a date last, by date and stage: a rerun replaces a count."""
    newest: dict[tuple[str, str], Commit] = {}
    for commit in sorted(commits, key=lambda each: (each.at, each.run_id)):
        newest[commit.date, commit.stage] = commit
    return newest


def speaker(newest: Mapping[tuple[str, str], Commit], date: str) -> Commit | None:
    """Return the most downstream write of a date: it speaks for the dataset."""
    found = [commit for (day, _), commit in newest.items() if day == date]
    return max(found, key=lambda commit: ORDER.index(commit.stage), default=None)


def totals_of(commit: Commit) -> list[tuple[str, float]]:
    """Return rows and bytes, those that are told."""
    totals = []
    if commit.rows:
        totals.append(("rows", float(sum(commit.rows.values()))))
    if commit.bytes:
        totals.append(("bytes", float(sum(commit.bytes.values()))))
    return totals

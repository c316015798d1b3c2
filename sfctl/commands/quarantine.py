"""`sfctl quarantine`: look at rows held back, bring them back in, give them up, let them age."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from sfctl import exit_codes
from sfctl.certification import view
from sfctl.clock import format_instant
from sfctl.commands.lake import Lake, open_lake
from sfctl.errors import UsageError
from sfctl.model import codec
from sfctl.model.certificate import Certificate
from sfctl.model.manifest import DatasetEntry
from sfctl.report.outcome import Outcome
from sfctl.report.text import count, size
from sfctl.runtime.publishing import replay as replaying
from sfctl.runtime.publishing import retention
from sfctl.runtime.publishing.quarantine import STATES, Held, Quarantine, quarantine_path
from sfctl.runtime.publishing.sealed_files import FOLDER, sealed_files
from sfctl.wiring import STORE

STALE_DAYS = 3
"""Rows held for longer than this deserve a look."""

Select = Annotated[tuple[str, ...], typer.Argument(help="Datasets; all without any.")]
One = Annotated[str, typer.Argument(help="The dataset: its name or URN.")]
Run = Annotated[str, typer.Option(help="Only rows of this run.")]
Stage = Annotated[str, typer.Option(help="Only this stage: bronze, silver, gold.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done.")]
Key = Annotated[Path | None, typer.Option(help="The private key; else .sfctl/keys has it.")]


def list_held(
    select: Select = (),
    *,
    state: Annotated[str, typer.Option(help=f"Only this state: {', '.join(STATES)}.")] = "",
    run: Run = "",
    stage: Stage = "",
    project_dir: Path = Path(),
    target: str | None = None,
    now: datetime | None = None,
) -> Outcome:
    """List what is held, one line a run and state."""
    if state and state not in STATES:
        raise UsageError(f"no state {state!r}", hint=f"states are {', '.join(STATES)}")
    rows: list[dict[str, Any]] = []
    with open_lake("quarantine", project_dir, target, now) as lake:
        chosen = lake.chosen(select)
        urns = {entry.urn for entry in chosen}
        for entry in chosen:
            certificate = view.load(lake.state, entry.urn)
            store = _store(lake, entry)
            for held in store.held((state,) if state else STATES):
                if (run and held.run_id != run) or (stage and held.stage != stage):
                    continue
                rows.append(_row(held, store, certificate, lake.now))
        files = [
            each
            for each in sealed_files(lake.project.store, lake.project.manifest.datasets.values())
            if not (run or state)
            and (not stage or each.stage == stage)
            and (not select or each.dataset_urn in urns)
        ]
    waiting = sum(row["rows"] for row in rows if row["state"] == "held")
    old = [row for row in rows if row["state"] == "held" and row["age_days"] >= STALE_DAYS]
    lines = [
        f"{row['quarantine_table']}  {row['rows']} rows  {_told(row['reasons'])}  "
        f"{row['age_days']} d  {row['state'].upper()}"
        for row in rows
    ]
    lines += [
        f"{STORE}/{FOLDER}/{each.file}  {size(each.bytes)}  "
        f"{each.dataset_urn or 'unknown dataset'}#{each.stage or '?'}  SEALED"
        for each in files
    ]
    tables = len({row["table"] for row in rows})
    lines.append(f"{waiting} rows held in {tables} table{'s' if tables != 1 else ''}")
    if old:
        lines[-1] += f", {sum(row['rows'] for row in old)} for more than {STALE_DAYS} days"
    if files:
        lines[-1] += f"; {count(len(files), 'batch', 'batches')} in sealed files"
    payload = {
        "quarantine": rows,
        "sealed_files": [
            {**codec.plain(each), "sealed_at": format_instant(each.sealed_at)} for each in files
        ],
        "rows_held": waiting,
        "rows_held_over_3_days": sum(row["rows"] for row in old),
    }
    return Outcome("quarantine", payload, "\n".join(lines))


def show(
    dataset: One,
    *,
    run: Run = "",
    stage: Stage = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many rows a write.")] = 20,
    unseal: Annotated[
        bool, typer.Option("--unseal", help="Open sealed columns; needs the private key.")
    ] = False,
    key: Key = None,
    project_dir: Path = Path(),
    target: str | None = None,
    now: datetime | None = None,
) -> Outcome:
    """Show held rows with the rules they failed; sealed columns stay sealed."""
    shown: list[dict[str, Any]] = []
    with open_lake("quarantine", project_dir, target, now) as lake:
        entry = _entry(lake, dataset)
        store = _store(lake, entry)
        private = lake.private_key(key) if unseal else None
        found = _matching(store.held(), run, stage)
        total = sum(held.rows for held in found)
        for held in _distinct(found):
            frame = store.rows(held.write_key, limit=limit, private_key=private)
            for row in frame.iter_rows(named=True):
                values = {k: _shown(v) for k, v in row.items() if not k.startswith("_sfctl_")}
                shown.append(
                    {
                        "run_id": held.run_id,
                        "dt": held.dt,
                        "stage": held.stage,
                        "row": row["_sfctl_held_row"],
                        "state": row["_sfctl_state"],
                        "rules": row["_sfctl_rules"],
                        "reasons": row["_sfctl_reasons"],
                        "batch_blocked": row["_sfctl_batch_blocked"],
                        "values": values,
                    }
                )
    lines = [
        f"{row['dt']} {row['run_id']} #{row['row']}  "
        f"{', '.join(f'{k}={v}' for k, v in row['values'].items())}  "
        f"{', '.join(row['reasons']) or 'batch blocked'}  {row['state'].upper()}"
        for row in shown
    ]
    if len(shown) < total:
        lines.append(f"{len(shown):,} of {total:,} rows shown: --limit shows more of each write")
    else:
        lines.append(f"{count(len(shown), 'row')} shown")
    payload = {
        "dataset_urn": entry.urn,
        "quarantine_table": store.name,
        "rows": shown,
        "rows_in_all": total,
    }
    return Outcome("quarantine", payload, "\n".join(lines))


def replay(
    dataset: One,
    *,
    run: Run = "",
    stage: Stage = "",
    dry_run: DryRun = False,
    key: Key = None,
    project_dir: Path = Path(),
    target: str | None = None,
    now: datetime | None = None,
) -> Outcome:
    """Judge held rows by today's rules and publish those that pass, once."""
    done: list[replaying.Replayed] = []
    with open_lake("quarantine", project_dir, target, now) as lake:
        entry = _entry(lake, dataset)
        private = lake.private_key(key)
        for at, keys in _by_stage(lake, entry, run, stage).items():
            request = lake.request(entry, at)
            ports = lake.ports(request)
            done += replaying.replay(request, ports, private, write_keys=keys, dry_run=dry_run)
    lines = []
    for each in done:
        word = "WOULD" if dry_run else "REPLAYED" if each.rows_replayed else "HELD"
        why = f"  {', '.join(each.reasons)}" if each.reasons else ""
        lines.append(f"{each.run_id}  {each.rows_replayed} of {each.rows} rows pass{why}  {word}")
    passed, left = sum(e.rows_replayed for e in done), sum(e.rows_held for e in done)
    lines.append(f"{passed} rows {'would be ' if dry_run else ''}published, {left} stay held")
    return Outcome(
        "quarantine",
        {
            "dataset_urn": entry.urn,
            "replays": [codec.plain(each) for each in done],
            "rows_replayed": passed,
            "rows_held": left,
            "dry_run": dry_run,
        },
        "\n".join(lines),
        exit_codes.FOUND if left else exit_codes.OK,
    )


def discard(
    dataset: One,
    *,
    reason: Annotated[str, typer.Option(help="Why the rows are given up; kept with them.")] = "",
    run: Run = "",
    stage: Stage = "",
    dry_run: DryRun = False,
    project_dir: Path = Path(),
    target: str | None = None,
    now: datetime | None = None,
) -> Outcome:
    """Give held rows up for good, for a reason that is kept."""
    done: list[Held] = []
    with open_lake("quarantine", project_dir, target, now) as lake:
        entry = _entry(lake, dataset)
        for at, keys in _by_stage(lake, entry, run, stage).items():
            request = lake.request(entry, at)
            ports = lake.ports(request)
            done += replaying.discard(request, ports, reason, write_keys=keys, dry_run=dry_run)
    word = "WOULD" if dry_run else "DISCARDED"
    lines = [f"{held.dt} {held.run_id}  {held.rows} rows  {word}" for held in done]
    total = sum(held.rows for held in done)
    lines.append(f"{total} rows {'would be ' if dry_run else ''}discarded")
    writes = [{"run_id": h.run_id, "dt": h.dt, "stage": h.stage, "rows": h.rows} for h in done]
    payload = {
        "dataset_urn": entry.urn,
        "discarded": writes,
        "rows": total,
        "reason": reason,
        "dry_run": dry_run,
    }
    return Outcome("quarantine", payload, "\n".join(lines))


def expire(
    select: Select = (),
    *,
    dry_run: DryRun = False,
    project_dir: Path = Path(),
    target: str | None = None,
    now: datetime | None = None,
) -> Outcome:
    """Compact rows after 7 days, archive them after 30, delete them after 90."""
    done: list[dict[str, Any]] = []
    with open_lake("quarantine", project_dir, target, now) as lake:
        for entry in lake.chosen(select):
            for stage in entry.paths:
                request = lake.request(entry, stage)
                ports = lake.ports(request)
                steps = retention.expire(request, ports, lake.now, dry_run=dry_run)
                done += [
                    {"dataset_urn": entry.urn, "stage": stage, **codec.plain(step)}
                    for step in steps
                ]
    lines = [
        f"{s['dataset_urn']}#{s['stage']} {s['dt']} {s['run_id']}  {s['rows']} rows  "
        f"{s['days']} d  {s['action'].upper()}"
        for s in done
    ]
    lines.append(f"{len(done)} step{'s' if len(done) != 1 else ''}{' due' if dry_run else ' done'}")
    return Outcome("quarantine", {"steps": done, "dry_run": dry_run}, "\n".join(lines))


SUBVERBS = {
    "list": list_held,
    "show": show,
    "replay": replay,
    "discard": discard,
    "expire": expire,
}


def _row(held: Held, store: Quarantine, certificate: Certificate, now: datetime) -> dict[str, Any]:
    version = certificate.certified_version
    days = retention.days_held(held, now)
    return {
        "dataset_urn": store.dataset_urn,
        "run_id": held.run_id,
        "gate": held.batch.gate,
        "result": held.batch.result,
        "failure_signature": held.batch.failure_signature,
        "quarantine_table": store.partition_name(held.dt, held.run_id),
        "certified_view_status": certificate.status,
        "previous_certified_version": "" if version is None else f"v{version}",
        "timestamp": format_instant(held.held_at),
        "table": store.name,
        "stage": held.stage,
        "dt": held.dt,
        "state": held.state,
        "rows": held.rows,
        "rows_batch_blocked": held.rows_batch_blocked,
        "rules": list(held.rules),
        "reasons": list(held.reasons),
        "age_days": days,
        "age": retention.age_of(days),
        "archived": held.archived,
        "replay_id": held.replay_id,
        "write_key": held.write_key,
        "policy_digest": held.batch.policy_digest,
    }


def _told(reasons: list[str]) -> str:
    more = f" +{len(reasons) - 1} more" if len(reasons) > 1 else ""
    return f"{reasons[0]}{more}" if reasons else "-"


def _entry(lake: Lake, dataset: str) -> DatasetEntry:
    entry = lake.project.dataset(dataset)
    if entry is None:
        known = ", ".join(sorted(e.name for e in lake.project.manifest.datasets.values()))
        raise UsageError(f"no dataset {dataset!r} is compiled", hint=f"there are: {known}")
    return entry


def _store(lake: Lake, entry: DatasetEntry) -> Quarantine:
    lake_path = lake.project.manifest.target.lake
    return Quarantine(quarantine_path(lake_path, entry.urn), entry.urn)


def _matching(found: list[Held], run: str, stage: str) -> list[Held]:
    """Return what is of the run and the stage, where these are named."""
    return [h for h in found if run in ("", h.run_id) and stage in ("", h.stage)]


def _distinct(found: list[Held]) -> list[Held]:
    """Return one of each write."""
    first: dict[str, Held] = {}
    for held in found:
        first.setdefault(held.write_key, held)
    return list(first.values())


def _by_stage(lake: Lake, entry: DatasetEntry, run: str, stage: str) -> dict[str, list[str]]:
    """Return the keys of held writes by stage. Raises UsageError SF340 when there are none."""
    found: dict[str, list[str]] = {}
    waiting = _store(lake, entry).held(("held", "replaying"))
    for held in _distinct(_matching(waiting, run, stage)):
        found.setdefault(held.stage, []).append(held.write_key)
    if not found:
        raise UsageError(
            f"nothing is held of {entry.name} for that choice",
            hint="`sfctl quarantine list` shows what is",
            code="SF340",
        )
    return found


def _shown(value: object) -> object:
    return value if isinstance(value, bool | int | float | str | None) else str(value)

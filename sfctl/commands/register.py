"""`sfctl register`: identities into the registry; a first `dataset.yaml` for tables found."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from sfctl import exit_codes, wiring
from sfctl.clock import clock_from_environment, format_instant
from sfctl.commands.drafting import Drafted, Wanted, draft
from sfctl.commands.registering import register_schema, registry_of, schema_lines
from sfctl.commands.selection import Exclude, Select, chosen
from sfctl.errors import SpecError, UsageError
from sfctl.model import urn
from sfctl.profiling.identity import UNOWNED
from sfctl.report import text
from sfctl.report.outcome import Outcome
from sfctl.spec.dataset import DatasetFiles
from sfctl.spec.project import find_root, load
from sfctl.spec.repository import PROJECT_FILE
from sfctl.state.port import Put

TABLE = "registry"
"""The state table of registered datasets, by canonical URN."""


def register(
    select: Select = (),
    *,
    exclude: Exclude = (),
    from_: Annotated[
        Path | None,
        typer.Option("--from", help="Draft a dataset.yaml for this table, or all in this folder."),
    ] = None,
    name: Annotated[str, typer.Option(help="With --from: the dataset's name.")] = "",
    zone: Annotated[str, typer.Option(help="With --from: the zone of its URN.")] = "raw",
    owner: Annotated[str, typer.Option(help="With --from: the owning team.")] = UNOWNED,
    tier: Annotated[
        Literal["TIER_1", "TIER_2", "TIER_3"], typer.Option(help="With --from: how much depends.")
    ] = "TIER_3",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --from: say what would be written.")
    ] = False,
    project_dir: Path,
    target: str | None,
    now: datetime | None,
) -> Outcome:
    """Put datasets into the registry; with --from, draft a dataset.yaml for each table before.

    The schema of a dataset's baseline becomes its next registered version, where it is another.
    Tables that a dataset holds already are left alone: a second run goes on where one ended.
    Raises SpecError for a project that cannot be read, UsageError SF007 where there is no table
    at the path, SF006 where a dataset of that name exists.
    """
    root = find_root(project_dir)
    if dry_run and from_ is None:
        raise UsageError("--dry-run is for --from", code="SF001")
    drafted: Drafted | None = None
    if from_ is not None:
        wanted = Wanted(name, zone, owner, tier, dry_run)
        drafted = draft(load(root, target, offline=True), from_, wanted)
        select = (*select, *drafted.written, *drafted.known)
    if dry_run or (drafted is not None and not select):
        return _outcome([], drafted, dry_run=dry_run)
    project = load(root, target, offline=True)
    mine = [e for e in project.errors if e.path.endswith(("/dataset.yaml", PROJECT_FILE))]
    if mine or not project.datasets:
        raise SpecError(mine or project.errors)
    datasets = chosen(project, select, exclude)
    instant = now or clock_from_environment().now()
    rows = _put(root, datasets, format_instant(instant))
    registry, lake = registry_of(project), project.target.lake
    for row, dataset in zip(rows, datasets, strict=True):
        row["schema"] = None
        if dataset.baseline is not None:
            measured = dataset.baseline
            row["schema"] = register_schema(registry, lake, dataset, measured, instant)
    registry.close()
    return _outcome(rows, drafted)


def identity(dataset: DatasetFiles) -> dict[str, Any]:
    """Return what the registry keeps of a dataset: who it is, whose, where, by which names."""
    node = dataset.dataset
    plain = node.plain()
    assert isinstance(plain, dict)
    kept = {
        key: plain[key]
        for key in ("storage", "topics", "aliases", "primary_key", "slo", "tags", "description")
        if key in plain
    }
    return {
        "name": dataset.name,
        "urn": urn.canonical(node.string("urn")),
        "owner_team": node.string("owner_team"),
        "tier": node.string("tier"),
        **kept,
    }


def _put(root: Path, datasets: tuple[DatasetFiles, ...], at: str) -> list[dict[str, Any]]:
    rows, writes = [], []
    with wiring.open_state(wiring.store_folder(root)) as state:
        for dataset in datasets:
            known = identity(dataset)
            before = state.get(TABLE, known["urn"])
            same = before is not None and {**before.value, "registered_at": ""} == {
                **known,
                "registered_at": "",
            }
            if not same:
                writes.append(Put(TABLE, known["urn"], {**known, "registered_at": at}))
            change = "unchanged" if same else "updated" if before else "registered"
            rows.append({**known, "change": change})
        if writes:
            state.transact(writes)
    return rows


def _outcome(
    rows: list[dict[str, Any]], drafted: Drafted | None, *, dry_run: bool = False
) -> Outcome:
    written = drafted.written if drafted else {}
    payload = {
        "datasets": rows,
        "written": next(iter(written.values())) if len(written) == 1 else None,
        "drafted": sorted(written.values()),
        "known": list(drafted.known) if drafted else [],
        "beside": list(drafted.beside) if drafted else [],
        "unreadable": list(drafted.unreadable) if drafted else [],
        "dry_run": dry_run,
    }
    verb = "would write" if dry_run else "wrote"
    lines = [f"{verb} {file}" for file in written.values()]
    for row in rows:
        lines.append(text.status_line(f"{row['name']}  {row['urn']}", row["change"]))
        lines += schema_lines(row["schema"])
    lines += ["", *_closing(rows, drafted, dry_run=dry_run)]
    broken = any(row["schema"] and row["schema"]["error"] for row in rows)
    unable = broken or bool(drafted and drafted.unreadable)
    code = exit_codes.UNABLE if unable else exit_codes.OK
    return Outcome("register", payload, "\n".join(lines), code)


def _closing(
    rows: list[dict[str, Any]], drafted: Drafted | None, *, dry_run: bool
) -> Iterator[str]:
    """Yield what it came to, and what only a person can say."""
    if drafted is not None:
        for each in drafted.unreadable:
            yield f"{each['path']} {each['code']} {each['message']}"
        for each in drafted.beside:
            stage = f"the {each['stage']} stage of {each['dataset']}"
            yield f"{each['path']} may be {stage}: add it there"
        if drafted.known:
            yield f"{text.count(len(drafted.known), 'dataset')} known already."
        unowned = [row["name"] for row in rows if row["owner_team"] == UNOWNED]
        if unowned:
            yield f"{text.count(len(unowned), 'dataset')} without an owner: {text.few(unowned)}."
        if drafted.written and not dry_run:
            yield "look next: sfctl profile --suggest, then say owner and tier in dataset.yaml"
    if not dry_run:
        yield f"{text.count(len(rows), 'dataset')} in the registry."

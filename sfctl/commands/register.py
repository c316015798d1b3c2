"""`sfctl register`: dataset identities into the registry; a first `dataset.yaml` for a table."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from sfctl import wiring
from sfctl.clock import clock_from_environment, format_instant
from sfctl.commands.selection import Exclude, Select, chosen
from sfctl.errors import SpecError, UsageError
from sfctl.model import urn
from sfctl.report import text
from sfctl.report.outcome import Outcome
from sfctl.spec.dataset import DatasetFiles
from sfctl.spec.project import find_root, load
from sfctl.spec.repository import PROJECT_FILE

TABLE = "registry"
"""The state table of registered datasets, by canonical URN."""
_DATE = re.compile(r"[._-]?\d{4}([._-]?\d{2}){0,2}$")
_SUFFIXES = (".parquet", ".csv", ".jsonl", ".ndjson", ".tsv", ".gz")


def register(
    select: Select = (),
    *,
    exclude: Exclude = (),
    from_: Annotated[
        Path | None, typer.Option("--from", help="Write a dataset.yaml for this table or file.")
    ] = None,
    name: Annotated[str, typer.Option(help="With --from: the dataset's name.")] = "",
    zone: Annotated[str, typer.Option(help="With --from: the zone of its URN.")] = "raw",
    owner: Annotated[str, typer.Option(help="With --from: the owning team.")] = "unowned",
    project_dir: Path,
    target: str | None,
    now: datetime | None,
) -> Outcome:
    """Put datasets into the registry; with --from, write a first dataset.yaml before.

    Raises SpecError for a project that cannot be read, UsageError SF007 where there is nothing
    at the path, SF006 where the dataset exists.
    """
    root = find_root(project_dir)
    written = ""
    if from_ is not None:
        name = name or name_of(from_)
        written = _infer(root, from_, name, zone, owner)
        select = (*select, name)
    project = load(root, target, offline=True)
    mine = [e for e in project.errors if e.path.endswith(("/dataset.yaml", PROJECT_FILE))]
    if mine or not project.datasets:
        raise SpecError(mine or project.errors)
    datasets = chosen(project, select, exclude)
    instant = now or clock_from_environment().now()
    rows = _put(root, datasets, format_instant(instant))
    lines = [f"wrote {written}"] if written else []
    lines += [text.status_line(f"{row['name']}  {row['urn']}", row["change"]) for row in rows]
    lines += ["", f"{text.count(len(rows), 'dataset')} in the registry."]
    return Outcome("register", {"datasets": rows, "written": written or None}, "\n".join(lines))


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


def name_of(path: Path) -> str:
    """Return a dataset's name from a path: without suffixes, dates and what a URN cannot hold."""
    stem = path.name
    while Path(stem).suffix.lower() in _SUFFIXES:
        stem = Path(stem).stem
    stem = _DATE.sub("", stem) or (path.resolve().parent.name if path.is_file() else stem)
    return re.sub(r"[^a-z0-9_]+", "_", stem.lower()).strip("_") or "dataset"


def _put(root: Path, datasets: tuple[DatasetFiles, ...], at: str) -> list[dict[str, Any]]:
    rows = []
    with wiring.open_state(wiring.store_folder(root)) as state:
        for dataset in datasets:
            known = identity(dataset)
            before = state.get(TABLE, known["urn"])
            same = before is not None and {**before.value, "registered_at": ""} == {
                **known,
                "registered_at": "",
            }
            if not same:
                state.put(TABLE, known["urn"], {**known, "registered_at": at})
            change = "unchanged" if same else "updated" if before else "registered"
            rows.append({**known, "change": change})
    return rows


def _infer(root: Path, path: Path, name: str, zone: str, owner: str) -> str:
    if not path.exists():
        raise UsageError(f"there is nothing at {path}", code="SF007")
    file = root / "datasets" / name / "dataset.yaml"
    if file.exists():
        raise UsageError(
            f"datasets/{name}/dataset.yaml exists",
            hint="--name gives the new one another name",
            code="SF006",
        )
    stage = "gold" if path.is_dir() else "bronze"
    if path.is_dir():
        absolute = path.resolve()
        where = str(absolute.relative_to(root) if absolute.is_relative_to(root) else absolute)
        where = f"./{where}" if not where.startswith("/") else where
    else:
        where = f"bronze/{name}"
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        f"# drafted from {path.name}; say whose it is and how much depends on it",
        f"urn: ds://{zone}/{name}",
        f"owner_team: {owner}",
        "tier: TIER_3",
        "storage:",
        f"  {stage}: {where}",
        *([] if stage == "gold" else [f"  gold: gold/{name}"]),
    ]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(file.relative_to(root))

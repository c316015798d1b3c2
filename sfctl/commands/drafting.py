"""`register --from`: a first `dataset.yaml` for every table that no dataset holds yet."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sfctl.compiler.entries import storage
from sfctl.errors import SfctlError, StoreError, UsageError
from sfctl.model import urn
from sfctl.profiling import discovery, identity, origin
from sfctl.profiling.atomic import replace
from sfctl.profiling.discovery import FoundTable
from sfctl.profiling.draft import printable
from sfctl.report import progress
from sfctl.spec.project import Project

_NAME = re.compile(r"[a-z0-9_][a-z0-9_.-]*")
Stored = tuple[FoundTable, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line says of the datasets to be: `name` is empty where tables name them."""

    name: str
    zone: str
    owner: str
    tier: str
    dry_run: bool


@dataclass(frozen=True, slots=True)
class Drafted:
    """What it came to: files by dataset, datasets that held a table already, what is unreadable.

    `beside` are tables that look like a further stage of a dataset that is known.
    """

    written: dict[str, str]
    known: tuple[str, ...]
    beside: tuple[dict[str, str], ...]
    unreadable: tuple[dict[str, str], ...]


def draft(project: Project, path: Path, wanted: Wanted) -> Drafted:
    """Write a dataset.yaml for each table at or below `path`; a second run goes on from there.

    Raises UsageError SF003 for a name that no URN has, SF007 where there is no table, SF006 where
    a name is taken; StoreError SF102 where a file cannot be written.
    """
    for option, value in (("--name", wanted.name), ("--zone", wanted.zone)):
        if value and not _NAME.fullmatch(value):
            raise UsageError(
                f"{option} {value!r} is no name",
                hint="lower-case letters, digits, _ . and -, a letter, digit or _ first",
                code="SF003",
            )
    if not path.exists():
        raise UsageError(f"there is nothing at {path}", code="SF007")
    found = list(discovery.tables_below(path))
    if not found:
        raise UsageError(
            f"there is no table at {path}",
            hint="a Delta table, a folder of Parquet, or files ending in .parquet, .csv, .jsonl",
            code="SF007",
        )
    held = _held(project, found)
    kept = {t.names: held[t.path.resolve()] for t in found if t.path.resolve() in held}
    new = [each for each in found if each.path.resolve() not in held]
    further = [each for each in new if each.stage and each.names in kept]
    fresh = [each for each in new if not (each.stage and each.names in kept)]
    beside = [
        {"path": str(each.path), "stage": each.stage, "dataset": kept[each.names]}
        for each in further
    ]
    written: dict[str, str] = {}
    unreadable: list[dict[str, str]] = []
    groups = _groups(project, path, found, fresh, wanted.name)
    for name, tables in progress.track(groups.items(), "drafting", len(groups)):
        stored = _readable(tables, unreadable)
        if stored:
            text = identity.dataset_yaml(
                name, stored, Path(project.target.lake),
                zone=wanted.zone, owner=wanted.owner, tier=wanted.tier,
            )  # fmt: skip
            file = project.root / "datasets" / name / "dataset.yaml"
            if not wanted.dry_run:
                _write(file, text)
            written[name] = str(file.relative_to(project.root))
    known = tuple(sorted({held[t.path.resolve()] for t in found if t.path.resolve() in held}))
    return Drafted(written, known, tuple(beside), tuple(unreadable))


def _groups(
    project: Project,
    path: Path,
    found: Sequence[FoundTable],
    fresh: Sequence[FoundTable],
    name: str,
) -> dict[str, list[FoundTable]]:
    taken = frozenset(file.parent.name for file in project.root.glob("datasets/*/dataset.yaml"))
    if not name and [each.path for each in found] != [path]:
        return discovery.named(fresh, taken)
    if len({each.stage or "gold" for each in fresh}) < len(fresh):
        hint = "leave --name out, or name one table"
        raise UsageError(f"{len(fresh)} tables cannot all be `{name}`", hint=hint, code="SF006")
    name = name or discovery.name_of(path)
    if fresh and name in taken:
        raise UsageError(
            f"datasets/{name}/dataset.yaml exists",
            hint="--name gives the new one another name",
            code="SF006",
        )
    return {name: list(fresh)} if fresh else {}


def _held(project: Project, found: Sequence[FoundTable]) -> dict[Path, str]:
    """Return which dataset holds the table at a path, or was drafted from the file there."""
    held: dict[Path, str] = {}
    for files in project.datasets:
        name = urn.without_stage(urn.canonical(files.dataset.string("urn")))
        paths, _, _ = storage(files.dataset, name, project.target.lake)
        held |= {Path(path).resolve(): files.name for path in paths.values() if "://" not in path}
    datasets = project.root / "datasets"
    drafts = {origin.drafted_from(datasets / each.name): each.name for each in project.datasets}
    lake = Path(project.target.lake)
    for each in found:
        said = printable(identity.shown(each.path, lake)) if each.kind == "file" else ""
        if said in drafts and said:
            held[each.path.resolve()] = drafts[said]
    return held


def _readable(tables: Sequence[FoundTable], unreadable: list[dict[str, str]]) -> list[Stored]:
    stored: list[Stored] = []
    for found in tables:
        try:
            stored.append((found, discovery.partitions_of(found)))
        except SfctlError as error:
            told = {"path": str(found.path), "code": error.code, "message": str(error)}
            unreadable.append(told)
    return stored


def _write(file: Path, text: str) -> None:
    try:
        replace(file, text.encode())
    except OSError as error:
        reason = (error.strerror or "unwritable").lower()
        hint = "check the permissions of datasets/"
        message = f"datasets/{file.parent.name} cannot be written ({reason})"
        raise StoreError(message, hint=hint, code="SF102") from error

"""`sfctl schema`: what is registered, what anything is in one model, and what differs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import typer

from sfctl import exit_codes
from sfctl.commands.registering import registry_of
from sfctl.commands.selection import Exclude, Select, chosen
from sfctl.dialects.read import of_canonical
from sfctl.errors import SfctlError, UsageError
from sfctl.model import urn
from sfctl.model.schema import Mode, Schema
from sfctl.model.schema_change import changes
from sfctl.model.schema_drift import Drift, breaks, compare
from sfctl.registry.port import Registered, RegistryUnreachable, SchemaRegistry
from sfctl.report import text
from sfctl.report.outcome import Outcome
from sfctl.runtime.tables.described import described
from sfctl.spec.dataset import DatasetFiles
from sfctl.spec.project import Project, find_root, load

What = Annotated[
    str, typer.Argument(help="A file, a table, or a dataset: orders, orders@3, its URN.")
]
Dialect = Annotated[
    Literal["", "avro", "canonical", "ddl", "delta", "hive", "iceberg", "json-schema", "spark"],
    typer.Option(help="What a description is written in, where it does not tell."),
]
BREAK = "SF522"
_VERSION = re.compile(r"(.+)@(\d{1,9})\Z")


class Named(NamedTuple):
    """A schema that was asked for: what it is of, in which dialect, and where it came from."""

    name: str
    dialect: str
    schema: Schema
    version: int | None = None


def show(
    what: What, *, dialect: Dialect = "", project_dir: Path = Path(), target: str | None = None
) -> Outcome:
    """Show the schema of a file, a table, a description or a registered dataset.

    Raises SourceError, NotASchema SF523 or UsageError SF521 for what has none.
    """
    found = _found(what, dialect, project_dir, target)
    columns = found.schema.as_json()
    rows = [(str(c["name"]), str(c["type"]), _null(c["nullable"])) for c in columns]
    lines = [
        *text.table(rows),
        "",
        f"{text.count(len(rows), 'column')} ({found.dialect})",
        f"fingerprint {found.schema.fingerprint()}",
        f"shape       {found.schema.shape()}",
    ]
    payload = {"action": "show", **_told(found), "columns": columns}
    return Outcome("schema", payload, "\n".join(lines))


def diff(
    before: What,
    after: What,
    *,
    mode: Annotated[
        Literal["strict", "compatible", "breaking"], typer.Option(help="What may differ.")
    ] = "compatible",
    dialect: Dialect = "",
    project_dir: Path = Path(),
    target: str | None = None,
) -> Outcome:
    """Compare two schemas; exit 1 where the second breaks what reads the first.

    Raises what `show` raises.
    """
    old = _found(before, dialect, project_dir, target)
    new = _found(after, dialect, project_dir, target)
    drift = compare(old.schema, new.schema.with_nullability_of(old.schema))
    stopped = breaks(drift, mode)
    lines = [*text.table(_row(each, each in stopped) for each in drift)]
    same = "the same fingerprint" if not drift else text.count(len(drift), "difference")
    said = f"{len(stopped)} of them {_BREAKS[mode]} ({BREAK})" if stopped else "nothing breaks"
    payload = {
        "action": "diff",
        "mode": mode,
        "before": _told(old),
        "after": _told(new),
        "changes": [each.as_json() for each in changes(old.schema, new.schema, positions=True)],
        "breaking": [
            {"code": BREAK, "kind": d.kind, "field": d.field, "signature": d.signature}
            for d in stopped
        ],
        "verdict": "FAIL" if stopped else "WARN" if drift and mode == "compatible" else "PASS",
    }
    code = exit_codes.FOUND if stopped else exit_codes.OK
    return Outcome(
        "schema", payload, "\n".join([*lines, *([""] if lines else []), f"{same}; {said}"]), code
    )


def list_registered(
    select: Select = (),
    *,
    exclude: Exclude = (),
    project_dir: Path = Path(),
    target: str | None = None,
) -> Outcome:
    """List the registered schemas of the selected datasets: every version, who and when."""
    project = load(find_root(project_dir), target, offline=True)
    rows, lines = [], []
    registry = registry_of(project)
    for dataset in chosen(project, select, exclude):
        row = _listed(registry, dataset)
        rows.append(row)
        state = row["error"]["code"] if row["error"] else row["state"]
        lines.append(text.status_line(f"{row['name']}  {row['urn']}", state))
        for each in row["versions"]:
            at, by = each["registered_at"], each["registered_by"]
            lines.append(f"    {each['version']}  {each['fingerprint'][:19]}  {at}  {by}")
        if row["error"]:
            lines.append(f"    {row['error']['message']}")
    code = exit_codes.UNABLE if any(row["error"] for row in rows) else exit_codes.OK
    return Outcome("schema", {"action": "list", "datasets": rows}, "\n".join(lines), code)


SUBVERBS = {"list": list_registered, "show": show, "diff": diff}
_BREAKS: dict[Mode, str] = {
    "strict": "not allowed by strict", "compatible": "not compatible", "breaking": "",
}  # fmt: skip


def _found(what: str, dialect: str, project_dir: Path, target: str | None) -> Named:
    """Return the schema of a path, where there is something at it, else of a dataset."""
    if dialect or _is_there(what):
        return Named(what, *described(what, dialect))
    try:
        root = find_root(project_dir)
    except UsageError:
        described(what)  # says that there is nothing at the path
        raise
    project = load(root, target, offline=True)
    versioned = _VERSION.match(what)
    name, number = (versioned[1], int(versioned[2])) if versioned else (what, None)
    return _of_dataset(project, name, number)


def _is_there(path: str) -> bool:
    try:
        return Path(path).exists()
    except OSError:  # longer than any name
        return False


def _of_dataset(project: Project, name: str, number: int | None) -> Named:
    dataset = next((each for each in project.datasets if name in _names(each)), None)
    if dataset is None:
        raise UsageError(
            f"{name} is neither a path nor a dataset of this project",
            hint="sfctl schema list shows the datasets",
            code="SF521",
        )
    subject = urn.canonical(dataset.dataset.string("urn"))
    registry = registry_of(project)
    found = registry.latest(subject) if number is None else registry.version(subject, number)
    if found is not None:
        return Named(f"{dataset.name}@{found.version}", "registered", found.schema(), found.version)
    if number is None and dataset.baseline is not None:
        return Named(dataset.name, "baseline", of_canonical(dataset.baseline))
    raise UsageError(
        f"{dataset.name} has no registered schema" + (f" {number}" if number is not None else ""),
        hint="`sfctl profile` writes a baseline and registers its schema",
        code="SF521",
    )


def _names(dataset: DatasetFiles) -> tuple[str, ...]:
    written = dataset.dataset.string("urn")
    return dataset.name, written, urn.canonical(written)


def _listed(registry: SchemaRegistry, dataset: DatasetFiles) -> dict[str, Any]:
    subject = urn.canonical(dataset.dataset.string("urn"))
    error: dict[str, str] | None = None
    versions: tuple[Registered, ...] = ()
    try:
        versions = registry.versions(subject)
    except RegistryUnreachable as fault:
        error = {"code": fault.code, "message": str(fault), "hint": fault.hint}
    return {
        "name": dataset.name,
        "urn": subject,
        "state": _state(dataset, versions),
        "versions": [_version(each) for each in versions],
        "error": error,
    }


def _state(dataset: DatasetFiles, versions: tuple[Registered, ...]) -> str:
    """Return how the registry stands to the baseline."""
    if not versions:
        return "unregistered"
    try:
        mine = of_canonical(dataset.baseline).fingerprint() if dataset.baseline else ""
    except SfctlError:
        mine = "unreadable"
    return "registered" if mine in ("", versions[-1].fingerprint) else "baseline differs"


def _version(each: Registered) -> dict[str, Any]:
    return {
        "version": each.version,
        "registered_at": each.registered_at,
        "registered_by": each.registered_by,
        "fingerprint": each.fingerprint,
        "shape": each.shape,
        "formats": each.formats,
    }


def _told(found: Named) -> dict[str, Any]:
    return {
        "name": found.name,
        "dialect": found.dialect,
        "version": found.version,
        "fingerprint": found.schema.fingerprint(),
        "shape": found.schema.shape(),
    }


def _row(drift: Drift, stopped: bool) -> tuple[str, ...]:
    change = " → ".join(side for side in (drift.before, drift.now) if side)
    return ("breaks" if stopped else "passes", drift.kind.replace("_", " "), drift.field, change)


def _null(nullable: object) -> str:
    if nullable is None:
        return ""
    return "may be null" if nullable else "never null"

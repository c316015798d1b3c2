"""`sfctl import`: contracts written elsewhere become datasets and policies of this repo."""

from __future__ import annotations

import difflib
import tempfile
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from sfctl.errors import SpecError, StoreError, UsageError
from sfctl.model import urn
from sfctl.odcs import kept
from sfctl.odcs.contract import Contract, load
from sfctl.odcs.facts import LISTS, Key, named
from sfctl.odcs.intake import Change, Intake, Plan, Wish, plan
from sfctl.odcs.merge import Decision
from sfctl.odcs.table import slug
from sfctl.report import text
from sfctl.report.outcome import Outcome
from sfctl.spec.document import text_of
from sfctl.spec.project import find_root
from sfctl.spec.project import load as load_project
from sfctl.spec.template import has_template
from sfctl.spec.wording import suggestion

_TIERS = ("TIER_1", "TIER_2", "TIER_3")


def odcs(
    file: Annotated[Path, typer.Argument(help="A contract: YAML or JSON, version 3.0.2 or 3.1.")],
    *,
    table: Annotated[
        tuple[str, ...], typer.Option(help="Only this table of the contract; may be repeated.")
    ] = (),
    name: Annotated[
        tuple[str, ...], typer.Option(help="The dataset's name, or TABLE=NAME of several.")
    ] = (),
    zone: Annotated[str, typer.Option(help="Zone of new URNs; the contract's domain if not.")] = "",
    owner: Annotated[str, typer.Option(help="Owner of new datasets, where no team is named.")] = (
        "unowned"
    ),
    tier: Annotated[str, typer.Option(help="Tier of new datasets.")] = "TIER_3",
    server: Annotated[
        str, typer.Option(help="Take this server's place as the datasets' storage.")
    ] = "",
    replace: Annotated[
        bool, typer.Option("--replace", help="Where both differ, take the contract's word.")
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Where both differ, keep the repo's word.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the changes, write none.")] = (
        False
    ),
    project_dir: Path,
    target: str | None,
) -> Outcome:
    """Bring an Open Data Contract Standard document into `contract:`, and say what stays out.

    Raises SpecError for a document that its version's schema refuses, and SF287 for what repo and
    contract say differently; UsageError SF288 or SF292 for a table or server that is not there.
    """
    if replace and keep:
        raise UsageError("--replace and --keep exclude each other", code="SF003")
    if tier not in _TIERS:
        hint = suggestion(tier, _TIERS)
        raise UsageError(f"there is no tier {tier!r}", hint=hint, code="SF003")
    if zone and not urn.is_dataset(f"ds://{zone}/x"):
        raise UsageError(f"no zone is {zone!r}", hint=f"--zone {slug(zone)}", code="SF003")
    root = find_root(project_dir)
    contract = load(file)
    tables = _tables(contract, table)
    _known_server(contract, server)
    zone = zone or slug(str(contract.values.get("domain") or "contracts"))
    project = load_project(root, target, offline=True)
    policies = {each.name: each.policy for each in project.datasets}
    linked = kept.links(policies, str(contract.values["id"]))
    names = _names(contract, tables, name, linked)
    known = {each.name: urn.canonical(each.dataset.string("urn")) for each in project.datasets}
    new = {each: f"ds://{zone}/{each}" for each in names.values() if each not in known}
    urns = {**{each: urn.canonical(name) for each, name in new.items()}, **known}
    defaults: dict[str, dict[Key, Any]] = {
        each: {
            ("dataset", "urn"): new.get(each, ""),
            ("dataset", "owner_team"): owner,
            ("dataset", "tier"): tier,
        }
        for each in names.values()
    }
    decision: Decision = "replace" if replace else "keep" if keep else "ask"
    wish = Wish(root, {**linked, **names}, urns, defaults, server, decision)
    found = plan(contract, tables, wish)
    if found.conflicts and not dry_run:
        raise SpecError(found.conflicts)
    if not dry_run:
        _write(root, found.changes)
    return _outcome(contract, found, written=not dry_run, dry_run=dry_run)


SUBVERBS = {"odcs": odcs}


def _tables(contract: Contract, wanted: Sequence[str]) -> list[int]:
    known = [str(each["name"]) for each in contract.values.get("schema") or ()]
    if not known:
        raise UsageError("the contract describes no table", hint="add `schema:`", code="SF288")
    for each in wanted:
        if each not in known:
            hint = suggestion(each, known)
            raise UsageError(f"the contract has no table {each!r}", hint=hint, code="SF288")
    return [at for at, each in enumerate(known) if not wanted or each in wanted]


def _names(
    contract: Contract, tables: list[int], given: Sequence[str], linked: Mapping[str, str]
) -> dict[str, str]:
    """Return the dataset of each table: as asked, as it was before, else called like the table.

    Raises UsageError SF288 where two would be one.
    """
    chosen = [str(contract.values["schema"][index]["name"]) for index in tables]
    names = {each: linked.get(each, slug(each)) for each in chosen}
    if any(has_template(each) for each in chosen):
        message = "the name of a table holds `{{` or `{%`, which files of this repo fill in"
        raise UsageError(message, hint="choose others by --table", code="SF288")
    for each in given:
        table, equals, name = each.rpartition("=")
        if not equals and len(chosen) > 1:
            message = f"--name {each} is one, the tables are {len(chosen)}"
            raise UsageError(message, hint="--name TABLE=NAME, or choose by --table", code="SF288")
        table = table if equals else chosen[0]
        if table not in names or slug(name) != name:
            hint = suggestion(table, names) if table not in names else f"--name {slug(name)}"
            raise UsageError(f"--name {each} fits no table or folder", hint=hint, code="SF288")
        names[table] = name
    if len(names) < len(chosen) or len(set(names.values())) < len(names):
        message = "two tables would become one dataset"
        raise UsageError(message, hint="--name TABLE=NAME tells them apart", code="SF288")
    return names


def _known_server(contract: Contract, server: str) -> None:
    known = [str(each["server"]) for each in contract.values.get("servers") or ()]
    if server and server not in known:
        hint = suggestion(server, known) if known else "it has no servers; leave the option away"
        raise UsageError(f"the contract has no server {server!r}", hint=hint, code="SF292")


def _write(root: Path, changes: Sequence[Change]) -> None:
    """Write every file whole, in order, so that the next import ends one that was cut short.

    Raises StoreError where a file cannot be written, or is not what it was when it was read.
    """
    drafts: list[tuple[Path, Path]] = []
    try:
        for change in changes:
            path = root / change.path
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = tempfile.NamedTemporaryFile(  # noqa: SIM115
                prefix=f".{path.name}-", dir=path.parent, delete=False
            )
            with handle:
                drafts.append((Path(handle.name), path))
                handle.write(change.after.encode())
            Path(handle.name).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        for change, (_, path) in zip(changes, drafts, strict=True):
            if text_of(path) != change.before:
                message = f"{change.path} changed while the contract was read"
                raise StoreError(message, hint="run it again", code="SF102")
        for draft, path in drafts:
            draft.replace(path)
    except OSError as error:
        reason = (error.strerror or "unwritable").lower()
        message = f"the import cannot be written ({reason})"
        raise StoreError(message, hint="check the permissions of datasets/", code="SF102") from None
    finally:
        for draft, _ in drafts:
            draft.unlink(missing_ok=True)


def _outcome(contract: Contract, found: Plan, *, written: bool, dry_run: bool) -> Outcome:
    lines: list[str] = []
    if dry_run:
        for change in found.changes:
            lines += _diff(change)
    for intake in found.intakes:
        lines.append(text.status_line(f"{intake.name}: {_counted(intake)}", _change(intake)))
        for each in intake.merge.kept:
            lines.append(f"    kept {named(each.key)}")
    for problem in found.conflicts:
        lines.append(str(problem))
    lines += _left(found)
    does = "would be written" if dry_run else "written"
    closing = f"{text.count(len(found.changes), 'file')} {does}, "
    demands = sum(left.demands for left, _, _ in found.left)
    closing += f"{text.count(demands, 'demand')} not enforced."
    if found.conflicts:
        closing += f" {text.count(len(found.conflicts), 'conflict')}: --replace or --keep."
    payload = {
        "contract": {
            "id": str(contract.values["id"]),
            "version": str(contract.values["version"]),
            "api_version": contract.version,
            "kept_in": found.kept_in,
        },
        "datasets": [_dataset(intake) for intake in found.intakes],
        "left": [
            {
                "path": left.path,
                "line": line,
                "col": col,
                "reason": left.reason,
                "demands": left.demands,
            }
            for left, line, col in found.left
        ],
        "conflicts": [
            {"line": each.line, "col": each.col, "message": each.message}
            for each in found.conflicts
        ],
        "files": [change.path for change in found.changes],
        "written": written,
    }
    return Outcome("import", payload, "\n".join([*lines, "", closing]))


def _left(found: Plan) -> Iterator[str]:
    """Yield what is not enforced: first what is demanded of the data, then what is only told."""
    demands = [
        (f"  {line}:{col}", left.path, left.reason)
        for left, line, col in found.left
        if left.demands
    ]
    if demands:
        yield ""
        yield "Not enforced; kept in the contract, and given back by an export:"
        yield from text.table(demands)
    told = [left.path for left, _, _ in found.left if not left.demands]
    if told:
        yield ""
        yield "Kept for people and other tools:"
        yield from textwrap.wrap(
            ", ".join(told),
            width=text.width(),
            initial_indent="  ",
            subsequent_indent="  ",
            break_on_hyphens=False,
            break_long_words=False,
        )


def _counted(intake: Intake) -> str:
    rules = sum(key[:-1] in LISTS and key[:3] != LISTS[0] for key in intake.facts)
    columns = sum(key[:-1] == LISTS[0] for key in intake.facts)
    return f"{text.count(columns, 'column')}, {text.count(rules, 'rule')} from {intake.table}"


def _change(intake: Intake) -> str:
    if not intake.changes:
        return "unchanged"
    return "updated" if all(change.before for change in intake.changes) else "created"


def _dataset(intake: Intake) -> dict[str, Any]:
    return {
        "name": intake.name,
        "table": intake.table,
        "change": _change(intake),
        "files": [change.path for change in intake.changes],
        "mapped": [
            {"fact": named(key), "value": value, "from": list(intake.origins.get(key, ()))}
            for key, value in intake.facts.items()
        ],
        "kept": [
            {"fact": named(each.key), "ours": each.ours, "theirs": each.theirs}
            for each in intake.merge.kept
        ],
    }


def _diff(change: Change) -> list[str]:
    return list(
        difflib.unified_diff(
            change.before.splitlines(),
            change.after.splitlines(),
            change.path if change.before else "/dev/null",
            change.path,
            lineterm="",
        )
    )

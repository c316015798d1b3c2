"""`sfctl certify`: verify certified views, create them, judge tables anew, move views back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from sfctl import exit_codes
from sfctl.commands.lake import Lake, open_lake
from sfctl.commands.selection import Exclude, Select
from sfctl.errors import UsageError
from sfctl.model import codec
from sfctl.model.manifest import DatasetEntry
from sfctl.report.outcome import Outcome
from sfctl.runtime.publishing import recertify
from sfctl.runtime.publishing.recertify import Recertified


def certify(
    select: Select = (),
    *,
    exclude: Exclude = (),
    init: Annotated[
        bool, typer.Option("--init", help="Judge a table that exists already, certify it first.")
    ] = False,
    to_version: Annotated[
        int | None, typer.Option(min=0, help="Point the view at this certified version.")
    ] = None,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Point it at the certified version before.")
    ] = False,
    revalidate: Annotated[
        bool, typer.Option("--revalidate", help="Judge the whole table; passing clears taints.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done.")] = False,
    project_dir: Path = Path(),
    target: str | None = None,
    now: datetime | None = None,
) -> Outcome:
    """Verify certified views; with an option create one, judge its table anew or move it back."""
    if sum((init, revalidate, rollback, to_version is not None)) > 1:
        raise UsageError(
            "--init, --revalidate, --rollback and --to-version exclude each other",
            hint="one thing at a time",
        )
    with open_lake("certify", project_dir, target, now) as lake:
        entries = [e for e in lake.chosen(select, exclude) if "gold" in e.paths]
        if len(select) == 1 and not entries:
            raise UsageError(
                f"{select[0]} stores no gold stage: nothing of it can be certified",
                hint="add gold to storage: and compile",
                code="SF342",
            )
        if (rollback or to_version is not None) and len(entries) != 1:
            raise UsageError(
                f"moving back needs exactly one dataset, {len(entries)} are selected",
                hint="name it: sfctl certify NAME --rollback",
            )
        found = [
            _one(lake, entry, init, revalidate, rollback, to_version, dry_run) for entry in entries
        ]
    bad = any(_is_bad(each) for each in found)
    return Outcome(
        "certify",
        {"datasets": [codec.plain(each) for each in found], "dry_run": dry_run},
        _text(found, dry_run),
        exit_codes.FOUND if bad else exit_codes.OK,
    )


def _one(
    lake: Lake,
    entry: DatasetEntry,
    init: bool,
    revalidate: bool,
    rollback: bool,
    to_version: int | None,
    dry_run: bool,
) -> Recertified:
    request = replace(lake.request(entry, "gold"), mode="overwrite")
    ports = lake.ports(request)
    if rollback or to_version is not None:
        return recertify.move_back(request, ports, to_version, dry_run=dry_run)
    if revalidate:
        return recertify.revalidate(request, ports, dry_run=dry_run)
    verified = recertify.verify(request, ports, dry_run=dry_run)
    if init and verified.certified_version is None and verified.head is not None:
        return recertify.revalidate(request, ports, dry_run=dry_run)
    return verified


def _is_bad(each: Recertified) -> bool:
    return (
        each.action == "refused"
        or each.readable is False
        or (each.action == "verified" and each.certification_status != "CERTIFIED")
    )


def _would(each: Recertified) -> bool:
    """Tell whether a dry run found that the table's newest version passes."""
    return each.dry_run and each.action == "certified"


def _text(found: list[Recertified], dry_run: bool) -> str:
    lines = []
    for each in found:
        if _would(each):
            lines.append(f"{each.dataset}  v{each.head}  WOULD")
            continue
        version = "no version" if each.certified_version is None else f"v{each.certified_version}"
        word = "REFUSED" if each.action == "refused" else each.certification_status
        lines.append(f"{each.dataset}  {version}  {word}")
        if each.reasons:
            code = "SF322 " if each.action == "refused" else ""
            lines.append(f"    {code}{', '.join(each.reasons)}")
        if each.action == "refused" and each.judgement is not None:
            failed = (gate for gate in each.judgement.gates if gate.result in ("FAIL", "ERROR"))
            lines += [
                f"    {gate.gate} {gate.result}: {', '.join(gate.reason_codes[:5])}"
                for gate in failed
                if gate.reason_codes
            ]
        if each.held_since:
            lines.append(f"    held since {each.held_since}")
        elif each.head is None:
            lines.append("    there is no table yet")
        elif each.action == "verified" and each.certification_status == "NEVER_CERTIFIED":
            lines.append(f"    its table is at version {each.head}: `certify --init` judges it")
    good = sum(
        _would(each) or (not _is_bad(each) and each.certification_status == "CERTIFIED")
        for each in found
    )
    would = " (dry run: nothing was changed)" if dry_run else ""
    lines.append(f"{good} of {len(found)} in order{would}")
    return "\n".join(lines)

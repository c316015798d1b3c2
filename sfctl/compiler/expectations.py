"""What consumers need of a dataset, joined with what its producer promises; gaps told to both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sfctl.compiler.columns import Columns
from sfctl.compiler.draft import Draft
from sfctl.compiler.findings import Findings, shown
from sfctl.compiler.quantity import share
from sfctl.compiler.sections import Sections
from sfctl.errors import Problem
from sfctl.model.manifest import Gap
from sfctl.model.policy import Batch
from sfctl.model.types import DataType, parse
from sfctl.spec.dataset import DatasetFiles
from sfctl.spec.reference import canonical
from sfctl.spec.tree import Node

ANY = DataType("ANY")


@dataclass(frozen=True, slots=True)
class Expectation:
    """One consumer's entry about one dataset."""

    consumer: str
    owner: str
    entry: Node


def by_dataset(
    documents: Iterable[Node], names: Mapping[str, str]
) -> dict[str, tuple[Expectation, ...]]:
    """Return the entries of all consumers by the URN of the dataset they are about."""
    found: dict[str, list[Expectation]] = {}
    for document in documents:
        stem = document.path.rpartition("/")[2].rpartition(".")[0]
        consumer = document.string("consumer") or stem
        for entry in document["expects"]:
            text = entry.string("dataset")
            name = names.get(text) or names.get(canonical(text)) or canonical(text)
            owner = document.string("owner_team")
            found.setdefault(name, []).append(Expectation(consumer, owner, entry))
    return {name: tuple(entries) for name, entries in found.items()}


def demanded(
    expectations: Iterable[Expectation],
    files: DatasetFiles,
    columns: Columns,
    sections: Sections,
    findings: Findings,
) -> list[Draft]:
    """Return the rules that consumers add: filled columns and a least number of rows.

    A column the producer does not have, or lets be null, is a gap: told, not enforced.
    """
    drafts: list[Draft] = []
    for each in expectations:
        producer = files.dataset.string("owner_team")
        hint = f"producer: {producer}; consumer: {each.consumer}, owned by {each.owner}"
        for item in each.entry.get("fields") or ():
            node = item["field"] if item.is_mapping else item
            draft = _field(item, node, each, columns, sections, findings, hint)
            if draft is not None:
                drafts.append(draft)
        rows = each.entry.get("min_rows")
        if rows is not None and rows.value:
            check = Batch("row_count", minimum=str(rows.value))
            name = f"row_count:{each.consumer}"
            drafts.append(
                Draft(
                    rows, "row_count", "G4_CONTRACT", check, "RANGE_VIOLATION", name, "row_count",
                    tags=(f"consumer:{each.consumer}",),
                )
            )  # fmt: skip
    return drafts


def _field(
    item: Node,
    node: Node,
    each: Expectation,
    columns: Columns,
    sections: Sections,
    findings: Findings,
    hint: str,
) -> Draft | None:
    name = str(node.value)
    if name not in columns.types and not columns.open:
        message = f"{each.consumer} expects column {shown(name)}, which the producer does not have"
        findings.warning(node, "SF252", message, hint)
        return None
    written = item.get("type") if item.is_mapping else None
    if written is not None:
        try:
            wanted = parse(str(written.value))
        except ValueError as error:
            findings.error(written, "SF212", str(error))
            return None
        known = columns.type_of(name)
        if known != ANY and not wanted.widens(known):
            message = f"{each.consumer} expects {shown(name)} as {wanted}, the producer has {known}"
            findings.warning(written, "SF252", message, hint)
    if item.is_mapping and item.scalar("nullable") is True:
        return None
    if name in columns.nullable:
        message = f"{each.consumer} expects {shown(name)} filled, the producer lets it be null"
        findings.warning(node, "SF252", message, f"{hint}; or expect it with nullable: true")
        return None
    if name in columns.required:
        return None
    draft = sections.not_null(node, node, "G4_CONTRACT", "required", "required")
    draft.tags = (f"consumer:{each.consumer}",)
    columns.required[name] = node
    return draft


def gaps_of(problems: Iterable[Problem], expectations: Iterable[Expectation]) -> tuple[Gap, ...]:
    """Return what the compiler told of gaps, with whom to tell of each: for those who run."""
    owners = {each.entry.path: each for each in expectations}
    return tuple(
        Gap(owners[problem.path].consumer, owners[problem.path].owner, problem.message)
        for problem in problems
        if problem.code == "SF252" and problem.path in owners
    )


def joined_slo(
    slo: dict[str, object],
    expectations: Iterable[Expectation],
    files: DatasetFiles,
    findings: Findings,
) -> dict[str, object]:
    """Return the producer's objectives with those of consumers: the tighter of each counts."""
    joined = dict(slo)
    producer = files.dataset.string("owner_team")
    for each in expectations:
        hint = f"producer: {producer}; consumer: {each.consumer}, owned by {each.owner}"
        fresh = each.entry.get("freshness")
        if fresh is not None:
            joined["freshness"] = _fresher(joined.get("freshness"), fresh, each, findings, hint)
        quality = each.entry.get("dq")
        if quality is None:
            continue
        said = files.dataset.get("slo")
        at = said.get("dq") if said is not None else None
        at = at.get("threshold") if at is not None and at.is_mapping else at
        if at is None or share(at) < share(quality):
            if at is not None:
                message = f"{each.consumer} expects dq {quality.text or quality.value}, "
                findings.warning(
                    quality, "SF252", f"{message}the producer promises {at.text or at.value}", hint
                )
            kept = joined.get("dq")
            block = dict(kept) if isinstance(kept, dict) else {}
            least = block.get("threshold")
            wanted = float(share(quality))
            if not isinstance(least, float | int) or least < wanted:
                block["threshold"] = wanted
            joined["dq"] = block
    return joined


def _fresher(have: object, node: Node, each: Expectation, findings: Findings, hint: str) -> object:
    wanted = node.plain()
    if not isinstance(have, dict) or not isinstance(wanted, dict):
        message = f"{each.consumer} expects freshness, the producer promises none"
        findings.warning(node, "SF252", message, hint)
        return wanted
    mine, theirs = have.get("max_delay_seconds"), wanted.get("max_delay_seconds")
    tighter = dict(have)
    if isinstance(theirs, int) and (not isinstance(mine, int) or theirs < mine):
        got = f"{mine} s" if mine is not None else "none"
        message = f"{each.consumer} expects a delay of at most {theirs} s (the producer: {got})"
        findings.warning(node, "SF252", message, hint)
        tighter["max_delay_seconds"] = theirs
    by, promised = wanted.get("expected_update_by"), have.get("expected_update_by")
    if by is not None and promised is None:
        tighter["expected_update_by"] = by
    elif by is not None and not _in_time(str(promised), str(by)):
        message = f"{each.consumer} expects data by {by}, the producer promises {promised}"
        findings.warning(node, "SF252", message, hint)
    return tighter


def _in_time(promised: str, wanted: str) -> bool:
    """Tell whether a promise such as `02:00 ET daily` surely keeps what is wanted."""
    mine, theirs = promised.split(maxsplit=1), wanted.split(maxsplit=1)
    clocks = all(len(part[0]) == 5 and part[0][2] == ":" for part in (mine, theirs) if part)
    return promised == wanted or (clocks and mine[1:] == theirs[1:] and mine[0] <= theirs[0])

"""One dataset's files compiled into its policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from sfctl.compiler.columns import known_columns
from sfctl.compiler.contradiction import check_rules
from sfctl.compiler.detection import check_actions, detections
from sfctl.compiler.draft import name_rules
from sfctl.compiler.expectations import Expectation, demanded
from sfctl.compiler.findings import Findings
from sfctl.compiler.measures import check_measures
from sfctl.compiler.minimum import Minimum
from sfctl.compiler.quantity import plain, share
from sfctl.compiler.sections import Sections
from sfctl.compiler.stages import check_stages
from sfctl.compiler.subsumption import subsume
from sfctl.errors import Problem
from sfctl.model import codec, urn
from sfctl.model.policy import ColumnSpec, Detection, Enforcement, Performance, Policy, SchemaPolicy
from sfctl.spec.dataset import DatasetFiles
from sfctl.spec.tree import Node

_EMPTY = Node({}, "", 1, 1)


def compile_policy(
    files: DatasetFiles,
    minimum: Node | None = None,
    *,
    expectations: Sequence[Expectation] = (),
    names: Mapping[str, str] | None = None,
    root: Path | None = None,
    columns: tuple[str, ...] | None = None,
    open_columns: bool = False,
) -> tuple[Policy, list[Problem]]:
    """Return the policy of one dataset and every problem of its bundle.

    `minimum` is the organisation's document, applied whatever the bundle says. `expectations` are
    consumers' entries about this dataset. `names` maps names of datasets to URNs. `columns` names
    those of a source at hand; `open_columns` lets unknown ones pass, to be met at the run.
    The policy leaves out what has an error.
    """
    findings = Findings()
    bundle = files.policy or _EMPTY
    known, schema = known_columns(files, findings, columns)
    known.open = open_columns
    sections = Sections(known, findings, root or Path.cwd(), names or {})
    drafts = sections.drafts(bundle)
    drafts += demanded(expectations, files, known, sections, findings)
    found = detections(bundle, known, findings)
    name_rules(drafts, findings)
    subsume(drafts, findings)
    check_measures(drafts, check_rules(drafts, findings), known.types, findings)
    check_stages(drafts, files.dataset, findings)
    check_actions(files, drafts, known, findings)
    dataset = files.dataset
    policy = Policy(
        dataset_urn=urn.without_stage(urn.canonical(dataset.string("urn"))),
        name=files.name,
        tier=tier(dataset),
        version=_whole(bundle.scalar("version"), 1),
        owner=dataset.string("owner_team"),
        rules=tuple(draft.rule() for draft in drafts),
        schema=_flagged(schema, found),
        pii=found,
        enforcement=_enforcement(bundle),
        performance=_performance(bundle),
        contract=_contract(bundle),
        contract_id=_named(bundle)[0],
        contract_version=_named(bundle)[1],
        primary_key=dataset.strings("primary_key"),
        allow_empty=dataset.scalar("allow_empty") is True,
        on_stale=dataset.string("on_stale", "serve_certified"),  # type: ignore[arg-type]
    )
    policy = Minimum(minimum, files, findings).apply(policy, drafts)
    return digested(policy), sorted(findings.problems)


def digested(policy: Policy) -> Policy:
    """Return the policy with the digest of everything else in it."""
    policy = replace(policy, digest="")
    return replace(policy, digest=codec.digest(policy))


def tier(dataset: Node) -> int:
    """Return 1, 2 or 3."""
    return int(dataset.string("tier", "TIER_3")[-1])


def _flagged(schema: SchemaPolicy, found: tuple[Detection, ...]) -> SchemaPolicy:
    named = {name for entry in found for name in entry.columns}
    marked = tuple(
        ColumnSpec(c.name, c.type, c.nullable, c.required, c.name in named) for c in schema.columns
    )
    return replace(schema, columns=marked)


def _contract(bundle: Node) -> Any:
    if bundle.get("contract") is not None:
        return "full"
    return "lite" if bundle.get("contract_lite") is not None else "none"


def _named(bundle: Node) -> tuple[str, int | str]:
    """Return id and version of the contract, empty where there is none."""
    block = bundle.get("contract") or _EMPTY
    version = block.scalar("version")
    return block.string("id"), version if isinstance(version, int | str) else ""


def _enforcement(bundle: Node) -> Enforcement:
    block = bundle.get("enforcement")
    if block is None:
        return Enforcement()
    written = block.get("max_quarantine_share")
    stages: dict[str, str] = {}
    limit = Enforcement().max_quarantine_share
    if written is not None and written.is_mapping:
        stages = {stage: plain(share(node)) for stage, node in written.items()}
    elif written is not None:
        limit = plain(share(written))
    return Enforcement(
        level=block.string("level", "G2"),  # type: ignore[arg-type]
        explicit=block.get("level") is not None,
        max_quarantine_share=limit,
        stage_shares=stages,
    )


def _performance(bundle: Node) -> Performance:
    block = bundle.get("performance")
    if block is None:
        return Performance()
    default = Performance()
    rate = block.scalar("sampling_rate")
    return Performance(
        gate_timeout_ms=_whole(block.scalar("gate_timeout_ms"), default.gate_timeout_ms),
        sampling_rate=float(rate) if isinstance(rate, int | float) else default.sampling_rate,
        memory_mb=_whole(block.scalar("memory_mb"), default.memory_mb),
    )


def _whole(value: object, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else default

"""The manifest's entries: where a dataset lies, what a job reads and writes, the target."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from sfctl.compiler.findings import Findings, place, shown
from sfctl.compiler.submit import submit_words, wants_delta
from sfctl.model import urn
from sfctl.model.expr import Within
from sfctl.model.manifest import DatasetEntry, Gap, JobEntry, TargetEntry
from sfctl.model.policy import Policy, RowCheck
from sfctl.spec.dataset import DatasetFiles
from sfctl.spec.reference import canonical
from sfctl.spec.target import Target
from sfctl.spec.tree import Node

STAGES = ("bronze", "silver", "gold")
MOST_ACCEPTED = 50
"""Values of one list that the manifest repeats."""
_FROM_VARIABLE = re.compile(r"\{\{\s*env_var\(\s*['\"](\w+)['\"]\s*\)\s*\}\}")
_READS_SECRET = re.compile(r"\b(?:env_var|file)\s*\(")
_SECRETS = frozenset({"sasl_password", "password"})


def dataset_entry(
    files: DatasetFiles,
    policy: Policy,
    lake: str,
    *,
    slo: dict[str, object],
    source_files: tuple[str, ...],
    source_digest: str,
    gaps: tuple[Gap, ...] = (),
) -> DatasetEntry:
    """Return what a run needs to find and treat a dataset."""
    node = files.dataset
    paths, formats, partitions = storage(node, policy.dataset_urn, lake)
    entry = DatasetEntry(
        name=files.name,
        urn=policy.dataset_urn,
        paths=paths,
        format=formats.get("gold") or next(iter(formats.values())),
        formats=formats,
        partition_by=partitions,
        policy=f"policies/{files.name}.json",
        source_digest=source_digest,
        aliases=_aliases(node),
        tags=node.strings("tags"),
        slo=slo,
        gaps=gaps,
        files=source_files,
    )
    return policy_facts(entry, policy)


def policy_facts(entry: DatasetEntry, policy: Policy, **more: str) -> DatasetEntry:
    """Return the entry with all that it repeats of the dataset's active policy, and `more`."""
    acting = [each for each in policy.pii if each.action != "none"]
    acted = dict.fromkeys(column for each in acting for column in each.columns)
    return replace(
        entry,
        owner=policy.owner,
        tier=policy.tier,
        digest=policy.digest,
        version=policy.version,
        level=policy.enforcement.level,
        acted=tuple(acted),
        acts_on_all_strings=any(not each.columns for each in acting),
        accepted_values=_accepted(policy),
        on_stale=policy.on_stale,
        **more,
    )


def _accepted(policy: Policy) -> dict[str, tuple[str, ...]]:
    """Return the value lists of columns that hold nothing personal."""
    hidden = {name for entry in policy.pii for name in entry.columns}
    hidden |= {column.name for column in policy.schema.columns if column.pii}
    found: dict[str, tuple[str, ...]] = {}
    for rule in policy.rules:
        listed = rule.check.expr if isinstance(rule.check, RowCheck) else None
        field = rule.detail_field if rule.kind == "accepted_values" else ""
        if field and field not in hidden and isinstance(listed, Within):
            found[field] = tuple(v.text for v in listed.values[:MOST_ACCEPTED])
    return found


def storage(
    dataset: Node, dataset_urn: str, lake: str
) -> tuple[dict[str, str], dict[str, str], dict[str, tuple[str, ...]]]:
    """Return path, format and partition columns by stage.

    Without `storage` every stage lies at `<lake>/<stage>/<domain>.<name>`.
    """
    block = dataset.get("storage")
    if block is None:
        folder = urn.slug(dataset_urn)
        paths = {stage: located(lake, f"{stage}/{folder}") for stage in STAGES}
        return paths, dict.fromkeys(STAGES, "delta"), {}
    paths, formats, partitions = {}, {}, {}
    for stage in STAGES:
        node = block.get(stage)
        if node is None:
            continue
        path = node.string("path") if node.is_mapping else str(node.value)
        paths[stage] = located(lake, path)
        formats[stage] = node.string("format") or block.string("format", "delta")
        columns = node.strings("partition_by")
        if columns:
            partitions[stage] = columns
    return paths, formats, partitions


def located(lake: str, path: str) -> str:
    """Return a storage path made absolute from the lake; URLs and absolute paths as they are."""
    if "://" in path or path.startswith("/"):
        return path.rstrip("/") or "/"
    path = path.removeprefix("./").strip("/")
    if "://" in lake:
        return f"{lake.rstrip('/')}/{path}"
    return os.path.normpath(f"{lake}/{path}")


def _aliases(node: Node) -> tuple[str, ...]:
    found = list(node.strings("topics"))
    for alias in node.get("aliases") or ():
        if alias.is_mapping:
            found.append(f"{alias.string('namespace')}/{alias.string('name')}")
        else:
            found.append(str(alias.value))
    return tuple(found)


def job_entry(
    node: Node,
    names: Mapping[str, str],
    stages: Mapping[str, tuple[str, ...]],
    findings: Findings,
) -> JobEntry:
    """Return a job with its datasets resolved. `names` maps names to URNs, `stages` URNs to stages.

    An output without a stage goes to the only stage its dataset stores, else it must say.
    """
    outputs, modes = [], {}
    for item in node.get("outputs") or ():
        name = _resolved(item, names)
        stage = item.string("stage") if item.is_mapping else ""
        stored = stages.get(name, ())
        if not stage and len(stored) == 1:
            stage = stored[0]
        elif not stage and stored:
            message = f"output {shown(name)} has several stages ({', '.join(stored)})"
            hint = "write {dataset: …, stage: …}"
            findings.error(item, "SF261", message, hint)
        full = f"{name}#{stage}" if stage else name
        outputs.append(full)
        if item.is_mapping and item.string("mode"):
            modes[full] = item.string("mode")
    stem = node.path.rpartition("/")[2].rpartition(".")[0]
    env, env_from = _environment(node.get("env"), findings)
    for each in node.get("args") or ():
        if _READS_SECRET.search(each.template):
            hint = "every process on the machine sees arguments; hand it over in `env:`"
            findings.error(each, "SF263", "an argument is taken from a variable or file", hint)
    return JobEntry(
        name=node.string("name") or stem,
        runtime=node.string("runtime", "python"),
        entrypoint=node.string("entrypoint"),
        args=node.strings("args"),
        inputs=tuple(_resolved(item, names) for item in node.get("inputs") or ()),
        outputs=tuple(outputs),
        modes=modes,
        schedule=node.string("schedule"),
        owner=node.string("owner"),
        retries=int(node.string("retries") or 0),
        calendar=node.string("calendar"),
        expected_duration=node.string("expected_duration"),
        timeout=node.string("timeout"),
        tags=node.strings("tags"),
        env=env,
        env_from=env_from,
        submit=submit_words(node, findings),
        delta=wants_delta(node),
        level=node.string("level"),
    )


def _environment(node: Node | None, findings: Findings) -> tuple[dict[str, str], dict[str, str]]:
    """Return plain values, and which variable each other one is taken from when the job starts.

    What a variable or a file holds may be a secret: it never enters the manifest.
    """
    plain: dict[str, str] = {}
    taken: dict[str, str] = {}
    for key, each in node.items() if node is not None else ():
        alone = _FROM_VARIABLE.fullmatch(each.template.strip())
        if alone:
            taken[key] = alone[1]
        elif _READS_SECRET.search(each.template):
            hint = "give the variable a value of its own: KEY: \"{{ env_var('NAME') }}\""
            findings.error(
                each, "SF263", f"env `{key}` mixes a variable or file into a value", hint
            )
        else:
            plain[key] = each.value if isinstance(each.value, str) else each.text
    return plain, taken


def _resolved(item: Node, names: Mapping[str, str]) -> str:
    text = item.string("dataset") if item.is_mapping else str(item.value)
    return names.get(text) or names.get(canonical(text)) or canonical(text)


def conflicting_modes(
    jobs: Iterable[Node],
    bundles: Mapping[str, Node | None],
    names: Mapping[str, str],
    findings: Findings,
) -> None:
    """Report datasets of one job whose bundles declare different schema modes.

    `bundles` maps a URN to its policy bundle.
    """
    told: set[tuple[str, ...]] = set()
    for job in jobs:
        declared: dict[str, Node] = {}
        for key in ("inputs", "outputs"):
            for item in job.get(key) or ():
                name = _resolved(item, names)
                bundle = bundles.get(name)
                schema = bundle.get("schema") if bundle is not None else None
                mode = schema.get("mode") if schema is not None else None
                if mode is not None:
                    declared.setdefault(name, mode)
        if not declared:
            continue
        first = next(iter(declared.values()))
        for mode in declared.values():
            pair = tuple(sorted((place(first), place(mode))))
            if mode.value != first.value and pair not in told:
                told.add(pair)
                message = f"schema mode {mode.value} conflicts with {first.value} of {place(first)}"
                hint = f"{job.path} reads or writes both; give them one mode"
                findings.error(mode, "SF251", message, hint)


def target_entry(target: Target) -> TargetEntry:
    """Return the target without any secret: those become the variable they came from, or go."""
    return TargetEntry(
        name=target.name,
        environment=target.environment,
        lake=target.lake,
        bus=_safe(target.bus),
        state=_safe(target.state),
        graph=_safe(target.graph),
        registry=_safe(target.registry),
        settings=target.settings,
    )


def _safe(block: Mapping[str, object]) -> dict[str, object]:
    kept: dict[str, object] = {}
    for key, value in block.items():
        if key not in _SECRETS:
            kept[key] = value
            continue
        variable = next((name for name, text in os.environ.items() if text == value), "")
        if variable:
            kept[key] = {"env": variable}
    return kept

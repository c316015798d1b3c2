"""Which open incident a signal belongs to: one cause, one incident, or a relation and no more.

The rules stand in order of certainty. Equal signature text alone never groups.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import NamedTuple

from sfctl.clock import parse_instant
from sfctl.incidents.seen import Seen
from sfctl.model import urn
from sfctl.model.incident import Incident, Symptom

SAME_PRODUCER = timedelta(minutes=60)
"""How far apart one producer's failures may begin to be of one cause, where no deployment tells."""
RELATED = timedelta(minutes=30)
WAITING = frozenset({"JOB_NOT_TRIGGERED", "UPDATE_LATE"})
"""Reasons that say a dataset waits, and nothing of its own has failed."""


class Match(NamedTuple):
    """The incident a signal belongs to, and why."""

    incident: Incident
    because: str


def match(seen: Seen, open_: Sequence[Incident]) -> Match | None:
    """Return the incident whose cause explains the signal; among several the first, the oldest."""
    for rule in _RULES:
        for incident in open_:
            if because := rule(seen, incident):
                return Match(incident, because)
    return None


def related(seen: Seen, open_: Iterable[Incident]) -> tuple[str, ...]:
    """Return aliases of incidents near by lineage, or of the same team within half an hour."""
    found = [
        each
        for each in open_
        if any(dataset in seen.around.near for dataset in _datasets(each))
        or (
            each.owner
            and each.owner == seen.owner
            and _apart(seen.symptom.timestamp, each.updated_at) <= RELATED
        )
    ]
    return tuple(each.incident_id for each in sorted(found, key=_number))


def duplicates(open_: Iterable[Incident]) -> list[tuple[Incident, Incident]]:
    """Return pairs of older and newer that one deployment brought; `open_` is oldest first."""
    oldest: dict[str, Incident] = {}
    pairs = []
    for each in open_:
        if not each.suspected_deployment:
            continue
        first = oldest.setdefault(each.suspected_deployment, each)
        if first is not each:
            pairs.append((first, each))
    return pairs


def _same_deployment(seen: Seen, incident: Incident) -> str:
    deployment = seen.around.deployment
    return f"deployment {deployment}" if deployment and _brought(incident) == deployment else ""


def _same_signature(seen: Seen, incident: Incident) -> str:
    if _apart_by_deployment(seen, incident):
        return ""
    wanted = (seen.dataset, seen.symptom.signature)
    if seen.symptom.signature and any(_node(each) == wanted for each in incident.symptoms):
        return f"same signature {seen.symptom.signature}"
    return ""


def _blocked(seen: Seen, incident: Incident) -> str:
    if seen.around.blocked_by is None:
        return ""
    dataset, signature = seen.around.blocked_by
    for each in incident.symptoms:
        if _same_run(seen, each) and _dataset(each) == dataset:
            return f"its job stopped where {signature or 'a gate'} blocked {dataset}"
    return ""


def _one_run(seen: Seen, incident: Incident) -> str:
    if _apart_by_deployment(seen, incident):
        return ""
    for each in incident.symptoms:
        if _same_run(seen, each) and (
            _dataset(each) == seen.dataset
            or (seen.symptom.signature and each.signature == seen.symptom.signature)
        ):
            return f"same run {each.run_id}"
    return ""


def _same_text_by_lineage(seen: Seen, incident: Incident) -> str:
    if _apart_by_deployment(seen, incident) or not seen.symptom.signature:
        return ""
    for each in incident.symptoms:
        hops = seen.around.near.get(_dataset(each))
        if hops is not None and each.signature == seen.symptom.signature:
            return f"same signature {hops} hop{'s' if hops != 1 else ''} along lineage"
    return ""


def _read_bad_version(seen: Seen, incident: Incident) -> str:
    for each in incident.symptoms:
        for version in each.versions:
            if version in seen.around.reads:
                return f"its run read {version}"
    return ""


def _waits(seen: Seen, incident: Incident) -> str:
    if seen.symptom.reason not in WAITING:
        return ""
    for dataset in _datasets(incident):
        if dataset in seen.around.upstream:
            return f"waits for {dataset}"
    return ""


def _same_producer(seen: Seen, incident: Incident) -> str:
    mine = seen.symptom.producer
    if not mine or _apart_by_deployment(seen, incident):
        return ""
    versioned = " " in mine
    for each in incident.symptoms:
        if (
            each.producer == mine
            and (versioned or (each.signature and each.signature == seen.symptom.signature))
            and _apart(_began(each), _began(seen.symptom)) <= SAME_PRODUCER
        ):
            return f"same producer {mine}"
    return ""


_RULES: tuple[Callable[[Seen, Incident], str], ...] = (
    _same_deployment,
    _same_signature,
    _blocked,
    _one_run,
    _same_text_by_lineage,
    _read_bad_version,
    _waits,
    _same_producer,
)


def _apart_by_deployment(seen: Seen, incident: Incident) -> bool:
    """Tell whether both causes are known, and differ."""
    return bool(seen.around.deployment) and _brought(incident) not in ("", seen.around.deployment)


def _brought(incident: Incident) -> str:
    return incident.suspected_deployment


def _same_run(seen: Seen, symptom: Symptom) -> bool:
    return bool(symptom.run_id) and symptom.run_id == seen.symptom.run_id


def _dataset(symptom: Symptom) -> str:
    return urn.without_stage(symptom.dataset_urn)


def _node(symptom: Symptom) -> tuple[str, str]:
    return _dataset(symptom), symptom.signature


def _datasets(incident: Incident) -> list[str]:
    return sorted({_dataset(each) for each in incident.symptoms})


def _began(symptom: Symptom) -> str:
    return symptom.first_failure or symptom.timestamp


def _apart(one: str, other: str) -> timedelta:
    return abs(parse_instant(one) - parse_instant(other))


def _number(incident: Incident) -> int:
    tail = incident.incident_id.rpartition("-")[2]
    return int(tail) if tail.isdigit() else 0

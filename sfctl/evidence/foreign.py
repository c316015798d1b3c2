"""Events that are not in our envelope, read into it: OpenLineage, deployments, specs, signals, raw.

Each reader takes the JSON object and the instant already told from it, and names no value of the
data. What the event said stays in the payload, under its own names.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sfctl.clock import format_instant
from sfctl.model import codec, urn
from sfctl.model.evidence import FIELDS, SCHEMA, Evidence
from sfctl.model.ids import evidence_id

Resolve = Callable[[str, str], str]
"""From a dataset's OpenLineage (namespace, name) to its URN, or to `dataset:<ns>/<name>`."""

RUN_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:schema:evidence:3#run")
_RAW_FIELDS = ("event_id", "event_type", "timestamp", "payload")
_EVENT_TYPE = re.compile(r"(?P<domain>[a-z0-9_-]+)\.(?P<name>[a-z0-9_.-]+?)(?:\.v\d+)?")


def unresolved(namespace: str, name: str) -> str:
    """Return the name of a dataset that no alias knows."""
    return f"dataset:{namespace}/{name.rstrip('/')}"


def openlineage(document: dict[str, Any], at: datetime, resolve: Resolve = unresolved) -> Evidence:
    """Read a run, job or dataset event; the stage of a resolved dataset is told apart.

    A run id that is no UUID keeps its name and gets a derived UUID.
    """
    run = _object(document.get("run"))
    job = _object(document.get("job"))
    facets = _object(run.get("facets"))
    parent = _object(facets.get("parent"))
    run_id = str(run.get("runId", ""))
    sides = [*_list(document.get("outputs")), *_list(document.get("inputs"))]
    datasets = [*sides, document.get("dataset")]
    first = next((_object(d) for d in datasets if _object(d).get("name")), None)
    payload: dict[str, Any] = {"openlineage": document}
    if run_id and not _is_uuid(run_id):
        payload["run_uuid"] = str(uuid.uuid5(RUN_NAMESPACE, run_id))
    dataset = resolve(str(first.get("namespace", "")), str(first["name"])) if first else ""
    dataset, _, stage = dataset.partition("#") if urn.is_dataset(dataset) else (dataset, "", "")
    name = f"job:{job.get('namespace', '')}/{job['name']}" if job.get("name") else ""
    return Evidence(
        schema=SCHEMA,
        evidence_id=evidence_id(None, at, "OpenLineage", codec.digest(document)),
        kind="OpenLineage",
        timestamp=format_instant(at),
        dataset_urn=dataset,
        stage=stage,
        job_urn=name,
        run_id=run_id,
        dag_id=str(_object(parent.get("job")).get("name", "")),
        dag_run_id=str(_object(parent.get("run")).get("runId", "")),
        runtime_type=str(job.get("namespace", "")) if name.startswith("job:spark/") else "",
        payload=payload,
    )


def deployment(document: dict[str, Any], at: datetime) -> Evidence:
    """Read a DeploymentEvent: service, version, when, from which commit."""
    service, version = str(document.get("service", "")), str(document.get("version", ""))
    return Evidence(
        schema=SCHEMA,
        evidence_id=_text(document, "evidence_id")
        or evidence_id(None, at, "DeploymentEvent", service, version, document.get("environment")),
        kind="DeploymentEvent",
        timestamp=format_instant(at),
        code_ref=str(document.get("commit", "")),
        producer={"id": service, "confidence": "HIGH", "version": version},
        payload=_payload(document),
    )


def lineage_spec(document: dict[str, Any], at: datetime, *, dated: bool) -> Evidence:
    """Read a LineageSpec. One without a time holds from when it was taken in, and says so."""
    content = {name: value for name, value in document.items() if name != "timestamp"}
    entropy = codec.digest(content)
    epoch = datetime.fromtimestamp(0, at.tzinfo)
    return Evidence(
        schema=SCHEMA,
        evidence_id=_text(document, "evidence_id")
        or evidence_id(None, at if dated else epoch, "LineageSpec", entropy),
        kind="LineageSpec",
        timestamp=format_instant(at),
        code_ref=str(document.get("commit", "")),
        payload=_payload(document) if dated else {**_payload(document), "undated": True},
        producer={"id": str(document.get("producer", "")), "confidence": "HIGH"},
    )


def signal(document: dict[str, Any], at: datetime) -> Evidence:
    """Read a signal; its id and all its fields stay."""
    dataset = _text(document, "dataset_urn")
    if urn.is_dataset(dataset):
        dataset = urn.canonical(dataset)
    return Evidence(
        schema=str(document.get("schema") or "urn:schema:signal:1"),
        evidence_id=_text(document, "signal_id")
        or _text(document, "evidence_id")
        or evidence_id(None, at, "SIGNAL", codec.digest(document)),
        kind="SIGNAL",
        timestamp=format_instant(at),
        revision=document["revision"] if isinstance(document.get("revision"), int) else 0,
        dataset_urn=dataset,
        payload=_payload(document),
    )


def raw(document: dict[str, Any], at: datetime) -> Evidence | None:
    """Judge a raw envelope by its shape alone; of the body only the names of its fields remain.

    None when the event type names no dataset.
    """
    match = _EVENT_TYPE.fullmatch(str(document.get("event_type", "")))
    if match is None:
        return None
    dataset = f"urn:dp:{match['domain']}:{match['name']}"
    metadata = _object(document.get("metadata"))
    service = str(metadata.get("producer_service") or "")
    missing = [f"MISSING_FIELD:{name}" for name in _RAW_FIELDS if name not in document]
    gates: list[dict[str, Any]] = [
        {"gate": "G1_RESOLUTION", "result": "PASS", "details": {"dataset_urn": dataset}},
        {"gate": "G2_IDENTITY", "result": "PASS" if service else "WARN"},
        {"gate": "G3_SCHEMA", "result": "FAIL" if missing else "PASS"},
    ]
    if missing:
        gates[2]["reason_code"] = missing[0]
    trace = str(metadata.get("correlation_id", ""))
    return Evidence(
        schema=SCHEMA,
        evidence_id=evidence_id(None, at, "raw", dataset, document.get("event_id")),
        kind="GATE",
        timestamp=format_instant(at),
        dataset_urn=dataset,
        runtime_type="stream",
        producer={
            "id": service or "UNKNOWN",
            "confidence": "LOW" if service else "NONE",
            "version": str(metadata.get("producer_version") or ""),
        },
        validation={
            "result": "FAIL" if missing else "PASS" if service else "WARN",
            "gates": gates,
            "failed_gates": ["G3_SCHEMA"] if missing else [],
            "reason_codes": missing,
        },
        source={"event_type": document["event_type"], "event_id": str(document.get("event_id"))},
        otel={"trace_id": trace} if re.fullmatch(r"[a-f0-9]{32}", trace) else {},
        payload={"field_names": sorted(_object(document.get("payload")))},
    )


def _payload(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in FIELDS}


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    return value if isinstance(value, str) else ""


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True

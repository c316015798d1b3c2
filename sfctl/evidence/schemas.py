"""The published JSON Schemas of everything on the bus, built from the code that speaks it.

`sfctl/schemas/events/` holds what this module builds; a test keeps the two equal.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from sfctl.evidence.leniency import GATES, RESULTS
from sfctl.model.evidence import KINDS, SCHEMA, WITHOUT_DATASET, Evidence

DRAFT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_OBJECT: Schema = {"type": "object"}
_INSTANT: Schema = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
}
_TIME: Schema = {"type": "string", "format": "date-time"}
_ULID = "[0-9A-HJKMNP-TV-Z]{26}"
_SIGNALS = (
    "FRESHNESS_BREACH",
    "VOLUME_ANOMALY",
    "CONTRACT_BREACH",
    "DQ_BREACH",
    "DRIFT_DETECTED",
    "COST_ANOMALY",
    "EVIDENCE_INCOMPLETE",
    "POLICY_REJECTED",
    "ANOMALY",
    "PII_COMPLIANCE",
    "CERTIFICATION_STALE",
    "QUARANTINE_AGEING",
)
_FIELDS_OF_KIND: dict[str, tuple[str, ...]] = {
    "GATE": ("dataset_urn", "stage", "validation", "producer", "source"),
    "COUNTERS": ("dataset_urn", "window", "counts"),
    "JobRunStarted": ("run_id", "producer_urn"),
    "JobRunCompleted": ("run_id", "duration", "resource_summary"),
    "JobRunFailed": ("run_id", "failure_reason", "retry_count", "stack_trace"),
    "DatasetRead": ("run_id", "dataset_urn"),
    "DatasetWriteCommitted": (
        "run_id",
        "dataset_urn",
        "commit_version",
        "rows_written",
        "partition_key",
    ),
    "HEARTBEAT": ("run_id", "beat"),
    "SDK_DEGRADED": ("run_id", "where", "error"),
    "CERTIFICATION": ("dataset_urn", "certification_status", "validation"),
    "QUARANTINE": (
        "dataset_urn",
        "run_id",
        "gate",
        "result",
        "failure_signature",
        "quarantine_table",
        "certified_view_status",
        "previous_certified_version",
    ),
    "PII": ("action", "findings"),
    "KILL_SWITCH": ("scope", "state", "reason", "actor"),
    "CONFIG": ("manifest_digest", "project"),
    "POLICY": ("action", "actor"),
}


_FORM_OF_KIND: dict[str, Schema] = {
    "COUNTERS": {
        "properties": {
            "window": {
                "type": "object",
                "required": ["start", "end"],
                "properties": {"start": _TIME, "end": _TIME},
            },
            "counts": {
                "type": "object",
                "description": "Records of one producer and version in the window, by result.",
                "properties": {"pass": _COUNT, "warn": _COUNT, "fail": _COUNT},
                "additionalProperties": False,
            },
            "signatures": {
                "type": "object",
                "description": "How many of the failing records show each signature.",
                "additionalProperties": _COUNT,
            },
            "first_seen": {
                "type": "object",
                "description": "When each signature was seen first within the window.",
                "additionalProperties": _TIME,
            },
        }
    },
}
"""What is said beside the envelope, where more than the names is fixed."""


def build() -> dict[str, Schema]:
    """Return every published schema by its file name."""
    return {
        "evidence-3.json": evidence(),
        "evidence-3-accept.json": accepted(),
        "signal-1.json": signal(),
        "raw-event-envelope-1.json": raw_envelope(),
        "stream-evidence-1.json": stream_evidence(),
    }


def text(schema: Schema) -> str:
    """Return a schema as it stands in its file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def evidence() -> Schema:
    """What we emit: the envelope, and beside its fields those of the kind."""
    types = {str: _TEXT, int: _COUNT, bool: {"type": "boolean"}}
    properties: Schema = {}
    for field in msgspec.structs.fields(Evidence):
        if field.name != "payload":
            properties[field.name] = dict(types.get(field.type, _OBJECT))
    properties |= {
        "schema": {"const": SCHEMA},
        "evidence_id": {"type": "string", "pattern": f"^evd-{_ULID}$"},
        "kind": {"enum": list(KINDS)},
        "timestamp": _INSTANT,
        "dataset_urn": {"type": "string"},
        "stage": {"enum": ["bronze", "silver", "gold"]},
        "producer": _producer(),
        "validation": _validation(),
        "source": _source(),
        "otel": _otel(),
        "lineage": _lineage(),
    }
    return {
        "$schema": DRAFT,
        "$id": SCHEMA,
        "title": "Evidence, as emitted",
        "type": "object",
        "required": ["schema", "evidence_id", "kind", "timestamp"],
        "properties": properties,
        "allOf": [
            {
                "if": {"properties": {"kind": {"const": kind}}},
                "then": {"required": list(names), **_FORM_OF_KIND.get(kind, {})},
            }
            for kind, names in _FIELDS_OF_KIND.items()
        ],
    }


def accepted() -> Schema:
    """What we take from elsewhere: anything whose kind, dataset and time can be told."""
    dataset = {"required": ["dataset_urn"]}
    times = [{"required": [name]} for name in ("timestamp", "eventTime", "deployed_at", "window")]
    with_time = {"anyOf": times}
    own = sorted(set(KINDS) - WITHOUT_DATASET)
    return {
        "$schema": DRAFT,
        "$id": f"{SCHEMA}:accept",
        "title": "Evidence, as accepted",
        "type": "object",
        "anyOf": [
            {
                "properties": {"kind": {"enum": own}},
                "required": ["kind"],
                "allOf": [dataset, with_time],
            },
            {
                "properties": {"kind": {"enum": sorted(WITHOUT_DATASET - {"LineageSpec"})}},
                "required": ["kind"],
                "allOf": [with_time],
            },
            {"properties": {"kind": {"const": "LineageSpec"}}, "required": ["kind"]},
            {"required": ["validation"], "allOf": [dataset, with_time]},
            {"required": ["quarantine_table"], "allOf": [dataset, with_time]},
            {"required": ["signal_type"], "allOf": [dataset, with_time]},
            {"required": ["result"], "allOf": [dataset, with_time]},
            {"required": ["eventType", "eventTime"], "anyOf": _any("run", "job")},
            {"required": ["event_type", "timestamp"], "anyOf": _any("payload", "event_id")},
        ],
    }


def signal() -> Schema:
    """What an engine says of a dataset in a window or a run."""
    return {
        "$schema": DRAFT,
        "$id": "urn:schema:signal:1",
        "title": "Signal",
        "type": "object",
        "required": ["signal_id", "signal_type", "dataset_urn", "state"],
        "anyOf": _any("window", "timestamp"),
        "properties": {
            "signal_id": {"type": "string", "pattern": "^sig-[0-9A-Z]{20,26}$"},
            "signal_type": {"enum": list(_SIGNALS)},
            "revision": _COUNT,
            "dataset_urn": _TEXT,
            "state": {"enum": ["OK", "WARNING", "CRITICAL", "UNKNOWN"]},
            "timestamp": _TIME,
            "window": {
                "type": "object",
                "properties": {
                    "start": _TIME,
                    "end": _TIME,
                    "type": {
                        "enum": ["TUMBLING_5MIN", "TUMBLING_1HR", "SLIDING_15MIN", "BATCH_RUN"]
                    },
                },
            },
            "metrics": {
                "type": "object",
                "properties": {
                    "evidence_count": _COUNT,
                    "pass_count": _COUNT,
                    "fail_count": _COUNT,
                    "compliance_rate": {"type": "number", "minimum": 0, "maximum": 1},
                    "slo_threshold": {"type": "number"},
                },
            },
            "top_failures": {
                "type": "array",
                "maxItems": 5,
                "items": {
                    "type": "object",
                    "properties": {"signature": _TEXT, "count": _COUNT, "first_seen": _TIME},
                },
            },
            "evidence_refs": {"type": "array", "maxItems": 10, "items": _TEXT},
        },
    }


def raw_envelope() -> Schema:
    """The envelope that services publish their events in."""
    names = ("correlation_id", "causation_id", "producer_service", "producer_version")
    return {
        "$schema": DRAFT,
        "$id": "urn:schema:raw-event-envelope:1",
        "title": "Raw event envelope",
        "type": "object",
        "required": ["event_id", "event_type", "timestamp", "payload"],
        "properties": {
            "event_id": _TEXT,
            "event_type": {"type": "string", "pattern": r"^[a-z0-9_-]+(\.[a-z0-9_-]+)+$"},
            "timestamp": _TIME,
            "payload": _OBJECT,
            "metadata": {"type": "object", "properties": dict.fromkeys(names, _TEXT)},
        },
    }


def stream_evidence() -> Schema:
    """Evidence of a streaming topology: the envelope with a `stream` block."""
    return {
        "$schema": DRAFT,
        "$id": "urn:schema:stream-evidence:1",
        "title": "Stream evidence",
        "allOf": [{"$ref": f"{SCHEMA}:accept"}],
        "properties": {
            "stream": {
                "type": "object",
                "properties": {
                    "topology_id": _TEXT,
                    "processor_node": _TEXT,
                    "window": {
                        "type": "object",
                        "properties": {
                            "type": {"enum": ["TUMBLING", "HOPPING", "SESSION", "NONE"]},
                            "start": _TIME,
                            "end": _TIME,
                        },
                    },
                    "watermark": _TIME,
                    "processing_time": _TIME,
                    "late_data": {"type": "boolean"},
                },
            }
        },
    }


def breaking_changes(published: Mapping[str, Any], current: Mapping[str, Any]) -> list[str]:
    """Return what readers of `published` would stumble over in `current`.

    Removed and retyped fields break, and so do new required ones.
    """
    before, after = dict(_flat(published)), dict(_flat(current))
    found = [f"{name} was removed" for name in before if name not in after]
    found += [
        f"{name} changed its type from {kind} to {after[name]}"
        for name, kind in before.items()
        if name in after and after[name] != kind
    ]
    added = set(current.get("required", ())) - set(published.get("required", ()))
    return found + [f"{name} became required" for name in sorted(added)]


def _flat(schema: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, child in schema.get("properties", {}).items():
        yield f"{prefix}{name}", str(child.get("type", "string"))
        yield from _flat(child, f"{prefix}{name}.")
        yield from _flat(child.get("items", {}), f"{prefix}{name}[].")


def _any(*names: str) -> list[Schema]:
    return [{"required": [name]} for name in names]


def _producer() -> Schema:
    return {
        "type": "object",
        "properties": {
            "id": _TEXT,
            "confidence": {"enum": ["HIGH", "MEDIUM", "LOW", "NONE"]},
            "version": _TEXT,
            "run_id": _TEXT,
        },
    }


def _validation() -> Schema:
    return {
        "type": "object",
        "required": ["result", "gates"],
        "properties": {
            "result": {"enum": list(RESULTS)},
            "gates": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["gate", "result"],
                    "properties": {
                        "gate": {"enum": list(GATES)},
                        "result": {"enum": list(RESULTS)},
                        "reason_code": _TEXT,
                        "details": _OBJECT,
                    },
                },
            },
            "failed_gates": {"type": "array", "items": {"enum": list(GATES)}},
            "reason_codes": {"type": "array", "items": _TEXT},
        },
    }


def _source() -> Schema:
    return {
        "type": "object",
        "properties": {
            "topic": _TEXT,
            "partition": _COUNT,
            "offset": _COUNT,
            "timestamp_type": {"enum": ["CREATE_TIME", "LOG_APPEND_TIME"]},
            "input_dataset": _TEXT,
            "source_record_id": _TEXT,
            "ordinal": _COUNT,
        },
    }


def _otel() -> Schema:
    return {
        "type": "object",
        "properties": {
            "trace_id": {"type": "string", "pattern": "^[a-f0-9]{32}$"},
            "span_id": {"type": "string", "pattern": "^[a-f0-9]{16}$"},
            "trace_flags": {"type": "integer"},
        },
    }


def _lineage() -> Schema:
    return {
        "type": "object",
        "properties": {
            "upstream_urns": {"type": "array", "items": _TEXT},
            "upstream_dataset": _TEXT,
            "job_urn": _TEXT,
            "dag_run_id": _TEXT,
            "spark_run_id": _TEXT,
        },
    }

"""The evidence envelope: one frozen value for everything that happened, flat on the wire.

Fields every event may carry are struct fields; what belongs to one kind, or to a version of the
schema newer than this code, is kept in `payload` and written beside them, so that an event with
unknown fields goes out as it came in.
"""

from __future__ import annotations

from typing import Any, Literal, cast, get_args

import msgspec

from sfctl.model import codec

SCHEMA = "urn:schema:evidence:3"

Kind = Literal[
    "GATE",
    "COUNTERS",
    "JobRunStarted",
    "JobRunCompleted",
    "JobRunFailed",
    "DatasetRead",
    "DatasetWriteCommitted",
    "HEARTBEAT",
    "SDK_DEGRADED",
    "CERTIFICATION",
    "QUARANTINE",
    "PII",
    "KILL_SWITCH",
    "CONFIG",
    "POLICY",
    "DeploymentEvent",
    "LineageSpec",
    "OpenLineage",
    "SIGNAL",
]
KINDS: tuple[str, ...] = get_args(Kind)
LIFECYCLE: frozenset[str] = frozenset(
    {"JobRunStarted", "JobRunCompleted", "JobRunFailed", "HEARTBEAT", "SDK_DEGRADED"}
)
"""Kinds that belong to a job: keyed by it on the bus."""
WITHOUT_DATASET: frozenset[str] = LIFECYCLE | {
    "KILL_SWITCH",
    "CONFIG",
    "POLICY",
    "DeploymentEvent",
    "LineageSpec",
    "OpenLineage",
    "PII",
}
"""Kinds that may stand without a dataset."""


class Evidence(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One fact. Times are RFC 3339 in UTC; empty text means unknown. Never holds a raw value."""

    schema: str
    evidence_id: str
    kind: str
    timestamp: str
    revision: int = 0
    dataset_urn: str = ""
    stage: str = ""
    job_urn: str = ""
    run_id: str = ""
    dag_id: str = ""
    dag_run_id: str = ""
    task: str = ""
    attempt: int = 0
    logical_date: str = ""
    scheduled_time: str = ""
    started_at: str = ""
    code_ref: str = ""
    deploy_ref: str = ""
    cluster: str = ""
    runtime_type: str = ""
    seq: int = 0
    """Order within the run, given by the emitter."""
    producer: dict[str, Any] = {}
    """id, confidence HIGH|MEDIUM|LOW|NONE, version, run_id."""
    validation: dict[str, Any] = {}
    """result, gates[{gate, result, reason_code, details}], failed_gates, reason_codes."""
    source: dict[str, Any] = {}
    otel: dict[str, Any] = {}
    lineage: dict[str, Any] = {}
    stream: dict[str, Any] = {}
    correlation_chain: dict[str, Any] = {}
    policy_digest: str = ""
    schema_fingerprint: str = ""
    sampled: bool = False
    payload_ref: str = ""
    payload: dict[str, Any] = {}
    """Every other top-level field, by name."""

    @property
    def result(self) -> str:
        """PASS, WARN, FAIL, SKIP, ERROR, or empty for events that judge nothing."""
        return str(self.validation.get("result") or "")

    @property
    def gates(self) -> tuple[dict[str, Any], ...]:
        """The gate blocks, in the emitter's order."""
        gates = self.validation.get("gates")
        return tuple(g for g in gates if isinstance(g, dict)) if isinstance(gates, list) else ()

    @property
    def reason_codes(self) -> tuple[str, ...]:
        """The signatures of what failed or warned."""
        codes = self.validation.get("reason_codes")
        return tuple(map(str, codes)) if isinstance(codes, list) else ()

    @property
    def is_replay(self) -> bool:
        """Whether it is about held rows judged again: some of a batch, and no batch of its own."""
        return bool(self.payload.get("replay_id"))

    @property
    def key(self) -> str:
        """The bus key `runtime_type:dataset_urn`, or `runtime_type:job_urn` for lifecycle kinds.

        Empty when neither is known: such events may go anywhere.
        """
        subject = self.job_urn or self.dataset_urn
        if self.kind not in LIFECYCLE:
            subject = self.dataset_urn or self.job_urn
        return f"{self.runtime_type or 'external'}:{subject}" if subject else ""


class Expected(msgspec.Struct, frozen=True, omit_defaults=True):
    """A promise: one write to a stage sends one event for each of these gates."""

    dataset_urn: str
    stage: str
    gates: tuple[str, ...]
    ordinal: int = 0


FIELDS: frozenset[str] = frozenset(Evidence.__struct_fields__) - {"payload"}
"""The top-level names that belong to the envelope; every other is `payload`."""


def encode(event: Evidence) -> bytes:
    """Return one line of JSON, the payload's fields beside the envelope's."""
    if not event.payload:
        return codec.encode(event)
    head = codec.encode(msgspec.structs.replace(event, payload={}))
    return head[:-1] + b"," + codec.encode(event.payload)[1:]


def decode(data: bytes | str) -> Evidence:
    """Read what `encode` wrote; unknown fields are kept.

    Raises msgspec.DecodeError or its subclass ValidationError.
    """
    return from_plain(codec.decode(data, dict[str, Any]))


def from_plain(document: dict[str, Any]) -> Evidence:
    """Build an event from its JSON object. Raises msgspec.ValidationError."""
    envelope: dict[str, Any] = {}
    payload: dict[str, Any] = {}
    for name, value in document.items():
        (envelope if name in FIELDS else payload)[name] = value
    if payload:
        envelope["payload"] = payload
    return codec.made(envelope, Evidence)


def to_plain(event: Evidence) -> dict[str, Any]:
    """Return the JSON object `encode` would write."""
    document = cast("dict[str, Any]", codec.plain(event))
    payload = document.pop("payload", {})
    return {**document, **payload}


def fingerprint(event: Evidence) -> str:
    """Return the digest of the content: equal for equal facts, whatever the order of fields.

    Of an `undated` fact the time it was taken in is no part.
    """
    document = to_plain(event)
    if document.get("undated"):
        del document["timestamp"]
    return codec.digest(document)

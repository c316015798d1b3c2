"""What a judgement says: per rule, per gate, per batch. Counts are exact."""

from __future__ import annotations

from typing import Literal

import msgspec

from sfctl.model.policy import Gate, Severity

Status = Literal["pass", "fail", "warn", "skipped", "error"]
Result = Literal["PASS", "WARN", "FAIL", "SKIP", "ERROR"]

NOTHING_DECLARED = "nothing declared"
"""Why a gate is skipped for which the policy has no rule, column or detection."""

REGISTRY_STALE = "REGISTRY_STALE"
"""The schema registry did not answer, and the last schema known was compared with."""


class RuleResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """The one outcome of one declared rule.

    `failed` and `evaluated` count rows (for batch rules 1 or 0 of 1); `signatures` maps each
    reason code to its count; `measured` is a batch rule's number as text; `surplus` the rows of
    duplicate groups beyond the first of each.
    """

    id: str
    kind: str
    gate: Gate
    status: Status
    failed: int
    evaluated: int
    signature: str
    fields: tuple[str, ...] = ()
    severity: Severity = "error"
    threshold: str = "0"
    reason: str = ""
    signatures: dict[str, int] = {}
    measured: str | None = None
    surplus: int | None = None
    subsumed_by: str = ""
    sampled: bool = False
    data_error: bool = False
    """For status `error`: the data's fault (counts as FAIL), else ours (degraded)."""

    @property
    def field(self) -> str | None:
        return self.fields[0] if len(self.fields) == 1 else None


class GateResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """The outcome of one gate. `failed` counts distinct rows; compliance is None when unknown."""

    gate: Gate
    result: Result
    evaluated: int = 0
    failed: int = 0
    compliance: float | None = None
    reason_codes: tuple[str, ...] = ()
    signatures: dict[str, int] = {}
    details: dict[str, object] = {}
    sampled: bool = False
    degraded: str = ""
    duration_ms: float = 0.0

    @property
    def undeclared(self) -> bool:
        """Whether the gate had nothing to judge by, which is nobody's fault and holds nothing."""
        return self.result == "SKIP" and self.details.get("reason") == NOTHING_DECLARED


class Totals(msgspec.Struct, frozen=True):
    """`declared` equals the sum of the other five."""

    declared: int
    passed: int = msgspec.field(name="pass")
    failed: int = msgspec.field(name="fail")
    warned: int = msgspec.field(name="warn")
    skipped: int
    error: int


class PiiFinding(msgspec.Struct, frozen=True, omit_defaults=True):
    """Findings of one kind in one column. `advised` findings were sampled and not acted on."""

    column: str
    kind: str
    action: str
    matches: int
    evaluated: int
    advised: bool = False


class Judgement(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything a policy says about one batch. `good + bad = rows`.

    `bad` counts rows that fail at least one error-severity row rule (or cannot be evaluated).
    `schema` is `Schema.as_json`. `degraded` lists our own faults; any makes the batch
    uncertifiable but never blocks it.
    """

    dataset_urn: str
    stage: str
    rows: int
    good: int
    bad: int
    rules: tuple[RuleResult, ...]
    gates: tuple[GateResult, ...]
    totals: Totals
    verdict: Result
    policy_digest: str
    schema: list[dict[str, object]] = []
    schema_fingerprint: str = ""
    schema_shape: str = ""
    fingerprints_computed: int = 0
    """How many of the two were not known from an earlier batch with the same columns."""
    drift: tuple[str, ...] = ()
    pii: tuple[PiiFinding, ...] = ()
    degraded: tuple[str, ...] = ()
    sampled: bool = False

    @property
    def batch_failed(self) -> bool:
        """Whether the batch failed as a batch: a batch rule or G3, whatever its rows."""
        return any(g.gate == "G3_SCHEMA" and g.result == "FAIL" for g in self.gates) or any(
            r.status == "fail" and r.measured is not None for r in self.rules
        )

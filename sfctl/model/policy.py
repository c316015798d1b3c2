"""The compiled policy: engine-neutral rules, what to do with PII, and how hard to enforce.

This is the only form of the user's YAML that a run ever sees. It decodes without the compiler.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from sfctl.model.expr import Expr
from sfctl.model.schema import Mode
from sfctl.model.types import DataType

Severity = Literal["error", "warn"]
Gate = Literal[
    "G1_RESOLUTION", "G2_IDENTITY", "G3_SCHEMA", "G4_CONTRACT", "G5_PII", "DQ", "CERTIFICATION"
]
GATES_OF_STAGE: dict[str, tuple[Gate, ...]] = {
    "bronze": ("G1_RESOLUTION", "G2_IDENTITY", "G3_SCHEMA"),
    "silver": ("G4_CONTRACT", "G5_PII", "DQ"),
    "gold": ("G3_SCHEMA", "G4_CONTRACT", "G5_PII", "DQ"),
}


class Threshold(msgspec.Struct, frozen=True, omit_defaults=True):
    """How many failing rows a rule tolerates: a count, or a share of the rows evaluated.

    The rule fails when *more* than that fail. The share is an exact decimal fraction as text.
    """

    count: int = 0
    share: str | None = None


class RowCheck(msgspec.Struct, frozen=True, tag_field="check", tag="row"):
    """Every row for which `expr` is FALSE, or cannot be evaluated, fails."""

    expr: Expr


class Unique(msgspec.Struct, frozen=True, tag_field="check", tag="unique"):
    """Every row of a group of more than one fails. Empty `fields` means the whole row."""

    fields: tuple[str, ...]
    nulls: Literal["equal", "distinct"] = "equal"
    scope: Literal["batch", "table"] = "batch"


class ForeignKey(msgspec.Struct, frozen=True, tag_field="check", tag="foreign_key"):
    """Values must stand in the certified version of another dataset; a null part passes."""

    fields: tuple[str, ...]
    dataset: str
    references: tuple[str, ...]


class Custom(msgspec.Struct, frozen=True, tag_field="check", tag="custom"):
    """A user's function by import path: Arrow batch of `fields` in, booleans out; pinned."""

    function: str
    fields: tuple[str, ...]
    digest: str


class Batch(msgspec.Struct, frozen=True, tag_field="check", tag="batch", omit_defaults=True):
    """One number measured over the batch, held against bounds (exact decimals as text).

    `measure`: row_count, null_rate, distinct_count, sum, avg, min, max, stddev, quantile,
    freshness (seconds between the column's maximum and now).
    """

    measure: str
    field: str = ""
    quantile: float | None = None
    minimum: str | None = None
    maximum: str | None = None
    exclusive_minimum: bool = False
    exclusive_maximum: bool = False


Check = RowCheck | Unique | ForeignKey | Custom | Batch


class Rule(msgspec.Struct, frozen=True, omit_defaults=True):
    """One declared rule. `kind` is the user's word for it; `check` is what is evaluated.

    `signature` is the reason code without a value: `NULL_VIOLATION:customer_id`. Where
    `detail_field` is set, failing values of that column are appended (`UNKNOWN_ENUM:<f>:<value>`).
    """

    id: str
    kind: str
    gate: Gate
    check: Check
    signature: str
    severity: Severity = "error"
    threshold: Threshold = Threshold()
    where: Expr | None = None
    fields: tuple[str, ...] = ()
    detail_field: str = ""
    subsumed_by: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    """Where it is judged; wherever its gate is, unless given."""
    source: str = ""
    """`path:line:col` of the declaration, for people."""

    @property
    def is_row_rule(self) -> bool:
        """Whether single rows can fail it and be diverted."""
        return not isinstance(self.check, Batch)


class ColumnSpec(msgspec.Struct, frozen=True, omit_defaults=True):
    """A declared or known column."""

    name: str
    type: DataType
    nullable: bool | None = None
    required: bool = False
    pii: bool = False
    """Values never appear in evidence, messages or signatures."""


class SchemaPolicy(msgspec.Struct, frozen=True, omit_defaults=True):
    """What G3 compares with. `baseline` is the registered schema, else the declared columns."""

    mode: Mode = "compatible"
    columns: tuple[ColumnSpec, ...] = ()
    baseline: tuple[ColumnSpec, ...] | None = None
    fingerprint: str = ""


class Detection(msgspec.Struct, frozen=True, omit_defaults=True):
    """One PII entry. Empty `columns` covers every string column."""

    kind: str
    action: Literal["tokenize", "mask", "redact", "none"] = "none"
    columns: tuple[str, ...] = ()
    pattern: str = ""
    """Rewritten regex of a custom kind; empty for the built-in detectors."""
    placeholder: str | None = None
    min_share: float = 0.0


class Enforcement(msgspec.Struct, frozen=True, omit_defaults=True):
    """How hard to enforce: `level` G0–G3; shares are exact decimal fractions as text."""

    level: Literal["G0", "G1", "G2", "G3"] = "G2"
    explicit: bool = False
    max_quarantine_share: str = "0.05"
    stage_shares: dict[str, str] = {}


class Performance(msgspec.Struct, frozen=True, omit_defaults=True):
    """Budgets. `gate_timeout_ms` caps every gate; 0 keeps the defaults."""

    gate_timeout_ms: int = 0
    sampling_rate: float = 1.0
    memory_mb: int = 256


class Policy(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that a run needs to judge one dataset."""

    dataset_urn: str
    name: str
    tier: int = 3
    version: int = 1
    owner: str = ""
    rules: tuple[Rule, ...] = ()
    schema: SchemaPolicy = SchemaPolicy()
    pii: tuple[Detection, ...] = ()
    enforcement: Enforcement = Enforcement()
    performance: Performance = Performance()
    contract: Literal["none", "lite", "full"] = "none"
    contract_id: str = ""
    contract_version: int | str = ""
    """Empty where the contract names none; text where another standard counts otherwise."""
    primary_key: tuple[str, ...] = ()
    allow_empty: bool = False
    on_stale: Literal["serve_certified", "serve_uncertified"] = "serve_certified"
    digest: str = ""
    """`sha256:…` over the canonical JSON of everything else."""

    def rules_for(self, stage: str) -> tuple[Rule, ...]:
        """Return the rules whose gate belongs to `stage`, in declared order."""
        gates = GATES_OF_STAGE[stage]
        return tuple(
            rule
            for rule in self.rules
            if rule.gate in gates and (not rule.stages or stage in rule.stages)
        )

"""What root cause analysis answers: a cause with its reasons, and all one needs to act on it.

Everything but `timings` depends on the graph, the log and the incident alone: the same in, the
same bytes out. Every sentence carries the ids of what it stands on in `refs`.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from sfctl.model import codec

Level = Literal["HIGH", "MEDIUM", "LOW"]
Kind = Literal[
    "DEPLOYMENT",
    "UPSTREAM_SCHEMA",
    "UPSTREAM_ENUM",
    "UPSTREAM_DATA",
    "UPSTREAM_LATE",
    "JOB_FAILURE",
    "NOT_TRIGGERED",
    "SLOW",
    "POLICY_CHANGE",
    "CODE_CHANGE",
    "INFRASTRUCTURE",
    "UNKNOWN",
]
Layer = Literal["trace", "dag_run_id", "lineage", "none"]

HIGH = 0.85
MEDIUM = 0.6


class Claim(msgspec.Struct, frozen=True, omit_defaults=True):
    """A sentence and what it stands on: evidence, signal or graph node ids. `at` dates it."""

    text: str
    refs: tuple[str, ...] = ()
    at: str = ""


class Factor(msgspec.Struct, frozen=True):
    """One reason for a score: `value` from 0 to 1, its `weight`, and the sentence behind it."""

    name: str
    value: float
    weight: float
    because: str
    refs: tuple[str, ...] = ()


class Hypothesis(msgspec.Struct, frozen=True, kw_only=True):
    """A cause that was considered. `ruled_out` says why not, where it was not kept."""

    kind: Kind
    ref: str
    """The node that is blamed: a deployment, a service, a dataset, a run; empty for UNKNOWN."""
    statement: str
    confidence: float
    level: Level
    at: str = ""
    """When the cause happened."""
    factors: tuple[Factor, ...] = ()
    refs: tuple[str, ...] = ()
    ruled_out: str = ""
    missing: tuple[str, ...] = ()
    """Evidence that would have settled it, for UNKNOWN."""


class Impact(msgspec.Struct, frozen=True, kw_only=True):
    """Something downstream. `confidence` is the weakest edge's on the way; `via` are its nodes."""

    ref: str
    name: str
    kind: str
    tier: int
    hops: int
    confidence: Level = "HIGH"
    owner: str = ""
    effect: str = ""
    via: tuple[str, ...] = ()
    refs: tuple[str, ...] = ()


class Action(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something to do, most urgent first; `command` does it where we can."""

    text: str
    command: str = ""
    refs: tuple[str, ...] = ()


class Step(msgspec.Struct, frozen=True):
    """One query of the graph: asked again, it finds the same nodes."""

    n: int
    question: str
    node: str
    labels: tuple[str, ...]
    direction: Literal["out", "in"]
    max_hops: int
    found: tuple[str, ...]


class Span(msgspec.Struct, frozen=True):
    """From the last good to the first bad; empty where the log does not tell."""

    first_bad: str = ""
    last_good: str = ""
    first_bad_ref: str = ""
    last_good_ref: str = ""


class Impairment(msgspec.Struct, frozen=True):
    """How much failed: `share` of `total` from 0 to 1; None where nobody counted."""

    failed: int | None = None
    total: int | None = None
    share: float | None = None
    quarantined: int | None = None
    refs: tuple[str, ...] = ()


class Timings(msgspec.Struct, frozen=True):
    """How long the answer took; no part of what was found."""

    total_ms: float = 0.0
    graph_ms: float = 0.0
    hops: int = 0
    """The longest way through the graph that was taken."""
    queries: int = 0
    cached: bool = False


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """The whole report on one subject."""

    subject: str
    subject_kind: str
    title: str
    root_cause: Hypothesis
    incident: str = ""
    severity: str = ""
    status: str = ""
    narrative: str = ""
    datasets: tuple[str, ...] = ()
    signatures: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    dag_runs: tuple[str, ...] = ()
    span: Span = Span()
    impairment: Impairment = Impairment()
    hypotheses: tuple[Hypothesis, ...] = ()
    timeline: tuple[Claim, ...] = ()
    evidence_chain: tuple[Claim, ...] = ()
    data_flow: tuple[Claim, ...] = ()
    blast_radius: tuple[Impact, ...] = ()
    column_readers: tuple[Impact, ...] = ()
    """Who reads the failing columns, where lineage knows columns."""
    readers: tuple[Claim, ...] = ()
    """What those who read certified data have meanwhile."""
    deployed: tuple[Claim, ...] = ()
    """Which version of whom was deployed when it first failed."""
    actions: tuple[Action, ...] = ()
    traversal: tuple[Step, ...] = ()
    evidence_refs: tuple[str, ...] = ()
    layer: Layer = "none"
    timings: Timings = Timings()


def level_of(confidence: float) -> Level:
    """Return the word for a number from 0 to 1."""
    return "HIGH" if confidence >= HIGH else "MEDIUM" if confidence >= MEDIUM else "LOW"


def document_of(explanation: Explanation) -> dict[str, Any]:
    """Return the JSON object of an explanation as it is printed."""
    plain: dict[str, Any] = codec.plain(explanation)
    return plain

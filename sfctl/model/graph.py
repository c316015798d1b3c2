"""Nodes and edges of the causal graph: which kinds there are, what they mean, how long they live.

A node's id is a URN where it has one. Properties merge when the same node or edge comes again:
`first_…` keeps the smaller value, `last_…`, `…count` and `total` the larger, `confidence` the
surer; what `FOLLOWS` names comes from whichever side has the deciding moment; everything else is
the newest that is not empty. So a replay changes nothing, nor does the order of what carries its
time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

LABELS: dict[str, int | None] = {
    "Dataset": None,
    "Column": None,
    "Service": None,
    "Job": None,
    "DAGRun": 90,
    "Run": 90,
    "Deployment": 90,
    "FailureSignature": 90,
    "Signal": 30,
    "Incident": 180,
    "Team": None,
    "SLO": None,
    "Dashboard": None,
    "Pipeline": None,
    "Topology": None,
    "Operator": None,
}
"""Node label → days it lives after it was last seen; None for topology, which stays."""

EDGES: dict[str, str] = {
    "EXECUTED": "DAGRun → Run, Job → Run",
    "CONTAINS": "Dataset → its stage or Column; Topology → Operator",
    "READ_FROM": "Run → Dataset, with the version read",
    "WROTE_TO": "Run → Dataset, with the version written",
    "READS": "Job → Dataset, by design or observed",
    "WRITES": "Job → Dataset, by design or observed",
    "READS_COL": "Job → Column",
    "WRITES_COL": "Job → Column",
    "FEEDS": "Dataset → Dataset, Dashboard or Pipeline; Column → Column",
    "CONSUMED_BY": "Dataset → Team that declared what it needs",
    "OWNS": "Team → Dataset, Service, Job or consumer; Service → Dataset it produces",
    "DEPLOYED": "Service or Job → Deployment",
    "ENCOUNTERED": "Run → FailureSignature, with count",
    "INTRODUCED": "Deployment → FailureSignature it brought",
    "INTRODUCED_DRIFT": "Dataset → FailureSignature downstream that began with its data",
    "PRODUCED_DRIFT": "Service → FailureSignature seen in what it emits",
    "CAUSED": "FailureSignature → Signal",
    "AFFECTS": "Signal → Dataset",
    "TRIGGERED": "Signal → Incident",
    "PRECEDED": "Deployment → FailureSignature: near in time, and no more is known",
    "QUARANTINED": "Run → Dataset whose rows it held back, with rows",
    "REPLAYED": "Run → Dataset whose held rows it published, with rows",
    "MEASURED_BY": "Dataset → SLO",
}
"""Edge label → from what to what."""

NODES_PER_DATASET = 10_000
EDGES_PER_NODE = 1_000
SIGNATURES_PER_DATASET = 1_000


FOLLOWS: dict[str, str] = {
    "first_evidence": "first_seen",
    "timestamp": "first_seen",
    "stage": "first_seen",
    "status": "last_seen",
    "version": "last_seen",
    "rows": "last_seen",
    "bytes": "last_seen",
    "run": "last_seen",
    "type": "last_seen",
    "certified_version": "last_certification",
    "certification_status": "last_certification",
    "state": "last_revision",
    "reason": "last_revision",
}
"""Property → the one that decides it where both sides carry that: the earlier `first_…`, the later
`last_…`. Equal moments are decided by the greater text."""

CONFIDENCE: dict[str, int] = {"NONE": 0, "LOW": 1, "MEDIUM": 2, "HIGH": 3}
"""How sure; unknown words are less than any of these."""


_ENVIRONMENTS = {
    "production": "prod",
    "prd": "prod",
    "live": "prod",
    "stage": "staging",
    "development": "dev",
}


class Node(msgspec.Struct, frozen=True):
    """A thing. `props` are JSON scalars or lists of them."""

    id: str
    label: str
    props: dict[str, Any] = {}


class Edge(msgspec.Struct, frozen=True, rename={"source": "from", "target": "to"}):
    """A relation. Source, target and label name it: the same again merges its properties."""

    source: str
    target: str
    label: str
    props: dict[str, Any] = {}


class Elements(msgspec.Struct, frozen=True):
    """Some nodes and the edges between them: what `graph export` writes and `graph load` reads."""

    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()

    def __add__(self, other: Elements) -> Elements:
        return Elements(self.nodes + other.nodes, self.edges + other.edges)


def merged(known: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties of an element that comes again; see the module's rule."""
    if known == new:
        return dict(known)
    if not known:
        return {name: value for name, value in new.items() if value not in (None, "")}
    result = dict(known)
    for name, value in new.items():
        old = result.get(name)
        if value in (None, ""):
            continue
        anchor = FOLLOWS.get(name, "")
        if old in (None, ""):
            result[name] = value
        elif anchor in known and anchor in new:
            result[name] = _decided(anchor, (known[anchor], old), (new[anchor], value))
        elif name.startswith("first_"):
            result[name] = min(old, value)
        elif name.startswith("last_") or name.endswith("count") or name == "total":
            result[name] = max(old, value)
        elif name == "confidence":
            result[name] = max(old, value, key=lambda word: CONFIDENCE.get(word, -1))
        else:
            result[name] = value
    return result


def _decided(anchor: str, known: tuple[Any, Any], new: tuple[Any, Any]) -> Any:
    if known[0] == new[0]:
        return max(known[1], new[1], key=str)
    earlier, later = sorted((known, new), key=lambda side: side[0])
    return (earlier if anchor.startswith("first_") else later)[1]


def run_id(run: str) -> str:
    """Return the id of a Run."""
    return f"urn:run:{run}"


def dag_run_id(dag: str, run: str) -> str:
    """Return the id of a DAGRun; a scheduler gives the same run id to many DAGs."""
    return f"urn:dagrun:{dag}:{run}" if dag else f"urn:dagrun:{run}"


def service_id(name: str) -> str:
    """Return the id of a Service, given by name or by URN."""
    return name if name.startswith("urn:") else f"urn:service:{name}"


def deployment_id(service: str, version: str) -> str:
    """Return the id of a Deployment of a service given by name or by URN."""
    return f"urn:deployment:{service.removeprefix('urn:service:')}:{version}"


def elsewhere(deployed_to: str, data_of: str) -> bool:
    """Tell whether what was deployed to one environment cannot have touched another's data.

    Data of any environment may stem from production; where either is not said, it may be the same.
    """
    to, of = (_ENVIRONMENTS.get(x.casefold(), x.casefold()) for x in (deployed_to, data_of))
    return bool(to and of) and to not in (of, "prod")


def team_id(name: str) -> str:
    """Return the id of a Team, given by name or by URN."""
    return name if name.startswith("urn:") else f"urn:team:{name}"


def signature_id(signature: str, dataset: str) -> str:
    """Return the id of a FailureSignature: one for each dataset it is seen on."""
    return f"{signature}:{dataset}"

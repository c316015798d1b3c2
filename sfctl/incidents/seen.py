"""What is known of one bad signal when it is decided where it belongs: a value, nothing is asked.

The surroundings come from the graph as far as the log had been read; see `surroundings`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from sfctl.model import urn
from sfctl.model.incident import Severity, Symptom


class Surroundings(msgspec.Struct, frozen=True):
    """What graph and log say of a signal's place. Datasets are named without their stage."""

    deployment: str = ""
    """Id of the deployment that INTRODUCED the signature."""
    deployed_at: str = ""
    service: str = ""
    version: str = ""
    near: dict[str, int] = {}
    """Datasets connected by lineage → hops, up to five in either direction."""
    upstream: frozenset[str] = frozenset()
    """Those of `near` that its data comes from."""
    reads: frozenset[str] = frozenset()
    """What its run read, each `<dataset>@<version>`."""
    blocked_by: tuple[str, str] | None = None
    """Dataset and signature of the gate that blocked the run's publish."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A bad signal (or a new quarantine) with all that the decision needs."""

    symptom: Symptom
    severity: Severity | None
    """None where the signal alone makes no incident; it may still show one that is open."""
    tier: int = 3
    owner: str = ""
    alerts: bool = True
    producer: dict[str, Any] = {}
    """id, version, confidence."""
    totals: dict[str, Any] = {}
    """total_events, failed_events as the signal counted them."""
    evidence_refs: tuple[str, ...] = ()
    job_urn: str = ""
    dag_run_id: str = ""
    around: Surroundings = Surroundings()

    @property
    def dataset(self) -> str:
        """The dataset, without its stage."""
        return urn.without_stage(self.symptom.dataset_urn)

    @property
    def by_signal(self) -> bool:
        """Whether an engine said it, not a quarantine alone."""
        return self.symptom.engine != "quarantine"


def complaint(dataset_urn: str, engine: str) -> str:
    """Return the key under which an incident keeps an engine's last word on a dataset."""
    return f"{urn.without_stage(dataset_urn)}|{engine}"

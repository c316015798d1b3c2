"""How bad a signal is for the business: its state times the tier of its dataset."""

from __future__ import annotations

from typing import Literal

from sfctl.model.incident import Severity
from sfctl.model.signal import State

Alerting = Literal["all", "notice", "none"]
"""Whether people are woken, only told in a channel, or left alone."""

GATE_ENGINES: frozenset[str] = frozenset({"contract", "dq", "drift", "pii", "quarantine"})
"""Engines that speak of what a gate judged: enforcement levels G0 and G1 quieten them."""

_ENGINES: dict[str, str] = {
    "CONTRACT_BREACH": "contract",
    "DQ_BREACH": "dq",
    "DRIFT_DETECTED": "drift",
    "FRESHNESS_BREACH": "freshness",
    "VOLUME_ANOMALY": "volume",
    "EVIDENCE_INCOMPLETE": "completeness",
    "PII_COMPLIANCE": "pii",
    "POLICY_REJECTED": "policy",
    "QUARANTINE": "quarantine",
}
_CRITICAL: dict[int, Severity] = {1: "SEV-1", 2: "SEV-2", 3: "SEV-3"}
RANK: dict[str, int] = {"SEV-1": 1, "SEV-2": 2, "SEV-3": 3}


def severity_of(state: State, tier: int) -> Severity | None:
    """Return the severity of a state on a dataset of a tier; None for a signal and no more."""
    if state == "CRITICAL":
        return _CRITICAL.get(tier, "SEV-3")
    return "SEV-3" if state == "WARNING" and tier == 1 else None


def worse(one: Severity, other: Severity) -> Severity:
    """Return the worse of two severities."""
    return min(one, other, key=lambda severity: RANK[severity])


def engine_of(signal_type: str, engine: str = "") -> str:
    """Return who speaks, by the type of what it says: engines name themselves as they like."""
    return _ENGINES.get(signal_type) or engine or signal_type.lower()


def alerting(engine: str, level: str) -> Alerting:
    """Return who is told of an engine's signals at an enforcement level.

    Levels stand in policies: of one that does not count, none is believed.
    """
    if level == "G0" and engine != "policy":
        return "none"
    if level == "G1" and engine in GATE_ENGINES:
        return "notice"
    return "all"

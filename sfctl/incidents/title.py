"""What an incident is called, as the person on call reads it."""

from __future__ import annotations

from sfctl.model import urn

_WORDS: dict[str, str] = {
    "CONTRACT_BREACH": "Contract Violation",
    "DQ_BREACH": "Data Quality Breach",
    "DRIFT_DETECTED": "Drift",
    "FRESHNESS_BREACH": "Freshness Breach",
    "VOLUME_ANOMALY": "Volume Anomaly",
    "PII_COMPLIANCE": "PII Compliance",
}
_KEPT = {"PII", "SDK", "DQ", "SLO"}


def title(signal_type: str, dataset_urn: str, last: str, reason: str = "") -> str:
    """Return `Contract Violation - orders:created - MISSING_FIELD:customer_id`.

    What freshness complains of is named by its reason: a job that failed, or that never ran.
    """
    if signal_type == "FRESHNESS_BREACH" and reason:
        signal_type, last = reason, "" if last == reason else last
    parts = (words(signal_type), spoken(dataset_urn), last)
    return " - ".join(part for part in parts if part)


def words(signal_type: str) -> str:
    """Return a signal type as words."""
    known = _WORDS.get(signal_type)
    if known:
        return known
    return " ".join(w if w in _KEPT else w.capitalize() for w in signal_type.split("_"))


def spoken(name: str) -> str:
    """Return a URN without its scheme and kind, a stage apart: `orders:created`."""
    head = urn.without_stage(name)
    parts = head.split(":", 2)
    return parts[2] if len(parts) == 3 and parts[0] == "urn" else head

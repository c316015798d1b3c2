"""Incidents as JSON: every field of the printed form, whether or not anything is known of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from sfctl.model import codec
from sfctl.model.incident import Incident

_LONG = ("symptoms", "evidence", "history", "complaints")


def document(incident: Incident) -> dict[str, Any]:
    """Return an incident in full."""
    return {
        name: codec.plain(value) if name in _LONG else value
        for name, value in msgspec.structs.asdict(incident).items()
    }


def brief(incident: Incident) -> dict[str, Any]:
    """Return an incident without its symptoms, history and copies of evidence."""
    return {name: value for name, value in document(incident).items() if name not in _LONG}


def counts(incidents: Iterable[Incident]) -> dict[str, Any]:
    """Return how many there are by status and severity, and the share that were false alarms.

    The share is of the resolved ones, None while there are none.
    """
    listed = list(incidents)
    ended = [each for each in listed if each.status == "RESOLVED"]
    false = sum(each.false_positive for each in ended)
    live = [each for each in listed if each.status != "RESOLVED"]
    return {
        "open": sum(each.status == "OPEN" for each in listed),
        "acknowledged": sum(each.status == "ACKNOWLEDGED" for each in listed),
        "resolved": len(ended),
        "by_severity": {
            severity: sum(each.severity == severity for each in live)
            for severity in ("SEV-1", "SEV-2", "SEV-3")
        },
        "false_positives": false,
        "false_positive_rate": round(false / len(ended), 4) if ended else None,
    }

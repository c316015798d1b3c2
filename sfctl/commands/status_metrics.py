"""`sfctl status --metrics`: the same facts in the text format that Prometheus scrapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sfctl.clock import parse_instant
from sfctl.model.signal import SEVERITY

_GAUGES: dict[str, tuple[str, Callable[[Mapping[str, Any]], float | None]]] = {
    "sfctl_certified_version": (
        "The table version that consumers read.",
        lambda row: row["certified_version"],
    ),
    "sfctl_certified": (
        "1 while the newest version is the certified one.",
        lambda row: float(row["certification_status"] == "CERTIFIED"),
    ),
    "sfctl_last_certified_timestamp_seconds": (
        "When the certified view last moved.",
        lambda row: _seconds(row["last_certified_at"]),
    ),
    "sfctl_held_since_timestamp_seconds": (
        "Since when the certified view is held back.",
        lambda row: _seconds(row["held_since"]),
    ),
    "sfctl_quarantined_rows": (
        "Rows that wait in quarantine.",
        lambda row: row["quarantined_rows"],
    ),
    "sfctl_draft_policy": (
        "1 while nobody approved the policy.",
        lambda row: float(row["draft"] is not None),
    ),
}


def prometheus(payload: Mapping[str, Any]) -> str:
    """Return the payload of `status` as gauges, one sample a dataset; unknown values are left out.

    Format: Prometheus text exposition 0.0.4.
    """
    lines: list[str] = []
    for name, (meaning, value_of) in _GAUGES.items():
        samples = [
            f"{name}{_labels(row)} {value:g}"
            for row in payload["datasets"]
            if (value := value_of(row)) is not None
        ]
        lines += _family(name, meaning, samples)
    lines += _family(
        "sfctl_signal_state",
        "What an engine says of a dataset: 0 OK, 1 UNKNOWN, 2 WARNING, 3 CRITICAL.",
        [
            f"sfctl_signal_state{_labels(row, engine=word['engine'])} {SEVERITY[word['state']]}"
            for row in payload["datasets"]
            for word in row["signals"]
        ],
    )
    lines += _family(
        "sfctl_open_incidents",
        "Incidents that are not resolved.",
        [
            f'sfctl_open_incidents{{severity="{severity}"}} {number}'
            for severity, number in payload["incidents"]["by_severity"].items()
        ],
    )
    rate = payload["incidents"]["false_positive_rate"]
    lines += _family(
        "sfctl_incident_false_positive_ratio",
        "The share of resolved incidents that were false alarms.",
        [] if rate is None else [f"sfctl_incident_false_positive_ratio {rate:g}"],
    )
    lines += _family(
        "sfctl_evidence_pending_bytes",
        "Bytes of evidence that no bus has yet.",
        [f"sfctl_evidence_pending_bytes {payload['evidence_pending_bytes']}"],
    )
    lines += _family(
        "sfctl_store_up",
        "1 where a store answers.",
        [
            f'sfctl_store_up{{store="{name}"}} {int(said == "ok")}'
            for name, said in payload["stores"].items()
        ],
    )
    return "\n".join(lines)


def _family(name: str, meaning: str, samples: list[str]) -> list[str]:
    return [f"# HELP {name} {meaning}", f"# TYPE {name} gauge", *samples] if samples else []


def _labels(row: Mapping[str, Any], **more: str) -> str:
    pairs = {"dataset": row["urn"], "owner": row["owner"], "tier": str(row["tier"]), **more}
    escaped = (f'{k}="{_escape(v)}"' for k, v in pairs.items())
    return "{" + ",".join(escaped) + "}"


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _seconds(text: str | None) -> float | None:
    return parse_instant(text).timestamp() if text else None

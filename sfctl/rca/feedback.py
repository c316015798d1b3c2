"""What people said of an answer: kept with the case it was said of, counted, exportable."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sfctl.clock import format_instant
from sfctl.model.explanation import Explanation
from sfctl.model.ids import entropy_of
from sfctl.state.port import StateStore

TABLE = "rca_feedback"
VERDICTS = ("up", "down")


def record(
    state: StateStore, explanation: Explanation, verdict: str, note: str, by: str, now: datetime
) -> dict[str, Any]:
    """Keep what one person says of an answer; saying something else replaces it."""
    cause = explanation.root_cause
    origin = origin_of(cause.ref)
    signature = explanation.signatures[0] if explanation.signatures else ""
    entry: dict[str, Any] = {
        "subject": explanation.subject,
        "incident": explanation.incident,
        "verdict": verdict,
        "note": note,
        "by": by,
        "at": format_instant(now),
        "cause_kind": cause.kind,
        "cause_ref": cause.ref,
        "cause_origin": origin,
        "signature": signature,
        "confidence": cause.confidence,
        "factors": {factor.name: factor.value for factor in cause.factors},
        "evidence_refs": list(explanation.evidence_refs),
    }
    state.put(TABLE, f"{_group(cause.kind, origin, signature)}|{_key(entry)}", entry)
    return entry


def verdicts(
    state: StateStore, kind: str, origin: str, signature: str, *, but: str = ""
) -> tuple[int, int]:
    """Return how many said up and down of a cause of this kind, origin and failure.

    What was said of subject `but` is left out: an answer does not confirm itself.
    """
    items = state.query(TABLE, _group(kind, origin, signature) + "|")
    said = [str(i.value.get("verdict")) for i in items if i.value.get("subject") != but]
    return said.count("up"), said.count("down")


def everything(state: StateStore) -> list[dict[str, Any]]:
    """Return all that was said, oldest first: a training set."""
    entries = [item.value for item in state.query(TABLE)]
    return sorted(entries, key=lambda e: (str(e["at"]), str(e["subject"]), str(e["by"])))


def stamp(state: StateStore) -> str:
    """Return what changes when anything is said, for caches."""
    return ",".join(f"{item.key[-12:]}:{item.version}" for item in state.query(TABLE))


def origin_of(ref: str) -> str:
    """Return what a cause comes from whatever its version: a deployment's service, else itself."""
    if ref.startswith("urn:deployment:"):
        return "urn:service:" + ref.removeprefix("urn:deployment:").rpartition(":")[0]
    return ref


def _group(kind: str, origin: str, signature: str) -> str:
    return entropy_of(kind, origin, signature).hex()[:24]


def _key(entry: dict[str, Any]) -> str:
    return entropy_of(entry["subject"], entry["cause_ref"], entry["by"]).hex()[:24]

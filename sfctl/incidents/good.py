"""When something that was wrong is well again: an engine's OK, or a gate that passes later."""

from __future__ import annotations

from sfctl.incidents.seen import complaint
from sfctl.incidents.severity import engine_of
from sfctl.model import urn
from sfctl.model.evidence import Evidence
from sfctl.model.incident import Incident, Symptom
from sfctl.model.signal import Signal

_ONE_SHOT = ("drift", "quarantine")
"""Engines that speak once and may never say OK: whoever judges the same data answers for them."""
_JUDGES = ("contract", "dq")


def content(signal: Signal, incident: Incident) -> list[str]:
    """Return the complaints of an incident that an OK signal settles."""
    engine = engine_of(signal.signal_type, signal.engine)
    spoken_for = (engine, *_ONE_SHOT) if engine in _JUDGES else (engine,)
    keys = [complaint(signal.dataset_urn, each) for each in spoken_for]
    return [key for key in keys if _settles(incident, key, signal.timestamp, signal.signal_id)]


def passed(event: Evidence, incident: Incident) -> list[str]:
    """Return the one-shot complaints that a gate's PASS in a later run settles."""
    if event.kind != "GATE" or event.result not in ("PASS", "WARN") or event.sampled:
        return []
    found = []
    for engine in _ONE_SHOT:
        key = complaint(event.dataset_urn, engine)
        last = _newest(incident, key)
        if (
            last is not None
            and last.run_id != event.run_id
            and _settles(incident, key, event.timestamp, "")
            and _judges_again(event, last)
        ):
            found.append(key)
    return found


def _judges_again(event: Evidence, symptom: Symptom) -> bool:
    if symptom.engine == "quarantine":
        return any(gate.get("gate") == symptom.reason for gate in event.gates)
    if symptom.signature in event.reason_codes:
        return False
    rules = event.payload.get("rules")
    for rule in rules if isinstance(rules, list) else ():
        tested = str(rule.get("signature", ""))
        same = symptom.signature == tested or symptom.signature.startswith(f"{tested}:")
        if tested and same and rule.get("status") == "pass":
            return True
    schema = symptom.signature.split(":")[0] in ("SCHEMA_BREAK", "MISSING_FIELD", "TYPE_MISMATCH")
    return schema and any(gate.get("gate") == "G3_SCHEMA" for gate in event.gates)


def _settles(incident: Incident, key: str, at: str, signal_id: str) -> bool:
    if incident.complaints.get(key) in (None, "OK"):
        return False
    last = _newest(incident, key)
    return last is None or last.timestamp < at or last.signal_id == signal_id


def _newest(incident: Incident, key: str) -> Symptom | None:
    mine = [
        each
        for each in incident.symptoms
        if complaint(urn.without_stage(each.dataset_urn), each.engine) == key
    ]
    return max(mine, key=lambda each: (each.timestamp, each.signal_id), default=None)

"""What the schema gate says of a column: gone, or gone by its old name."""

from __future__ import annotations

from sfctl.rca.case import Case


def renamed(case: Case, field: str) -> str:
    """Return the name a column may have now, empty where no evidence says so."""
    for change, _ in changes(case):
        if change.get("change") == "possible_rename" and change.get("field") == field:
            return str(change.get("to") or "")
    return ""


def changes(case: Case) -> list[tuple[dict[str, object], str]]:
    """Return the schema changes that failing evidence lists, each with the event's id."""
    found: list[tuple[dict[str, object], str]] = []
    for event in case.evidence:
        for gate in event.gates:
            details = gate.get("details")
            listed = details.get("changes") if isinstance(details, dict) else None
            if isinstance(listed, list):
                found += [(c, event.evidence_id) for c in listed if isinstance(c, dict)]
    return found

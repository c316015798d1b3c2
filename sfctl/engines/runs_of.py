"""Which run an event belongs to: attempts that share a run id are apart."""

from __future__ import annotations

from sfctl.model.evidence import Evidence


def run_name(event: Evidence) -> str:
    """Return the run's id, with `#<attempt>` from the second attempt on."""
    return f"{event.run_id}#{event.attempt}" if event.attempt else event.run_id

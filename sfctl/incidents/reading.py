"""From an event on the log to what the decision needs: signals, and quarantines like signals."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from sfctl.incidents import severity
from sfctl.incidents.seen import Seen, Surroundings
from sfctl.incidents.severity import engine_of
from sfctl.incidents.surroundings import signature_of
from sfctl.model import signal as signals
from sfctl.model import urn
from sfctl.model.evidence import Evidence
from sfctl.model.incident import Symptom
from sfctl.model.signal import Failure, Signal, State, Window
from sfctl.model.topology import Topology

_TOTAL = ("evidence_count", "records_processed", "rows_evaluated", "rows", "total")
_FAILED = ("fail_count", "records_failed", "rows_failed", "failed")
HELD = ("block", "divert")


def signal_of(event: Evidence) -> Signal | None:
    """Return the signal that an event is, or counts as; None for every other event.

    A quarantine of rows that failed an error rule counts as its gate's signal: CRITICAL where the
    whole batch was held, else WARNING. Raises msgspec.ValidationError for a malformed signal.
    """
    if event.kind == "SIGNAL":
        signal = signals.from_event(event)
        return replace(signal, dataset_urn=_canonical(signal.dataset_urn))
    if event.kind != "QUARANTINE" or event.payload.get("result", "FAIL") != "FAIL":
        return None
    payload = event.payload
    action = str(payload.get("action") or "block")
    if action not in HELD:
        return None
    state: State = "CRITICAL" if action == "block" else "WARNING"
    signature = str(payload.get("failure_signature") or "")
    rows = payload.get("rows")
    return Signal(
        signal_id=event.evidence_id,
        signal_type="QUARANTINE",
        engine="quarantine",
        dataset_urn=_canonical(event.dataset_urn),
        state=state,
        timestamp=event.timestamp,
        window=Window(event.timestamp, event.timestamp),
        revision=event.revision,
        stage=event.stage,
        reason=str(payload.get("gate") or ""),
        job_urn=event.job_urn,
        run_id=event.run_id,
        dag_run_id=event.dag_run_id,
        metrics={"rows_failed": rows} if isinstance(rows, int) else {},
        top_failures=(Failure(signature, rows if isinstance(rows, int) else 1),)
        if signature
        else (),
        evidence_refs=(event.evidence_id,),
        producer=event.producer,
    )


def level_of(topology: Topology, dataset: str) -> str:
    """Return the enforcement level of a dataset, G2 where the project does not know it."""
    entry = topology.datasets.get(urn.without_stage(dataset))
    return entry.level if entry else "G2"


def seen(
    signal: Signal,
    around: Surroundings,
    *,
    tier: int,
    owner: str,
    level: str,
    wrote: frozenset[str],
) -> Seen:
    """Return a bad signal with its surroundings, ready to be decided on."""
    engine = engine_of(signal.signal_type, signal.engine)
    producer = _producer(signal)
    name = str(producer.get("id") or "")
    symptom = Symptom(
        signal_id=signal.signal_id,
        signal_type=signal.signal_type,
        dataset_urn=signal.dataset_urn,
        state=signal.state,
        timestamp=signal.timestamp,
        signature=signature_of(signal),
        stage=signal.stage,
        run_id=signal.run_id,
        engine=engine,
        revision=signal.revision,
        reason=signal.reason,
        first_failure=min((f.first_seen for f in signal.top_failures if f.first_seen), default=""),
        producer=f"{name} {producer.get('version') or ''}".strip() if _known(producer) else "",
        versions=tuple(sorted(wrote)),
    )
    told = severity.alerting(engine, level)
    return Seen(
        symptom=symptom,
        severity=severity.severity_of(signal.state, tier),
        tier=tier,
        owner=owner,
        alerts=told == "all",
        producer=producer,
        totals=_totals(signal.metrics),
        evidence_refs=signal.evidence_refs,
        job_urn=signal.job_urn,
        dag_run_id=signal.dag_run_id,
        around=around,
    )


def _canonical(name: str) -> str:
    return urn.canonical(name) if urn.is_dataset(name) else name


def _producer(signal: Signal) -> dict[str, Any]:
    if signal.producer:
        return signal.producer
    named = next((each for each in signal.top_failures if each.producer), None)
    if named is None:
        return {}
    return {"id": named.producer, "version": named.producer_version}


def _known(producer: dict[str, Any]) -> bool:
    return (
        str(producer.get("id") or "UNKNOWN") != "UNKNOWN" and producer.get("confidence") != "NONE"
    )


def _totals(metrics: dict[str, Any]) -> dict[str, Any]:
    found = {"total_events": _first(metrics, _TOTAL), "failed_events": _first(metrics, _FAILED)}
    return {name: value for name, value in found.items() if value is not None}


def _first(metrics: dict[str, Any], names: tuple[str, ...]) -> int | None:
    found = (metrics[name] for name in names if isinstance(metrics.get(name), int))
    return next(found, None)

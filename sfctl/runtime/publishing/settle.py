"""After the commit: ledger, evidence, certification, pin. Steps may be repeated harmlessly."""

from __future__ import annotations

from pathlib import Path

from sfctl.certification import pin, view
from sfctl.certification.ledger import Ledger, taints, waiting
from sfctl.certification.predicate import STAGE, Standing, blockers
from sfctl.clock import parse_instant
from sfctl.errors import StoreError
from sfctl.model import facts
from sfctl.model.certificate import Certificate, VersionRecord
from sfctl.model.evidence import Evidence
from sfctl.model.policy import Policy
from sfctl.model.write import WriteRecord
from sfctl.runtime.publishing.request import EVENTS, Ports
from sfctl.runtime.publishing.testimony import testify
from sfctl.runtime.tables.port import Table


class Settled:
    """What became of a write: the view after it, and whether its evidence is safe."""

    def __init__(self, certificate: Certificate | None, events: list[Evidence], safe: bool) -> None:
        self.certificate = certificate
        self.evidence = tuple(event.evidence_id for event in events)
        self.evidence_safe = safe


def settle(
    record: WriteRecord,
    version: int | None,
    table: Table,
    policy: Policy,
    ports: Ports,
    *,
    stage_urn: str,
    format: str,
) -> Settled:
    """Record a write, testify, and let the view decide.

    `version` is None when nothing was published. Raises StoreError when the state store or the
    pin cannot be written, after the evidence was; the same write asked again goes on from there.
    """
    ledger = Ledger(ports.state, stage_urn, table.identity())
    records: list[VersionRecord] = []
    fault: StoreError | None = None
    try:
        known = ledger.records()
        records = ledger.reconcile(table.commits(known[-1].version if known else None))
    except StoreError as error:
        fault = error
    ports.reached("recorded")
    events = testify(record, version)
    safe = emit(events, ports)
    ports.reached("emitted")
    if fault is not None:
        raise fault
    if record.stage != STAGE:
        held = None if version is not None else _hold(record, ports, events)
        return Settled(held, events, safe)

    def decide(certificate: Certificate) -> Certificate:
        certificate = view.of_table(certificate, table.identity())
        certified = certificate.certified_version
        spoiled: tuple[int, ...] = ()
        if version is not None:
            spoiled = taints(
                records, after=certified, upto=version, distrusted=certificate.distrusted
            )
        own = record.blockers
        standing = Standing(safe, tuple(v for v in spoiled if v != version or not own))
        return view.decided(
            certificate,
            version=version,
            blockers=blockers(own, standing),
            at=record.at,
            run_id=record.run.run_id,
            policy_digest=record.judgement.policy_digest,
            quarantined_rows=waiting(records, after=certified),
            evidence=[event.evidence_id for event in events],
        )

    after = view.move(ports.state, record.dataset_urn, decide, beyond=pinned_generation(table))
    if after.certified_version is not None and after.certified_version == version:
        ledger.prune(after.certified_version)
    ports.reached("certified")
    if version is None or after.judged_version == version:
        event = certification_event(record, version, after, seq=record.seq + EVENTS - 1)
        emit([event], ports)
        events.append(event)
    place_pin(table, after, policy, format)
    ports.reached("pinned")
    return Settled(after, events, safe)


def _hold(record: WriteRecord, ports: Ports, events: list[Evidence]) -> Certificate | None:
    """Hold the view where an earlier stage was refused: the day will not arrive at gold.

    What was never certified has no view to hold. The next gold write decides anew.
    """
    if record.certified_before is None:
        return None
    gates = [gate.gate for gate in record.judgement.gates if gate.result == "FAIL"]
    reasons = [f"{record.stage.upper()}_BLOCKED({gate})" for gate in gates]
    after = view.move(
        ports.state,
        record.dataset_urn,
        lambda certificate: view.decided(
            certificate,
            version=None,
            blockers=reasons or [f"{record.stage.upper()}_BLOCKED"],
            at=record.at,
            run_id=record.run.run_id,
        ),
    )
    event = certification_event(record, None, after, seq=record.seq + EVENTS - 1)
    emit([event], ports)
    events.append(event)
    return after


def certification_event(
    record: WriteRecord, version: int | None, certificate: Certificate, *, seq: int
) -> Evidence:
    """Return what the view says of a write: CERTIFIED, or held and why."""
    certified = certificate.certified_version
    moved = certificate.status == "CERTIFIED"
    earlier = [v for v in certificate.history if v != certified]
    previous = (earlier[-1] if earlier else None) if moved else certified
    return facts.certification(
        record.run,
        parse_instant(record.at),
        dataset_urn=record.dataset_urn,
        status=certificate.status,
        version=version,
        certified_version=certified,
        previous_certified_version=previous,
        reasons=certificate.held_reason.split(", ") if certificate.held_reason else (),
        stage=record.stage,
        policy_digest=record.judgement.policy_digest,
        evidence=certificate.evidence if moved else (),
        generation=certificate.generation,
        seq=seq,
        quarantined_rows=certificate.quarantined_rows,
    )


def pinned_generation(table: Table) -> int:
    """Return the generation of the pin beside a gold table; 0 without one that can be read."""
    if "://" in table.path:
        return 0
    try:
        present = pin.read(Path(table.path))
    except StoreError:
        return 0
    return present.generation if present is not None else 0


def place_pin(table: Table, certificate: Certificate, policy: Policy, format: str) -> bool:
    """Bring the file beside the table up to the certificate; return whether it moved."""
    if table.head() is None or "://" in table.path:
        return False
    wanted = pin.pin_of(certificate, tier=policy.tier, on_stale=policy.on_stale, format=format)
    return pin.write(Path(table.path), wanted)


def emit(events: list[Evidence], ports: Ports) -> bool:
    """Put events into the outbox, each tried; return whether all of them are safe there."""
    kept = [ports.evidence.append(event) for event in events]
    return all(kept) and ports.evidence.sync()

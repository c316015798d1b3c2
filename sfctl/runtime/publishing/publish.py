"""One gated write, in the one place where order matters.

take → resume? → judge → protect → quarantine → data → ledger → evidence → certification → pin. A
kill between any two leaves a state from which the same write, asked again, goes on. How rows are
taken, held and committed is the engine's business.
"""

from __future__ import annotations

import msgspec

from sfctl.certification import predicate, view
from sfctl.certification.ledger import counted, kind_of, written_by
from sfctl.clock import format_instant
from sfctl.errors import Conflict, PublishBlocked, StoreError, UsageError
from sfctl.model import codec, facts
from sfctl.model.certificate import Certificate
from sfctl.model.ids import row_key_hash
from sfctl.model.reserved import CODE, HINT, reserved
from sfctl.model.verdict import Judgement
from sfctl.model.write import Counts, QuarantineRef, WriteRecord, WriteResult
from sfctl.runtime.core import gates
from sfctl.runtime.publishing import decision
from sfctl.runtime.publishing.engine import Frame, Rows
from sfctl.runtime.publishing.lock import dataset_lock
from sfctl.runtime.publishing.partition import without_partition
from sfctl.runtime.publishing.protect import Protected, keys_acted_on, protect
from sfctl.runtime.publishing.quarantine import Quarantine, dt_of
from sfctl.runtime.publishing.request import EVENTS, Ports, PublishRequest
from sfctl.runtime.publishing.result import result_of
from sfctl.runtime.publishing.settle import Settled, emit, settle
from sfctl.runtime.publishing.unjudged import unjudged
from sfctl.runtime.tables.port import Table, Write

ROW_KEYS = 10
LOST = "QUARANTINE_LOST"
"""The fault of a resumed write whose quarantined rows are no longer there."""
ACTED = "ACTED_KEY"
"""The fault of a rule of scope `table` on values that the table has as tokens or masks only."""
RESTORED = "RESTORED_SINCE"
"""The fault of a resumed write whose rows a RESTORE of the table may have taken out again."""


def publish(request: PublishRequest, ports: Ports) -> WriteResult:
    """Judge a batch, send each row where the policy says, and let the certified view decide.

    Asked again after a commit, it writes nothing and finishes what was left open. Enforcement that
    says no is an answer (`blocked`), not an exception. Raises UsageError SF315 for a column whose
    name is ours, StoreLocked when another publisher holds the dataset for too long, SfctlError
    when a step cannot be done; then nothing that is visible is half done, and no acted column was
    written in the clear.
    """
    _require_names(request)
    with (
        ports.engine.taken(request, ports) as frame,
        dataset_lock(ports.store / "locks", request.stage_urn, seconds=ports.lock_seconds),
    ):
        ports.reached("locked")
        return publish_locked(request, ports, frame)


def _require_names(request: PublishRequest) -> None:
    if name := reserved([*request.frame.columns, *request.partition]):
        raise UsageError(f"rows come with a column {name}", hint=HINT, code=CODE)


def publish_locked(request: PublishRequest, ports: Ports, frame: Frame | None) -> WriteResult:
    """Do what `publish` does with rows that were taken, for a caller that holds the lock."""
    table = ports.open_table(request.path, request.format)
    version = table.committed(request.write_key)
    if version is not None:
        return _resumed(request, ports, table, version)
    if frame is None:
        raise Conflict(
            f"the table of {request.stage_urn} was replaced while it was being written to",
            hint="run the job again",
        )
    return _published(request, ports, table, frame)


def _resumed(request: PublishRequest, ports: Ports, table: Table, version: int) -> WriteResult:
    commit = table.commit(version)
    record = written_by(commit) if commit is not None else None
    if record is None:
        raise StoreError(
            f"this write was published as version {version}, whose record the log no longer holds",
            hint="nothing was written; raise `rerun` to write it again on purpose",
            code="SF334",
        )
    settled = _settle(request, ports, table, record, version)
    result = result_of(record, version, settled, already=True)
    if record.quarantine is not None and _quarantine_lost(request):
        told = f"{record.counts.rows_quarantined} rows that waited there are gone"
        result = msgspec.structs.replace(result, rows_quarantined=0, quarantine_table="")
        result = _short_of(result, record, ports, "quarantine", LOST, told)
    if any(each.operation == "RESTORE" for each in table.commits(version)):
        told = f"the table was restored after version {version}; raise `rerun` to write it again"
        result = _short_of(result, record, ports, "write", RESTORED, told)
    return result


def _short_of(
    result: WriteResult, record: WriteRecord, ports: Ports, where: str, error: str, told: str
) -> WriteResult:
    """Put on record what a resumed write no longer has of what it brought."""
    event = facts.sdk_degraded(
        record.run,
        ports.clock.now(),
        where=where,
        error=error,
        message=told,
        dataset_urn=record.dataset_urn,
        stage=record.stage,
        ordinal=record.ordinal,
        seq=ports.reserve(1),
    )
    safe = emit([event], ports)
    return msgspec.structs.replace(
        result,
        degraded=(*result.degraded, error),
        evidence=(*result.evidence, event.evidence_id),
        evidence_safe=result.evidence_safe and safe,
    )


def _quarantine_lost(request: PublishRequest) -> bool:
    """Whether the quarantine knows nothing of this write; rows that left it in order are known."""
    try:
        store = Quarantine(request.quarantine_path, request.dataset_urn)
        return store.table.committed(request.write_key) is None
    except StoreError:
        return True


def _published(request: PublishRequest, ports: Ports, table: Table, frame: Frame) -> WriteResult:
    judgement = (
        unjudged(request, frame.height)
        if request.gates_off
        else ports.judge(frame, request.policy, request.stage)
    )
    judgement = without_partition(judgement, request.partition_columns)
    rows = ports.split(frame, request.policy, request.stage, judgement) if judgement.bad else None
    judgement = _agreed(judgement, rows, frame.height)
    level = "G0" if not request.approved else request.level
    choice = decision.decide(judgement, request.policy.enforcement, ports.environment, level=level)
    if request.replay_id:
        choice = _replayed(choice, judgement)
    ports.reached("judged")
    outgoing = frame if choice.publish == "all" or rows is None else rows.good
    protected = Protected(None)
    if choice.publish != "none":
        protected = protect(outgoing, request.policy, ports, off=_pii_off(request, judgement))
        alone = request.mode == "overwrite" or table.head() is None
        acted = keys_acted_on(request.policy, request.stage, protected.findings)
        judgement = _with_findings(judgement, protected, () if alone else acted)
        if protected.frame is None:
            choice = choice._replace(publish="none", alert="alert")
    if request.replay_id and (choice.publish == "none" or judgement.degraded):
        why = ", ".join(judgement.degraded) or "they fail again"
        raise PublishBlocked(
            f"these rows cannot be replayed: {why}",
            hint="they stay in quarantine",
        )
    counts = decision.count(judgement, choice)
    record = _record(request, ports, table, judgement, choice, counts, protected, rows)
    ref = _quarantined(request, ports, frame, rows, record)
    record = msgspec.structs.replace(record, quarantine=ref)
    ports.reached("quarantined")
    version = None
    if choice.publish == "none":
        ports.reached("withheld")
    else:
        assert protected.frame is not None
        version = ports.engine.commit(table, protected.frame, _write(request, record))
        ports.reached("committed")
        commit = table.commit(version)
        record = record if commit is None else counted(record, commit)
    settled = _settle(request, ports, table, record, version)
    return result_of(record, version, settled)


def _replayed(choice: decision.Decision, judgement: Judgement) -> decision.Decision:
    """A replay brings rows that pass and are no whole batch: batch rules do not stop them."""
    return choice._replace(publish="none" if judgement.bad else "all", exit_blocked=False)


def _settle(
    request: PublishRequest,
    ports: Ports,
    table: Table,
    record: WriteRecord,
    version: int | None,
) -> Settled:
    return settle(
        record,
        version,
        table,
        request.policy,
        ports,
        stage_urn=request.stage_urn,
        format=request.format,
    )


def _pii_off(request: PublishRequest, judgement: Judgement) -> str:
    """Return why PII actions are switched off, empty when they are not."""
    off = any(
        g.gate == "G5_PII" and g.result == "SKIP" and not g.undeclared for g in judgement.gates
    )
    return request.gates_off or ("KILL_SWITCH" if off else "")


def _agreed(judgement: Judgement, rows: Rows | None, height: int) -> Judgement:
    """The rows that were split are the rows that move: where counts differ, they decide.

    Raises StoreError SF335 where judge or split lost or doubled rows: none may move then.
    """
    good, bad = judgement.good, judgement.bad
    if rows is not None:
        good, bad = rows.good.height, rows.bad.height
    if good + bad != height or judgement.rows != height:
        raise StoreError(
            f"{height} rows were taken, {judgement.rows} were judged, {good} good and {bad} bad",
            code="SF335",
        )
    if (good, bad) == (judgement.good, judgement.bad):
        return judgement
    fault = () if judgement.sampled else ("SPLIT_DISAGREES",)
    return msgspec.structs.replace(
        judgement,
        good=good,
        bad=bad,
        degraded=(*judgement.degraded, *fault),
    )


def _with_findings(
    judgement: Judgement, protected: Protected, unknown: tuple[str, ...]
) -> Judgement:
    """G5 says what was found and done on the way out; a fault of ours there certifies nothing.

    Nor does a rule that is `unknown`, for the table has its keys in another form than the rows.
    """
    faults = [protected.fault] if protected.fault else []
    faults += [f"{ACTED}:{rule}" for rule in unknown]
    decided = [
        gates.pii_gate(protected.findings, judgement.rows, unable=protected.fault)
        if gate.gate == "G5_PII" and gate.result != "SKIP"
        else gate
        for gate in judgement.gates
    ]
    return msgspec.structs.replace(
        judgement,
        gates=tuple(decided),
        pii=protected.findings,
        verdict=gates.verdict(decided),
        degraded=(*judgement.degraded, *faults),
    )


def _record(
    request: PublishRequest,
    ports: Ports,
    table: Table,
    judgement: Judgement,
    choice: decision.Decision,
    counts: Counts,
    protected: Protected,
    rows: Rows | None,
) -> WriteRecord:
    blockers = predicate.judged(
        predicate.Case(
            policy=request.policy,
            judgement=judgement,
            policy_approved=request.approved,
            gates_enabled=not request.gates_off,
            complete=request.complete,
            published=choice.publish != "none",
        )
    )
    before = _view_before(request, ports, table)
    kind = kind_of(blockers, counts, batch_failed=decision.batch_failed(judgement))
    return WriteRecord(
        write_key=request.write_key,
        run=request.run,
        dataset_urn=request.dataset_urn,
        stage=request.stage,
        mode=request.mode,
        at=format_instant(ports.clock.now()),
        judgement=msgspec.structs.replace(judgement, schema=[], pii=()),
        counts=counts,
        published=choice.publish,
        kind="diverted" if request.replay_id and blockers else kind,
        over_limit=choice.over_limit,
        alert=choice.alert,
        blocked=choice.exit_blocked,
        level="G0" if not request.approved else request.level or request.policy.enforcement.level,
        ordinal=request.ordinal,
        partitions=_partitions(request, ports, protected),
        blockers=blockers,
        findings=protected.findings,
        row_keys=_row_keys(request, ports, judgement, rows),
        upstream=request.upstream,
        producer=dict(request.producer),
        replay_id=request.replay_id,
        seq=ports.reserve(EVENTS),
        view_before=before.status,
        certified_before=before.certified_version,
    )


def _view_before(request: PublishRequest, ports: Ports, table: Table) -> Certificate:
    """Return the view; a store that does not answer holds no write up, only its certification."""
    try:
        found = view.load(ports.state, request.dataset_urn)
    except StoreError:
        return Certificate(request.dataset_urn)
    return view.of_table(found, table.identity()) if request.stage == predicate.STAGE else found


def _partitions(request: PublishRequest, ports: Ports, protected: Protected) -> tuple[str, ...]:
    if request.partition:
        return (request.partition_text,)
    names = request.partition_columns
    if not names or protected.frame is None or not protected.frame.height:
        return ()
    occurring = ports.engine.distinct(protected.frame, names)
    return tuple(
        sorted("/".join(f"{k}={v}" for k, v in zip(names, row, strict=True)) for row in occurring)
    )


def _row_keys(
    request: PublishRequest, ports: Ports, judgement: Judgement, rows: Rows | None
) -> dict[str, tuple[str, ...]]:
    """Return up to ten keyed hashes a gate of the rows that failed it."""
    if rows is None:
        return {}
    found: dict[str, tuple[str, ...]] = {}
    known = ports.engine.columns(rows.bad)
    names = [name for name in request.policy.primary_key if name in known]
    names = names or [name for name in known if not name.startswith("_sfctl_")]
    for gate in judgement.gates:
        rules = [rule.id for rule in judgement.rules if rule.gate == gate.gate and rule.failed]
        if not rules:
            continue
        failing = ports.engine.failing(rows.bad, rules, names, ROW_KEYS)
        found[gate.gate] = tuple(row_key_hash(ports.row_key, *row) for row in failing)
    return found


def _quarantined(
    request: PublishRequest,
    ports: Ports,
    frame: Frame,
    rows: Rows | None,
    record: WriteRecord,
) -> QuarantineRef | None:
    """Hold what is not published; an earlier attempt's rows of this write give way."""
    store = Quarantine(request.quarantine_path, request.dataset_urn)
    if record.counts.rows_quarantined == 0:
        store.withdraw(record.write_key)
        return None
    good = (frame if rows is None else rows.good) if record.published == "none" else None
    bad = None if rows is None else rows.bad
    version = ports.engine.hold(store, good, bad, record, request.policy, ports.public_key())
    return QuarantineRef(store.partition_name(dt_of(record), record.run.run_id), version)


def _write(request: PublishRequest, record: WriteRecord) -> Write:
    return Write(
        mode=request.mode,
        keys=(record.write_key, *request.also_keys),
        note=codec.encode(record).decode(),
        partition_by=request.partition_columns,
        partition=request.partition or None,
        primary_key=request.policy.primary_key,
    )

"""A version that was committed past us, judged from what its log says it brought.

read → judge → record → ledger → evidence → certification → pin. What it holds stays where it is;
only the certified view may move, or be held. A kill between any two leaves a state from which the
same version, judged again, goes on; judged twice it says the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from sfctl.certification import judged as kept
from sfctl.certification import predicate, view
from sfctl.certification.ledger import Ledger, kind_of, record_of, taints, waiting, written_by
from sfctl.clock import format_instant
from sfctl.errors import StoreError
from sfctl.model import ids
from sfctl.model.certificate import Certificate, VersionKind
from sfctl.model.policy import Policy, Unique
from sfctl.model.verdict import GateResult, Judgement
from sfctl.model.write import Commit, Counts, WriteRecord, WriteResult
from sfctl.runtime.core import gates, results
from sfctl.runtime.publishing import decision
from sfctl.runtime.publishing import settle as settling
from sfctl.runtime.publishing.changes import Changed, changed
from sfctl.runtime.publishing.lock import dataset_lock
from sfctl.runtime.publishing.partition import without_partition
from sfctl.runtime.publishing.request import EVENTS, Ports, PublishRequest
from sfctl.runtime.publishing.result import result_of
from sfctl.runtime.publishing.unjudged import unjudged
from sfctl.runtime.tables.delta_log import LogVersion
from sfctl.runtime.tables.port import Table

if TYPE_CHECKING:
    import polars as pl

Judge = Callable[["pl.LazyFrame", Policy, "pl.LazyFrame | None"], Judgement]
"""Judges rows by a policy; beside them, the other rows of their table. Counts personal data."""
Fault = Callable[[Policy, str, BaseException], Judgement]
"""Says of rows that a fault of ours kept from being judged that nobody knows."""


def judge_version(
    request: PublishRequest,
    ports: Ports,
    version: LogVersion,
    judge: Judge,
    fault: Fault,
    *,
    by: str,
) -> tuple[WriteResult, WriteRecord]:
    """Judge one version of a table that its own writer committed; let the certified view decide.

    `request` names dataset, stage, policy and run; its frame is not used. `by` says how the
    version is known to be the run's. Raises StoreError where the log, the state store or the pin
    does not answer, StoreLocked when a publisher holds the dataset for too long.
    """
    with dataset_lock(ports.store / "locks", request.stage_urn, seconds=ports.lock_seconds):
        table = ports.open_table(request.path, request.format)
        commit = table.commit(version.version)
        if commit is None:
            raise StoreError(f"version {version.version} of {request.stage_urn} left the log")
        ledger = Ledger(ports.state, request.stage_urn, table.identity())
        record = written_by(ledger.noted([commit])[0])
        already = record is not None
        if record is None:
            said = _record(request, ports, table, version, judge, fault, by)
            ports.reached("judged")
            record = kept.keep(ports.state, request.stage_urn, table.identity(), commit, said)
        ports.reached("kept")
        _put(ledger, table, commit, record)
        settled = settling.settle(
            record,
            version.version,
            table,
            request.policy,
            ports,
            stage_urn=request.stage_urn,
            format=request.format,
        )
        return result_of(record, version.version, settled, already=already), record


def note_maintenance(request: PublishRequest, ports: Ports, version: LogVersion) -> None:
    """Let the ledger say of a version that no row changed in it, whatever its operation is called.

    Raises StoreError.
    """
    with dataset_lock(ports.store / "locks", request.stage_urn, seconds=ports.lock_seconds):
        table = ports.open_table(request.path, request.format)
        ledger = Ledger(ports.state, request.stage_urn, table.identity())
        before = ledger.records()
        known = ledger.reconcile(table.commits(before[-1].version if before else None))
        own = next((r for r in known if r.version == version.version), None)
        if own is not None and own.kind == "foreign":
            ledger.put([msgspec.structs.replace(own, kind="maintenance")])


def decide_head(request: PublishRequest, ports: Ports) -> Certificate | None:
    """Let the view decide anew on a gold table's newest version, held for what is judged since.

    A version published in the job may stand above one that was judged only afterwards. Returns
    the view where it moved.
    """
    with dataset_lock(ports.store / "locks", request.stage_urn, seconds=ports.lock_seconds):
        table = ports.open_table(request.path, request.format)
        ledger = Ledger(ports.state, request.stage_urn, table.identity())
        known = ledger.records()
        records = ledger.reconcile(table.commits(known[-1].version if known else None))
        before = view.of_table(view.load(ports.state, request.dataset_urn), table.identity())
        certified = before.certified_version
        last = next((r for r in reversed(records) if r.kind != "maintenance"), None)
        if last is None or not last.eligible or last.version == certified:
            return None
        spoiled = taints(records, after=certified, upto=last.version, distrusted=before.distrusted)
        commit = table.commit(last.version)
        record = written_by(ledger.noted([commit])[0]) if commit is not None else None
        if spoiled or record is None or not predicate.only_tainted(before.held_reason):
            return None
        after = view.move(
            ports.state,
            request.dataset_urn,
            lambda present: view.decided(
                view.of_table(present, table.identity()),
                version=last.version,
                blockers=(),
                at=format_instant(ports.clock.now()),
                run_id=request.run.run_id,
                policy_digest=last.policy_digest,
                quarantined_rows=waiting(records, after=certified),
                evidence=last.evidence,
                again=True,
            ),
            beyond=settling.pinned_generation(table),
        )
        seq = ports.reserve(1)
        again = msgspec.structs.replace(
            record, at=format_instant(ports.clock.now()), run=request.run, seq=seq
        )
        event = settling.certification_event(again, last.version, after, seq=seq)
        settling.emit([event], ports)
        settling.place_pin(table, after, request.policy, request.format)
        return after


def _put(ledger: Ledger, table: Table, commit: Commit, record: WriteRecord) -> None:
    """Bring the ledger up to the log, and let it say of this version what is known now."""
    before = ledger.records()
    known = {
        r.version: r
        for r in ledger.reconcile(table.commits(before[-1].version if before else None))
    }
    own = known.get(commit.version)
    if own is not None and own.write_key != record.write_key:
        noted = ledger.noted([commit])[0]
        ledger.put([msgspec.structs.replace(record_of(noted), table=table.identity())])


def _record(
    request: PublishRequest,
    ports: Ports,
    table: Table,
    version: LogVersion,
    judge: Judge,
    fault: Fault,
    by: str,
) -> WriteRecord:
    policy = request.policy
    found: Changed | None = None
    try:
        found = _found(request, version)
        judgement = (
            unjudged(request, version.metric("numOutputRows") or 0)
            if request.gates_off
            else _judged(found, policy, request.stage, judge)
        )
    except Exception as error:  # noqa: BLE001  whatever it is, the version is there and unjudged
        judgement = fault(policy, request.stage, error)
    judgement = without_partition(judgement, table.partitioned_by())
    level = request.level or policy.enforcement.level if request.approved else "G0"
    choice = decision.decide(judgement, policy.enforcement, ports.environment, level=level)
    blockers = predicate.judged(
        predicate.Case(
            policy,
            judgement,
            policy_approved=request.approved,
            gates_enabled=not request.gates_off,
            complete=request.complete,
        )
    )
    counts = Counts(judgement.rows, judgement.good, judgement.bad, judgement.rows, judgement.bad, 0)
    before = view.of_table(view.load(ports.state, request.dataset_urn), table.identity())
    return WriteRecord(
        write_key=ids.write_key(
            "post-commit", request.stage_urn, table.identity(), version.version, version.at
        ),
        run=request.run,
        dataset_urn=request.dataset_urn,
        stage=request.stage,
        mode=found.mode if found is not None else "append",
        at=format_instant(ports.clock.now()),
        judgement=msgspec.structs.replace(judgement, schema=[], pii=()),
        counts=counts,
        published="all",
        kind=_kind(blockers, counts, judgement),
        over_limit=choice.over_limit,
        alert=choice.alert,
        level=level,
        ordinal=request.ordinal,
        partitions=found.partitions if found is not None else (),
        blockers=blockers,
        findings=judgement.pii,
        upstream=request.upstream,
        producer=dict(request.producer),
        seq=ports.reserve(EVENTS),
        view_before=before.status,
        certified_before=before.certified_version,
        judged_after=_told(version, found, by),
    )


def _kind(blockers: Sequence[str], counts: Counts, judgement: Judgement) -> VersionKind:
    """Return what the version is: nothing was kept out of it, so what failed is in it."""
    kind = kind_of(blockers, counts, batch_failed=decision.batch_failed(judgement))
    failed = any(gate.result == "FAIL" for gate in judgement.gates)
    return "failed" if kind == "diverted" and failed else kind


def _found(request: PublishRequest, version: LogVersion) -> Changed:
    found = changed(request.path, version)
    # the change feed does not say which file a row is in, and so not which rows are beside it
    table_wide = any(
        isinstance(rule.check, Unique) and rule.check.scope == "table"
        for rule in request.policy.rules_for(request.stage)
    )
    if table_wide and found.which == "changes":
        return changed(request.path, version, by_file=True)
    return found


def _judged(found: Changed, policy: Policy, stage: str, judge: Judge) -> Judgement:
    """Judge what a version brought; rules over a batch by the batch as it stands then."""
    batch_rules = tuple(r for r in policy.rules_for(stage) if not r.is_row_rule)
    if found.batch is None or not batch_rules:
        return in_clear(judge(found.rows, policy, found.beside))
    row_rules = tuple(r for r in policy.rules if r.is_row_rule)
    of_rows = judge(found.rows, msgspec.structs.replace(policy, rules=row_rules), found.beside)
    only = msgspec.structs.replace(policy, rules=batch_rules, pii=())
    return in_clear(together(policy, stage, of_rows, judge(found.batch, only, None)))


def together(policy: Policy, stage: str, rows: Judgement, batch: Judgement) -> Judgement:
    """Return one judgement of rows judged by row rules and a batch judged by the rules over it."""
    outcomes = {rule.id: rule for rule in (*batch.rules, *rows.rules)}
    rules = tuple(outcomes[r.id] for r in policy.rules_for(stage) if r.id in outcomes)
    of_batch = {gate.gate: gate for gate in batch.gates}
    found = tuple(_merged(gate, of_batch.get(gate.gate)) for gate in rows.gates)
    return msgspec.structs.replace(
        rows,
        rules=rules,
        gates=found,
        totals=results.totals(rules),
        verdict=gates.verdict(found),
        degraded=tuple(dict.fromkeys((*rows.degraded, *batch.degraded))),
        sampled=rows.sampled or batch.sampled,
    )


def _merged(rows: GateResult, batch: GateResult | None) -> GateResult:
    """Let a gate made of rules say what its rules over rows and those over the batch say."""
    if batch is None or batch.undeclared or rows.gate not in ("G4_CONTRACT", "DQ"):
        return rows
    if rows.undeclared:
        return batch
    return msgspec.structs.replace(
        rows,
        result=gates.worst((rows.result, batch.result)),
        reason_codes=tuple(dict.fromkeys((*rows.reason_codes, *batch.reason_codes))),
        signatures={**batch.signatures, **rows.signatures},
        degraded="; ".join(filter(None, (rows.degraded, batch.degraded))),
        sampled=rows.sampled or batch.sampled,
    )


def in_clear(judgement: Judgement) -> Judgement:
    """Let G5 fail where columns that are to be acted on hold personal data in clear."""
    clear = [f for f in judgement.pii if f.matches and not f.advised and f.action != "none"]
    if not clear:
        return judgement
    found = tuple(
        msgspec.structs.replace(
            gate, result="FAIL", failed=max(f.matches for f in clear),
            details={**gate.details, "in_clear": sorted({f.column for f in clear})},
        )
        if gate.gate == "G5_PII" and gate.result != "SKIP"
        else gate
        for gate in judgement.gates
    )  # fmt: skip
    return msgspec.structs.replace(judgement, gates=found, verdict=gates.verdict(found))


def _told(version: LogVersion, found: Changed | None, by: str) -> dict[str, object]:
    fresh = version.fresh
    told: dict[str, object] = {
        "operation": version.operation,
        "known_by": by,
        "files_added": len(fresh),
        "bytes_written": sum(file.size or 0 for file in fresh),
    }
    if found is not None:
        told["rows_judged"] = found.which
        if found.copied:
            told["copied_rows"] = found.copied
        if found.rows_written is not None:
            told["rows_written"] = found.rows_written
    return told

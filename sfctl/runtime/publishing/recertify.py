"""What `certify` does to one dataset: finish what was left open, verify, judge anew, move back."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Literal

import msgspec

from sfctl.certification import predicate, view
from sfctl.certification.ledger import Ledger, record_of, written_by
from sfctl.certification.predicate import STAGE
from sfctl.clock import format_instant
from sfctl.errors import SfctlError, SourceError
from sfctl.model.certificate import Certificate, CertificationStatus
from sfctl.model.policy import Policy
from sfctl.model.verdict import Judgement
from sfctl.model.write import Counts, WriteRecord
from sfctl.runtime.publishing import settle as settling
from sfctl.runtime.publishing.lock import dataset_lock
from sfctl.runtime.publishing.request import EVENTS, Ports, PublishRequest
from sfctl.runtime.publishing.testimony import testify
from sfctl.runtime.publishing.unjudged import unjudged
from sfctl.runtime.tables.port import Table

Action = Literal["verified", "certified", "refused", "moved"]


class Recertified(msgspec.Struct, frozen=True):
    """What was found and done. `reasons` say why a table was refused, or what holds the view."""

    dataset: str
    action: Action
    certification_status: CertificationStatus
    certified_version: int | None
    last_certified_at: str
    head: int | None
    held_since: str = ""
    reasons: tuple[str, ...] = ()
    readable: bool | None = None
    """Whether the certified version's rows can be read; None where there is no such version."""
    pin_written: bool = False
    finished: int = 0
    """Writes whose certification a kill had left open."""
    judgement: Judgement | None = None
    dry_run: bool = False


def verify(request: PublishRequest, ports: Ports, *, dry_run: bool = False) -> Recertified:
    """Bring ledger, view and pin up to the table's log, and read the certified version.

    `request` names dataset, policy and paths; its frame is not used.
    """
    with _locked(request, ports):
        table = ports.open_table(request.path, request.format)
        finished = 0 if dry_run else _finish(request, ports, table)
        certificate = _view(request, ports, table)
        if not dry_run and certificate.generation:
            certificate = view.move(
                ports.state,
                request.dataset_urn,
                lambda present: view.of_table(present, table.identity()),
                beyond=settling.pinned_generation(table),
            )
        moved = False
        if not dry_run and certificate.generation:
            moved = settling.place_pin(table, certificate, request.policy, request.format)
        readable, why = probe(table, certificate.certified_version)
        return _answer(
            request, ports, "verified", table, certificate,
            reasons=why, readable=readable, pin_written=moved, finished=finished, dry_run=dry_run,
        )  # fmt: skip


def revalidate(request: PublishRequest, ports: Ports, *, dry_run: bool = False) -> Recertified:
    """Judge the whole table as it stands; certify it when its policy passes, else refuse.

    A partitioned table holds many batches: its rows are judged all together, the rules over a
    batch by its newest partition. Clears every taint when it passes. Raises SourceError SF631
    when there is no table.
    """
    with _locked(request, ports):
        table = ports.open_table(request.path, request.format)
        head = table.head()
        if head is None:
            raise SourceError(
                f"there is no table of {request.dataset_urn} yet",
                hint="run its gold job first",
                code="SF631",
            )
        judged = _judged(request, ports, table, head)
        judgement = judged[-1][1]
        why = tuple(
            dict.fromkeys(
                reason
                for policy, each in judged
                for reason in predicate.judged(
                    predicate.Case(policy, each, policy_approved=request.approved)
                )
            )
        )
        if why or dry_run:
            certificate = _view(request, ports, table)
            action: Action = "refused" if why else "certified"
            return _answer(
                request, ports, action, table, certificate,
                reasons=why, judgement=judgement, dry_run=dry_run,
            )  # fmt: skip
        return _certified(request, ports, table, head, [each for _, each in judged])


def move_back(
    request: PublishRequest, ports: Ports, version: int | None, *, dry_run: bool = False
) -> Recertified:
    """Point the view at another certified version; None means the one before the present.

    Raises UsageError SF320 for a version without a CERTIFIED record, StoreError when its rows
    can no longer be read.
    """
    with _locked(request, ports):
        table = ports.open_table(request.path, request.format)
        before = _view(request, ports, table)
        at = format_instant(ports.clock.now())
        wanted = view.moved_back(before, version, at)
        readable, why = probe(table, wanted.certified_version)
        if not readable:
            raise SfctlError(
                f"version {wanted.certified_version} can no longer be read: {', '.join(why)}",
                hint="its files are gone; choose another version",
                code="SF631",
            )
        if dry_run:
            return _answer(request, ports, "moved", table, wanted, readable=True, dry_run=True)
        after = view.move(
            ports.state,
            request.dataset_urn,
            lambda present: view.moved_back(view.of_table(present, table.identity()), version, at),
            beyond=settling.pinned_generation(table),
        )
        _emit(_record(request, ports, None), after.certified_version, after, ports)
        moved = settling.place_pin(table, after, request.policy, request.format)
        return _answer(request, ports, "moved", table, after, readable=True, pin_written=moved)


def probe(table: Table, version: int | None) -> tuple[bool | None, tuple[str, ...]]:
    """Read a column of a version, for a count alone would come from the log."""
    import polars as pl

    if version is None:
        return None, ()
    try:
        rows = table.scan(version)
        first = rows.collect_schema().names()[:1]
        rows.select(pl.col(name).is_null().sum() for name in first).collect()
    except (SfctlError, OSError, pl.exceptions.PolarsError) as error:
        return False, (f"UNREADABLE:{type(error).__name__}",)
    return True, ()


def _view(request: PublishRequest, ports: Ports, table: Table) -> Certificate:
    """Return the view as it stands for the table that is there."""
    return view.of_table(view.load(ports.state, request.dataset_urn), table.identity())


def _finish(request: PublishRequest, ports: Ports, table: Table) -> int:
    """Settle our own commits that the view has not decided on, oldest first."""
    head = table.head()
    if head is None:
        return 0
    decided = _view(request, ports, table).judged_version
    ledger = Ledger(ports.state, request.stage_urn, table.identity())
    finished = 0
    for commit in ledger.noted(table.commits(decided)):
        record = written_by(commit)
        if record is None or record.stage != STAGE:
            continue
        settling.settle(
            record, commit.version, table, request.policy, ports,
            stage_urn=request.stage_urn, format=request.format,
        )  # fmt: skip
        finished += 1
    known = ledger.records()
    ledger.reconcile(table.commits(known[-1].version if known else None))
    return finished


def _judged(
    request: PublishRequest, ports: Ports, table: Table, head: int
) -> list[tuple[Policy, Judgement]]:
    """Return what was judged, by which rules: the newest partition by all, the table by row rules.

    Where the table has no partitions, or no rule is over a batch, it is judged once.
    """
    import polars as pl

    rows = table.scan(head)
    policy, names = request.policy, table.partitioned_by()
    of_rows = msgspec.structs.replace(
        policy, rules=tuple(rule for rule in policy.rules if rule.is_row_rule)
    )
    if not names or of_rows.rules == policy.rules:
        return [(policy, ports.judge(rows, policy, STAGE))]
    newest = rows.select(names).sort(names, nulls_last=False).last().collect()
    same = [
        pl.col(name).eq_missing(pl.lit(newest[name][0], dtype=newest.schema[name]))
        for name in (names if newest.height else ())
    ]
    return [
        (policy, ports.judge(rows.filter(same) if same else rows, policy, STAGE)),
        (of_rows, ports.judge(rows, of_rows, STAGE)),
    ]


def _certified(
    request: PublishRequest, ports: Ports, table: Table, head: int, judged: list[Judgement]
) -> Recertified:
    judgement = judged[-1]
    ledger = Ledger(ports.state, request.stage_urn, table.identity())
    known = ledger.records()
    ledger.reconcile(table.commits(known[-1].version if known else None))
    commit = table.commit(head)
    assert commit is not None
    passed = msgspec.structs.replace(
        record_of(commit),
        kind="passed",
        eligible=True,
        blockers=(),
        revalidated=True,
        table=table.identity(),
        policy_digest=judgement.policy_digest,
    )
    ledger.put([passed])
    record = _record(request, ports, judgement)
    events = testify(record, None)
    for ordinal, other in enumerate(judged[:-1], 1):
        again = msgspec.structs.replace(record, judgement=other, ordinal=ordinal)
        events += testify(again, None)
    safe = settling.emit(events, ports)
    late = predicate.blockers((), predicate.Standing(safe))
    after = view.move(
        ports.state,
        request.dataset_urn,
        lambda present: view.decided(
            view.of_table(present, table.identity()),
            version=head,
            blockers=late,
            at=record.at,
            run_id=request.run.run_id,
            policy_digest=judgement.policy_digest,
            evidence=[event.evidence_id for event in events],
            again=True,
        ),
        beyond=settling.pinned_generation(table),
    )
    _emit(record, head, after, ports)
    moved = settling.place_pin(table, after, request.policy, request.format)
    return _answer(
        request, ports, "refused" if late else "certified", table, after,
        reasons=late, pin_written=moved, judgement=judgement,
    )  # fmt: skip


def _record(request: PublishRequest, ports: Ports, judgement: Judgement | None) -> WriteRecord:
    """Return a record of a judgement that wrote nothing, for its evidence."""
    rows = judgement.rows if judgement else 0
    return WriteRecord(
        write_key=request.write_key,
        run=request.run,
        dataset_urn=request.dataset_urn,
        stage=STAGE,
        mode="append",
        at=format_instant(ports.clock.now()),
        judgement=judgement or unjudged(request),
        counts=Counts(rows, rows, 0, 0, 0, 0),
        published="none",
        kind="passed",
        level=request.policy.enforcement.level,
        seq=ports.reserve(EVENTS),
    )


def _emit(record: WriteRecord, version: int | None, after: Certificate, ports: Ports) -> None:
    event = settling.certification_event(record, version, after, seq=record.seq + EVENTS - 1)
    settling.emit([event], ports)


def _answer(
    request: PublishRequest,
    ports: Ports,
    action: Action,
    table: Table,
    certificate: Certificate,
    *,
    reasons: tuple[str, ...] = (),
    readable: bool | None = None,
    pin_written: bool = False,
    finished: int = 0,
    judgement: Judgement | None = None,
    dry_run: bool = False,
) -> Recertified:
    held = tuple(certificate.held_reason.split(", ")) if certificate.held_reason else ()
    return Recertified(
        dataset=request.dataset_urn,
        action=action,
        certification_status=view.status_at(certificate, request.policy.tier, ports.clock.now()),
        certified_version=certificate.certified_version,
        last_certified_at=certificate.last_certified_at,
        head=table.head(),
        held_since=certificate.held_since,
        reasons=reasons or held,
        readable=readable,
        pin_written=pin_written,
        finished=finished,
        judgement=judgement,
        dry_run=dry_run,
    )


def _locked(request: PublishRequest, ports: Ports) -> AbstractContextManager[None]:
    return dataset_lock(ports.store / "locks", request.stage_urn, seconds=ports.lock_seconds)

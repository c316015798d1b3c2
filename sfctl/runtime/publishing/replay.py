"""Rows leave quarantine: replayed under today's rules, or discarded for a stated reason.

A replay first marks the rows that pass, then publishes them under a key of its own, then marks them
replayed; a kill in between is finished by the next replay of the same write.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from sfctl.certification import view
from sfctl.clock import format_instant
from sfctl.errors import PublishBlocked, UsageError
from sfctl.model import facts, ids
from sfctl.model.verdict import Judgement
from sfctl.runtime.publishing import decision
from sfctl.runtime.publishing.lock import dataset_lock
from sfctl.runtime.publishing.publish import publish_locked
from sfctl.runtime.publishing.quarantine import BLOCKED, REASONS, RULES, Held, Quarantine
from sfctl.runtime.publishing.request import Ports, PublishRequest

if TYPE_CHECKING:
    import polars as pl

MARKS = ("_sfctl_held_row", RULES, REASONS, "_sfctl_state", BLOCKED)


class Replayed(msgspec.Struct, frozen=True):
    """What became of the held rows of one write."""

    write_key: str
    run_id: str
    replay_id: str
    rows: int
    rows_replayed: int
    rows_held: int
    version: int | None
    reasons: tuple[str, ...] = ()
    dry_run: bool = False


def replay(
    template: PublishRequest,
    ports: Ports,
    private_key: bytes,
    *,
    write_keys: Sequence[str] | None = None,
    dry_run: bool = False,
) -> list[Replayed]:
    """Judge held rows anew and publish those that pass, once.

    `template` names dataset, stage, policy, paths and the run that asks; its frame is not used.
    Raises UsageError SF340 when nothing is held, SfctlError SF454 when the key does not fit.
    """
    with _locked(template, ports):
        store = Quarantine(template.quarantine_path, template.dataset_urn)
        return [
            _replay_one(store, held, template, ports, private_key, dry_run, ordinal)
            for ordinal, held in enumerate(_select(store, template.stage, write_keys))
        ]


def discard(
    template: PublishRequest,
    ports: Ports,
    reason: str,
    *,
    write_keys: Sequence[str] | None = None,
    dry_run: bool = False,
) -> list[Held]:
    """Give held rows up for good; return what was, or would be, discarded.

    Raises UsageError SF341 without a reason, SF340 when nothing is held.
    """
    if not reason.strip():
        raise UsageError(
            "discarding rows needs a reason", hint="--reason 'why they are given up'", code="SF341"
        )
    with _locked(template, ports):
        store = Quarantine(template.quarantine_path, template.dataset_urn)
        chosen = [h for h in _select(store, template.stage, write_keys) if h.state == "held"]
        for ordinal, held in enumerate(chosen if not dry_run else ()):
            if held.archived:
                store.restore(held.write_key)
            store.mark("discarded", write_key=held.write_key, was="held", reason=reason)
            announce(
                store, held, template, ports,
                action="discard", rows=held.rows, ordinal=ordinal, reason=reason,
            )  # fmt: skip
        return chosen


def announce(
    store: Quarantine,
    held: Held,
    template: PublishRequest,
    ports: Ports,
    *,
    action: str,
    rows: int,
    ordinal: int = 0,
    reason: str | None = None,
    replay_id: str | None = None,
) -> None:
    """Say that rows of one write left quarantine, or aged in it."""
    certificate = view.load(ports.state, template.dataset_urn)
    version = certificate.certified_version
    more: dict[str, Any] = {"replay_id": replay_id} if replay_id else {}
    event = facts.quarantine(
        template.run,
        ports.clock.now(),
        dataset_urn=template.dataset_urn,
        gate=held.batch.gate,
        result=held.batch.result,
        failure_signature=held.batch.failure_signature,
        quarantine_table=store.partition_name(held.dt, held.run_id),
        rows=rows,
        certified_view_status=certificate.status,
        previous_certified_version="" if version is None else f"v{version}",
        stage=held.stage,
        action=action,
        ordinal=ordinal,
        policy_digest=template.policy.digest,
        seq=ports.reserve(1),
        held_run_id=held.run_id,
        write_key=held.write_key,
        reason=reason,
        held_at=format_instant(held.held_at),
        **more,
    )
    ports.evidence.append(event)
    ports.evidence.sync()


def _select(store: Quarantine, stage: str, write_keys: Sequence[str] | None) -> list[Held]:
    found = [
        held
        for held in store.held(("held", "replaying"))
        if held.stage == stage and (write_keys is None or held.write_key in write_keys)
    ]
    if not found:
        raise UsageError(
            f"nothing is held in {store.name} for that choice",
            hint="`sfctl quarantine list` shows what is",
            code="SF340",
        )
    return found


def _replay_one(
    store: Quarantine,
    held: Held,
    template: PublishRequest,
    ports: Ports,
    private_key: bytes,
    dry_run: bool,
    ordinal: int,
) -> Replayed:
    if held.archived and not dry_run:
        store.restore(held.write_key)
    rows = store.rows(held.write_key, states=(held.state,), private_key=private_key)
    begun = held.state == "replaying"
    passing, reasons = (rows, ()) if begun else _passing(rows, held, template, ports)
    wanted = passing["_sfctl_held_row"].to_list()
    name = ids.write_key(held.write_key, template.policy.digest, *wanted)
    answer = Replayed(
        write_key=held.write_key,
        run_id=held.run_id,
        replay_id=held.replay_id or f"rpl-{name[:16]}",
        rows=rows.height,
        rows_replayed=len(wanted),
        rows_held=rows.height - len(wanted),
        version=None,
        reasons=reasons,
        dry_run=dry_run,
    )
    if dry_run or not wanted:
        return answer
    if not begun:
        store.mark(
            "replaying",
            write_key=held.write_key,
            was="held",
            replay_id=answer.replay_id,
            rows=wanted if answer.rows_held else None,
        )
        ports.reached("replaying")
    request = replace(
        template,
        frame=passing.drop(MARKS),
        mode="merge" if held.batch.mode == "merge" else "append",
        run=msgspec.structs.replace(template.run, logical_date=held.batch.logical_date),
        replay_id=answer.replay_id,
        also_keys=(held.write_key,) if held.batch.published == "none" else (),
        ordinal=ordinal,
    )
    try:
        with ports.engine.taken(request, ports) as frame:
            version = publish_locked(request, ports, frame).version
    except PublishBlocked as error:
        store.mark("held", write_key=held.write_key, was="replaying")
        return msgspec.structs.replace(
            answer, rows_replayed=0, rows_held=rows.height, reasons=(str(error),)
        )
    ports.reached("republished")
    store.mark("replayed", write_key=held.write_key, was="replaying", replay_id=answer.replay_id)
    announce(
        store, held, template, ports, action="replay", rows=len(wanted), replay_id=answer.replay_id
    )
    return msgspec.structs.replace(answer, version=version)


def _passing(
    rows: pl.DataFrame, held: Held, template: PublishRequest, ports: Ports
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return the rows that pass today's row rules; none while the batch still fails as one."""
    originals = rows.drop(MARKS)
    judgement = ports.judge(originals, template.policy, template.stage)
    why = _refusals(judgement, whole=held.batch.published == "none")
    if why:
        return rows.clear(), why
    if not judgement.bad:
        return rows, ()
    numbered = originals.with_columns(rows["_sfctl_held_row"])
    good = ports.split(numbered, template.policy, template.stage, judgement).good
    failed = tuple(r.id for r in judgement.rules if r.failed and r.severity == "error")
    return rows.join(good.select("_sfctl_held_row"), on="_sfctl_held_row", how="semi"), failed


def _refusals(judgement: Judgement, *, whole: bool) -> tuple[str, ...]:
    """Rules over a batch speak only of a whole batch; a broken schema or a fault stops any."""
    stops: list[str] = []
    if any(g.gate == "G3_SCHEMA" and g.result == "FAIL" for g in judgement.gates):
        stops.append("G3_SCHEMA")
    stops += [f"DEGRADED:{fault}" for fault in judgement.degraded]
    if whole:
        stops += decision.failed_batch_rules(judgement)
    return tuple(stops)


def _locked(template: PublishRequest, ports: Ports) -> AbstractContextManager[None]:
    return dataset_lock(ports.store / "locks", template.stage_urn, seconds=ports.lock_seconds)

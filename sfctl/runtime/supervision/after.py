"""What a job's tables hold when it has ended: its versions seen, judged where the level says so."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sfctl.model import codec, facts, urn
from sfctl.model.policy import GATES_OF_STAGE, Policy
from sfctl.model.verdict import Judgement
from sfctl.runtime.job import failopen, lifecycle
from sfctl.runtime.job.active import Active
from sfctl.runtime.job.agreed import Agreed
from sfctl.runtime.job.judging import Judging
from sfctl.runtime.publishing import post_commit
from sfctl.runtime.publishing.quarantine import public_key, quarantine_path
from sfctl.runtime.publishing.request import Ports, PublishRequest
from sfctl.runtime.supervision.tables import Seen
from sfctl.state import switch

if TYPE_CHECKING:
    import polars as pl

    from sfctl.runtime.job.sdk import Session

FIRST = 500_000
"""The first sequence number of events after a job: past those that its own process takes."""
LEAST_S = 60.0
"""How long judging a version may take at least: no job waits for it."""
TOLD = ("operation", "known_by", "rows_judged", "copied_rows")


@dataclass(slots=True)
class After:
    """What was found. `writes` are versions that were judged; `judged` names them."""

    writes: list[dict[str, Any]] = field(default_factory=list)
    judged: set[tuple[str, int]] = field(default_factory=set)
    troubles: list[str] = field(default_factory=list)


def numbers() -> itertools.count[int]:
    """Return the numbers of events that a supervisor sends of versions."""
    return itertools.count(FIRST)


def settle_versions(
    session: Session, active: Active, seen: Sequence[Seen], *, observe: bool, unguarded: set[str]
) -> After:
    """Judge a run's versions that nobody judged, each in its order; say of others what is known.

    With `observe` nothing is judged. `unguarded` names stage tables to which the job itself wrote
    without its guard: these stay unjudged, as it said. Whatever goes wrong ends in `troubles`.
    """
    after = After()
    by_table: dict[str, list[Seen]] = {}
    for each in seen:
        by_table.setdefault(each.table.stage_urn, []).append(each)
    for stage_urn, versions in by_table.items():
        own = [each for each in versions if each.own and each.known_by != "record"]
        if not own:
            continue
        try:
            if observe or stage_urn in unguarded or not versions[0].table.entry.policy:
                _observed(active, own)
            else:
                _settled(session, active, own, after)
        except Exception as error:  # noqa: BLE001  the job's end is on record whatever happens here
            failopen.show(error)
            name = f"{versions[0].table.entry.name}#{versions[0].table.stage}"
            after.troubles.append(f"SF766 {name}: {getattr(error, 'code', '')} {error}".strip())
    return after


def _settled(session: Session, active: Active, own: Sequence[Seen], after: After) -> None:
    place = _Place(session, active, own[0])
    for each in own:
        if not each.version.changes_rows:
            still = place.request()
            post_commit.note_maintenance(still, place.ports(), each.version)
            continue
        request = place.request(each)
        ports = place.ports()
        agreed = place.agreed(request)
        judging = place.judging(request, agreed)
        result, record = post_commit.judge_version(
            request,
            ports,
            each.version,
            _judge(judging, request, each),
            _undecided,
            by=each.known_by,
        )
        agreed.keep(published=True)
        active.promise(request.dataset_urn, request.stage, request.ordinal)
        after.judged.add((request.stage_urn, each.version.version))
        told = {k: v for k, v in record.judged_after.items() if k in TOLD}
        after.writes.append(
            {
                **codec.plain(result),
                "ordinal": request.ordinal,
                "integration_level": "post-commit",
                **told,
            }
        )
    if own[0].table.stage == "gold" and after.writes:
        request = place.request()
        moved = post_commit.decide_head(request, place.ports())
        if moved is not None:
            for write in after.writes:
                if write["dataset"] == request.dataset_urn and write["stage"] == "gold":
                    write["certification"] = moved.status
                    write["certified_version"] = moved.certified_version
                    write["certification_reasons"] = []


def _judge(judging: Judging, request: PublishRequest, seen: Seen) -> post_commit.Judge:
    """Return a judge with an end; rows are counted by the log before anybody reads them."""
    rows = seen.version.metric("numOutputRows", "num_added_rows") or 0

    def judge(frame: pl.LazyFrame, policy: Policy, beside: pl.LazyFrame | None) -> Judgement:
        limit = failopen.patience(policy, GATES_OF_STAGE[request.stage], rows)
        return failopen.within(
            max(limit, LEAST_S), lambda: judging.judge_version(frame, policy, request.stage, beside)
        )

    return judge


def _undecided(policy: Policy, stage: str, error: BaseException) -> Judgement:
    """Say of a version that nobody could judge it."""
    failopen.show(error)
    return failopen.undecided(policy, stage, 0, failopen.reason_of(error))


def _observed(active: Active, own: Sequence[Seen]) -> None:
    """Say of versions that they were committed, and nothing of what they hold."""
    for each in own:
        if not each.version.changes_rows:
            continue
        fresh = each.version.fresh
        stage_urn = each.table.stage_urn
        event = facts.write_committed(
            active.run,
            active.clock.now(),
            dataset_urn=urn.without_stage(stage_urn),
            stage=each.table.stage,
            commit_version=each.version.version,
            rows_written=each.version.metric("numOutputRows", "num_added_rows") or 0,
            files_added=len(fresh),
            bytes_written=sum(file.size or 0 for file in fresh),
            ordinal=active.journal.claim(f"seen.{urn.slug(stage_urn)}"),
            seq=active.reserve(1),
            operation=each.version.operation,
            known_by=each.known_by,
            integration_level="observe",
        )
        active.sink.append(event)
    active.sink.sync()


@dataclass(frozen=True, slots=True)
class _Place:
    """One stage table of a run: the request and the ports of what is judged there."""

    session: Session
    active: Active
    seen: Seen

    def request(self, seen: Seen | None = None) -> PublishRequest:
        """Return the request of a version; without one, of none, which takes no number."""
        compiled, entry, stage = self.session.compiled, self.seen.table.entry, self.seen.table.stage
        policy, approval = compiled.policy(entry)
        active = self.active
        off = switch.read(compiled.store, active.clock.now(), store=lambda: self.session.state).off(
            cluster=active.run.cluster, job=active.run.job, dataset=entry.urn
        )
        confidence = "HIGH" if active.run.job else "MEDIUM"
        name = f"write.{urn.slug(entry.urn)}.{stage}"
        return PublishRequest(
            frame=None,
            policy=policy,
            run=active.run,
            stage=stage,
            path=self.seen.table.path,
            quarantine_path=quarantine_path(compiled.manifest.target.lake, entry.urn),
            format="delta",
            partition_by=tuple(entry.partition_by.get(stage, ())),
            ordinal=active.journal.claim(name) if seen is not None else 0,
            approved=approval.approved,
            gates_off="KILL_SWITCH" if off else "",
            producer=lifecycle.producer_of(active.run, confidence),
            upstream=tuple(active.upstream),
        )

    def agreed(self, request: PublishRequest) -> Agreed:
        return Agreed.of_write(
            request,
            self.session.compiled.store,
            self.active.clock.now(),
            self.session.latest_schema,
            environment=self.session.compiled.manifest.target.environment,
        )

    def judging(self, request: PublishRequest, agreed: Agreed) -> Judging:
        switches = switch.read(
            self.session.compiled.store, self.active.clock.now(), store=lambda: self.session.state
        )
        return Judging(
            self.session.compiled,
            request,
            agreed,
            now=self.active.clock.now(),
            registered=True,
            confidence=request.producer.get("confidence", "NONE"),
            off=frozenset(g for g in GATES_OF_STAGE[request.stage] if switches.off(gate=g)),
            state=lambda: self.session.state,
        )

    def ports(self) -> Ports:
        """Return the ports of a version: nothing is split and no action is done after a commit."""
        compiled = self.session.compiled
        target = compiled.manifest.target

        def never(*_: object) -> Any:
            raise AssertionError("rows of a committed version stay where they are")

        return Ports(
            judge=never,
            split=never,
            act=never,
            state=self.session.state,
            evidence=self.active.sink,
            clock=self.active.clock,
            environment=target.environment,
            store=compiled.store,
            public_key=lambda: public_key(target.settings, compiled.store),
            reserve=self.active.reserve,
        )


def unguarded(writes: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return the stage tables to which a job wrote past a fault of ours, as it noted itself."""
    return {
        urn.with_stage(str(each["dataset"]), str(each["stage"]))
        for each in writes
        if each.get("written")
    }

"""What `sfctl.job`, `write`, `read` and `read_certified` do while all of ours works."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from sfctl.certification.signature import HARMLESS, Approval
from sfctl.clock import Clock
from sfctl.errors import PolicyRejected, PublishBlocked, SfctlError, UsageError
from sfctl.model import codec, decisions, facts, urn
from sfctl.model.manifest import DatasetEntry
from sfctl.model.policy import GATES_OF_STAGE, Gate, Policy
from sfctl.model.write import WriteResult
from sfctl.runtime.core import adapt
from sfctl.runtime.job import (
    certified_views,
    failopen,
    failure,
    journal,
    lifecycle,
    reading,
    uncaught,
)
from sfctl.runtime.job.active import Active, open_sink
from sfctl.runtime.job.agreed import Agreed
from sfctl.runtime.job.compiled import Compiled
from sfctl.runtime.job.engines import ways_of
from sfctl.runtime.job.inputs import Inputs
from sfctl.runtime.job.judging import Judging
from sfctl.runtime.job.lifecycle import RERUN, Life
from sfctl.runtime.job.trail import Trail
from sfctl.runtime.pii import keys
from sfctl.runtime.publishing.certified import certified
from sfctl.runtime.publishing.publish import publish
from sfctl.runtime.publishing.quarantine import public_key, quarantine_path
from sfctl.runtime.publishing.request import Ports, PublishRequest
from sfctl.runtime.spark import session
from sfctl.state import switch
from sfctl.state.port import StateStore

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from sfctl.registry.cached import Cache, Known

ANSWERS = frozenset(
    [
        "SF310", "SF311", "SF312", "SF313", "SF314", "SF315", "SF321", "SF323", "SF503", "SF701",
        "SF751", "SF754", "SF890", "SF891", "SF892", "SF893",
    ]
)  # fmt: skip
"""Codes that tell the caller something about the request itself, and are no faults of ours."""
_TAMPERED = {"SF403": "altered"}
_NEWEST_FIRST = ("gold", "silver", "bronze")


class Watch:
    """One call of a job function: what `sfctl.job` begins and ends."""

    def __init__(self, session: Session, life: Life | None) -> None:
        self._session = session
        self._life = life

    def end(self, error: BaseException | None) -> None:
        """Report how the function ended; `error` is what it raised."""
        self._session.ended(self._life, error)


class Session:
    """One process's stand in a compiled project: the ports a write needs, and the run it is in."""

    def __init__(
        self,
        compiled: Compiled,
        clock: Clock,
        open_state: Callable[[Path], StateStore],
        open_schemas: Callable[[], Cache],
    ) -> None:
        self.compiled = compiled
        self.clock = clock
        self._open_state = open_state
        self._open_schemas = open_schemas
        self._schemas: Cache | None = None
        self._state: StateStore | None = None
        self._active: Active | None = None
        self._lock = threading.RLock()
        self._strangers: set[str] = set()
        self._inputs = Inputs(compiled, clock, self.latest_schema)

    @property
    def state(self) -> StateStore:
        """The state store, opened when first needed."""
        if self._state is None:
            self._state = self._open_state(self.compiled.store)
        return self._state

    def latest_schema(self, subject: str, now: datetime) -> Known:
        """Return what the schema registry is known to say of a dataset. May raise anything."""
        if self._schemas is None:
            self._schemas = self._open_schemas()
        return self._schemas.latest(subject, now)

    def active(self, job: str = "") -> Active:
        """Return the run this process is in; one begins where there is none."""
        with self._lock:
            if self._active is None:
                self._active = self._begin(job)
            return self._active

    def _begin(self, job: str) -> Active:
        store = self.compiled.store
        given = os.environ.get(journal.FOLDER)
        run = lifecycle.context(
            store, os.environ.get("SFCTL_JOB") or job, self.clock, environ=os.environ
        )
        notes = journal.Journal(Path(given)) if given else journal.begin(store, run.run_id)
        sink, trouble = open_sink(store, run.run_id)
        rerun = int(os.environ.get(RERUN) or 0)
        if given:
            uncaught.watch(notes)
        elif (host := self.compiled.host()) is not None:
            said = f"tables are written to the lake of {host}, as compiled last"
            failopen.say(f"SF730 {said}: run `sfctl compile` where this is a copy of it")
        return Active(run, notes, sink, self.clock, bool(given), rerun, trouble=trouble)

    def begin(self, name: str) -> Watch:
        """Begin a job; one inside another, or inside a supervisor, tells no life of its own."""
        with self._lock:
            active = self.active(name)
            active.depth += 1
            if active.supervised or active.depth > 1:
                return Watch(self, None)
            life = Life(active.run, active.sink, self.clock)
            entry = self.compiled.job(active.run.job)
            life.start(entry)
            life.keep_beating()
            return Watch(self, life)

    def ended(self, life: Life | None, error: BaseException | None) -> None:
        """Report the end of a job function, to the supervisor or into the outbox."""
        with self._lock:
            active = self.active()
            active.depth -= 1
            failed = error is not None and failure.is_failure(error)
            told = failure.describe(error) if error is not None and failed else {}
            if life is None:
                if active.depth == 0:
                    with contextlib.suppress(OSError):
                        active.journal.note("end", {"failed": failed, **told})
                return
            if failed:
                life.fail(
                    told["failure_reason"],
                    message=told["message"],
                    stack_trace=told["stack_trace"],
                )
            else:
                life.complete(
                    rows_read=active.rows_read,
                    rows_written=active.rows_written,
                    expects=active.expects,
                )
            active.close()
            self._active = None

    def write(
        self,
        df: object,
        name: str,
        *,
        stage: str,
        mode: str,
        partition: Mapping[str, object],
        trail: dict[str, Any],
        partition_by: tuple[str, ...] | None = None,
    ) -> WriteResult:
        """Publish one batch; see `sfctl.write`. `trail` tells the caller how far it came.

        `partition_by` are the columns of a table that is not there yet, None for the dataset's own.
        """
        active = self.active()
        trail["run_id"] = active.run.run_id
        way = Trail(trail)
        try:
            self._inputs.captured(active, df)
            request = self._request(active, df, name, stage, mode, partition)
            if partition_by is not None:
                request = dataclasses.replace(request, partition_by=partition_by)
            trail["write_key"] = request.write_key
            agreed = Agreed.of_write(
                request, self.compiled.store, self.clock.now(), self.latest_schema,
                environment=self.compiled.manifest.target.environment,
            )  # fmt: skip
            try:
                result = publish(request, self.ports(active, request, way, agreed))
            except BaseException as error:
                if not failopen.is_fault(error) or trail.get("answer") is error:
                    raise
                way.rescue(request, error)
                if way.result is None or getattr(error, "code", "") in ANSWERS:
                    raise
                result = way.result
            if way.faults:
                result = replace(result, degraded=(*result.degraded, *way.faults))
            agreed.keep(published=result.published)
            self._wrote(active, request, result)
        except SfctlError as error:
            if error.code in ANSWERS:
                trail["answer"] = error
            raise
        if result.certification == "CERTIFIED" and session.is_frame(df):
            self._show(active, session.require_frame(df).sparkSession, [name])
        if result.blocked and result.evidence_safe:
            trail["answer"] = blocked(result)
            raise trail["answer"]
        return result

    def _request(
        self,
        active: Active,
        df: object,
        name: str,
        stage: str,
        mode: str,
        partition: Mapping[str, object],
    ) -> PublishRequest:
        compiled, dataset = self.compiled, self.compiled.urn_of(name)
        entry = compiled.dataset(name)
        policy, approved, earlier = Policy(dataset, urn.short_name(dataset)), False, None
        if entry is not None:
            policy, approval = self._policy(active, entry)
            approved = approval.approved
            earlier = compiled.earlier(entry, policy, approval, self.clock.now())
        elif (compiled.root / "datasets" / policy.name / "policy_bundle.yaml").exists():
            raise PolicyRejected(
                f"{policy.name} has a policy that was not compiled",
                hint="run `sfctl compile`",
                code="SF752",
            )
        elif name not in self._strangers:
            self._strangers.add(name)
            failopen.say(compiled.unknown(name))
        if entry is not None and entry.paths and stage not in entry.paths:
            raise UsageError(
                f"{entry.name} stores no stage {stage!r}",
                hint=f"it stores {', '.join(entry.paths)}; add {stage} to storage: and compile",
                code="SF313",
            )
        if entry is not None and mode == "merge" and not policy.primary_key:
            raise UsageError(
                f"mode merge into {entry.name} needs a primary key",
                hint="set primary_key in dataset.yaml and compile",
                code="SF311",
            )
        settings = compiled.manifest.target
        on_spark = session.is_frame(df)
        frame = session.require_frame(df) if on_spark else adapt.to_polars(df, policy=policy)
        path = (entry.paths.get(stage) if entry else None) or compiled.default_path(dataset, stage)
        off = self._switches().off(cluster=active.run.cluster, job=active.run.job, dataset=dataset)
        confidence = self.confidence(active, dataset, stage)
        return PublishRequest(
            frame=frame,
            policy=policy,
            run=active.run,
            stage=stage,
            path=path,
            quarantine_path=quarantine_path(settings.lake, dataset),
            mode=mode,  # type: ignore[arg-type]
            format=compiled.format_of(entry, stage) if entry else "delta",
            partition=dict(partition),
            partition_by=tuple(entry.partition_by.get(stage, ())) if entry else (),
            ordinal=active.journal.claim(f"write.{urn.slug(dataset)}.{stage}"),
            batch=active.batch(session.micro_batch(frame), dataset, stage) if on_spark else "",
            rerun=active.rerun,
            approved=approved,
            earlier=earlier,
            gates_off="KILL_SWITCH" if off else "",
            producer=lifecycle.producer_of(active.run, confidence),
            upstream=tuple(active.upstream),
        )

    def _policy(self, active: Active, entry: DatasetEntry) -> tuple[Policy, Approval]:
        """Return a dataset's policy; one that does not count, and is no mere draft, is told."""
        reason, digest, sentence = "", "", ""
        try:
            policy, approval = self.compiled.policy(entry)
            reason, digest, sentence = approval.reason, approval.digest, approval.sentence
        except PolicyRejected as error:
            reason, sentence = _TAMPERED.get(error.code, "unreadable"), str(error)
            raise
        finally:
            if reason not in HARMLESS:
                event = decisions.policy(
                    self.clock.now(), action="rejected", actor="run", reason=sentence,
                    because=reason, dataset_urn=entry.urn, digest=digest or entry.digest,
                    run=active.run, seq=active.reserve(1),
                )  # fmt: skip
                active.sink.append(event)
        return policy, approval

    def ports(self, active: Active, request: PublishRequest, way: Trail, agreed: Agreed) -> Ports:
        """Return the ports of one write, each of ours guarded."""
        compiled, policy = self.compiled, request.policy
        target = compiled.manifest.target
        ring = lambda: keys.load(compiled.store, _block(target.settings.get("pii_key")))  # noqa: E731
        judging = Judging(
            compiled,
            request,
            agreed,
            now=self.clock.now(),
            registered=compiled.dataset(request.dataset_urn) is not None,
            confidence=request.producer.get("confidence", "NONE"),
            off=self._gates_off(request.stage),
            state=lambda: self.state,
        )
        ways = ways_of(judging, ring, way)
        return Ports(
            engine=ways.engine,
            judge=failopen.guarded_judge(ways.judge, ways.reins),
            split=failopen.guarded_split(ways.split, way.faults, ways.undivided, ways.reins),
            act=failopen.guarded_act(ways.act, policy, ways.reins),
            state=self.state,
            evidence=active.sink,
            clock=self.clock,
            environment=target.environment,
            store=compiled.store,
            public_key=lambda: public_key(target.settings, compiled.store),
            row_key=self._row_key(ring),
            reserve=active.reserve,
            open_table=way.open_table,
            reached=way.reached,
        )

    def _wrote(self, active: Active, request: PublishRequest, result: WriteResult) -> None:
        active.rows_written += result.rows_published
        active.promise(request.dataset_urn, request.stage, request.ordinal)
        for reason in result.degraded:
            where, _, error = reason.partition(":")
            active.sink.append(
                facts.sdk_degraded(
                    active.run,
                    self.clock.now(),
                    where=where,
                    error=error.strip() or where,
                    dataset_urn=request.dataset_urn,
                    stage=request.stage,
                    ordinal=request.ordinal,
                    seq=active.reserve(1),
                )
            )
        if why := active.lost():
            failopen.say(f"evidence of the write of {request.dataset_urn} is lost: {why}")
        if result.rows_quarantined and not (result.blocked or active.supervised):
            held = f"{result.rows_quarantined:,} of {result.rows_in:,} rows are held back"
            look = f"sfctl quarantine show {result.dataset} --run {result.run_id}"
            failopen.say(f"{result.dataset}#{result.stage}: {held}; {look}")
        with contextlib.suppress(OSError):
            active.journal.note("write", {**codec.plain(result), "ordinal": request.ordinal})

    def read(
        self,
        name: str,
        stage: str | None,
        partition: Mapping[str, object],
        as_: str,
        *,
        trail: dict[str, Any],
    ) -> Any:
        """Return the newest rows of a stage and record which version that was."""
        active = self.active()
        try:
            dataset, entry = self.compiled.urn_of(name), self.compiled.dataset(name)
            chosen, path = self._place(dataset, entry, stage)
            form = self.compiled.format_of(entry, chosen) if entry else "delta"
            reading.require(as_)
            found = reading.newest(path, form, partition)
            about = {"dataset": dataset, "stage": chosen, "version": found.version}
            given = reading.deliver(found, as_, about)
            self._inputs.read(active, dataset, chosen, found.version, given.height, given.columns)
            return given.value
        except SfctlError as error:
            if error.code in ANSWERS:
                trail["answer"] = error
            raise

    def read_certified(
        self, name: str, as_: str, *, allow_uncertified: bool, trail: dict[str, Any]
    ) -> Any:
        """Return the certified version of a dataset and record that it was read."""
        active = self.active()
        try:
            dataset, entry = self.compiled.urn_of(name), self.compiled.dataset(name)
            _, path = self._place(dataset, entry, "gold")
            reading.require(as_)
            form = self.compiled.format_of(entry, "gold") if entry else "delta"
            _, info = certified(
                dataset,
                path,
                now=self.clock.now(),
                state=self._state_or_none(),
                format=form,
                tier=entry.tier if entry else 3,
                on_stale=entry.on_stale if entry else "serve_certified",
                allow_uncertified=allow_uncertified,
            )
            about = {name: getattr(info, name) for name in info.__struct_fields__}
            given = reading.deliver(reading.Found(path, form, info.version), as_, about)
            self._inputs.read(active, dataset, "gold", info.version, given.height, given.columns)
            return given.value
        except SfctlError as error:
            if error.code in ANSWERS:
                trail["answer"] = error
            raise

    def certified_views(self, spark: object, *, trail: dict[str, Any]) -> dict[str, int | None]:
        """Bring the certified views of Spark SQL to the pins; return what each shows."""
        try:
            usable = session.require_session(spark)
        except SfctlError as error:
            trail["answer"] = error
            raise
        return self._show(self.active(), usable)

    def _show(
        self, active: Active, spark: SparkSession, names: Sequence[str] | None = None
    ) -> dict[str, int | None]:
        found = [self.compiled.dataset(name) for name in names or ()]
        entries = None if names is None else [entry for entry in found if entry is not None]
        brought = certified_views.bring(self.compiled, spark, self._state_or_none, entries)
        for dataset, reason in brought.faults.items():
            active.suffered("view", reason, dataset, certified_views.STAGE)
        return brought.versions

    def _place(
        self, dataset: str, entry: DatasetEntry | None, stage: str | None
    ) -> tuple[str, str]:
        paths = entry.paths if entry else {}
        chosen = stage or next((s for s in _NEWEST_FIRST if s in paths), "gold")
        return chosen, paths.get(chosen) or self.compiled.default_path(dataset, chosen)

    def confidence(self, active: Active, dataset: str, stage: str) -> str:
        """Return how surely the writer is known: by its own word, by the job map, by its script."""
        stage_urn = urn.with_stage(dataset, stage)
        jobs = self.compiled.manifest.jobs
        if active.run.job:
            return "HIGH"
        if sum(stage_urn in job.outputs for job in jobs.values()) == 1:
            return "MEDIUM"
        script = Path(sys.argv[0]).name if sys.argv else ""
        known = any(script and script == Path(job.entrypoint).name for job in jobs.values())
        return "LOW" if known else "NONE"

    def _switches(self) -> switch.Switches:
        store = self.compiled.store
        return switch.read(store, self.clock.now(), store=lambda: self._open_state(store))

    def _gates_off(self, stage: str) -> frozenset[Gate]:
        switches = self._switches()
        return frozenset(gate for gate in GATES_OF_STAGE[stage] if switches.off(gate=gate))

    def _state_or_none(self) -> StateStore | None:
        try:
            return self.state
        except SfctlError:
            return None

    @staticmethod
    def _row_key(ring: Callable[[], keys.KeyRing]) -> bytes:
        try:
            return ring().active.secret
        except SfctlError:
            return b"sfctl"


def blocked(result: WriteResult) -> PublishBlocked:
    """Return what tells the job that enforcement refused its batch."""
    why = [f"{gate.gate} {gate.result}" for gate in result.gates if gate.result == "FAIL"]
    return PublishBlocked(
        f"{result.dataset}#{result.stage} was not published: {', '.join(why) or 'over the limit'}; "
        f"{result.rows_quarantined} of {result.rows_in} rows wait in {result.quarantine_table}",
        result=result,
        hint=f"sfctl quarantine show {result.dataset} --run {result.run_id}",
    )


def _block(value: object) -> Mapping[str, object] | None:
    return value if isinstance(value, Mapping) else None

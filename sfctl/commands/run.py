"""`sfctl run`: start a job, watch it from outside, and tell what its gates said."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from sfctl import wiring
from sfctl.certification.signing_key import KEY_VARIABLE
from sfctl.clock import FixedClock, SystemClock, clock_from_environment
from sfctl.commands import run_outcome, run_results, run_versions
from sfctl.errors import SfctlError, UsageError
from sfctl.evidence import configuration, flush
from sfctl.evidence.outbox import Outbox
from sfctl.model import schedule
from sfctl.model.evidence import Expected
from sfctl.model.manifest import JobEntry
from sfctl.model.run import RunContext
from sfctl.report.outcome import Outcome
from sfctl.runtime.job import journal, lifecycle, uncaught
from sfctl.runtime.job.active import open_sink
from sfctl.runtime.job.compiled import Compiled, load
from sfctl.runtime.job.journal import Journal
from sfctl.runtime.job.lifecycle import HEARTBEAT_S, RERUN, Life
from sfctl.runtime.pii import keys
from sfctl.runtime.publishing.request import Sink
from sfctl.runtime.spark import instrument, java
from sfctl.runtime.supervision import lost, spark
from sfctl.runtime.supervision.command import command_of, job_named
from sfctl.runtime.supervision.supervisor import ENDED, Ended, Supervisor
from sfctl.spec.repository import find_root
from sfctl.spec.wording import suggestion

LEVELS = ("observe", "post-commit", "in-job")
FLUSH_S = 2.0
ANNOUNCE_S = 0.1
"""How long a start waits for a bus that another process holds."""
_OF_ANOTHER_RUN = (
    "SFCTL_RUN_ID", "SFCTL_JOB", "SFCTL_ATTEMPT", "SFCTL_LOGICAL_DATE", "SFCTL_STARTED_AT",
    "SFCTL_TASK", "SFCTL_SCHEDULED_TIME", journal.FOLDER, RERUN,
)  # fmt: skip
"""What a supervised job that starts a supervised job must not hand on."""


def run(
    job: Annotated[str, typer.Argument(help="A job of the project.")] = "",
    *,
    name: Annotated[str, typer.Option(help="Supervise a command of your own under a name.")] = "",
    date: Annotated[str, typer.Option(help="The logical date, such as 2026-01-31.")] = "",
    attempt: Annotated[
        int | None, typer.Option(min=0, help="Which attempt; the next one unless given.")
    ] = None,
    rerun: Annotated[bool, typer.Option(help="Write again what was published already.")] = False,
    level: Annotated[
        str, typer.Option(help=f"How deep sfctl stands in the job: {', '.join(LEVELS)}.")
    ] = "",
    strict_exit: Annotated[
        bool, typer.Option("--strict-exit", help="Exit 1, 3 or 4 for findings too, for CI.")
    ] = False,
    project_dir: Path = Path(),
    target: str | None = None,
    now: datetime | None = None,
    passed: tuple[str, ...] = (),
    format: str = "text",
) -> Outcome:
    """Supervise a job, or any command after `--`: lifecycle, heartbeats, gates, certification.

    The job keeps its streams, its arguments and its exit code. With a --format other than text
    the result is on stdout and the job's own stdout goes to stderr.

    Raises UsageError, PolicyRejected or SourceError only before the job starts.
    """
    root = find_root(project_dir)
    plan = _planned(root, target, job, name, date, passed, level)
    clock = FixedClock(now) if now else clock_from_environment()
    notes = [*plan.notes]
    store, trouble = _store(root)
    environ = _own_environment(plan)
    again = _rerun_number(store, plan.name, date, attempt) if rerun else 0
    context = lifecycle.context(
        store, plan.name, clock, date=date, attempt=attempt, rerun=again, environ=environ
    )
    records, unwritable = _records(store, context)
    _announced(store, plan.compiled)
    sink, refused = open_sink(store, context.run_id)
    notes += [f"evidence suffers: {why}" for why in (trouble, unwritable, refused) if why]
    with contextlib.suppress(SfctlError, OSError):
        for each in lost.report(store, sink, SystemClock()):
            notes.append(f"{each.run.run_id} lost its supervisor; its end is now on record")
            notes += run_versions.finish(plan.compiled, each.run, each.folder, sink, clock)
    watched, unwatched = run_versions.watched(plan.compiled, plan.entry, records.folder)
    notes += unwatched
    life = Life(context, sink, clock, HEARTBEAT_S)
    life.start(plan.entry, command=plan.command[:1])
    supervisor = Supervisor(
        plan.command,
        records.folder,
        life,
        _environment(environ, plan, root, context, records, again),
        cwd=root if plan.entry else None,
        stdout=None if format == "text" else 2,
        timeout_s=_allowed(plan.entry),
    )
    try:
        ended = supervisor.run()
    except SfctlError as error:
        life.fail(f"NOT_STARTED:{error.code}", message=str(error))
        raise
    versions = run_versions.settled(
        plan.compiled, context, records, sink, clock, watched,
        submitted=ended.submitted, observe=plan.level == "observe",
    )  # fmt: skip
    notes += [*versions.troubles, *_left_alone(records)]
    return _told(
        plan, context, records, life, sink, ended, versions, notes, strict_exit, store, format
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """What is started, and under which name."""

    name: str
    command: tuple[str, ...]
    entry: JobEntry | None
    compiled: Compiled | None
    notes: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    level: str = "post-commit"

    @property
    def runtime(self) -> str:
        """What runs the job, as evidence names it; empty where nobody can tell."""
        if spark.is_submit(self.command):
            return "spark"
        return self.entry.runtime if self.entry else ""


def _planned(
    root: Path,
    target: str | None,
    job: str,
    name: str,
    date: str,
    passed: tuple[str, ...],
    level: str,
) -> Plan:
    if bool(job) == bool(name):
        raise UsageError(
            "run takes a job, or --name with a command",
            hint="sfctl run JOB, or sfctl run --name N -- CMD",
            code="SF750",
        )
    if level not in ("", *LEVELS):
        near = suggestion(level, LEVELS, closed=True)
        raise UsageError(f"there is no level {level!r}", hint=near, code="SF750")
    if date:
        _check_date(date)
    if name:
        if not passed:
            raise UsageError(
                "run --name needs a command", hint=f"sfctl run --name {name} -- CMD", code="SF750"
            )
        compiled, notes = _compiled_or_none(root)
        other = _written_elsewhere(root, target, compiled) if compiled is not None else ()
        of_spark = _of_spark(passed, level, Path(), os.environ, declared=False)
        notes = (*notes, *other, *of_spark)
        return Plan(name, passed, None, compiled, notes, level=level or LEVELS[1])
    compiled = load(root)
    compiled.require_target(target)
    other = _written_elsewhere(root, target, compiled)
    entry = job_named(compiled.manifest, job)
    command = tuple(command_of(entry, date, passed))
    notes = run_outcome.warnings(compiled, entry)
    taken = {k: os.environ[v] for k, v in entry.env_from.items() if v in os.environ}
    unset = [v for k, v in entry.env_from.items() if k not in taken]
    notes = (*notes, *(f"SF125 environment variable `{name}` is not set" for name in unset))
    level = level or entry.level or LEVELS[1]
    environ = {**os.environ, **entry.env, **taken}
    of_spark = _of_spark(command, level, root, environ, declared=bool(entry.outputs))
    notes = (*other, *notes, *_keys(compiled, entry), *of_spark)
    return Plan(job, command, entry, compiled, notes, {**entry.env, **taken}, level)


def _of_spark(
    command: tuple[str, ...],
    level: str,
    folder: Path,
    environ: Mapping[str, str],
    *,
    declared: bool,
) -> tuple[str, ...]:
    """Say what of Spark's commands is out of our hands. Raises UsageError SF765."""
    if not spark.is_submit(command):
        return ()
    notes = []
    if not java.program(environ):
        notes.append("SF786 there is no Java for Spark; sfctl doctor says what to install")
    if spark.deploy_mode(command) == "cluster":
        if level == "in-job":
            raise UsageError(
                "the instrumented writer needs the driver here, and --deploy-mode cluster moves it",
                hint="--level post-commit, or write through sf.write in the job",
                code="SF765",
            )
        notes.append(
            "the driver runs on the cluster: a time-out or a signal ends spark-submit alone"
        )
    if spark.own_metadata(command, folder):
        told = (
            "told by the job's outputs" if declared else "nobody's: no job file names its outputs"
        )
        notes.append(f"{spark.METADATA} is set by the command: its commits are {told}")
    return tuple(notes)


def _written_elsewhere(root: Path, target: str | None, compiled: Compiled) -> tuple[str, ...]:
    """Say where the run writes, where the project means elsewhere: another target or lake."""
    from sfctl.spec.target import load_header

    own = compiled.manifest.target
    with contextlib.suppress(Exception):  # a project file that is broken stops no job
        meant = load_header(root, target, offline=True).target
        if meant.name != own.name:
            said = f"sfctl.yml means {meant.name} unless --target"
            return (f"on target {own.name}, as compiled last; {said}",)
        if not compiled.lies_in(meant.lake):
            said = f"sfctl.yml means {meant.lake}: run `sfctl compile`"
            return (f"SF730 writes to the lake {own.lake}, as compiled last; {said}",)
    return ()


def _compiled_or_none(root: Path) -> tuple[Compiled | None, tuple[str, ...]]:
    try:
        return load(root), ()
    except SfctlError as error:
        return None, (f"{error.code} {error}; nothing is judged until then",)


def _keys(compiled: Compiled, entry: JobEntry) -> tuple[str, ...]:
    """Say before the job starts that personal data could not be tokenized."""
    names = {output.partition("#")[0] for output in entry.outputs}
    try:
        policies = [
            compiled.policy(dataset)[0]
            for urn, dataset in compiled.manifest.datasets.items()
            if urn in names
        ]
    except SfctlError:
        return ()
    if not any(d.action == "tokenize" for policy in policies for d in policy.pii):
        return ()
    settings = compiled.manifest.target.settings.get("pii_key")
    try:
        keys.load(compiled.store, settings if isinstance(settings, dict) else None)
    except SfctlError as error:
        return (f"{error.code} {error}; columns that it protects are redacted instead",)
    return ()


def _check_date(date: str) -> None:
    try:
        datetime.fromisoformat(date)
    except ValueError:
        raise UsageError(
            f"--date is no date (got {date!r})", hint="for example 2026-01-31", code="SF750"
        ) from None


def _store(root: Path) -> tuple[Path, str]:
    try:
        return wiring.store_folder(root), ""
    except Exception as error:  # noqa: BLE001  whatever it is, the job can run without
        return root / wiring.STORE, f"{getattr(error, 'code', type(error).__name__)} {error}"


def _announced(store: Path, compiled: Compiled | None) -> None:
    """Put the rules on the log before what they judge; where that fails `engine run` does it."""
    if compiled is None:
        return
    started = time.monotonic()
    try:
        bus = wiring.open_bus(store, compiled.manifest.target.bus, timeout=ANNOUNCE_S)
        with contextlib.closing(bus):
            configuration.announce(bus, compiled.manifest)
        trouble = ""
    except (SfctlError, OSError) as error:
        trouble = f", not announced: {error}"
    if os.environ.get("SFCTL_VERBOSE"):
        spent = 1000 * (time.monotonic() - started)
        sys.stderr.write(f"configuration looked at in {spent:.0f} ms{trouble}\n")


def _records(store: Path, context: RunContext) -> tuple[Journal, str]:
    """Return the run's folder, one outside the project where that cannot be written to."""
    try:
        records = journal.begin(store, context.run_id)
        lost.remember(records.folder, context)
    except OSError as error:
        return Journal(Path(tempfile.mkdtemp(prefix="sfctl-run-"))), f"SF605 {error.strerror}"
    return records, ""


def _rerun_number(store: Path, name: str, date: str, attempt: int | None) -> int:
    """Return the number of this deliberate repetition; an attempt at the same one keeps it."""
    base = journal.folder_of(store, f"rerun-{name}-{date or 'adhoc'}")
    taken = Journal(base)
    base.mkdir(parents=True, exist_ok=True)
    if attempt:
        return max(1, len(list(base.glob("number.*"))))
    return taken.claim("number") + 1


def _own_environment(plan: Plan) -> dict[str, str]:
    """Return what a job inherits: not another run's names, nor the key that approves policies."""
    left_out = {KEY_VARIABLE, *(_OF_ANOTHER_RUN if journal.FOLDER in os.environ else ())}
    known = {"SFCTL_RUNTIME": plan.runtime} if plan.runtime else {}
    return {**known, **{k: v for k, v in os.environ.items() if k not in left_out}}


def _environment(
    environ: Mapping[str, str],
    plan: Plan,
    root: Path,
    context: RunContext,
    records: Journal,
    rerun: int,
) -> dict[str, str]:
    mine = {**environ, **plan.environ}
    more = {
        **(spark.interpreter(plan.command, mine) if plan.entry else {}),
        **plan.environ,
        **(instrument.environment(root, mine) if plan.level == "in-job" else {}),
        **spark.environment(mine, context.run_id),
        **lifecycle.variables(context),
        "SFCTL_PROJECT_DIR": str(root),
        journal.FOLDER: str(records.folder),
    }
    if rerun:
        more[RERUN] = str(rerun)
    return {**environ, **more}


def _told(
    plan: Plan,
    context: RunContext,
    records: Journal,
    life: Life,
    sink: Sink,
    ended: Ended,
    versions: run_versions.Versions,
    notes: list[str],
    strict: bool,
    store: Path,
    format: str,
) -> Outcome:
    inside_writes = [{"integration_level": "in-job", **e} for e in records.entries("write")]
    writes = [*inside_writes, *versions.writes]
    ends = records.entries("end")
    rows_read = sum(int(each.get("rows", 0)) for each in records.entries("read"))
    failures = [each for each in ends if each.get("failed")]
    if ended.exit_code == uncaught.EXIT_CODE:
        failures += records.entries(uncaught.KIND)
    # what a job says last that is told to end, or whose JVM is gone, is about that
    inside = failures[-1] if failures and ended.by_itself else {}
    if ended.exit_code == 0:
        life.complete(
            rows_read=rows_read,
            rows_written=versions.rows
            + sum(int(e.get("rows_published", 0)) for e in inside_writes),
            resources=ended.resources,
            expects=_promised(writes),
            **versions.told,
            **_left(ended),
        )
    else:
        life.fail(
            str(inside.get("failure_reason") or ended.reason),
            message=str(inside.get("message", "")),
            stack_trace=inside.get("stack_trace") or (),
            resources=ended.resources,
            exit_code=ended.exit_code,
            out_of_memory=ended.out_of_memory or None,
            **versions.told,
            **_left(ended),
        )
    with contextlib.suppress(OSError):
        (records.folder / ENDED).write_text("{}")
    if isinstance(sink, Outbox):
        sink.close()
    delivered = _delivered(plan.compiled, store, context)
    told_run = run_outcome.Told(
        context,
        ended,
        tuple(writes),
        delivered,
        inside,
        bool(ends or inside_writes or rows_read),
        sum(int(e.get("fingerprints_computed", 0)) for e in (*writes, *records.entries("read"))),
        versions,
        bool(plan.entry and plan.entry.outputs),
        tuple(records.entries("degraded")),
    )
    if plan.compiled is not None:
        try:
            run_results.remember(plan.compiled, told_run)
        except OSError as error:
            notes.append(f"SF605 {run_results.FILE} is as it was: {error.strerror}")
    return run_outcome.outcome(told_run, plan.compiled, notes, strict=strict, format=format)


def _left_alone(records: Journal) -> list[str]:
    """Say which writes the instrumented writer left to Spark: judged after their commit."""
    said = ("{code} {dataset}#{stage}: left to Spark ({reason})".format_map(defaultdict(str, each))
            for each in records.entries(instrument.LEFT))  # fmt: skip
    return list(dict.fromkeys(said))


def _left(ended: Ended) -> dict[str, Any]:
    return {"processes": [each.told for each in ended.left]} if ended.left else {}


def _allowed(entry: JobEntry | None) -> float | None:
    """Return how many seconds the job may take, None where its file does not say."""
    try:
        return (schedule.seconds(entry.timeout) or None) if entry else None
    except ValueError:  # compile refuses it; the job is not ours to stop on a guess
        return None


def _promised(writes: list[dict[str, Any]]) -> tuple[Expected, ...]:
    found = []
    for each in writes:
        gates = tuple(gate["gate"] for gate in each.get("gates") or ())
        if gates:
            found.append(
                Expected(each["dataset"], each["stage"], gates, int(each.get("ordinal", 0)))
            )
    return tuple(found)


def _delivered(
    compiled: Compiled | None, store: Path, context: RunContext
) -> run_outcome.Delivered:
    """Bring the outbox to the bus, for two seconds at most."""
    folder = store / "outbox"
    written = run_outcome.events_in(folder, context.run_id)
    try:
        bus = wiring.open_bus(store, compiled.manifest.target.bus if compiled else None)
        try:
            flushed = flush.flush(folder, bus, deadline=FLUSH_S)
        finally:
            bus.close()
        trouble = flushed.trouble
    except SfctlError as error:
        trouble = f"{error.code} {error}"
    pending = run_outcome.events_in(folder, context.run_id, waiting=True)
    return run_outcome.Delivered(written, written - pending, pending, trouble)

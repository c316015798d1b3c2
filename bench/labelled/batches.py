"""Nightly chains that break: judged at bronze, silver and gold of a run."""

from __future__ import annotations

from datetime import datetime

from bench.labelled.site import DAY, HOUR, MINUTE, NIGHT, OTHER, SECOND, Site
from bench.labelled.streams import Answer
from sfctl.model import facts
from sfctl.model.graph import run_id
from sfctl.model.run import RunContext

NEXT = NIGHT + 30 * MINUTE
MORNING = NIGHT + 2 * HOUR


def _start(index: int, nights_ago: int = 0) -> datetime:
    return NIGHT - nights_ago * DAY + index * 5 * MINUTE


def _before(site: Site, index: int, nights: int = 2, **more: object) -> None:
    """Let the job of one dataset run well in the nights before."""
    for night in range(nights, 0, -1):
        site.run(index, _start(index, night), **more)  # type: ignore[arg-type]


def _values(site: Site, count: int = 200) -> dict[str, dict[str, int]]:
    return {"silver": {f"RANGE_VIOLATION:{site.field}": count}}


def schema_break(
    site: Site, gap: float = 3.0, decoys: bool = True, recoded: bool = False
) -> Answer:
    """A service drops a column; the first gated table, `depth - 1` hops below, stops at bronze."""
    site.configure()
    end = len(site.chain) - 1
    _before(site, end, code="git:1111111")
    cause = site.deploy(site.service, "v12", NIGHT - gap * HOUR, before="v11")
    if decoys:
        site.surround(_start(end))
    code = "git:2222222" if recoded else "git:1111111"
    gone = {"bronze": {f"MISSING_FIELD:{site.field}": 1000}}
    site.run(end, _start(end), failed=gone, code=code)
    site.settle(MORNING)
    return "DEPLOYMENT", cause, site.last


def new_value(site: Site, owned: bool = True, version: str = "", deployed: bool = False) -> Answer:
    """A value that upstream only warns of fails the batch of the night."""
    site.configure(owned=owned)
    end = len(site.chain) - 1
    failure = f"UNKNOWN_ENUM:{site.field}:NEW"
    _before(site, end)
    seen = NIGHT - 11 * HOUR
    who = site.service if version else ""
    site.records(seen - MINUTE, 5, producer=who, version="v1" if version else "")
    cause = f"urn:service:{site.service}" if owned else site.chain[0]
    kind = "UPSTREAM_ENUM"
    if deployed:
        cause = site.deploy(site.service, version, seen - 30 * SECOND, before="v1")
        kind = "DEPLOYMENT"
    site.records(seen, 5, failure=failure, producer=who, version=version, result="WARN")
    site.surround(_start(end))
    site.run(end, _start(end), failed={"silver": {failure: 80}})
    site.settle(MORNING)
    return kind, cause, site.last


def new_shape(site: Site, owned: bool = True) -> Answer:
    """A field that upstream warns is missing stops the batch of the night."""
    site.configure(owned=owned)
    end = len(site.chain) - 1
    failure = f"MISSING_FIELD:{site.field}"
    _before(site, end)
    site.records(NIGHT - 5 * HOUR, 5, failure=failure, result="WARN")
    site.surround(_start(end))
    site.run(end, _start(end), failed={"bronze": {failure: 1000}})
    site.settle(MORNING)
    cause = f"urn:service:{site.service}" if owned else site.chain[0]
    return "UPSTREAM_SCHEMA", cause, site.last


def bad_above(site: Site, deployed: bool = False) -> Answer:
    """The table that this one is made from was bad already, by another rule."""
    site.configure()
    end = len(site.chain) - 1
    for index in (end - 1, end):
        _before(site, index)
    if deployed:
        site.deploy("sibling-svc", "v2", NIGHT - MINUTE, decoy=True)
    site.run(end - 1, _start(end - 1), failed={"gold": {f"NULL_RATE_BREACH:{site.field}": 300}})
    site.run(end, _start(end), failed={"gold": {"RANGE_VIOLATION:total": 280}})
    site.settle(MORNING)
    return "UPSTREAM_DATA", site.chain[end - 1], site.last


def own_error(site: Site, reason: str = "JOB_ERROR:ValueError:main", owner: bool = True) -> Answer:
    """The job fails by itself while its source, or a stranger, is deployed."""
    site.configure()
    end = len(site.chain) - 1
    _before(site, end)
    if owner:
        site.deploy(site.service, "v4", NIGHT - 2 * MINUTE, before="v3", decoy=True)
    site.surround(_start(end))
    run = site.run(end, _start(end), error=reason)
    site.settle(MORNING)
    return "JOB_FAILURE", run_id(run), site.last


def new_code(site: Site, fails: bool = False, source: bool = False) -> Answer:
    """The job's code changed since its last good run; `source` was deployed as well."""
    site.configure()
    end = len(site.chain) - 1
    _before(site, end, code="git:1111111")
    if source:
        site.deploy(site.service, "v4", NIGHT - HOUR, before="v3", decoy=True)
    site.surround(_start(end))
    error = "JOB_ERROR:KeyError:transform" if fails else ""
    failed = None if fails else _values(site)
    site.run(end, _start(end), code="git:2222222", failed=failed, error=error)
    site.settle(MORNING)
    return "CODE_CHANGE", f"urn:job:{site.jobs[end]}", site.last


def job_deployed(site: Site, version: str) -> Answer:
    """The job itself was deployed anew, and its runs say so."""
    site.configure()
    end = len(site.chain) - 1
    job = site.jobs[end]
    _before(site, end, deploy="r1")
    cause = site.deploy(job, version, NIGHT - HOUR, before="r1")
    site.surround(_start(end))
    site.run(end, _start(end), deploy=version, failed=_values(site))
    site.settle(MORNING)
    return "DEPLOYMENT", cause, site.last


def new_policy(site: Site, source: bool = False) -> Answer:
    """The policy asks for more than the night before; shape and code are what they were."""
    site.configure()
    end = len(site.chain) - 1
    _before(site, end)
    if source:
        site.deploy(site.service, "v4", NIGHT - HOUR, before="v3", decoy=True)
    site.surround(_start(end))
    site.run(end, _start(end), policy=OTHER, failed=_values(site))
    site.settle(MORNING)
    return "POLICY_CHANGE", site.last, site.last


def not_started(site: Site, decoys: bool = True) -> Answer:
    """The scheduler did not start the job; its source was delivered."""
    site.configure(schedules=True, since=NIGHT - 2 * DAY - HOUR)
    end = len(site.chain) - 1
    for index in range(1, len(site.chain)):
        _before(site, index)
        if index < end:
            site.run(index, _start(index))
    if decoys:
        site.surround(NIGHT)
    site.settle(MORNING)
    return "NOT_TRIGGERED", f"urn:job:{site.jobs[end]}", site.last


def slow(site: Site) -> Answer:
    """The job runs on and on."""
    site.configure(schedules=True, since=NIGHT - 6 * DAY - HOUR)
    end = len(site.chain) - 1
    for index in range(1, len(site.chain)):
        _before(site, index, nights=6)
        if index < end:
            site.run(index, _start(index))
    site.surround(NIGHT)
    run = site.run(end, _start(end), ended=False)
    context = RunContext(run, site.jobs[end], attempt=1, started_at="2024-03-05T02:00:00.000Z")
    beats = [
        facts.heartbeat(context, _start(end) + n * MINUTE, beat=n, elapsed=60.0 * n)
        for n in range(1, 119)
        if _start(end) + n * MINUTE < MORNING
    ]
    site.publish(*beats)
    site.settle(MORNING)
    return "SLOW", f"urn:job:{site.jobs[end]}", site.last


def late_above(site: Site) -> Answer:
    """A service's data is not there in time, and what is made of it is late with it."""
    slo: dict[str, object] = {
        "freshness": {"expected_update_by": "02:30 UTC daily", "grace_period": "10m"}
    }
    site.configure(slo=slo, since=NIGHT - 2 * DAY - HOUR)
    end = len(site.chain) - 1
    for index in range(len(site.chain)):
        _before(site, index)
    for index in range(end - 1):
        site.run(index, _start(index))
    site.surround(NIGHT)
    site.settle(MORNING)
    return "UPSTREAM_LATE", site.chain[end - 1], f"={site.last}"


def switched_off(site: Site, missing: bool = False) -> Answer:
    """Gates were off for the run; with `missing` their evidence is gone as well."""
    site.configure()
    end = len(site.chain) - 1
    _before(site, end, expects=True)
    site.surround(_start(end))
    run = site.run(end, _start(end), skipped="KILL_SWITCH:incident", expects=True,
                   gates=not missing)  # fmt: skip
    site.settle(MORNING)
    return "INFRASTRUCTURE", run_id(run), run_id(run)


def degraded(site: Site, where: str) -> Answer:
    """A step of ours failed, and what it should have judged was not."""
    site.configure()
    end = len(site.chain) - 1
    _before(site, end, expects=True)
    site.surround(_start(end))
    run = site.run(end, _start(end), gates=False, expects=True)
    context = RunContext(run, site.jobs[end], attempt=1, started_at="2024-03-05T02:00:00.000Z")
    site.publish(
        facts.sdk_degraded(context, _start(end) + 3 * SECOND, where=where, error="OSError",
                           dataset_urn=site.last, stage="silver")
    )  # fmt: skip
    site.settle(MORNING)
    return "INFRASTRUCTURE", run_id(run), site.last


def cleared_source(site: Site, gap: float = 1.0) -> Answer:
    """Bronze passed, silver did not: nothing but time ties the source's deployment to it."""
    site.configure()
    end = len(site.chain) - 1
    _before(site, end, code="git:1111111")
    site.deploy(site.service, "v4", NIGHT - gap * HOUR, before="v3", decoy=True)
    site.surround(_start(end))
    site.run(end, _start(end), code="git:1111111", failed=_values(site))
    site.settle(MORNING)
    return "UNKNOWN", "", site.last


def named_source(site: Site) -> Answer:
    """Bronze passed, silver did not, and the failing rows say which version they are of."""
    site.configure()
    end = len(site.chain) - 1
    _before(site, end, producer={"id": site.service, "version": "v3", "confidence": "HIGH"})
    cause = site.deploy(site.service, "v4", NIGHT - HOUR, before="v3")
    site.surround(_start(end))
    site.run(end, _start(end), failed=_values(site),
             producer={"id": site.service, "version": "v4", "confidence": "HIGH"})  # fmt: skip
    site.settle(MORNING)
    return "DEPLOYMENT", cause, site.last


def no_lineage(site: Site) -> Answer:
    """A column is gone, the guilty service is deployed, and nothing says that its data is read."""
    site.configure(owned=False)
    end = len(site.chain) - 1
    _before(site, end)
    site.deploy(site.service, "v12", NIGHT - HOUR, before="v11", decoy=True)
    site.run(end, _start(end), failed={"bronze": {f"MISSING_FIELD:{site.field}": 1000}})
    site.settle(MORNING)
    return "UNKNOWN", "", site.last


def too_far(site: Site) -> Answer:
    """The guilty service is further upstream than is looked."""
    schema_break(site)
    site.decoys.append(f"urn:deployment:{site.service}:v12")
    return "UNKNOWN", "", site.last

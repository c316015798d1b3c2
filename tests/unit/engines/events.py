"""Events for the engines' tests, made by the constructors that the runtime uses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sfctl.clock import format_instant
from sfctl.engines.engine import Engine
from sfctl.model import codec, decisions, facts
from sfctl.model.evidence import SCHEMA, Evidence
from sfctl.model.run import RunContext, run_id_for
from sfctl.model.signal import Signal

ORDERS = "urn:dp:curated:orders"


def at(text: str) -> datetime:
    """Return an instant; without an offset, UTC."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def run(date: str, attempt: int = 0, job: str = "orders_daily") -> RunContext:
    return RunContext(run_id_for(job, date, attempt), job, attempt=attempt, logical_date=date)


def started(run: RunContext, when: str) -> Evidence:
    return facts.job_started(run, at(when), outputs=[f"{ORDERS}#gold"])


def completed(run: RunContext, when: str, seconds: float = 60) -> Evidence:
    return facts.job_completed(run, at(when), duration=seconds)


def failed(run: RunContext, when: str, reason: str = "JOB_ERROR:ValueError:main") -> Evidence:
    return facts.job_failed(run, at(when), failure_reason=reason)


def wrote(
    run: RunContext,
    when: str,
    *,
    rows: int = 100,
    partition: str = "",
    stage: str = "gold",
    size: int | None = None,
    ordinal: int = 0,
) -> Evidence:
    return facts.write_committed(
        run,
        at(when),
        dataset_urn=ORDERS,
        stage=stage,
        commit_version=1,
        rows_written=rows,
        bytes_written=size,
        partition_key=partition,
        ordinal=ordinal,
    )


def lineage(
    run: RunContext,
    when: str,
    *,
    kind: str = "COMPLETE",
    rows: int | None = None,
    size: int | None = None,
    name: str = "",
) -> Evidence:
    """Return an OpenLineage event whose output is the dataset, as intake makes it."""
    statistics = {"rowCount": rows, "size": size}
    facet = {key: value for key, value in statistics.items() if value is not None}
    document = {
        "eventType": kind,
        "eventTime": when,
        "run": {
            "runId": run.run_id,
            "facets": {"nominalTime": {"nominalStartTime": run.logical_date}},
        },
        "job": {"namespace": "spark", "name": name or run.job},
        "outputs": [
            {"namespace": "x", "name": ORDERS, "outputFacets": {"outputStatistics": facet}}
        ],
    }
    return Evidence(
        schema=SCHEMA,
        evidence_id=f"evd-{run.run_id}-{kind}",
        kind="OpenLineage",
        timestamp=format_instant(at(when)),
        dataset_urn=ORDERS,
        job_urn=f"job:spark/{name or run.job}",
        run_id=run.run_id,
        payload={"openlineage": document},
    )


def config(
    when: str,
    *,
    freshness: dict[str, Any] | None = None,
    volume: dict[str, Any] | None = None,
    job: dict[str, Any] | None = None,
) -> Evidence:
    slo = {"freshness": freshness, "volume": volume}
    dataset = {
        "name": "orders",
        "urn": ORDERS,
        "tier": 1,
        "slo": {name: block for name, block in slo.items() if block},
    }
    jobs = {}
    if job is not None:
        own = {"name": "orders_daily", "outputs": [f"{ORDERS}#gold"], **job}
        jobs["urn:job:orders_daily"] = own
    return decisions.config(
        at(when),
        manifest_digest="sha256:1",
        project="shop",
        datasets={ORDERS: dataset},
        jobs=jobs,
        lineage={},
    )


def stream(when: str, *, count: int | None = None, processed: str = "") -> Evidence:
    return Evidence(
        schema=SCHEMA,
        evidence_id=f"evd-{when}-{processed}",
        kind="COUNTERS",
        timestamp=format_instant(at(when)),
        dataset_urn=ORDERS,
        runtime_type="stream",
        stream={"processing_time": processed} if processed else {},
        payload={"count": count} if count is not None else {},
    )


class Bench:
    """An engine with its cells, moved on by hand as the runner moves it."""

    def __init__(self, engine: Engine[Any]) -> None:
        self.engine = engine
        self.cells: dict[str, Any] = {}

    def fold(self, *events: Evidence) -> list[Signal]:
        fallen: list[Signal] = []
        for event in events:
            for key in self.engine.keys(event):
                step = self.engine.fold(self.cells.get(key) or self.engine.fresh(key), event)
                self.cells[key] = step.cell
                fallen += step.signals
        return fallen

    def tick(self, now: str) -> list[Signal]:
        fallen: list[Signal] = []
        for key in sorted(self.cells):
            step = self.engine.tick(self.cells[key], at(now))
            # As the runner keeps it between ticks: as JSON.
            self.cells[key] = codec.decode(codec.encode(step.cell), self.engine.cell)
            assert self.cells[key] == step.cell
            fallen += step.signals
        return fallen

    def states(self) -> dict[str, str]:
        found = [item for key in self.cells for item in self.engine.status(self.cells[key])]
        return {item.dataset_urn: item.state for item in found}


def days(first: str, number: int) -> list[str]:
    start = datetime.fromisoformat(first)
    return [(start + timedelta(days=n)).date().isoformat() for n in range(number)]


def reasons(signals: Iterable[Signal]) -> Sequence[str]:
    return [signal.reason or signal.state for signal in signals]

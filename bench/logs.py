"""Made-up evidence logs of a chosen size: daily runs, streams of records, one big project."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sfctl.clock import format_instant
from sfctl.model import facts, topology, urn
from sfctl.model.evidence import SCHEMA, Evidence, Expected
from sfctl.model.ids import entropy_of, ulid
from sfctl.model.manifest import DatasetEntry, JobEntry, Manifest, TargetEntry
from sfctl.model.policy import Gate
from sfctl.model.run import RunContext, run_id_for
from sfctl.model.verdict import GateResult, RuleResult

FIRST = datetime(2024, 3, 1, 2, tzinfo=UTC)
CHAIN = 10
"""Each dataset but every tenth is made from the one before it."""
ROWS = 10_000
BAD = 97
"""One run of so many fails its contract."""
EVENTS_A_RUN = 15
_GATES: tuple[Gate, ...] = ("G3_SCHEMA", "G4_CONTRACT", "G5_PII", "DQ")


def dataset(number: int) -> str:
    """Return the URN of one of the made-up datasets."""
    return f"urn:dp:shop:table_{number:05d}"


def project(datasets: int) -> Evidence:
    """Return the CONFIG event of a project with a job and a daily schedule a dataset."""
    entries = {
        dataset(n): DatasetEntry(f"table_{n:05d}", dataset(n), f"team-{n % 20}", 1 + n % 3)
        for n in range(datasets)
    }
    jobs = {
        f"load_{n:05d}": JobEntry(
            f"load_{n:05d}",
            inputs=_above(n),
            outputs=(f"{dataset(n)}#silver", f"{dataset(n)}#gold"),
            schedule="0 2 * * *",
            owner=f"team-{n % 20}",
        )
        for n in range(datasets)
    }
    manifest = Manifest(
        "shop",
        TargetEntry("prod", "prod", "lake"),
        entries,
        jobs,
        compiled_at=format_instant(FIRST - timedelta(days=1)),
        digest=f"sha256:{datasets:064x}",
    )
    return topology.to_event(manifest)


def runs(datasets: int, days: int, first_day: int = 0) -> Iterator[Evidence]:
    """Give the evidence of daily runs, day by day: EVENTS_A_RUN events each."""
    for day in range(first_day, first_day + days):
        for number in range(datasets):
            yield from _run(number, day)


def records(datasets: int, count: int, seconds: int = 3600) -> Iterator[Evidence]:
    """Give verdicts on single records of some streams, evenly over `seconds`."""
    for n in range(count):
        at = FIRST + timedelta(seconds=seconds * n / count)
        failed = n % BAD == 0
        result, codes = ("FAIL", ["MISSING_FIELD:customer_id"]) if failed else ("PASS", [])
        yield Evidence(
            schema=SCHEMA,
            evidence_id="evd-" + ulid(at, entropy_of("record", n)),
            kind="GATE",
            timestamp=format_instant(at),
            dataset_urn=dataset(n % datasets),
            producer={"id": f"urn:service:svc-{n % datasets}", "confidence": "HIGH"},
            validation={
                "result": result,
                "gates": [{"gate": "G4_CONTRACT", "result": result}],
                "failed_gates": ["G4_CONTRACT"] if failed else [],
                "reason_codes": codes,
            },
        )


def _above(number: int) -> tuple[str, ...]:
    return (dataset(number - 1),) if number % CHAIN else ()


def _run(number: int, day: int) -> Iterator[Evidence]:
    start = FIRST + timedelta(days=day, seconds=number)
    job, date = f"load_{number:05d}", format_instant(start)[:10]
    run = RunContext(
        run_id_for(job, date, 0),
        job=job,
        logical_date=date,
        scheduled_time=format_instant(start),
        started_at=format_instant(start),
    )
    name, end = dataset(number), start + timedelta(minutes=4)
    failed = 800 if (number + day * 31) % BAD == 0 else 0
    outputs = [f"{name}#silver", f"{name}#gold"]
    expects = [Expected(name, stage, list(_GATES)) for stage in ("silver", "gold")]
    producer = {"id": urn.job(job), "confidence": "HIGH", "version": "1", "run_id": run.run_id}
    above = _above(number)
    yield facts.job_started(
        run, start, inputs=above, outputs=outputs, expects=expects, command=["python"]
    )
    version = 2 * day
    for stage in ("silver", "gold"):
        for gate in _GATES:
            bad = failed if gate == "G4_CONTRACT" and stage == "silver" else 0
            yield facts.gate_event(
                run,
                end,
                _judged(gate, bad),
                dataset_urn=name,
                stage=stage,
                rules=_rules(gate, bad),
                producer=producer,
                upstream_urns=above,
                schema_fingerprint="sha256:" + "e" * 64,
                rows=ROWS,
            )
        version += 1
        yield facts.write_committed(
            run,
            end,
            dataset_urn=name,
            stage=stage,
            commit_version=version,
            rows_written=ROWS - failed + day * 7 % 90,
            files_added=1,
            bytes_written=1 << 20,
            mode="append",
            upstream_urns=above,
        )
    yield facts.pii(run, end, action="redacted", dataset_urn=name, stage="silver")
    yield facts.dataset_read(
        run, start, dataset_urn=above[0] if above else f"{name}#silver", version=day, rows=ROWS
    )
    yield facts.certification(
        run,
        end,
        dataset_urn=name,
        status="HELD_AT_PREVIOUS" if failed else "CERTIFIED",
        version=version,
        certified_version=version - 2 if failed else version,
        reasons=["G4_CONTRACT"] if failed else [],
    )
    yield facts.job_completed(run, end, duration=240.0, rows_read=ROWS, rows_written=2 * ROWS)


def _judged(gate: Gate, failed: int) -> GateResult:
    code = "MISSING_FIELD:customer_id"
    return GateResult(
        gate,
        "FAIL" if failed else "PASS",
        ROWS,
        failed,
        1 - failed / ROWS,
        (code,) if failed else (),
        {code: failed} if failed else {},
        duration_ms=12.0,
    )


def _rules(gate: Gate, failed: int) -> list[RuleResult]:
    return [
        RuleResult(
            f"{kind}:{field}", kind, gate, "fail" if failed else "pass",
            failed, ROWS, f"MISSING_FIELD:{field}", (field,),
        )
        for kind, field in (("required", "customer_id"), ("type", "amount"))
    ]  # fmt: skip

"""Promises and what came of them: each reason, the way back to OK, and ids that stay."""

from __future__ import annotations

from typing import Any

import pytest

from sfctl.engines.completeness import ENGINE
from sfctl.model.evidence import SCHEMA, Evidence, from_plain
from tests.unit.engines.events import ORDERS, Bench, completed, config, lineage, reasons, run

GATES = ["G3_SCHEMA", "G4_CONTRACT", "DQ"]
RUN = run("2026-03-01")


def event(number: int, kind: str, **more: Any) -> Evidence:
    return from_plain(
        {
            "schema": SCHEMA,
            "evidence_id": f"evd-01HX{number:022d}",
            "kind": kind,
            "timestamp": f"2026-03-01T06:{number:02d}:00.000Z",
            "job_urn": f"urn:job:{RUN.job}",
            "run_id": RUN.run_id,
            **more,
        }
    )


def promised(**more: Any) -> Evidence:
    expects = [{"dataset_urn": ORDERS, "stage": "gold", "gates": GATES}]
    return event(0, "JobRunStarted", expects=expects, **more)


def gate(name: str) -> Evidence:
    one = {"gate": name, "result": "PASS"}
    validation = {"result": "PASS", "gates": [one]}
    number = 1 + GATES.index(name)
    return event(number, "GATE", dataset_urn=ORDERS, stage="gold", gate=name, validation=validation)


def wrote(rows: int, revision: int = 0) -> Evidence:
    more = {"dataset_urn": ORDERS, "stage": "gold", "rows_written": rows, "revision": revision}
    return event(9, "DatasetWriteCommitted", **more)


END = event(10, "JobRunCompleted", rows_read=5)
LATER = "2026-03-01T07:00"


@pytest.mark.parametrize("gone", GATES)
def test_a_gate_that_is_missing_is_named(gone: str) -> None:
    bench = Bench(ENGINE)
    bench.fold(promised(), *(gate(name) for name in GATES if name != gone), wrote(5), END)
    (signal,) = bench.tick(LATER)
    assert (signal.signal_type, signal.reason) == ("EVIDENCE_INCOMPLETE", "INCOMPLETE")
    assert signal.state == "WARNING"
    assert signal.details["missing"] == [
        {"run_id": RUN.run_id, "stage": "gold", "ordinal": 0, "gate": gone}
    ]
    bench.fold(gate(gone))
    (back,) = bench.tick(LATER)
    assert (back.signal_id, back.revision, back.state) == (signal.signal_id, 1, "OK")
    assert back.previous_state == "WARNING"
    assert bench.tick(LATER) == []


def test_a_run_that_kept_its_promise_says_nothing() -> None:
    bench = Bench(ENGINE)
    bench.fold(promised(), *map(gate, GATES), wrote(5), END)
    assert bench.tick(LATER) == []


def test_a_run_that_fell_silent_is_lost_until_it_is_heard() -> None:
    bench = Bench(ENGINE)
    bench.fold(promised(), *map(gate, GATES), wrote(5))
    assert bench.tick("2026-03-01T06:11") == []
    (lost,) = bench.tick("2026-03-01T06:13")
    assert lost.reason == "LOST"
    bench.fold(END)
    (back,) = bench.tick(LATER)
    assert (back.signal_id, back.state) == (lost.signal_id, "OK")


def test_not_one_gate_is_silence_unless_there_was_no_data() -> None:
    bench = Bench(ENGINE)
    bench.fold(promised(), END)
    assert reasons(bench.tick(LATER)) == ["SDK_SILENT"]
    empty = Bench(ENGINE)
    empty.fold(promised(), event(10, "JobRunCompleted", rows_read=0))
    assert empty.tick(LATER) == []


def test_what_only_the_scheduler_saw_is_silence_not_lateness() -> None:
    bench = Bench(ENGINE)
    job: dict[str, Any] = {"schedule": "0 6 * * *"}
    bench.fold(config("2026-03-01T00:00", job=job), lineage(RUN, "2026-03-01T06:10", rows=5))
    (silent,) = bench.tick(LATER)
    assert (silent.signal_type, silent.reason) == ("EVIDENCE_INCOMPLETE", "SDK_SILENT")
    assert silent.state == "CRITICAL"  # of tier 1, and nobody certified it


def test_the_id_stays_when_the_scheduled_time_comes_late() -> None:
    bench = Bench(ENGINE)
    bench.fold(promised(), wrote(5), END)
    (first,) = bench.tick(LATER)
    bench.fold(event(11, "HEARTBEAT", scheduled_time="2026-03-02T09:00:00.000Z"), gate("DQ"))
    (again,) = bench.tick(LATER)
    assert (again.signal_id, again.revision, again.reason) == (first.signal_id, 1, "INCOMPLETE")


def test_a_revised_write_is_one_write() -> None:
    bench = Bench(ENGINE)
    bench.fold(promised(), wrote(5), wrote(5, revision=1), completed(RUN, "2026-03-01T06:10"))
    (cell,) = bench.cells.values()
    (sent,) = cell.runs.values()
    assert sent.rows == 5

"""What runs make of registered schemas: compared, remembered, moved, and missed when away."""

from __future__ import annotations

import json
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import sfctl as sf
from sfctl import wiring
from sfctl.clock import format_instant
from sfctl.commands.compile import compile as compile_verb
from sfctl.commands.profile import profile
from sfctl.model.verdict import GateResult
from sfctl.model.write import WriteResult
from sfctl.registry import cached, embedded
from sfctl.runtime.job import agreed
from tests.integration.run.test_run import events, job, result, sfctl
from tests.shop_rig import Shop

START = datetime(2026, 11, 21, 12, tzinfo=UTC)
BOTH = """
import polars as pl, sfctl as sf
@sf.job("daily")
def main():
    rows = sf.read("plain", as_="polars")
    sf.write(rows.with_columns(amount=1.0, contact=pl.lit("x")), "orders", stage="gold")
main()
"""


def rows(start: int = 1, **more: Any) -> pl.DataFrame:
    base = {"id": [start, start + 1], "amount": [1.0, 2.0], "contact": ["x", None]}
    return pl.DataFrame({**base, **more})


def g3(written: WriteResult) -> GateResult:
    return next(gate for gate in written.gates if gate.gate == "G3_SCHEMA")


def schemas(shop: Shop) -> Path:
    return shop.root / "datasets" / "orders" / "schemas"


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let it be so many minutes after the start, in a process that knows nothing."""

    def moment(minutes: float) -> None:
        monkeypatch.setenv("SFCTL_NOW", format_instant(START + timedelta(minutes=minutes)))
        wiring._sessions.clear()

    moment(0)
    return moment


@pytest.fixture
def registered(shop: Shop, at: Any) -> Shop:
    """A project whose orders have a certified version and one registered schema."""
    at(-10)
    assert sf.write(rows(100), "orders").certification == "CERTIFIED"
    register(shop, minutes=-5)
    at(0)
    return shop


def register(shop: Shop, frame: pl.DataFrame | None = None, minutes: float = 0) -> None:
    """Profile rows, those of the table unless given, and compile."""
    now = START + timedelta(minutes=minutes)
    source = None
    if frame is not None:
        source = shop.root / "rows.parquet"
        frame.write_parquet(source)
    asked: dict[str, Any] = {"project_dir": shop.root, "target": None, "now": now}
    assert profile(("orders",), source=source, **asked).exit_code == 0
    compile_verb(**asked)
    wiring._sessions.clear()


def test_a_second_run_over_the_same_columns_computes_no_fingerprint(shop: Shop) -> None:
    job(shop)
    for day, computed in ((1, 2), (2, 0)):
        words = ("run", "daily", "--date", f"2026-01-0{day}", "--format", "json")
        told = result(sfctl(shop, *words, environ={"START": str(day * 10)}))
        assert told["timings"] == {"fingerprints_computed": computed}
        assert told["writes"][0]["certification"] == "CERTIFIED"
    marks = {e.schema_fingerprint for e in events(shop, "DatasetWriteCommitted")}
    assert len(marks) == 1


def test_other_columns_are_computed_anew_and_a_damaged_memory_is_none(registered: Shop) -> None:
    def computed(frame: pl.DataFrame) -> int:
        return sf.write(frame, "orders").fingerprints_computed

    assert [computed(rows(1)), computed(rows(3))] == [2, 0]
    wider = rows(5, note=["a", "b"])
    assert [computed(wider), computed(rows(7)), computed(rows(9, note=[1, 2]))] == [
        2, 0, 2,
    ]  # fmt: skip
    (memory,) = (registered.root / ".sfctl" / "fingerprints").iterdir()
    memory.write_bytes(memory.read_bytes()[:40])
    assert [computed(rows(11)), computed(rows(13))] == [2, 0]


def test_each_read_and_each_write_has_its_fingerprint_in_evidence(shop: Shop) -> None:
    sf.write(pl.DataFrame({"id": [1, 2]}), "plain")
    (shop.root / "jobs" / "daily.py").write_text(BOTH)
    done = result(sfctl(shop, "run", "daily", "--date", "2026-01-01", "--format", "json"))
    assert done["timings"] == {"fingerprints_computed": 2}, "those of plain are known"
    listed = sfctl(shop, "evidence", "list", "--run", done["run_id"], "--format", "json")
    told = {
        (e["kind"], e["dataset_urn"]): e.get("schema_fingerprint")
        for e in json.loads(listed.stdout)["events"]
        if e["kind"] in ("DatasetRead", "DatasetWriteCommitted")
    }
    assert set(told) == {
        ("DatasetRead", "urn:dp:shop:plain"), ("DatasetWriteCommitted", "urn:dp:shop:orders"),
    }  # fmt: skip
    assert all(str(mark).startswith("sha256:") for mark in told.values())
    lines = sfctl(shop, "evidence", "list", "--run", done["run_id"]).stdout.splitlines()
    assert sum("  schema sha256:" in line for line in lines) == 2


def test_what_is_read_has_the_fingerprint_of_what_was_written(registered: Shop) -> None:
    sf.write(rows(1), "orders")
    sf.read("orders")
    kept = registered.outbox()
    written, read = (
        [event for event in kept if event["kind"] == kind][-1]
        for kind in ("DatasetWriteCommitted", "DatasetRead")
    )
    assert read["schema_fingerprint"] == written["schema_fingerprint"]


def test_the_registered_schema_is_what_a_run_compares_with(registered: Shop, at: Any) -> None:
    passed = sf.write(rows(1), "orders")
    assert g3(passed).details["compared_with"] == "registered version 1"
    wider = sf.write(rows(3, note=["a", "b"]), "orders")
    assert (g3(wider).result, wider.certification) == ("WARN", "CERTIFIED")
    register(registered, rows(1, note=["a", "b"]), minutes=1)
    at(2)
    later = sf.write(rows(5, note=["a", "b"]), "orders")
    assert (g3(later).result, g3(later).details["compared_with"]) == (
        "PASS", "registered version 2",
    )  # fmt: skip


def test_parquet_rewritten_as_delta_is_a_migration_told_once(shop: Shop, at: Any) -> None:
    file = shop.root / "datasets" / "orders" / "dataset.yaml"
    delta = file.read_text()
    file.write_text(
        delta.replace("gold: gold/orders", "gold: {path: gold/orders, format: parquet}")
    )
    compile_verb(project_dir=shop.root, target=None, now=START)
    wiring._sessions.clear()
    assert sf.write(rows(1), "orders").certification == "CERTIFIED"
    register(shop)
    assert g3(sf.write(rows(3), "orders")).reason_codes == ()
    file.write_text(delta)
    compile_verb(project_dir=shop.root, target=None, now=START)
    wiring._sessions.clear()
    moved = sf.write(rows(1), "orders", mode="overwrite")
    assert (g3(moved).result, g3(moved).reason_codes) == ("PASS", ("REGISTRY_MIGRATION",))
    assert g3(moved).details["migration"] == {"from": "parquet", "to": "delta"}
    assert (moved.certification, moved.certification_reasons) == ("CERTIFIED", ())
    assert g3(sf.write(rows(5), "orders")).reason_codes == ()
    said = [e["validation"] for e in shop.outbox() if e["kind"] == "GATE"]
    told = [v for v in said if "REGISTRY_MIGRATION" in v["reason_codes"]]
    assert [v["result"] for v in told] == ["PASS"]


def test_a_machine_that_remembers_nothing_knows_the_registered_format(
    registered: Shop, at: Any
) -> None:
    shutil.rmtree(registered.root / ".sfctl" / "fingerprints")
    version = schemas(registered) / "1.json"
    version.write_text(version.read_text().replace('"gold": "delta"', '"gold": "parquet"'))
    at(6)
    assert g3(sf.write(rows(1), "orders")).reason_codes == ("REGISTRY_MIGRATION",)


def test_an_outage_warns_holds_and_recovers_by_itself(registered: Shop, at: Any) -> None:
    assert g3(sf.write(rows(1), "orders")).result == "PASS"
    version = schemas(registered) / "1.json"
    text = version.read_text()
    version.write_text(text[: len(text) // 2])
    at(4)
    assert g3(sf.write(rows(3), "orders")).result == "PASS", "the answer of minute 0 still counts"
    at(6)
    stale = sf.write(rows(5), "orders")
    assert (g3(stale).result, g3(stale).reason_codes) == ("WARN", ("REGISTRY_STALE",))
    told: Any = g3(stale).details["registry"]
    assert told["reason"].startswith("SF520 datasets/orders/schemas/1.json: ")
    assert told["as_of"] == format_instant(START)
    assert g3(stale).details["compared_with"] == "registered version 1"
    assert (stale.rows_published, stale.degraded) == (2, ())
    assert (stale.certification, stale.certification_reasons) == (
        "HELD_AT_PREVIOUS", ("REGISTRY_STALE",),
    )  # fmt: skip
    other = sf.write(pl.DataFrame({"id": [1]}), "plain")
    assert g3(other).result == "PASS", "what is kept of another dataset is not away"
    version.write_text(text)
    at(12)
    well = sf.write(rows(9), "orders")
    assert (g3(well).result, well.certification) == ("PASS", "CERTIFIED")
    assert registered.table().height == 10


FAULTS = {
    "raises": lambda *_: 1 / 0,
    "ends the process": lambda *_: (_ for _ in ()).throw(SystemExit(3)),
    "answers nonsense": lambda *_: "a schema",
    "hangs": lambda *_: time.sleep(3),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_the_registry_does_the_rows_arrive(
    fault: str, registered: Shop, at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded.FileRegistry, "latest", FAULTS[fault])
    at(6)
    began = time.monotonic()
    written = sf.write(rows(1), "orders")
    assert time.monotonic() - began < 3
    assert (written.rows_published, written.degraded) == (2, ())
    assert (g3(written).result, g3(written).reason_codes) == ("WARN", ("REGISTRY_STALE",))
    assert sf.read("orders").shape[0] == 4


@pytest.mark.parametrize("where", ["latest", "standard", "memory", "absent"])
def test_a_fault_of_ours_around_it_costs_no_more(
    where: str, registered: Shop, at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*_: object, **__: object) -> Any:
        raise RuntimeError("ours")

    if where == "latest":
        monkeypatch.setattr(cached.Cache, "latest", fault)
    elif where == "standard":
        monkeypatch.setattr(cached.Registered, "schema", fault)
    elif where == "memory":
        monkeypatch.setattr(agreed, "remember", fault)
    else:
        shutil.rmtree(schemas(registered))
    at(6)
    written = sf.write(rows(1), "orders")
    assert (written.rows_published, written.degraded) == (2, ())
    assert g3(written).result == ("WARN" if where in ("latest", "standard") else "PASS")

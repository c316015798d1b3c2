"""The four names a job imports, in one process, on a compiled project."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import sfctl as sf
from sfctl.commands.compile import compile as compile_verb
from sfctl.errors import MissingExtra, SourceError, UsageError
from sfctl.runtime.job import lifecycle
from sfctl.runtime.job.lifecycle import Life
from tests.shop_rig import Shop

ROWS = pl.DataFrame({"id": [1, 2, 3], "amount": [1.0, 2.0, 3.0], "contact": ["a@b.org", None, "x"]})


def kinds(shop: Shop) -> list[str]:
    return [event["kind"] for event in shop.outbox()]


def test_what_a_write_answers(shop: Shop) -> None:
    result = sf.write(ROWS, "ds://shop/orders", stage="gold")
    assert (result.version, result.rows_in, result.rows_published) == (0, 3, 3)
    assert (result.certification, result.verdict) == ("CERTIFIED", "PASS")
    assert shop.table()["contact"].to_list()[1:] == [None, "x"]
    assert "a@b.org" not in shop.table()["contact"].to_list()
    gates = [
        g["gate"] for e in shop.outbox() if e["kind"] == "GATE" for g in e["validation"]["gates"]
    ]
    assert sorted(gates) == ["DQ", "G3_SCHEMA", "G4_CONTRACT", "G5_PII"]


@pytest.mark.parametrize(
    "rows", [ROWS.to_pandas(), ROWS.to_arrow(), ROWS.lazy(), ROWS.to_dicts()], ids=type
)
def test_any_kind_of_rows(shop: Shop, rows: Any) -> None:
    assert sf.write(rows, "orders").rows_published == 3


def test_a_job_hears_of_rows_held_back_where_nobody_else_tells(
    shop: Shop, capfd: pytest.CaptureFixture[str]
) -> None:
    mixed = ROWS.with_columns(amount=pl.Series([1.0, 2.0, -3.0]))
    result = sf.write(mixed, "orders")
    assert capfd.readouterr().err == (
        "sfctl: urn:dp:shop:orders#gold: 1 of 3 rows are held back; "
        f"sfctl quarantine show urn:dp:shop:orders --run {result.run_id}\n"
    )
    sf.write(ROWS, "orders")
    assert capfd.readouterr().err == ""


def test_a_copied_project_says_whose_lake_it_writes_to(
    shop: Shop, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sf.write(ROWS, "orders")
    assert "SF730" not in capfd.readouterr().err
    shutil.copytree(shop.root, tmp_path / "copy")
    monkeypatch.setenv("SFCTL_PROJECT_DIR", str(tmp_path / "copy"))
    sf.write(ROWS, "orders")
    sf.write(ROWS, "orders")
    assert capfd.readouterr().err == (
        f"sfctl: SF730 tables are written to the lake of {shop.root.resolve()}, as compiled last: "
        "run `sfctl compile` where this is a copy of it\n"
    )


def test_a_reference_that_nobody_can_read_is_no_fault_of_the_rows(shop: Shop) -> None:
    sf.write(ROWS, "orders")
    lines = pl.DataFrame({"id": [1, 2], "order": [1, 3]})
    assert sf.write(lines, "lines").certification == "CERTIFIED"
    (shop.root / "lake/gold/orders/_delta_log/00000000000000000000.json").write_text("{")
    result = sf.write(lines.with_columns(pl.col("id") + 2), "lines")
    assert (result.rows_published, result.rows_quarantined) == (2, 0)
    assert (result.verdict, result.certification) == ("ERROR", "HELD_AT_PREVIOUS")
    assert shop.degraded()


def test_a_block_is_raised_after_the_evidence_is_safe(shop: Shop) -> None:
    with pytest.raises(sf.PublishBlocked, match="DQ FAIL") as caught:
        sf.write(ROWS.with_columns(amount=pl.lit(-1.0)), "orders")
    assert caught.value.result.rows_quarantined == 3
    assert "QUARANTINE" in kinds(shop)
    assert not shop.degraded()


def test_a_merge_without_a_key_is_refused_before_any_row_is_looked_at(shop: Shop) -> None:
    file = shop.root / "datasets" / "plain" / "dataset.yaml"
    file.write_text(file.read_text().replace("primary_key: [id]\n", ""))
    compile_verb(project_dir=shop.root, target=None, now=None)
    with pytest.raises(UsageError, match="merge into plain needs a primary key") as caught:
        sf.write(ROWS, "plain", mode="merge")
    assert "primary_key in dataset.yaml" in "".join(caught.value.__notes__)
    assert not shop.degraded()
    assert not (shop.root / "lake" / "gold" / "plain").exists()


def test_requests_that_cannot_be_meant(shop: Shop) -> None:
    with pytest.raises(ValueError, match="stage is 'golden'"):
        sf.write(ROWS, "orders", stage="golden")
    with pytest.raises(ValueError, match="mode is 'upsert'"):
        sf.write(ROWS, "orders", mode="upsert")
    with pytest.raises(ValueError, match=r"partition is \['dt'\].* `partition_by` in"):
        sf.write(ROWS, "orders", partition=["dt"])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="partition is 'dt=1'"):
        sf.read("orders", partition="dt=1")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="names no dataset"):
        sf.write(ROWS, "no such thing")
    with pytest.raises(UsageError, match="rows come with a column _sfctl_found"):
        sf.write(ROWS.with_columns(_sfctl_found=1), "orders")
    with pytest.raises(SourceError):
        sf.write(7, "orders")
    with pytest.raises(SourceError, match="no table"):
        sf.read("orders")
    with pytest.raises(SourceError, match="no version"):
        sf.read_certified("orders")
    assert not shop.degraded()


def test_a_name_that_is_no_dataset_is_told_once_with_the_nearest(
    shop: Shop, capfd: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        sf.write(ROWS, "ds://shop/ordrs", stage="bronze")
    told = [line for line in capfd.readouterr().err.splitlines() if "is no dataset" in line]
    assert told == [
        "sfctl: ds://shop/ordrs is no dataset of this project, so nothing judges its rows; "
        "did you mean `orders`?"
    ]


def test_a_result_is_one_line(shop: Shop) -> None:
    assert repr(sf.write(ROWS, "orders")) == (
        "<WriteResult urn:dp:shop:orders#gold version 0: PASS, 3 in, 3 published, 0 quarantined, "
        "CERTIFIED>"
    )


def test_an_unregistered_dataset_flows_and_is_told_how_to_register(shop: Shop) -> None:
    result = sf.write(ROWS, "ds://shop/nobody", stage="bronze")
    first = result.gates[0]
    assert (first.gate, first.result) == ("G1_RESOLUTION", "FAIL")
    assert "sfctl register" in str(first.details["hint"])
    assert pl.read_delta(str(shop.root / "lake/bronze/shop:nobody".replace(":", "__"))).height == 3
    assert sf.write(ROWS, "ds://shop/nobody").certification == "NEVER_CERTIFIED"


def test_reading_gives_what_was_asked_for_and_is_recorded(shop: Shop) -> None:
    sf.write(ROWS, "orders", partition={"dt": "2026-01-01"})
    sf.write(ROWS.with_columns(pl.col("id") + 5), "orders", partition={"dt": "2026-01-02"})
    frame = sf.read("orders", partition={"dt": "2026-01-02"})
    assert isinstance(frame, pd.DataFrame)
    assert sorted(frame["id"]) == [6, 7, 8]
    assert frame.attrs["version"] == 1
    assert isinstance(sf.read("orders", as_="arrow"), pa.Table)
    assert sf.read("orders", as_="polars").height == 6
    reads = [event for event in shop.outbox() if event["kind"] == "DatasetRead"]
    assert [(e["version"], e["rows_read"]) for e in reads] == [(1, 3), (1, 6), (1, 6)]
    assert len({e["evidence_id"] for e in reads}) == 3


def test_the_certified_version_is_served_while_the_newest_is_held(shop: Shop) -> None:
    sf.write(ROWS, "orders")
    (shop.root / ".sfctl" / "keys" / "pii.key").unlink()
    sf.write(ROWS.with_columns(pl.col("id") + 5), "orders")
    frame = sf.read_certified("orders")
    assert sorted(frame["id"]) == [1, 2, 3]
    assert frame.attrs["status"] == "HELD_AT_PREVIOUS"
    assert (frame.attrs["version"], bool(frame.attrs["certified_at"])) == (0, True)
    table = sf.read_certified("orders", as_="arrow")
    assert table.schema.metadata[b"sfctl.status"] == b"HELD_AT_PREVIOUS"


@pytest.mark.parametrize("form", ["dask", "duckdb", "spark"])
def test_a_form_whose_library_is_missing_says_what_to_install(
    shop: Shop, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sf.write(ROWS, "orders")
    for name in ("dask", "dask.dataframe", "duckdb", "pyspark", "pyspark.sql"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtra) as caught:
        sf.read_certified("orders", as_=form)
    project = tomllib.loads((Path(__file__).parents[4] / "pyproject.toml").read_text())
    assert caught.value.hint == f"pip install 'sfctl[{form}]'"
    assert form in project["project"]["optional-dependencies"]


def test_a_job_tells_its_life(shop: Shop) -> None:
    @sf.job("daily")
    def main(day: str, *, rows: pl.DataFrame) -> str:
        """Say hello."""
        sf.write(rows, "orders")
        return day

    assert main("monday", rows=ROWS) == "monday"
    assert (main.__name__, main.__doc__) == ("main", "Say hello.")
    assert kinds(shop)[0] == "JobRunStarted"
    ended = shop.outbox()[-1]
    assert (ended["kind"], ended["rows_written"], ended["job_urn"]) == (
        "JobRunCompleted", 3, "urn:job:daily",
    )  # fmt: skip
    assert ended["expects"][0]["gates"] == ["G3_SCHEMA", "G4_CONTRACT", "G5_PII", "DQ"]
    assert len({event["run_id"] for event in shop.outbox()}) == 1


@pytest.mark.parametrize("error", [KeyError("k"), SystemExit(3), KeyboardInterrupt()])
def test_a_jobs_exception_passes_untouched(shop: Shop, error: BaseException) -> None:
    @sf.job("daily")
    def main() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        main()
    assert caught.value is error
    failed = shop.outbox()[-1]
    assert failed["kind"] == "JobRunFailed"
    assert failed["failure_reason"].endswith(":main")
    assert failed["failure_reason"].startswith("JOB_ERROR:")


def test_leaving_by_exit_zero_is_no_failure(shop: Shop) -> None:
    @sf.job("daily")
    def main() -> None:
        raise SystemExit(0)

    with pytest.raises(SystemExit):
        main()
    assert kinds(shop)[-1] == "JobRunCompleted"


def test_a_null_reference_has_a_name_of_its_own(shop: Shop) -> None:
    @sf.job("daily")
    def main() -> None:
        None.upper()  # type: ignore[attr-defined]

    with pytest.raises(AttributeError):
        main()
    assert shop.outbox()[-1]["failure_reason"] == "NULL_REF:main"


def test_a_coroutine_may_be_a_job_and_a_generator_may_not(shop: Shop) -> None:
    @sf.job("daily")
    async def main() -> int:
        await asyncio.sleep(0)
        return 5

    assert asyncio.run(main()) == 5
    assert kinds(shop) == ["JobRunStarted", "JobRunCompleted"]
    with pytest.raises(TypeError, match="generator"):

        @sf.job("daily")
        def stream() -> Any:
            yield 1


def test_a_job_within_a_job_is_one_run(shop: Shop) -> None:
    @sf.job("inner")
    def inner() -> None:
        sf.write(ROWS, "orders")

    @sf.job("daily")
    def main() -> None:
        inner()

    main()
    assert kinds(shop).count("JobRunStarted") == 1


def test_heartbeats_come_from_a_thread(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Life.keep_beating

    def quick(self: Life) -> None:
        self.beat_s = 0.02
        whole(self)

    monkeypatch.setattr(lifecycle.Life, "keep_beating", quick)

    @sf.job("daily")
    def main() -> None:
        deadline = 100
        while "HEARTBEAT" not in kinds(shop) and deadline:
            lifecycle.time.sleep(0.02)
            deadline -= 1

    main()
    beats = [event for event in shop.outbox() if event["kind"] == "HEARTBEAT"]
    assert beats[0]["beat"] == 1
    assert len({event["evidence_id"] for event in beats}) == len(beats)


def test_the_switch_turns_judging_off(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFCTL_DISABLE", "dataset:orders")
    result = sf.write(ROWS.with_columns(amount=pl.lit(-1.0)), "orders")
    assert {gate.result for gate in result.gates} == {"SKIP"}
    assert result.certification == "NEVER_CERTIFIED"
    assert shop.table()["contact"].to_list() == [None] * 3


def test_the_switch_turns_one_gate_off(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFCTL_DISABLE", "gate:DQ")
    result = sf.write(ROWS.with_columns(amount=pl.lit(-1.0)), "orders")
    assert [g.result for g in result.gates if g.gate == "DQ"] == ["SKIP"]
    assert [g.result for g in result.gates if g.gate == "G3_SCHEMA"] == ["PASS"]
    assert result.certification == "NEVER_CERTIFIED"


def test_two_writes_of_one_run_are_two_writes(shop: Shop) -> None:
    @sf.job("daily")
    def main() -> None:
        for start in (0, 10):
            sf.write(ROWS.with_columns(pl.col("id") + start), "orders")

    main()
    assert shop.table().height == 6

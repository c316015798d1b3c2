"""Faults of ours in a Spark job: its rows arrive or are sealed, by Spark, and the view stays."""

from __future__ import annotations

import contextlib
import io
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import sfctl as sf
from sfctl import wiring
from sfctl.errors import StoreError
from sfctl.runtime import seal
from sfctl.runtime.job import failopen
from sfctl.runtime.job.judging_spark import JudgingOnSpark
from sfctl.runtime.job.trail import Trail
from sfctl.runtime.pii import actions
from sfctl.runtime.publishing.quarantine import Quarantine
from sfctl.runtime.spark import reins, workers
from sfctl.runtime.spark.held import Held, computed, let_go
from sfctl.runtime.spark.reins import SparkReins
from sfctl.runtime.tables.delta import DeltaLake
from tests.shop_rig import Shop

SHAPE = "id long, amount double, contact string"
SPARKS_OWN = {"PythonException", "Py4JJavaError"}
"""Which of the two a failed write raises is a race inside Spark, with us and without."""
TOLD = [(1, 1.0, "a@b.org"), (2, 2.0, None), (3, 3.0, "x")]


@pytest.fixture
def certified(shop: Shop) -> Shop:
    """A project whose table has one certified version."""
    old = pl.DataFrame({"id": [101], "amount": [1.0], "contact": ["x"]})
    assert sf.write(old, "orders").certification == "CERTIFIED"
    return shop


@pytest.fixture
def rows(spark: Any) -> Any:
    """Three good rows, of which one holds an address, in two partitions."""
    return spark.createDataFrame(TOLD, SHAPE).repartition(2)


def broken(*_: object, **__: object) -> Any:
    raise RuntimeError("a fault of ours")


def ids(shop: Shop, name: str = "orders") -> list[int]:
    return sorted(i for i in shop.table(name)["id"] if i < 100)


def contacts(shop: Shop, name: str = "orders") -> list[str | None]:
    return shop.table(name).filter(pl.col("id") < 100).sort("id")["contact"].to_list()


def emptied(shop: Shop) -> None:
    """All three rows are there once, without what is acted on; nothing new is certified."""
    assert ids(shop) == [1, 2, 3]
    assert contacts(shop) == [None, None, None]
    assert shop.certified() == 0
    no_plaintext(shop)


def no_plaintext(shop: Shop) -> None:
    for file in (shop.root / "lake").rglob("*"):
        if file.is_file():
            assert b"a@b.org" not in file.read_bytes(), file


def held(shop: Shop, name: str = "orders") -> int:
    folder = shop.root / "lake" / "_quarantine" / name
    folders = [folder, *(shop.root / "lake" / "_quarantine").glob(f"*{name}*")]
    found = next((f for f in folders if (f / "_delta_log").is_dir()), None)
    return (
        0
        if found is None
        else sum(h.rows for h in Quarantine(str(found), f"urn:dp:shop:{name}").held(("held",)))
    )


def raises(batches: Any) -> Iterator[Any]:
    for _ in batches:
        raise ValueError("the user's own words")
    yield from ()


@pytest.mark.parametrize("name", ["plain", "orders"])
def test_an_error_of_the_jobs_own_plan_reaches_it_unchanged(
    name: str, shop: Shop, rows: Any, tmp_path: Path
) -> None:
    wrong = rows.mapInArrow(raises, rows.schema)
    with pytest.raises(Exception, match="the user's own words") as bare:
        wrong.write.format("delta").save(str(tmp_path / "bare"))
    with pytest.raises(Exception, match="the user's own words") as ours:
        sf.write(wrong, name)
    assert {type(bare.value).__name__, type(ours.value).__name__} <= SPARKS_OWN
    assert ours.value.__cause__ is None
    assert not (shop.root / "lake" / "gold" / name).exists()
    assert (held(shop, name), shop.certified(name), shop.degraded()) == (0, None, [])


def test_a_plan_that_cannot_be_analysed_is_the_jobs_own_affair(spark: Any, shop: Shop) -> None:
    with pytest.raises(Exception, match="no_such_column"):
        sf.write(spark.range(3).select("no_such_column"), "plain")
    assert shop.degraded() == []


def test_a_measure_that_fails_costs_no_rows(
    certified: Shop, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for text in ("sum(no_such_column)", "sum(1 div (id - id))"):
        monkeypatch.setattr(JudgingOnSpark, "riding", lambda *_, t=text: {"_sfctl_m": t})
        wanted = [*ids(certified), 1, 2, 3]
        with contextlib.suppress(KeyError):
            sf.write(rows, "orders")
        assert ids(certified) == sorted(wanted)
        no_plaintext(certified)


def test_a_judge_that_raises_publishes_unjudged(
    certified: Shop, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(JudgingOnSpark, "judge", broken)
    result = sf.write(rows, "orders")
    assert result.degraded == ("JUDGE:RuntimeError",)
    assert (ids(certified), certified.certified()) == ([1, 2, 3], 0)
    assert [e["where"] for e in certified.degraded()] == ["JUDGE"]
    no_plaintext(certified)


def test_a_split_that_raises_keeps_all_rows(
    certified: Shop, spark: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(JudgingOnSpark, "split", broken)
    result = sf.write(spark.createDataFrame([*TOLD[:2], (3, -3.0, "x")], SHAPE), "orders")
    assert "SPLIT:RuntimeError" in result.degraded
    assert result.rows_in == result.rows_published + result.rows_quarantined == 3
    assert (ids(certified), certified.certified()) == ([1, 2, 3], 0)
    no_plaintext(certified)


def sleeps(batches: Any) -> Iterator[Any]:
    time.sleep(60)
    yield from batches


def test_jobs_over_their_deadline_are_ended_and_no_job_of_the_user_is(
    certified: Shop, spark: Any, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, users = threading.Event(), []

    def slow(self: Any, frame: Any, *_: Any) -> Any:
        gate.set()
        return frame.frame.mapInArrow(sleeps, frame.frame.schema).count()

    def beside() -> None:
        spark.sparkContext.setJobGroup("the user's", "the user's")
        gate.wait(60)
        users.append(spark.range(0, 40, 1, 4).selectExpr("sum(id)").first()[0])

    monkeypatch.setattr(JudgingOnSpark, "judge", slow)
    monkeypatch.setattr(reins, "SLACK_S", 0.0)
    monkeypatch.setattr(SparkReins, "slack", 1.0)
    monkeypatch.setattr(failopen, "patience", lambda *_: 2.0)
    user = threading.Thread(target=beside)
    user.start()
    began = time.monotonic()
    result = sf.write(rows.limit(3), "plain")
    user.join(60)
    assert result.degraded == ("JUDGE:OVERDUE",)
    assert time.monotonic() - began < 50
    assert users == [780]
    assert ids(certified, "plain") == [1, 2, 3]
    until = time.monotonic() + 20
    while spark.sparkContext.statusTracker().getActiveJobsIds() and time.monotonic() < until:
        time.sleep(0.1)
    assert not spark.sparkContext.statusTracker().getActiveJobsIds()


def test_a_missing_key_empties(certified: Shop, rows: Any) -> None:
    (certified.root / ".sfctl" / "keys" / "pii.key").unlink()
    result = sf.write(rows, "orders")
    assert result.degraded == ("PII:SF450",)
    emptied(certified)


def test_actions_that_fail_hold_back_what_may_not_be_emptied(
    shop: Shop, spark: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "acted", broken)
    rows = spark.createDataFrame([(1, 1.0, "a@b.org"), (2, 2.0, "y")], SHAPE)
    for name in ("strict", "everywhere"):
        result = sf.write(rows, name)
        assert (result.published, result.rows_quarantined, held(shop, name)) == (False, 2, 2)
        assert not (shop.root / "lake" / "gold" / name).exists()
    no_plaintext(shop)


@pytest.fixture
def bare_executors(spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Python on executors know nothing of us."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Hidden:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'sfctl':\n"
        "            raise ModuleNotFoundError(f\"No module named '{name}'\", name=name)\n"
        "sys.meta_path.insert(0, Hidden())\n"
    )
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\nPYTHONPATH="{tmp_path}:$PYTHONPATH" exec "{sys.executable}" "$@"\n'
    )
    python.chmod(0o755)
    monkeypatch.setattr(spark.sparkContext, "pythonExec", str(python))


@pytest.mark.usefixtures("bare_executors")
def test_executors_without_us_write_no_plaintext(
    certified: Shop, rows: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    result = sf.write(rows, "orders")
    assert result.degraded == ("PII:SF888",)
    emptied(certified)
    lost = sf.write(rows, "everywhere")
    assert (lost.written, lost.published) == ("nowhere", False)
    told = capsys.readouterr().err
    assert "NOT WRITTEN" in told
    assert "sfctl explain SF888" in told
    assert not (certified.root / "lake" / "gold" / "everywhere").exists()
    no_plaintext(certified)
    assert {e["error"] for e in certified.degraded()} == {"SF888"}


def test_what_executors_lack_is_told_with_what_helps(spark: Any, bare_executors: None) -> None:
    del bare_executors
    frame = spark.range(2)
    with pytest.raises(Exception, match="sfctl") as raised:
        workers.through(frame, raises, frame.schema).collect()
    told = workers.explained(raised.value)
    assert getattr(told, "code", "") == "SF888"
    assert "have no module sfctl" in str(told)


def test_the_kill_switch_writes_unjudged(
    certified: Shop, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SFCTL_DISABLE", "dataset:orders")
    result = sf.write(rows, "orders")
    assert {gate.result for gate in result.gates} == {"SKIP"}
    emptied(certified)


def test_a_dead_state_store_and_outbox_do_not_matter_to_the_rows(
    certified: Shop, rows: Any
) -> None:
    wiring._sessions.clear()
    store = certified.root / ".sfctl"
    for end in ("", "-wal", "-shm"):
        (store / f"state.db{end}").unlink(missing_ok=True)
    (store / "state.db").write_bytes(b"not a database" * 100)
    (store / "outbox").rename(store / "old")
    (store / "outbox").write_text("a file where the folder should be")
    sf.write(rows, "orders")
    assert (ids(certified), certified.certified()) == ([1, 2, 3], 0)
    no_plaintext(certified)


@pytest.mark.parametrize("damage", [b"{", b'{"dataset_urn": 5}'])
def test_a_bad_policy_is_never_judged_by(damage: bytes, certified: Shop, rows: Any) -> None:
    (certified.root / "target" / "policies" / "orders.json").write_bytes(damage)
    result = sf.write(rows, "orders")
    assert (result.degraded, result.rows_published) == (["write:SF403"], 3)
    emptied(certified)
    assert [(e["error"], e["written"]) for e in certified.degraded()] == [("SF403", "table")]


def test_a_plan_that_fails_where_nothing_was_compiled_is_the_jobs_own_affair_too(
    shop: Shop, rows: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop.root / "target" / "manifest.json").unlink()
    with pytest.raises(Exception, match="the user's own words"):
        sf.write(rows.mapInArrow(raises, rows.schema), "orders")
    assert "sealed in" not in capsys.readouterr().err


def test_a_damaged_manifest_seals_for_nobody_knows_what_is_acted_on(
    certified: Shop, rows: Any
) -> None:
    (certified.root / "target" / "manifest.json").write_text("{")
    wiring._sessions.clear()
    result = sf.write(rows, "ds://shop/orders")
    assert (result.written, result.rows_quarantined) == ("sealed", 3)
    assert (ids(certified), certified.certified()) == ([], 0)
    store = certified.root / ".sfctl"
    private = seal.read_key(store / seal.PRIVATE)
    (folder,) = (store / "sealed").iterdir()
    for file in folder.rglob("*"):
        assert b"a@b.org" not in file.read_bytes()
    sealed = pl.read_parquet(folder / "*.parquet")
    opened = [
        pl.read_parquet(io.BytesIO(seal.unseal(value, private))) for value in sealed["sealed"]
    ]
    assert sorted(pl.concat(opened).rows()) == TOLD
    assert sealed["rows"].sum() == 3


def counting(folder: Path) -> Any:
    def counted(batches: Any) -> Iterator[Any]:
        (folder / str(time.time_ns())).touch()
        yield from batches

    return counted


@pytest.mark.parametrize("name", ["plain", "orders"])
def test_rows_that_were_taken_are_not_computed_again(
    name: str, shop: Shop, spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = tmp_path / "runs"
    runs.mkdir()
    rows = spark.createDataFrame(TOLD, SHAPE).coalesce(1)
    rows = rows.mapInArrow(counting(runs), rows.schema)

    def adopt(self: Any, *_: Any, **__: Any) -> int:
        raise StoreError("the table does not answer")

    monkeypatch.setattr(DeltaLake, "adopt", adopt)
    result = sf.write(rows, name)
    assert result.written == "table"
    assert ids(shop, name) == [1, 2, 3]
    assert len(list(runs.iterdir())) == 1
    if name == "orders":
        assert contacts(shop)[0].startswith("tok_")  # type: ignore[union-attr]
        no_plaintext(shop)


def test_rows_whose_executors_are_gone_are_computed_again(
    certified: Shop, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Trail.took

    def took(self: Trail, held: Held) -> None:
        whole(self, held)
        let_go(held)

    monkeypatch.setattr(Trail, "took", took)
    assert sf.write(rows, "orders").written == "table"
    emptied(certified)


def test_rows_whose_good_side_is_gone_are_in_table_or_quarantine_but_not_in_both(
    shop: Shop, spark: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, whole = Trail.goes_out, DeltaLake.adopt

    def goes_out(self: Trail, held: Held) -> None:
        told(self, held)
        self.facts["outgoing"] = computed(held.frame)
        let_go(Held(self.facts["outgoing"], held.height))

    def adopt(self: DeltaLake, *words: Any, **more: Any) -> int:
        if self.path.endswith("gold/plain"):
            raise StoreError("the table does not answer")
        return whole(self, *words, **more)

    monkeypatch.setattr(Trail, "goes_out", goes_out)
    monkeypatch.setattr(DeltaLake, "adopt", adopt)
    twice = spark.createDataFrame([(i, 1.0, "x") for i in (*range(50), 1)], SHAPE)
    result = sf.write(twice, "plain")
    assert (result.written, result.rows_published, len(ids(shop, "plain"))) == ("table", 51, 51)
    assert held(shop, "plain") == 0


def test_a_fault_after_the_commit_never_writes_twice(
    shop: Shop, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = DeltaLake.adopt

    def adopt(self: Any, *words: Any, **more: Any) -> int:
        whole(self, *words, **more)
        raise StoreError("the answer was lost")

    monkeypatch.setattr(DeltaLake, "adopt", adopt)
    result = sf.write(rows, "plain")
    assert any(why.startswith("SETTLE:") for why in result.degraded)
    assert (result.rows_published, ids(shop, "plain")) == (3, [1, 2, 3])

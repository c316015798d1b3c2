"""Faults in every inner step of a write: the rows arrive, the view stays, the fault is told."""

from __future__ import annotations

import errno
import sqlite3
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import sfctl as sf
from sfctl import wiring
from sfctl.commands.compile import compile as compile_verb
from sfctl.errors import StoreError
from sfctl.evidence import outbox
from sfctl.runtime.job import failopen, judging, lifecycle, reading
from sfctl.runtime.pii import actions
from sfctl.runtime.publishing import quarantine, settle
from sfctl.runtime.tables import delta
from tests.shop_rig import Shop

ROWS = pl.DataFrame({"id": [1, 2, 3], "amount": [1.0, 2.0, 3.0], "contact": ["a@b.org", None, "x"]})
BAD = ROWS.with_columns(amount=pl.Series([1.0, 2.0, -3.0]))


def broken(*_: object, **__: object) -> Any:
    raise RuntimeError("a fault of ours")


@pytest.fixture
def certified(shop: Shop) -> Shop:
    """A project whose table has one certified version."""
    result = sf.write(ROWS.with_columns(pl.col("id") + 100), "orders", stage="gold")
    assert result.certification == "CERTIFIED"
    return shop


def ids(shop: Shop) -> list[int]:
    return sorted(i for i in shop.table()["id"] if i < 100)


def no_plaintext(shop: Shop) -> None:
    for name in ("orders", "strict", "everywhere"):
        path = shop.root / "lake" / "gold" / name
        if path.exists():
            assert "a@b.org" not in shop.table(name)["contact"].to_list()


def test_a_judge_that_raises_publishes_unjudged(
    certified: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "judge", broken)
    result = sf.write(BAD, "orders")
    assert result.degraded == ("JUDGE:RuntimeError",)
    assert {gate.result for gate in result.gates if gate.gate != "G5_PII"} == {"ERROR"}
    assert (ids(certified), certified.certified()) == ([1, 2, 3], 0)
    assert [e["where"] for e in certified.degraded()] == ["JUDGE"]
    no_plaintext(certified)


def test_a_judge_that_hangs_is_left_behind(
    certified: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "judge", lambda *_, **__: time.sleep(30))
    monkeypatch.setattr(failopen, "patience", lambda *_: 0.1)
    began = time.monotonic()
    result = sf.write(ROWS, "orders")
    assert time.monotonic() - began < 5
    assert result.degraded == ("JUDGE:OVERDUE",)
    assert (ids(certified), certified.certified()) == ([1, 2, 3], 0)


def test_a_split_that_raises_keeps_all_rows(
    certified: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "split", broken)
    result = sf.write(BAD, "orders")
    assert "SPLIT:RuntimeError" in result.degraded
    assert result.rows_in == result.rows_published + result.rows_quarantined == 3
    assert certified.certified() == 0
    no_plaintext(certified)


def test_pii_actions_that_raise_redact_what_may_be_null(
    certified: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "apply", broken)
    result = sf.write(ROWS, "orders")
    assert result.published
    assert certified.table().filter(pl.col("id") < 100)["contact"].to_list() == [None] * 3
    assert certified.certified() == 0


@pytest.mark.parametrize("name", ["strict", "everywhere"])
def test_pii_actions_that_raise_hold_back_what_may_not_be_redacted(
    name: str, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "apply", broken)
    rows = ROWS.with_columns(pl.col("contact").fill_null("y"))
    result = sf.write(rows, name)
    assert (result.published, result.rows_quarantined) == (False, 3)
    assert not (shop.root / "lake" / "gold" / name).exists()


def test_a_missing_pii_key_redacts(certified: Shop) -> None:
    (certified.root / ".sfctl" / "keys" / "pii.key").unlink()
    result = sf.write(ROWS, "orders")
    assert result.degraded == ("PII:SF450",)
    assert certified.table().filter(pl.col("id") < 100)["contact"].to_list() == [None] * 3
    assert certified.certified() == 0


@pytest.mark.parametrize("damage", [b"{", b"", b'{"dataset_urn": 5}', b"\xff\xfe"])
def test_a_bad_policy_file_is_never_judged_by(certified: Shop, damage: bytes) -> None:
    (certified.root / "target" / "policies" / "orders.json").write_bytes(damage)
    result = sf.write(ROWS, "orders")
    assert result.degraded == ["write:SF403"]
    assert (ids(certified), certified.certified()) == ([1, 2, 3], 0)
    assert [e["error"] for e in certified.degraded()] == ["SF403"]
    no_plaintext(certified)


def test_an_altered_policy_is_never_judged_by(certified: Shop) -> None:
    path = certified.root / "target" / "policies" / "orders.json"
    path.write_text(path.read_text().replace('"tokenize"', '"none"'))
    sf.write(ROWS, "orders")
    assert (ids(certified), certified.certified()) == ([1, 2, 3], 0)
    no_plaintext(certified)


def test_a_bad_signature_certifies_nothing(certified: Shop) -> None:
    sig = certified.root / "target" / "policies" / "orders.sig"
    other = certified.root / "target" / "policies" / "plain.sig"
    sig.write_bytes(other.read_bytes())
    sf.write(ROWS, "orders")
    assert (ids(certified), certified.certified()) == ([1, 2, 3], 0)
    no_plaintext(certified)


@pytest.mark.parametrize("way", ["files", "manifest"])
def test_the_signed_policy_of_another_dataset_is_never_judged_by(way: str, certified: Shop) -> None:
    target = certified.root / "target"
    if way == "files":
        for end in ("json", "sig"):
            other = (target / "policies" / f"plain.{end}").read_bytes()
            (target / "policies" / f"orders.{end}").write_bytes(other)
    else:
        certified.edit("orders", policy="policies/plain.json")
        wiring._sessions.clear()
    result = sf.write(BAD, "orders")
    assert (result.certification, result.degraded) == (None, ["write:SF403"])
    assert (ids(certified), certified.certified()) == ([1, 2, 3], 0)
    no_plaintext(certified)


def test_an_older_policy_of_the_same_dataset_is_never_judged_by(certified: Shop) -> None:
    certified.edit("orders", digest="sha256:" + "0" * 64)
    wiring._sessions.clear()
    assert sf.write(BAD, "orders").degraded == ["write:SF403"]
    assert (ids(certified), certified.certified()) == ([1, 2, 3], 0)
    no_plaintext(certified)


def test_a_compile_while_a_job_runs_is_no_fault(certified: Shop) -> None:
    assert sf.write(ROWS, "orders").certification == "CERTIFIED"
    bundle = certified.root / "datasets" / "orders" / "policy_bundle.yaml"
    bundle.write_text(bundle.read_text().replace("max: 1000", "max: 900"))
    compile_verb(project_dir=certified.root, target=None, now=None)
    result = sf.write(ROWS.with_columns(pl.col("id") + 10), "orders")
    assert (result.certification, result.degraded) == ("CERTIFIED", ())


def test_an_unsigned_policy_is_a_draft(certified: Shop) -> None:
    (certified.root / "target" / "policies" / "orders.sig").unlink()
    result = sf.write(BAD, "orders")
    assert (result.level, result.rows_published, result.rows_bad) == ("G0", 3, 1)
    assert certified.certified() == 0
    no_plaintext(certified)


def test_a_damaged_manifest_holds_back_for_nobody_knows_what_is_acted_on(
    certified: Shop,
) -> None:
    (certified.root / "target" / "manifest.json").write_text("{")
    wiring._sessions.clear()
    result = sf.write(ROWS, "ds://shop/orders")
    assert result.written == "sealed"
    assert list((certified.root / ".sfctl" / "sealed").iterdir())
    assert (ids(certified), certified.certified()) == ([], 0)


def test_a_locked_state_store_is_not_waited_for_long(
    certified: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiring, "STATE_TIMEOUT_S", 0.2)
    wiring._sessions.clear()
    holder = sqlite3.connect(certified.root / ".sfctl" / "state.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        result = sf.write(ROWS, "orders")
    finally:
        holder.close()
    assert result.degraded
    assert (ids(certified), certified.certified()) == ([1, 2, 3], 0)
    no_plaintext(certified)


def test_a_damaged_state_store_does_not_matter_to_the_rows(certified: Shop) -> None:
    wiring._sessions.clear()
    for end in ("-wal", "-shm"):
        (certified.root / ".sfctl" / f"state.db{end}").unlink(missing_ok=True)
    (certified.root / ".sfctl" / "state.db").write_bytes(b"not a database" * 100)
    result = sf.write(ROWS, "orders")
    assert result.degraded
    assert (ids(certified), certified.certified()) == ([1, 2, 3], 0)
    no_plaintext(certified)


@pytest.mark.parametrize("step", ["table", "emit", "ledger"])
def test_a_fault_after_the_commit_never_writes_twice(
    step: str, certified: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    if step == "table":
        whole = delta.DeltaLake.write

        def write(self: Any, frame: pl.DataFrame, request: Any) -> int:
            whole(self, frame, request)
            raise StoreError("the answer was lost")

        monkeypatch.setattr(delta.DeltaLake, "write", write)
    else:
        monkeypatch.setattr(settle, {"emit": "testify", "ledger": "Ledger"}[step], broken)
    result = sf.write(ROWS, "orders")
    assert any(why.startswith("SETTLE:") for why in result.degraded)
    assert result.rows_published == 3
    assert (ids(certified), certified.certified()) == ([1, 2, 3], 0)


def test_a_table_adapter_that_raises_is_gone_round(
    certified: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = delta.DeltaLake.write

    def write(self: Any, frame: pl.DataFrame, request: Any) -> int:
        return broken() if "/gold/" in self.path else whole(self, frame, request)

    monkeypatch.setattr(delta.DeltaLake, "write", write)
    result = sf.write(BAD, "orders")
    assert result.written == "table"
    assert ids(certified) == [1, 2], "the bad row waits in quarantine already"
    assert certified.certified() == 0
    no_plaintext(certified)


def test_numbers_that_the_table_cannot_hold_are_told_with_the_cast(
    certified: Shop, capfd: pytest.CaptureFixture[str]
) -> None:
    there = pl.DataFrame({"id": [1], "x": [0.5]}, schema={"id": pl.Int64, "x": pl.Float32})
    there.write_delta(str(certified.root / "lake" / "gold" / "plain"))
    result = sf.write(pl.DataFrame({"id": [2], "x": [0.1]}), "plain")
    assert (result.degraded, result.published) == (["write:SF335"], True)
    told = capfd.readouterr().err
    assert 'df["x"].astype("float32")' in told
    assert "(sfctl explain SF335)" in told


def test_a_quarantine_that_raises_keeps_the_rows_together(
    certified: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine.Quarantine, "hold", broken)
    sf.write(BAD, "orders")
    assert (ids(certified), certified.certified()) == ([1, 2, 3], 0)
    no_plaintext(certified)


def test_an_outbox_on_a_full_disk_certifies_nothing(
    certified: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> bool:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(outbox.bulk, "is_large", full)
    result = sf.write(ROWS, "orders")
    assert not result.evidence_safe
    assert ids(certified) == [1, 2, 3]
    assert certified.certified() == 0
    assert "urn:dp:shop:orders is lost: No space left" in capsys.readouterr().err


def test_no_outbox_at_all_certifies_nothing(
    certified: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = certified.root / ".sfctl" / "outbox"
    folder.rename(folder.with_name("old"))
    folder.write_text("a file where the folder should be")
    wiring._sessions.clear()
    result = sf.write(ROWS, "orders")
    assert not result.evidence_safe
    assert (ids(certified), certified.certified()) == ([1, 2, 3], 0)
    assert "orders is lost: SF605" in capsys.readouterr().err


def test_a_torn_outbox_is_left_to_the_flusher(certified: Shop) -> None:
    (certified.root / ".sfctl" / "outbox" / "torn-1-0.outbox").write_bytes(b"\x00\xffgarbage")
    wiring._sessions.clear()
    assert sf.write(ROWS, "orders").certification == "CERTIFIED"


def test_a_lifecycle_that_raises_does_not_reach_the_job(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle.Life, "start", broken)

    @sf.job("daily")
    def main() -> str:
        return "done"

    assert main() == "done"
    assert [e["where"] for e in shop.degraded()] == ["lifecycle"]


def test_a_full_lake_is_the_jobs_own_error(shop: Shop) -> None:
    code = """
import resource, signal, polars as pl, sfctl as sf
sf.write(pl.DataFrame({"id": [1]}), "plain")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    sf.write(pl.DataFrame({"id": list(range(2, 90_000))}), "plain")
except OSError as error:
    print("full", error.errno)
except Exception as error:
    print("full", type(error).__name__)
"""
    done = shop.start(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("full")
    assert shop.table("plain")["id"].to_list() == [1]


def test_a_fallback_takes_the_rows_of_a_script_outside_any_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SFCTL_PROJECT_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [str(tmp_path / "job.py")])
    taken: list[pl.DataFrame] = []
    sf.write(ROWS, "ds://shop/nobody", fallback=taken.append)
    assert taken[0].equals(ROWS)
    place = tmp_path / "aside"
    sf.write(ROWS, "ds://shop/nobody", fallback=str(place))
    assert sum(pl.read_parquet(f).height for f in place.rglob("*.parquet")) == 3


def panics(*_: object, **__: object) -> Any:
    raise pl.exceptions.PanicException("a@b.org")


def exits(*_: object, **__: object) -> Any:
    raise SystemExit(9)


@pytest.mark.parametrize("fault", [panics, exits])
def test_a_judge_that_panics_or_exits_publishes_unjudged(
    fault: Any, certified: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "judge", fault)
    result = sf.write(BAD, "orders")
    name = {panics: "PanicException", exits: "SystemExit"}[fault]
    assert result.degraded == (f"JUDGE:{name}",)
    assert (ids(certified), certified.certified()) == ([1, 2, 3], 0)
    no_plaintext(certified)


@pytest.mark.parametrize("fault", [panics, exits])
def test_a_split_that_panics_or_exits_keeps_the_rows_together(
    fault: Any, certified: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "split", fault)
    result = sf.write(BAD, "orders")
    assert any(reason.startswith("SPLIT:") for reason in result.degraded)
    assert (ids(certified), certified.certified()) == ([1, 2, 3], 0)
    no_plaintext(certified)


@pytest.mark.parametrize("fault", [panics, exits])
def test_actions_that_panic_or_exit_are_replaced_by_redaction(
    fault: Any, certified: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "apply", fault)
    result = sf.write(ROWS, "orders")
    assert result.certification != "CERTIFIED"
    assert (ids(certified), certified.certified()) == ([1, 2, 3], 0)
    assert certified.table().filter(pl.col("id") < 100)["contact"].to_list() == [None] * 3
    assert "a@b.org" not in str(certified.outbox())


def test_a_panic_anywhere_else_ends_in_the_last_line(
    certified: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(delta.DeltaLake, "write", panics)
    result = sf.write(ROWS, "orders")
    assert result.degraded == ["write:PanicException"]
    assert (ids(certified), certified.certified()) == ([1, 2, 3], 0)
    no_plaintext(certified)
    told = capsys.readouterr()
    assert "a@b.org" not in told.err + told.out + str(certified.outbox())


def test_a_panic_while_reading_is_read_around(
    certified: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "newest", panics)
    assert sf.read("orders").shape == (3, 3)


@pytest.mark.parametrize("order", [SystemExit(4), KeyboardInterrupt(), GeneratorExit()])
def test_an_order_to_stop_is_obeyed(
    order: BaseException, certified: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> Any:
        raise order

    monkeypatch.setattr(delta.DeltaLake, "write", stop)
    with pytest.raises(type(order)) as told:
        sf.write(ROWS, "orders")
    assert told.value is order

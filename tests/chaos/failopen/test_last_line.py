"""Every way the last line writes and reads when nothing of ours can be imported."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import sfctl as sf
from sfctl import wiring
from sfctl.certification.ledger import record_of
from sfctl.commands.compile import compile as compile_verb
from sfctl.evidence import spool
from sfctl.evidence.codec import Accepted, accept
from sfctl.runtime import seal
from sfctl.runtime.tables.formats import open_table
from tests.shop_rig import Shop, seal_manifest

ROWS = pl.DataFrame({"id": [1, 2, 3], "order": [7, 8, 9]})
MORE = pl.DataFrame({"id": [3, 4], "order": [0, 1]})


@pytest.fixture
def broken(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    def session() -> Any:
        raise RuntimeError("nothing of ours works")

    monkeypatch.setattr(wiring, "session", session)
    return shop


def lines(shop: Shop) -> list[tuple[int, int]]:
    return sorted(shop.table("lines").select("id", "order").iter_rows())


@pytest.mark.parametrize("make", [pl.DataFrame.to_pandas, pl.DataFrame.to_arrow, pl.DataFrame.lazy])
def test_any_kind_of_rows_by_any_mode(broken: Shop, make: Any) -> None:
    assert sf.write(make(ROWS), "ds://shop/lines").version == 0
    sf.write(make(MORE), "lines", mode="merge")
    assert lines(broken) == [(1, 7), (2, 8), (3, 0), (4, 1)]
    sf.write(make(MORE), "urn:dp:shop:lines", mode="append")
    assert len(lines(broken)) == 6
    sf.write(make(ROWS), "lines", mode="overwrite")
    assert lines(broken) == [(1, 7), (2, 8), (3, 9)]


def test_partitions(broken: Shop) -> None:
    for day in ("a", "b'c"):
        sf.write(ROWS, "lines", partition={"day": day})
    sf.write(MORE, "lines", mode="overwrite_partitions", partition={"day": "b'c"})
    counts = dict(broken.table("lines").group_by("day").len().iter_rows())
    assert counts == {"a": 3, "b'c": 2}
    sf.write(ROWS.with_columns(day=pl.lit("a")).head(1), "lines", mode="overwrite_partitions")
    counts = dict(broken.table("lines").group_by("day").len().iter_rows())
    assert counts == {"a": 1, "b'c": 2}
    assert sf.read("lines", partition={"day": "b'c"}, as_="polars").height == 2


def test_a_merge_without_a_key_is_the_callers_error(broken: Shop) -> None:
    sf.write(ROWS, "lines")
    path = broken.root / "target" / "policies" / "lines.json"
    path.write_text("{}")
    with pytest.raises(ValueError, match="primary_key"):
        sf.write(MORE, "lines", mode="merge")


def test_parquet_tables_stay_readable_by_the_adapter(broken: Shop) -> None:
    broken.edit("lines", formats={"gold": "parquet"})
    path = str(broken.root / "lake" / "gold" / "lines")
    assert [sf.write(ROWS, "lines").version, sf.write(MORE, "lines").version] == [0, 1]
    assert open_table(path, "parquet").scan().collect().height == 5
    sf.write(MORE, "lines", mode="overwrite")
    table = open_table(path, "parquet")
    assert table.scan().collect().equals(MORE)
    assert [record_of(commit).kind for commit in table.commits(None)] == ["foreign"] * 3


def test_reading_goes_on(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = pl.DataFrame({"id": [1], "amount": [1.0], "contact": ["x"]})
    sf.write(rows, "orders")
    monkeypatch.setattr(wiring, "session", lambda: 1 / 0)
    sf.write(rows, "orders")
    assert sf.read("orders").shape == (2, 3)
    assert sf.read("orders", as_="arrow").num_rows == 2
    assert sf.read_certified("orders", as_="polars").height == 1
    with pytest.raises(ZeroDivisionError):
        sf.read("orders", as_="duckdb")
    with pytest.raises(ZeroDivisionError):
        sf.read_certified("lines")


def test_what_has_no_place_is_not_lost_in_silence(
    broken: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(RuntimeError, match="nothing of ours"):
        sf.write(ROWS, "ds://shop/nobody")
    assert "nowhere" in capsys.readouterr().err


def test_what_can_be_neither_masked_nor_sealed_is_not_written(
    broken: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(broken.root / ".sfctl" / "keys")
    rows = pl.DataFrame({"id": [1], "amount": [1.0], "contact": ["a@b.org"]})
    result = sf.write(rows, "everywhere")
    assert (result.published, result.written) == (False, "nowhere")
    assert "NOT WRITTEN" in capsys.readouterr().err
    assert not (broken.root / "lake" / "gold" / "everywhere").exists()


def test_a_key_of_the_target_seals(broken: Shop) -> None:
    manifest = broken.root / "target" / "manifest.json"
    document = json.loads(manifest.read_text())
    public = (broken.root / ".sfctl" / "keys" / "quarantine.pub").read_text().strip()
    document["target"]["settings"] = {"quarantine_key": public}
    seal_manifest(manifest, document)
    shutil.rmtree(broken.root / ".sfctl" / "keys")
    rows = pl.DataFrame({"id": [1], "amount": [1.0], "contact": ["a@b.org"]})
    assert sf.write(rows, "everywhere").written == "sealed"
    (sealed,) = (broken.root / ".sfctl" / "sealed").iterdir()
    assert b"a@b.org" not in sealed.read_bytes()


def test_its_events_are_ours_by_the_letter(broken: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFCTL_RUN_FOLDER", str(broken.root))
    monkeypatch.setenv("SFCTL_JOB", "daily")
    sf.write(ROWS, "lines")
    outbox = (broken.root / ".sfctl" / "outbox").glob("*.outbox")
    (path,) = (each for each in outbox if not each.name.startswith("policy-"))
    (chunk,) = spool.chunks(path, finished=True)
    assert not chunk.damaged
    (event,) = chunk.events
    accepted = accept(json.loads(path.read_text()[9:]), datetime.now(UTC))
    assert isinstance(accepted, Accepted)
    assert accepted.leniencies == ()
    assert (event.kind, event.dataset_urn) == ("SDK_DEGRADED", "urn:dp:shop:lines")
    assert event.reason_codes == ("SDK_DEGRADED:write",)
    (journal,) = Path(broken.root).glob("journal-*.jsonl")
    assert json.loads(journal.read_text())["value"]["rows_published"] == 3


def test_references_and_keys_over_the_whole_table_are_judged(shop: Shop) -> None:
    orders = pl.DataFrame({"id": [7, 8], "amount": [1.0, 1.0], "contact": ["x", "y"]})
    sf.write(orders, "orders")
    first = sf.write(pl.DataFrame({"id": [1, 2], "order": [7, 99]}), "lines")
    assert (first.rows_published, first.rows_quarantined) == (1, 1)
    again = sf.write(pl.DataFrame({"id": [1, 5], "order": [7, 8]}), "lines")
    assert again.rows_quarantined == 1
    assert lines(shop) == [(1, 7), (5, 8)]
    whole = sf.write(pl.DataFrame({"id": [1, 5], "order": [7, 8]}), "lines", mode="overwrite")
    assert whole.rows_published == 2


def _cut(shop: Shop, what: str) -> None:
    manifest = shop.root / "target" / "manifest.json"
    document = json.loads(manifest.read_bytes())
    entry = document["datasets"]["urn:dp:shop:orders"]
    match what:
        case "no target":
            shutil.rmtree(manifest.parent)
        case "no manifest":
            manifest.unlink()
        case "no manifest, no sfctl.yml":
            manifest.unlink()
            (shop.root / "sfctl.yml").unlink()
        case "{}" | "[]" | "null" | "{":
            manifest.write_text(what)
        case "null entry" | "text entry" | "list entry":
            value = {"null entry": None, "text entry": "x", "list entry": []}[what]
            document["datasets"]["urn:dp:shop:orders"] = value
            manifest.write_text(json.dumps(document))
        case "no acted":
            manifest.write_text(json.dumps(document).replace('"acted"', '"acting"'))
        case "null acted":
            entry["acted"] = None
            manifest.write_text(json.dumps(document))
        case "empty policy":
            shop.edit("orders", policy="", acted=())
        case "entry gone, digest right":
            del document["datasets"]["urn:dp:shop:orders"]
            seal_manifest(manifest, document)
    wiring._sessions.clear()


CUTS = (
    "no target", "no manifest", "no manifest, no sfctl.yml", "{}", "[]", "null", "{", "null entry",
    "text entry", "list entry", "no acted", "null acted", "empty policy",
    "entry gone, digest right",
)  # fmt: skip
PERSONS = pl.DataFrame({"id": [1, 2], "amount": [1.0, -2.0], "contact": ["a@b.org", "c@d.org"]})


@pytest.mark.parametrize("callback", [False, True])
@pytest.mark.parametrize("what", CUTS)
def test_what_nobody_knows_to_be_harmless_is_sealed(
    what: str, callback: bool, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    _cut(shop, what)
    monkeypatch.chdir(shop.root)
    got: list[object] = []
    result = sf.write(PERSONS, "ds://shop/orders", fallback=got.append if callback else "out")
    assert (result.written, result.certification, got) == ("sealed", None, [])
    (sealed,) = (shop.root / ".sfctl" / "sealed").iterdir()
    private = seal.read_key(shop.root / ".sfctl" / seal.PRIVATE)
    rows = pl.read_parquet(seal.unseal(sealed.read_bytes(), private))
    assert rows.equals(PERSONS)
    assert not (shop.root / "out").exists()
    assert not (shop.root / "lake").exists()


def test_an_altered_manifest_does_not_choose_who_may_unseal(shop: Shop) -> None:
    manifest = shop.root / "target" / "manifest.json"
    document = json.loads(manifest.read_text())
    document["target"]["settings"] = {"quarantine_key": "ab" * 32}
    manifest.write_text(json.dumps(document))
    assert sf.write(PERSONS, "orders").degraded == ["write:SF752"]
    (sealed,) = (shop.root / ".sfctl" / "sealed").iterdir()
    private = seal.read_key(shop.root / ".sfctl" / seal.PRIVATE)
    assert pl.read_parquet(seal.unseal(sealed.read_bytes(), private)).equals(PERSONS)


def test_reading_goes_on_by_an_altered_manifest(shop: Shop) -> None:
    sf.write(PERSONS.head(1), "orders")
    _cut(shop, "no acted")
    assert sf.read("orders").shape == (1, 3)


def test_around_no_project_nothing_is_acted_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SFCTL_PROJECT_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [str(tmp_path / "job.py")])
    result = sf.write(PERSONS, "ds://shop/orders", fallback=str(tmp_path / "out"))
    assert (result.written, result.degraded) == ("table", ["write:SF130"])
    assert open_table(str(tmp_path / "out"), "parquet").scan().collect().equals(PERSONS)


def test_a_project_that_is_named_and_not_there_is_no_licence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SFCTL_PROJECT_DIR", str(tmp_path / "unmounted"))
    monkeypatch.setattr("sys.argv", [str(tmp_path / "job.py")])
    result = sf.write(PERSONS, "ds://shop/orders", fallback=str(tmp_path / "out"))
    assert result.written == "nowhere"
    assert not (tmp_path / "out").exists()


def test_compiling_again_mends_an_altered_manifest(shop: Shop) -> None:
    _cut(shop, "no acted")
    compile_verb(project_dir=shop.root, target=None, now=None)
    assert sf.write(PERSONS.head(1), "orders").certification == "CERTIFIED"
    assert "a@b.org" not in shop.table()["contact"].to_list()

"""`sfctl status` in every condition a project can be in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import sfctl as sf
from sfctl import wiring
from sfctl.cli import main
from sfctl.commands import switch as switch_verb
from sfctl.commands.run import run
from sfctl.commands.status import status
from sfctl.errors import UsageError
from sfctl.evidence.flush import flush
from sfctl.report.outcome import Outcome
from tests.shop_rig import PROJECT, Shop

ROWS = pl.DataFrame({"id": [1, 2, 3], "amount": [1.0, 2.0, 3.0], "contact": ["a@b.org", None, "x"]})


def look(shop: Shop, **more: Any) -> Outcome:
    return status(project_dir=shop.root, target=None, **more)


def row(outcome: Outcome, name: str = "orders") -> dict[str, Any]:
    found: dict[str, Any] = next(d for d in outcome.payload["datasets"] if d["name"] == name)
    return found


def deliver(shop: Shop) -> None:
    with wiring.open_bus(shop.root / ".sfctl") as bus:
        flush(shop.root / ".sfctl" / "outbox", bus)


def test_a_project_that_never_ran(shop: Shop) -> None:
    outcome = look(shop)
    assert row(outcome)["certification_status"] == "NEVER_CERTIFIED"
    assert (row(outcome)["last_run"], row(outcome)["integration_level"]) == (None, None)
    assert "no run on record" in outcome.text
    assert not (shop.root / ".sfctl" / "bus.db").exists(), "looking makes nothing"
    assert look(shop, health=True).exit_code == 0


def test_a_dataset_that_nothing_can_certify_says_so(shop: Shop) -> None:
    said = "it stores no gold stage, which alone is certified"
    assert said not in look(shop).text
    shop.edit("orders", paths={"silver": str(shop.root / "lake" / "silver" / "orders")})
    outcome = look(shop, select=("orders",))
    assert (said in outcome.text, row(outcome)["stages"]) == (True, ["silver"])


def test_evidence_that_waits_is_named_where_runs_are_looked_for(shop: Shop) -> None:
    sf.write(ROWS, "orders")
    assert "wait in the outbox: sfctl evidence flush" in look(shop).text
    deliver(shop)
    assert "outbox" not in look(shop).text


def test_a_project_that_was_never_compiled(tmp_path: Path) -> None:
    (tmp_path / "sfctl.yml").write_text(PROJECT)
    outcome = status(project_dir=tmp_path)
    assert outcome.payload["datasets"] == []
    assert "sfctl compile" in outcome.notes[0]
    assert outcome.exit_code == 0
    assert status(project_dir=tmp_path, health=True).exit_code == 3


def test_certified_then_held_then_stale(shop: Shop) -> None:
    sf.write(ROWS, "orders")
    deliver(shop)
    told = row(look(shop))
    assert (told["certified_version"], told["certification_status"]) == (0, "CERTIFIED")
    assert (told["integration_level"], told["held_since"]) == ("in-job", None)
    (shop.root / ".sfctl" / "keys" / "pii.key").unlink()
    sf.write(ROWS.with_columns(pl.col("id") + 5), "orders")
    outcome = look(shop)
    assert row(outcome)["certification_status"] == "HELD_AT_PREVIOUS"
    assert row(outcome)["certified_version"] == 0
    assert "DEGRADED" in row(outcome)["held_reason"]
    assert "held for" in outcome.text
    later = datetime.now(UTC) + timedelta(days=3)
    assert row(look(shop, now=later))["certification_status"] == "STALE_ESCALATION"


def test_rows_in_quarantine_drafts_and_switches(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(sf.PublishBlocked):
        sf.write(ROWS.with_columns(amount=pl.lit(-1.0)), "orders")
    (shop.root / "target" / "policies" / "plain.sig").unlink()
    (shop.root / "target" / "policies" / "strict.json").write_text("{}")
    monkeypatch.setenv("SFCTL_DISABLE", "dataset:orders")
    outcome = look(shop)
    assert row(outcome)["quarantined_rows"] == 3
    assert row(outcome)["gates_off"] == "dataset:orders"
    assert row(outcome, "plain")["draft"] == "the policy has no signature"
    assert row(outcome, "plain")["enforcement_level"] == "G0"
    assert row(outcome, "strict")["draft"]
    assert "3 rows in quarantine" in outcome.text


def test_a_job_that_writes_past_us_is_only_observed(shop: Shop) -> None:
    (shop.root / "jobs" / "daily.py").write_text("pass\n")
    done = run("daily", project_dir=shop.root, format="json")
    assert done.payload["integration_level"] == "observe"
    outcome = look(shop)
    assert row(outcome)["integration_level"] == "observe"
    assert row(outcome)["last_run"]["outcome"] == "completed"
    assert "observed only" in outcome.text


def test_a_broken_store_is_named_and_the_rest_is_shown(shop: Shop) -> None:
    sf.write(ROWS, "orders")
    deliver(shop)
    wiring._sessions.clear()
    for name in ("state.db", "bus.db"):
        for end in ("-wal", "-shm"):
            (shop.root / ".sfctl" / f"{name}{end}").unlink(missing_ok=True)
        (shop.root / ".sfctl" / name).write_bytes(b"not a database" * 100)
    outcome = look(shop)
    assert row(outcome)["certified_version"] == 0, "the pin beside the table tells"
    assert outcome.payload["stores"] == {"state": "broken", "bus": "broken"}
    assert outcome.payload["unread"] == ["state store", "bus store"]
    told = next(note for note in outcome.notes if note.startswith("SF604 state store"))
    assert "move it away and restore a copy" in told
    said = "not whole: state store, bus store cannot be read: sfctl doctor"
    assert outcome.text.splitlines()[-1] == said
    assert "no run on record" not in outcome.text
    assert outcome.exit_code == 3, "what is not known is no all-clear"
    assert look(shop, metrics=True).exit_code == 3
    assert look(shop, health=True).exit_code == 3


def test_metrics_are_what_prometheus_reads(shop: Shop) -> None:
    sf.write(ROWS, "orders")
    deliver(shop)
    lines = look(shop, metrics=True).text.splitlines()
    labels = 'dataset="urn:dp:shop:orders",owner="shop",tier="2"'
    assert f"sfctl_certified_version{{{labels}}} 0" in lines
    assert f"sfctl_certified{{{labels}}} 1" in lines
    assert 'sfctl_store_up{store="state"} 1' in lines
    names = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(names) == len(set(names))


def test_selection(shop: Shop) -> None:
    assert [d["name"] for d in look(shop, select=("orders",)).payload["datasets"]] == ["orders"]
    one = look(shop, select=("ds://shop/plain",)).payload["datasets"]
    assert [d["name"] for d in one] == ["plain"]
    most = look(shop, select=("tier:2",), exclude=("strict",)).payload["datasets"]
    assert {d["name"] for d in most} == {"orders", "plain", "everywhere", "lines"}


@pytest.mark.parametrize(
    "words",
    [
        ["status"],
        ["quarantine", "list"],
        ["certify", "orders"],
        ["evidence", "list"],
        ["evidence", "flush"],
        ["switch", "status"],
        ["switch", "off", "--reason", "drill"],
        ["run", "daily"],
    ],
)
def test_another_target_than_the_compiled_one_is_refused(
    words: list[str], shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = ["--project-dir", str(shop.root)]
    assert main([*words, "--target", "prdo", *folder]) == 2
    assert "SF758 target/ was compiled for dev, not prdo" in capsys.readouterr().err
    if words[0] == "status":
        assert main([*words, "--target", "dev", *folder]) == 0


@pytest.mark.parametrize(
    ("scope", "near"),
    [
        ("dataset:ordres", "orders"),
        ("dataset:ds://shop/ordres", "orders"),
        ("job:dayly", "daily"),
        ("gate:G9", "G5_PII"),
    ],
)
def test_a_switch_for_what_is_not_there_is_refused(scope: str, near: str, shop: Shop) -> None:
    with pytest.raises(UsageError) as refused:
        switch_verb.off(scope=scope, reason="drill", project_dir=shop.root)
    assert (refused.value.code, refused.value.exit_code) == ("SF805", 2)
    assert near in refused.value.hint
    assert switch_verb.status(project_dir=shop.root).payload["switches"] == []


@pytest.mark.parametrize("scope", ["dataset:orders", "dataset:ds://shop/orders", "job:daily"])
def test_a_switch_for_what_is_there(scope: str, shop: Shop) -> None:
    switch_verb.off(scope=scope, reason="drill", project_dir=shop.root)
    assert len(switch_verb.status(project_dir=shop.root).payload["switches"]) == 1


def test_without_a_compiled_project_any_name_is_taken(shop: Shop) -> None:
    (shop.root / "target" / "manifest.json").unlink()
    switch_verb.off(scope="job:nightly", reason="drill", project_dir=shop.root)
    assert len(switch_verb.status(project_dir=shop.root).payload["switches"]) == 1

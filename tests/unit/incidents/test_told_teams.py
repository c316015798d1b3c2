"""Addresses that are secrets stay out of every store; both owners hear of a gap, once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from sfctl.evidence.port import Query
from sfctl.incidents.address import address_of
from sfctl.incidents.notifiers.webhook import Refused
from sfctl.model import topology
from sfctl.model.evidence import Evidence
from sfctl.model.manifest import (
    ChannelEntry,
    DatasetEntry,
    Gap,
    LineageEntry,
    Manifest,
    TargetEntry,
    TeamEntry,
)
from tests.incident_rig import World, at

ORDERS = "urn:dp:shop:orders"
HOOK = "{{ env_var('SHOP_HOOK') }}"


def project(*gaps: Gap, minute: float = -60) -> Evidence:
    teams = tuple(
        TeamEntry(f"urn:team:{team}", (ChannelEntry("file", "", f"told/{team}-{HOOK}.jsonl"),))
        for team in ("sales", "finance")
    )
    manifest = Manifest(
        "shop",
        TargetEntry("dev", "dev", "lake"),
        datasets={ORDERS: DatasetEntry("orders", ORDERS, owner="sales", gaps=gaps)},
        lineage=LineageEntry(teams=teams),
        compiled_at=at(minute),
    )
    event = topology.to_event(manifest)
    return replace(event, payload={**event.payload, "manifest_digest": f"sha256:{len(gaps)}"})


def told(world: World, team: str) -> list[dict[str, object]]:
    path = world.root / "told" / f"{team}-s3cret.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_both_owners_are_told_of_a_gap_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_HOOK", "s3cret")
    first = Gap("report", "finance", "report expects column tax, which the producer does not have")
    world.publish(project(first))
    world.advance()
    for team in ("sales", "finance"):
        (notice,) = told(world, team)
        text = json.dumps(notice)
        assert "an expectation is not met" in text
        assert "shop:orders: report expects column tax" in text
        assert "producer: sales; report: finance" in text
    second = Gap("report", "finance", "report expects dq 0.99, the producer promises 0.9")
    world.publish(project(first, second, minute=-30))
    world.advance()
    _, newer = told(world, "finance")
    assert "0.99" in json.dumps(newer)
    assert "column tax" not in json.dumps(newer)


def test_an_address_is_read_when_something_is_sent_and_kept_nowhere(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SHOP_HOOK", raising=False)
    gap = Gap("report", "finance", "report expects column tax")
    world.publish(project(gap))
    world.advance()
    assert told(world, "finance") == []
    monkeypatch.setenv("SHOP_HOOK", "s3cret")
    world.advance(65)
    assert len(told(world, "finance")) == 1
    stored = [path for path in world.root.rglob("*") if path.is_file()]
    assert stored
    kept = [p for p in stored if b"s3cret" in p.read_bytes() and "told" not in p.parts]
    assert kept == []
    (config, *_) = world.bus.query(Query(kind="CONFIG", limit=1))
    assert "SHOP_HOOK" in json.dumps(config.event.lineage)


def test_an_address_may_come_from_a_file_of_the_project(tmp_path: Path) -> None:
    channel = ChannelEntry("slack", "", "{{ file('keys/hook') }}")
    for absent in (channel, replace(channel, address_from="{{ file('../hook') }}")):
        with pytest.raises(Refused, match="cannot be read"):
            address_of(absent, tmp_path)
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "hook").write_text("https://hooks.example/x\n")
    assert address_of(channel, tmp_path) == "https://hooks.example/x"
    assert address_of(ChannelEntry("slack", "https://plain"), tmp_path) == "https://plain"

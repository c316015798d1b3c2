"""What lineage files declare stands in the manifest, by canonical names."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from sfctl.compiler.compile import compile_project
from sfctl.model import topology
from sfctl.model.evidence import decode, encode
from sfctl.model.manifest import (
    AssetEntry,
    ChannelEntry,
    ConsumerEntry,
    LineageEntry,
    ServiceEntry,
    SpecEntry,
    TeamEntry,
)
from sfctl.spec.project import load

NOW = datetime(2024, 1, 1, tzinfo=UTC)
PROJECT = "name: shop\ntargets:\n  default: dev\n  dev: {environment: dev, lake: ./lake}\n"
LINEAGE = """\
lineage:
  - producer: landing
    inputs: ["ds://shop/orders"]
    outputs: ["urn:delta:prod:orders"]
    columns: [{from: id, to: order_id}]
    confidence: MEDIUM
    commit: 9f31c2d
datasets:
  - {urn: "urn:delta:prod:orders", tier: TIER_1, owner: sales}
services:
  - {urn: "urn:service:shop", owner: shop, owns: ["ds://shop/orders"]}
dashboards:
  - {urn: "urn:dashboard:exec:orders", tier: TIER_2, consumes: ["urn:delta:prod:orders"]}
pipelines:
  - {urn: "urn:pipeline:finance:daily", consumes: ["urn:delta:prod:orders"]}
teams:
  - {urn: "urn:team:shop", channels: [slack, {type: email, address: shop@example.org}]}
"""
EXPECTED = LineageEntry(
    specs=(
        SpecEntry(
            "landing",
            ("urn:dp:shop:orders",),
            ("urn:delta:prod:orders",),
            ({"from": ["id"], "to": "order_id"},),
            "MEDIUM",
            "9f31c2d",
        ),
    ),
    assets=(AssetEntry("urn:delta:prod:orders", 1, "sales"),),
    services=(ServiceEntry("urn:service:shop", "shop", ("urn:dp:shop:orders",)),),
    consumers=(
        ConsumerEntry("urn:dashboard:exec:orders", "Dashboard", 2, "", ("urn:delta:prod:orders",)),
        ConsumerEntry("urn:pipeline:finance:daily", "Pipeline", 3, "", ("urn:delta:prod:orders",)),
    ),
    teams=(
        TeamEntry(
            "urn:team:shop",
            (ChannelEntry("slack"), ChannelEntry("email", "shop@example.org")),
        ),
    ),
)


def test_a_lineage_file_is_compiled_and_travels_with_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "sfctl.yml").write_text(PROJECT)
    (tmp_path / "lineage").mkdir()
    (tmp_path / "lineage" / "shop.yaml").write_text(LINEAGE)
    compiled = compile_project(load(tmp_path), now=NOW)
    assert not compiled.errors
    assert compiled.manifest.lineage == EXPECTED
    event = decode(encode(topology.to_event(compiled.manifest)))
    assert topology.from_event(event).lineage == EXPECTED


def test_an_address_from_a_variable_stands_nowhere_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_HOOK", "https://hooks.example/T1/B1/s3cret")
    (tmp_path / "sfctl.yml").write_text(PROJECT)
    (tmp_path / "lineage").mkdir()
    teams = "teams:\n  - {urn: 'urn:team:shop', channels: [{type: slack, address: %s}]}\n"
    file = tmp_path / "lineage" / "feeds.yaml"
    file.write_text(teams % "\"{{ env_var('SHOP_HOOK') }}\"")
    made = compile_project(load(tmp_path), now=NOW)
    assert made.errors == ()
    (channel,) = made.manifest.lineage.teams[0].channels
    assert channel == ChannelEntry("slack", "", "{{ env_var('SHOP_HOOK') }}")
    assert b"s3cret" not in encode(topology.to_event(made.manifest))
    file.write_text(teams % "\"{{ env_var('SHOP_HOOK') }}/{{ project_name }}\"")
    assert [p.code for p in compile_project(load(tmp_path), now=NOW).errors] == ["SF358"]

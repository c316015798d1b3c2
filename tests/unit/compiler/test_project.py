"""Whole projects: the manifest, digests, selection, jobs, and the order of nothing that matters."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from sfctl.compiler.check import policy_for_check
from sfctl.compiler.compile import compile_project
from sfctl.compiler.entries import located
from sfctl.compiler.source_digest import source_digest
from sfctl.errors import SpecError
from sfctl.model import codec
from sfctl.model.manifest import Manifest
from sfctl.spec.project import load

NOW = datetime(2026, 1, 2, tzinfo=UTC)
FILES = {
    "sfctl.yml": """
        name: shop
        targets:
          default: dev
          dev:
            environment: dev
            lake: ./lake
            bus: {type: kafka, bootstrap_servers: "k:9092", sasl_password: "{{ env_var('PW') }}"}
            pii_key: {env: PII}
    """,
    "datasets/orders/dataset.yaml": """
        urn: ds://shop/orders
        owner_team: sales
        tier: TIER_1
        topics: [orders.created]
        aliases: [{namespace: wh, name: orders}, orders_v1]
        tags: [daily]
        storage:
          silver: {path: silver/orders, partition_by: [dt]}
          gold: {path: /mnt/gold/orders/, format: parquet}
        slo: {dq: 0.99}
    """,
    "datasets/orders/policy_bundle.yaml": """
        schema:
          constraints:
            - {field: id, type: INT64}
            - {field: mail, type: STRING}
            - {field: kind, type: STRING}
            - {field: phone, type: STRING}
        dq:
          rules:
            - {kind: not_null, field: id}
            - {kind: accepted_values, field: kind, values: [web, shop]}
            - {kind: accepted_values, field: phone, values: [none]}
        pii: {detection: [{pattern: EMAIL, columns: [mail], action: mask},
                          {pattern: PHONE, columns: [phone], action: none}]}
    """,
    "datasets/items/dataset.yaml": """
        urn: urn:dp:shop:items:v2
        owner_team: sales
        tier: TIER_2
        storage: {gold: "s3://lake/items"}
    """,
    "datasets/plain/dataset.yaml": "{urn: ds://shop/plain, owner_team: sales, tier: TIER_3}",
    "jobs/daily.yaml": """
        owner: sales
        entrypoint: jobs/daily.py
        inputs: [items, {dataset: "ds://shop/plain"}]
        outputs: [{dataset: orders, stage: gold, mode: overwrite}, "urn:dp:shop:items:v2"]
        schedule: "02:00 ET daily"
        retries: 2
        env: {A: 1, B: x, T: "{{ target.name }}", DB: "{{ env_var('PW') }}"}
        args: ["--date", 3]
    """,
    "datasets/plain/freshness_policy.yaml": """
        dataset: ds://shop/plain
        freshness_policy: {max_delay_seconds: 60}
    """,
}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PW", "very secret")
    monkeypatch.setenv("PII", "also secret")
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_the_manifest_says_all_that_a_run_needs(root: Path) -> None:
    compiled = compile_project(load(root), now=NOW)
    assert compiled.errors == ()
    manifest = compiled.manifest
    assert codec.decode(codec.canonical(manifest), Manifest) == manifest
    orders = manifest.datasets["urn:dp:shop:orders"]
    assert orders.paths == {"silver": str(root / "lake/silver/orders"), "gold": "/mnt/gold/orders"}
    assert orders.formats == {"silver": "delta", "gold": "parquet"}
    assert orders.format == "parquet"
    assert orders.partition_by == {"silver": ("dt",)}
    assert orders.aliases == ("orders.created", "wh/orders", "orders_v1")
    assert (orders.acted, orders.acts_on_all_strings) == (("mail",), False)
    assert (orders.tier, orders.tags, orders.slo) == (1, ("daily",), {"dq": 0.99})
    assert orders.accepted_values == {"kind": ("web", "shop")}
    assert orders.digest == compiled.policies["orders"].digest
    assert orders.policy == "policies/orders.json"
    plain = manifest.datasets["urn:dp:shop:plain"]
    assert plain.paths["bronze"] == str(root / "lake/bronze/shop__plain")
    assert plain.slo == {"freshness": {"max_delay_seconds": 60}}
    assert plain.files[-1] == "datasets/plain/freshness_policy.yaml"
    assert manifest.datasets["urn:dp:shop:items:v2"].paths == {"gold": "s3://lake/items"}


def test_jobs_are_resolved(root: Path) -> None:
    job = compile_project(load(root), now=NOW).manifest.jobs["daily"]
    assert job.inputs == ("urn:dp:shop:items:v2", "urn:dp:shop:plain")
    assert job.outputs == ("urn:dp:shop:orders#gold", "urn:dp:shop:items:v2#gold")
    assert job.modes == {"urn:dp:shop:orders#gold": "overwrite"}
    assert (job.retries, job.args) == (2, ("--date", "3"))
    assert job.env == {"A": "1", "B": "x", "T": "dev"}


def test_a_secret_of_a_job_is_named_not_kept(root: Path) -> None:
    compiled = compile_project(load(root), now=NOW)
    assert compiled.manifest.jobs["daily"].env_from == {"DB": "PW"}
    assert b"very secret" not in codec.encode(compiled.manifest)
    path = root / "jobs/daily.yaml"
    text = path.read_text().replace("{{ env_var('PW') }}", "pg://u:{{ env_var('PW') }}@h")
    path.write_text(text.replace('["--date", 3]', """["--pw", "{{ env_var('PW') }}"]"""))
    found = compile_project(load(root), now=NOW).errors
    assert [(p.code, p.line) for p in found] == [("SF263", 8), ("SF263", 9)]


def test_no_secret_enters_the_manifest(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = compile_project(load(root), now=NOW).manifest
    assert b"very secret" not in codec.encode(manifest)
    assert manifest.target.bus["sasl_password"] == {"env": "PW"}
    assert manifest.target.settings["pii_key"] == {"env": "PII"}
    project = load(root)
    monkeypatch.delenv("PW")
    assert "sasl_password" not in compile_project(project, now=NOW).manifest.target.bus


def test_the_same_sources_give_the_same_bytes(root: Path) -> None:
    first = compile_project(load(root), now=NOW)
    second = compile_project(load(root), now=datetime(2027, 1, 1, tzinfo=UTC))
    assert first.policies == second.policies
    assert first.manifest.digest == second.manifest.digest
    assert [codec.canonical(p) for p in first.policies.values()] == [
        codec.canonical(p) for p in second.policies.values()
    ]


def test_the_source_digest_follows_the_files(root: Path) -> None:
    entry = compile_project(load(root), now=NOW).manifest.datasets["urn:dp:shop:orders"]
    assert source_digest(root, entry.files) == entry.source_digest
    file = root / "datasets/orders/policy_bundle.yaml"
    file.write_text(file.read_text() + "\n# a word\n")
    assert source_digest(root, entry.files) != entry.source_digest
    file.unlink()
    assert source_digest(root, entry.files) != entry.source_digest


def test_a_selection_compiles_only_what_it_names(root: Path) -> None:
    compiled = compile_project(load(root), {"orders"}, now=NOW)
    assert list(compiled.policies) == ["orders"]
    assert list(compiled.manifest.datasets) == ["urn:dp:shop:orders"]
    assert list(compiled.manifest.jobs) == ["daily"]


def test_paths_are_made_absolute_from_the_lake() -> None:
    assert located("/lake", "./a/b/") == "/lake/a/b"
    assert located("s3://lake/", "a") == "s3://lake/a"
    assert located("/lake", "s3://other/a/") == "s3://other/a"
    assert located("/lake", "/abs") == "/abs"


def test_a_bundle_alone_is_enough_to_check_a_file(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("dq: {rules: [{kind: not_null, field: a}, {kind: range, field: b, min: 1}]}\n")
    policy, problems = policy_for_check(file)
    assert (policy.dataset_urn, len(policy.rules), problems) == ("urn:dp:file:policy", 2, ())
    with pytest.raises(SpecError) as caught:
        policy_for_check(file, ("a",))
    assert [str(p).splitlines()[0] for p in caught.value.problems] == [
        f"{file}:1:63 SF204 unknown column 'b'"
    ]
    file.write_text("dq: 5")
    with pytest.raises(SpecError):
        policy_for_check(file)

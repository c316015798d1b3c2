"""`sfctl compile` as a user sees it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sfctl.certification.signature import sign, verify
from sfctl.certification.signing_key import SigningKey
from sfctl.commands.compile import compile as compile_verb
from sfctl.errors import PolicyRejected, SpecError, UsageError
from sfctl.model import codec
from sfctl.report.outcome import Outcome

NOW = datetime(2026, 1, 2, tzinfo=UTC)
LATER = datetime(2026, 1, 3, tzinfo=UTC)
ORG = SigningKey(b"o" * 32)
BUNDLE = "schema: {{constraints: [{{field: id, type: INT64}}]}}\ndq: {{rules: [{rules}]}}\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "sfctl.yml").write_text(
        "name: shop\n"
        "targets:\n"
        "  default: dev\n"
        "  dev: {environment: dev, lake: ./lake}\n"
        f"  prod: {{environment: prod, lake: ./prod, trusted_keys: '{ORG.public}'}}\n"
    )
    for name in ("orders", "items"):
        folder = tmp_path / "datasets" / name
        folder.mkdir(parents=True)
        (folder / "dataset.yaml").write_text(
            f"{{urn: ds://shop/{name}, owner_team: sales, tier: TIER_3}}\n"
        )
    write(tmp_path, "orders", "{kind: not_null, field: id}")
    write(tmp_path, "items", "{kind: range, field: id, min: 1}")
    return tmp_path


def write(root: Path, name: str, rules: str) -> None:
    (root / f"datasets/{name}/policy_bundle.yaml").write_text(BUNDLE.format(rules=rules))


def run(root: Path, *select: str, target: str | None = None, now: datetime = NOW) -> Outcome:
    return compile_verb(select, project_dir=root, target=target, now=now)


def changes(outcome: Outcome) -> dict[str, str]:
    return {row["name"]: row["change"] for row in outcome.payload["datasets"]}


def content(root: Path) -> dict[str, bytes]:
    files = (p for p in (root / "target").rglob("*") if p.is_file() and p.name != ".lock")
    return {str(p.relative_to(root)): p.read_bytes() for p in files}


def test_it_says_what_is_new_changed_and_the_same(root: Path) -> None:
    first = run(root)
    assert changes(first) == {"items": "new", "orders": "new"}
    assert first.text.endswith("signed for development: 2 new, 0 changed, 0 same.")
    assert first.exit_code == 0
    json.dumps(first.payload)
    before = content(root)
    assert changes(run(root, now=LATER)) == {"items": "same", "orders": "same"}
    assert content(root) == before
    write(root, "orders", "")
    assert changes(run(root, now=LATER)) == {"items": "same", "orders": "changed"}


def test_every_policy_is_signed_for_development(root: Path) -> None:
    run(root)
    target = root / "target/policies"
    found = verify(
        (target / "orders.json").read_bytes(),
        (target / "orders.sig").read_bytes(),
        trusted_keys=(),
        environment="dev",
    )
    assert found.by == "dev"
    assert (root / ".sfctl/keys/dev.ed25519").stat().st_mode & 0o777 == 0o600


def test_errors_leave_everything_as_it_was(root: Path) -> None:
    run(root)
    before = content(root)
    write(root, "orders", "{kind: not_null, field: idd}, {kind: range, field: id, min: x}")
    write(root, "items", "{kind: range, field: id, min: 2}")
    with pytest.raises(SpecError) as caught:
        run(root)
    assert [p.code for p in caught.value.problems] == ["SF204", "SF205"]
    assert content(root) == before


def test_a_selection_leaves_the_others_alone(root: Path) -> None:
    run(root)
    write(root, "orders", "{kind: not_null, field: idd}")
    write(root, "items", "{kind: range, field: id, min: 2}")
    orders = content(root)["target/policies/orders.json"]
    assert changes(run(root, "items")) == {"items": "changed"}
    assert content(root)["target/policies/orders.json"] == orders
    manifest = json.loads(content(root)["target/manifest.json"])
    assert set(manifest["datasets"]) == {"urn:dp:shop:orders", "urn:dp:shop:items"}
    with pytest.raises(SpecError):
        run(root, "orders")


def test_only_what_was_modified_may_be_selected(root: Path) -> None:
    with pytest.raises(UsageError):
        run(root, "state:modified")
    run(root)
    write(root, "items", "{kind: range, field: id, min: 2}")
    assert changes(run(root, "state:modified")) == {"items": "changed"}


def test_a_selection_of_another_target_is_refused(root: Path) -> None:
    run(root)
    with pytest.raises(UsageError, match="compiled for `dev`"):
        run(root, "items", target="prod")


def test_a_dataset_that_is_gone_leaves_target(root: Path) -> None:
    run(root)
    for file in (root / "datasets/items").iterdir():
        file.unlink()
    (root / "datasets/items").rmdir()
    outcome = run(root)
    assert outcome.payload["removed"] == ["items"]
    assert "target/policies/items.json" not in content(root)
    assert "target/policies/items.sig" not in content(root)


def test_prod_keeps_the_organisations_signature_and_makes_none(root: Path) -> None:
    outcome = run(root, target="prod")
    assert {row["signed"] for row in outcome.payload["datasets"]} == {None}
    assert "drafts on prod" in outcome.text
    assert not (root / ".sfctl").exists()
    for row in outcome.payload["datasets"]:
        made = sign(row["digest"], ORG, "org", NOW, dataset=row["urn"], version=row["version"])
        (root / f"target/policies/{row['name']}.sig").write_bytes(codec.encode(made))
    write(root, "items", "{kind: range, field: id, min: 2}")
    outcome = run(root, target="prod")
    items, orders = outcome.payload["datasets"]
    assert (items["signed"], orders["signed"]) == ("org", "org")
    assert (items["draft"]["because"], orders["draft"]) == ("unapproved", None)
    assert items["digest"] != items["draft"]["digest"]
    assert "SF350 the source says otherwise for items" in outcome.text
    assert {"target/policies/items.sig", "target/drafts/items.json"} <= content(root).keys()


def test_a_development_key_that_cannot_be_used_is_told(root: Path) -> None:
    key = root / ".sfctl/keys/dev.ed25519"
    key.parent.mkdir(parents=True)
    key.write_text("nonsense")
    key.chmod(0o600)
    with pytest.raises(PolicyRejected):
        run(root)
    assert content(root) == {}


def test_types_that_nobody_declared_are_told(root: Path) -> None:
    (root / "datasets/orders/policy_bundle.yaml").write_text(
        "contract_lite: {required_fields: [a, b, c], invariants: ['a > 1', 'c IS NOT NULL']}\n"
    )
    outcome = run(root)
    assert [row["unverified"] for row in outcome.payload["datasets"]] == [[], ["a"]]
    assert "1 column has a type that nobody declared" in outcome.text


def test_hints_are_told_beside_the_result(root: Path) -> None:
    write(root, "orders", "{kind: not_null, field: id}, {kind: not_null, field: id}")
    outcome = run(root)
    assert [w["code"] for w in outcome.payload["warnings"]] == ["SF224"]
    assert len(outcome.notes) == len(outcome.findings) == 1

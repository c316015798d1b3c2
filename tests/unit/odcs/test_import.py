"""An import into a repo that has its own words: merged, never overwritten unasked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sfctl.cli import main
from sfctl.odcs import intake
from sfctl.odcs.contract import parsed
from sfctl.odcs.facts import RULES
from tests.unit.odcs import mutations
from tests.unit.odcs.shop import Shop

DATASET = """\
# ours, and dear to us
urn: ds://sales/orders   # the one
owner_team: orders-people
tier: TIER_1
"""
POLICY = """\
# what we know
version: 4
schema:
  mode: strict   # since March
  constraints:
  - {field: order_id, type: STRING, nullable: false, description: ours}  # never null
  - {field: note, type: STRING}
dq:
  rules:
  # gifts have no price
  - {kind: range, field: total, min: 0, where: "gift IS NOT TRUE"}
"""
COLUMN = {"name": "order_id", "logicalType": "string", "required": True, "description": "theirs"}
TOTAL = {"name": "total", "logicalType": "number", "physicalType": "decimal(12,2)"}


def contract(*columns: dict[str, Any], version: str = "1", **more: Any) -> dict[str, Any]:
    head = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "dc:orders", "status": "active"}
    table = {"name": "orders", "properties": [*columns], **more}
    return {**head, "version": version, "schema": [table]}


def rules(shop: Shop) -> list[Any]:
    return [value for key, value in shop.facts("orders").items() if key[:-1] == RULES]


def test_an_import_adds_and_leaves_every_word_that_was_there(shop: Shop) -> None:
    shop.put("orders", DATASET, POLICY)
    gift = {"name": "gift", "logicalType": "boolean"}
    taken = shop.take(contract(COLUMN, TOTAL, gift, description="One row an order."))
    assert [each["change"] for each in taken["datasets"]] == ["updated"]
    dataset = (shop.root / "datasets/orders/dataset.yaml").read_text()
    assert dataset == DATASET + "description: One row an order.\n"
    policy = (shop.root / "datasets/orders/policy_bundle.yaml").read_text()
    lines = policy.splitlines()
    assert [line for line in POLICY.splitlines() if line not in lines] == []
    assert '  - {field: total, type: "DECIMAL(12,2)"}' in lines
    found = shop.read("datasets/orders/policy_bundle.yaml")
    assert found["schema"]["constraints"][0]["description"] == "ours"
    assert found["contract_lite"] == {"required_fields": ["order_id"]}
    assert found["contract"]["source"] == "contracts/dc_orders.odcs.yaml#orders"
    shop.say("validate", "--strict")


def test_a_dry_run_shows_the_difference_and_writes_nothing(shop: Shop) -> None:
    shop.put("orders", DATASET, POLICY)
    file = shop.root / "c.json"
    file.write_text(json.dumps(contract(COLUMN, TOTAL, {"name": "gift"})))
    before = {p: p.read_bytes() for p in shop.root.rglob("*") if p.is_file()}
    out, _ = shop.say("import", "odcs", str(file), "--dry-run")
    assert '+  - {field: total, type: "DECIMAL(12,2)"}' in out
    assert "--- datasets/orders/policy_bundle.yaml" in out
    assert "+++ contracts/dc_orders.odcs.yaml" in out
    assert "2 files would be written" in out
    assert {p: p.read_bytes() for p in shop.root.rglob("*") if p.is_file()} == before


def test_what_both_say_differently_has_to_be_decided(shop: Shop) -> None:
    shop.put(
        "orders", DATASET, POLICY.replace("field: note, type: STRING", "field: total, type: DOUBLE")
    )
    document = contract(COLUMN, TOTAL, {"name": "gift"})
    before = (shop.root / "datasets/orders/policy_bundle.yaml").read_text()
    problem = shop.take(document, code=2)["problems"][0]
    assert problem["code"] == "SF287"
    assert "DOUBLE" in problem["message"]
    assert "DECIMAL(12,2)" in problem["message"]
    assert (shop.root / "datasets/orders/policy_bundle.yaml").read_text() == before
    assert not (shop.root / "contracts").exists()
    assert shop.take(document, "--dry-run")["conflicts"][0]["line"] == 1
    kept = shop.take(document, "--keep")["datasets"][0]["kept"]
    assert [each["fact"] for each in kept] == ["policy.schema.constraints: total"]
    shop.take(document, "--replace")
    types = {
        c["field"]: c.get("type")
        for c in shop.read("datasets/orders/policy_bundle.yaml")["schema"]["constraints"]
    }
    assert types["total"] == "DECIMAL(12,2)"


def test_a_new_version_brings_what_changed_and_takes_what_went(shop: Shop) -> None:
    options = {**TOTAL, "logicalTypeOptions": {"minimum": 0}}
    shop.take(contract(COLUMN, options))
    path = shop.root / "datasets/orders/policy_bundle.yaml"
    mine = "    - {kind: length, field: order_id, max: 9}  # mine\n"
    path.write_text(path.read_text() + mine)
    assert len(rules(shop)) == 2
    newer = {**TOTAL, "logicalTypeOptions": {"minimum": 1}, "required": True}
    shop.take(contract(COLUMN, newer, version="1.1.0"))
    assert [rule["kind"] for rule in rules(shop)] == ["length", "range"]
    assert [rule.get("min") for rule in rules(shop)] == [None, 1]
    assert mine in path.read_text()
    found = shop.read("datasets/orders/policy_bundle.yaml")
    assert found["contract"]["version"] == "1.1.0"
    assert found["contract_lite"]["required_fields"] == ["order_id", "total"]
    assert shop.take(contract(COLUMN, newer, version="1.1.0"))["files"] == []


@pytest.mark.parametrize("mine", ["min: 2}", "min: 0, where: total > 1}", ""])
def test_a_rule_that_both_changed_has_to_be_decided(shop: Shop, mine: str) -> None:
    def said(least: int) -> object:
        options = {"minimum": least}
        return contract(COLUMN, {**TOTAL, "logicalTypeOptions": options}, version=f"1.{least}.0")

    shop.take(said(0))
    path = shop.root / "datasets/orders/policy_bundle.yaml"
    rule = "{kind: range, field: total, "
    before = path.read_text()
    assert rule + "min: 0}" in before
    own = before.replace(f"    - {rule}min: 0}}\n", f"    - {rule}{mine}\n" if mine else "")
    path.write_text(own if mine else own.replace("  rules:\n", ""))
    was = path.read_text()
    (problem,) = shop.take(said(5), code=2)["problems"]
    assert problem["code"] == "SF287"
    assert ("is gone here" in problem["message"]) == (not mine)
    assert path.read_text() == was
    shop.take(said(5), "--keep")
    assert rule + "min: 5}" not in path.read_text()
    shop.take(said(6), "--replace")
    assert [(r["kind"], r["min"]) for r in rules(shop)] == [("range", 6)]


def test_what_a_person_took_out_stays_out(shop: Shop) -> None:
    document = contract(COLUMN, {**TOTAL, "logicalTypeOptions": {"minimum": 0}})
    shop.take(document)
    path = shop.root / "datasets/orders/policy_bundle.yaml"
    path.write_text(
        "\n".join(
            x for x in path.read_text().splitlines() if "range" not in x and x.strip() != "rules:"
        )
        + "\n"
    )
    again = shop.take(document)
    assert again["files"] == []
    assert again["datasets"][0]["kept"][0]["theirs"]["kind"] == "range"
    assert {"schema[0].properties[1].logicalTypeOptions.minimum"} & {
        x["path"] for x in again["left"]
    }
    shop.take(document, "--replace")
    assert [rule["kind"] for rule in rules(shop)] == ["range"]


def test_a_rule_that_the_compiler_refuses_is_left_and_told(shop: Shop) -> None:
    low = {
        "name": "a",
        "logicalType": "integer",
        "logicalTypeOptions": {"minimum": 5, "maximum": 1},
    }
    odd = {"name": "b", "logicalType": "string", "logicalTypeOptions": {"pattern": "(?=x)y"}}
    day = {"name": "c", "logicalType": "date", "logicalTypeOptions": {"minimum": "tomorrow"}}
    document = contract(low, odd, day)
    taken = shop.take(document)
    told = {each["path"]: each["reason"] for each in taken["left"]}
    for path in (
        "[0].logicalTypeOptions.minimum",
        "[1].logicalTypeOptions.pattern",
        "[2].logicalTypeOptions.minimum",
    ):
        assert "the compiler refuses it" in told[f"schema[0].properties{path}"]
    assert rules(shop) == []
    shop.say("validate")
    assert shop.give("orders") == document, "what was refused stays in the contract"
    assert shop.take(document)["files"] == []


def test_a_contract_runs_no_template_here(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "hunter2")
    mark = "{{ env_var('SECRET') }}"
    column = {"name": "a", "logicalType": "string", "description": mark, "tags": [mark]}
    listed = {"metric": "invalidValues", "arguments": {"validValues": [mark]}, "mustBe": 0}
    bad = {"name": mark, "logicalType": "string", "required": True}
    document = contract({**column, "quality": [listed]}, bad, description=mark, version=mark)
    document |= {"id": "x", "team": {"name": mark}, "description": {"purpose": mark}}
    taken = shop.take(document)
    for path in (shop.root / "datasets").rglob("*.yaml"):
        assert "{{" not in path.read_text()
    told = {each["path"]: each["reason"] for each in taken["left"]}
    for path in (
        "version",
        "team.name",
        "description.purpose",
        "schema[0].description",
        "schema[0].properties[0].description",
        "schema[0].properties[1].name",
    ):
        assert "as a template" in told[path]
    shop.say("validate")
    assert shop.give("orders") == document, "and comes out as it went in"
    assert shop.take(document)["files"] == []
    document["schema"][0]["name"] = mark
    assert shop.take(document, code=2)["error"]["code"] == "SF288"


def test_every_part_is_taken_or_told(shop: Shop) -> None:
    """Each leaf of a document is below a part that a fact came from, or below one that is left."""
    for document in mutations.documents().values():
        if not document.get("schema"):
            continue
        taken = shop.take(document, "--dry-run", "--replace")
        known = {each["path"] for each in taken["left"]}
        for dataset in taken["datasets"]:
            for fact in dataset["mapped"]:
                known |= set(fact["from"])
        silent = [leaf for leaf in _leaves(document) if not _covered(leaf, known)]
        assert {leaf.rpartition(".")[2] for leaf in silent} <= SILENT, silent


SILENT = {
    "apiVersion", "kind", "name", "physicalName", "logicalType", "required", "unique", "primaryKey",
    "primaryKeyPosition", "partitioned", "classification", "properties", "quality", "type",
    "required[0]",
}  # fmt: skip
"""Keys that say nothing to enforce: the head of a document, `false`, public, empty lists, what
a property says of itself already."""


def test_tables_of_one_contract_become_datasets_that_refer_to_each_other(shop: Shop) -> None:
    document = mutations.documents()["orders-3.1.yaml"]
    names = ("--name", "orders=shop_orders", "--name", "customers=people")
    shop.take(document, *names, "--zone", "retail", "--owner", "us", "--tier", "TIER_2")
    found = shop.read("datasets/shop_orders/dataset.yaml")
    assert (found["urn"], found["owner_team"], found["tier"]) == (
        "ds://retail/shop_orders", "checkout-team", "TIER_2",
    )  # fmt: skip
    key = [
        v
        for k, v in shop.facts("shop_orders").items()
        if k[:-1] == RULES and v["kind"] == "foreign_key"
    ]
    assert key[0]["references"] == {"dataset": "urn:dp:retail:people", "field": "id"}
    shop.say("validate")
    assert shop.give("shop_orders", "people") == document
    assert shop.take(document)["files"] == [], "who is which table is remembered"


def test_broken_files_of_the_repo_stop_an_import(shop: Shop) -> None:
    shop.put("orders", DATASET, "dq: {rules: 5}\n")
    problem = shop.take(contract(COLUMN), code=2)["problems"][0]
    assert (problem["path"], problem["code"]) == ("datasets/orders/policy_bundle.yaml", "SF112")
    shop.put("orders", DATASET, "dq: [\n")
    assert shop.take(contract(COLUMN), code=2)["problems"][0]["code"] == "SF101"
    assert not (shop.root / "contracts").exists()


def test_two_contracts_of_one_name_are_kept_apart(shop: Shop) -> None:
    one = shop.take({**contract(COLUMN), "id": "a.b"}, "--name", "one")["contract"]["kept_in"]
    other = shop.take({**contract(COLUMN), "id": "a-b"}, "--name", "two")["contract"]["kept_in"]
    assert (one, other) == ("contracts/a_b.odcs.yaml", "contracts/a_b_2.odcs.yaml")


def test_a_file_that_changes_meanwhile_is_not_overwritten(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.put("orders", DATASET, POLICY)
    before = intake.edited

    def slow(text: str, edits: Any) -> str:
        made = before(text, edits)
        (shop.root / "datasets/orders/dataset.yaml").write_text(DATASET + "tags: [quick]\n")
        return made

    monkeypatch.setattr(intake, "edited", slow)
    document = contract(COLUMN, TOTAL, {"name": "gift"}, description="x")
    error = shop.take(document, code=3)["error"]
    assert "changed while" in error["message"]
    assert (shop.root / "datasets/orders/policy_bundle.yaml").read_text() == POLICY
    assert [p.name for p in (shop.root / "datasets/orders").iterdir() if p.name[0] == "."] == []


@pytest.mark.parametrize("survive", [0, 1, 2, 3, 4])
def test_an_import_that_is_cut_short_is_ended_by_the_next(
    survive: int, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = contract(COLUMN, {**TOTAL, "logicalTypeOptions": {"minimum": 0}}, description="old")
    newer = contract(COLUMN, {**TOTAL, "logicalTypeOptions": {"minimum": 5}}, description="new")
    for table in (older, newer):
        table["schema"].append({"name": "others", "properties": [COLUMN]})
    newer["schema"][1]["properties"] = [COLUMN, {"name": "more", "logicalType": "string"}]
    replace, done = Path.replace, 0

    def failing(draft: Path, path: Path) -> Path:
        nonlocal done
        done += 1
        if done > survive:
            raise OSError(28, "No space left on device")
        return replace(draft, path)

    for document in (older, newer):
        done = 0
        with monkeypatch.context() as patched:
            patched.setattr(Path, "replace", failing)
            (shop.root / "c.json").write_text(json.dumps(document))
            words = ["import", "odcs", str(shop.root / "c.json"), "--project-dir", str(shop.root)]
            assert main(words) == (3 if done > survive else 0)
        shop.take(document)
        assert shop.take(document)["files"] == []
        assert shop.give("orders", "others") == document
    assert [rule["min"] for rule in rules(shop)] == [5]
    assert not [p for p in shop.root.rglob(".*") if p.is_file() and p.parent.name != ".sfctl"]


def _leaves(value: Any, path: str = "") -> list[str]:
    if isinstance(value, dict) and value:
        return [leaf for k, v in value.items() for leaf in _leaves(v, f"{path}.{k}" if path else k)]
    if isinstance(value, list) and value:
        return [leaf for i, v in enumerate(value) for leaf in _leaves(v, f"{path}[{i}]")]
    return [path]


def _covered(leaf: str, known: set[str]) -> bool:
    return any(leaf == path or leaf.startswith((f"{path}.", f"{path}[")) for path in known)


def test_line_ends_of_files_stay_what_they_are(shop: Shop) -> None:
    shop.put("orders", DATASET.replace("\n", "\r\n"), POLICY.replace("\n", "\r\n"))
    document = json.dumps(contract(COLUMN, TOTAL), indent=1).replace("\n", "\r\n")
    given = shop.root / "given.json"
    given.write_bytes(document.encode())
    assert len(shop.ask("import", "odcs", str(given))["files"]) == 2
    policy = (shop.root / "datasets/orders/policy_bundle.yaml").read_bytes()
    assert policy.count(b"\n") == policy.count(b"\r\n") > POLICY.count("\n")
    assert (shop.root / "contracts/dc_orders.odcs.yaml").read_bytes() == document.encode()
    assert shop.ask("import", "odcs", str(given))["files"] == []


def test_a_kept_contract_that_is_none_any_more_is_put_back(shop: Shop) -> None:
    shop.take(contract(COLUMN))
    kept = shop.root / "contracts/dc_orders.odcs.yaml"
    before = kept.read_bytes()
    kept.write_bytes(b"\xff\xfe\x00")
    assert shop.take(contract(COLUMN))["files"] == ["contracts/dc_orders.odcs.yaml"]
    assert kept.read_bytes() == before


def test_a_zone_that_no_urn_has_is_refused(shop: Shop) -> None:
    shop.take(contract(COLUMN), "--zone", "Bad Zone", code=2)
    assert not (shop.root / "datasets").exists()


def test_a_column_without_a_name_is_left(shop: Shop) -> None:
    nameless = {"name": "", "logicalType": "string", "required": True, "primaryKey": True}
    taken = shop.take(contract(COLUMN, nameless))
    assert ("schema[0].properties[1]", "it has no name") in [
        (each["path"], each["reason"]) for each in taken["left"]
    ]
    shop.say("validate")


def test_a_contract_of_many_tables_is_read_once(shop: Shop) -> None:
    document = contract(COLUMN)
    document["schema"] = [{**document["schema"][0], "name": f"t{n}"} for n in range(5)]
    shop.take(document)
    parsed.cache_clear()
    found = shop.ask("export", "odcs")
    assert len(found["documents"][0]["datasets"]) == 5
    assert parsed.cache_info().misses == 1

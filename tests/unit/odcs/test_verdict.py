"""An imported contract judges as the same policy written by hand; its evidence names it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sfctl.cli import main
from sfctl.compiler.check import policy_for_check
from sfctl.runtime.core.contract_details import contract_details
from sfctl.runtime.core.judge import judge as judge_rows
from sfctl.runtime.core.sources import FrameSource
from tests.unit.odcs.shop import Shop

NOW = datetime(2026, 1, 1, tzinfo=UTC)

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: dc:orders.created
version: "3"
status: active
schema:
  - name: orders
    properties:
      - {name: id, logicalType: integer, physicalType: bigint, required: true, primaryKey: true}
      - name: currency
        logicalType: string
        quality: [{metric: invalidValues, arguments: {validValues: [EUR, USD]}, mustBe: 0}]
      - name: total
        logicalType: number
        physicalType: double
        logicalTypeOptions: {minimum: 0, exclusiveMaximum: 1000}
      - {name: code, logicalType: string, logicalTypeOptions: {pattern: "^[A-Z]{3}$", maxLength: 3}}
      - name: email
        logicalType: string
        classification: pii
        logicalTypeOptions: {format: email}
        quality:
          - {metric: nullValues, mustBeLessOrEqualTo: 50, unit: percent, severity: warning}
          - {metric: invalidValues, arguments: {validValues: [a@x.example]}, mustBe: 0}
    quality:
      - {metric: rowCount, mustBeGreaterThan: 1}
      - {metric: duplicateValues, mustBe: 0, arguments: {properties: [currency, code]}}
"""
BY_HAND = """\
schema:
  constraints:
    - {field: id, type: INT64}
    - {field: currency, type: STRING}
    - {field: total, type: DOUBLE}
    - {field: code, type: STRING}
    - {field: email, type: STRING}
contract_lite: {required_fields: [id]}
contract:
  id: dc:orders.created
  version: 3
  rules:
    - {kind: unique, field: id}
    - {kind: accepted_values, field: currency, values: [EUR, USD]}
    - {kind: range, field: total, min: 0, exclusive_max: 1000}
    - {kind: length, field: code, max: 3}
    - {kind: pattern, field: code, pattern: "[A-Z]{3}"}
    - {kind: format, field: email, format: email}
    - {kind: null_rate, field: email, max: "50%", severity: warn}
    - {kind: accepted_values, field: email, values: [a@x.example]}
    - {kind: row_count, min: 2}
    - {kind: unique, fields: [currency, code], nulls: distinct}
pii:
  detection:
    - {pattern: CUSTOM, name: PII, regex: "(?:.|\\\\n)+", columns: [email], action: none}
"""
GOOD = {"id": 1, "currency": "EUR", "total": 1.5, "code": "ABC", "email": "a@x.example"}
ROWS: dict[str, list[dict[str, Any]]] = {
    "good": [GOOD, {**GOOD, "id": 2, "code": "ABD"}],
    "a null": [GOOD, {**GOOD, "id": None, "code": "ABD"}],
    "another currency": [GOOD, {**GOOD, "id": 2, "currency": "CHF"}],
    "the edges": [{**GOOD, "total": 0.0}, {**GOOD, "id": 2, "total": 1000.0, "code": "ABD"}],
    "a bad code": [GOOD, {**GOOD, "id": 2, "code": "abcd"}],
    "a secret address": [GOOD, {**GOOD, "id": 2, "code": "ABD", "email": "eve@y.example"}],
    "too many nulls": [{**GOOD, "id": n, "code": f"AB{'CDE'[n]}", "email": None} for n in range(3)],
    "a copy": [GOOD, {**GOOD, "id": 2}],
    "one row": [GOOD],
    "the same id": [GOOD, {**GOOD, "code": "ABD"}],
}


def judge(shop: Shop, rows: list[dict[str, Any]], policy: Path) -> Any:
    file = shop.root / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    shop.capture.readouterr()
    code = main(["check", str(file), "--policy", str(policy), "--format", "json"])
    found = json.loads(shop.capture.readouterr().out)
    told = ("kind", "field", "status", "failed", "signature")
    found["rules"] = sorted([str(rule[key]) for key in told] for rule in found["rules"])
    kept = ("rows", "good", "bad", "verdict", "rules", "totals")
    gates = [
        {k: gate.get(k) for k in ("gate", "result", "failed", "compliance", "reason_codes")}
        for gate in found["gates"]
    ]
    return code, {key: found[key] for key in kept}, gates


@pytest.mark.parametrize("name", ROWS)
def test_the_verdict_is_that_of_the_policy_written_by_hand(name: str, shop: Shop) -> None:
    shop.take(CONTRACT)
    hand = shop.root / "hand" / "policy_bundle.yaml"
    hand.parent.mkdir()
    hand.write_text(BY_HAND)
    imported = shop.root / "datasets" / "orders" / "policy_bundle.yaml"
    one, other = (judge(shop, ROWS[name], policy) for policy in (imported, hand))
    assert one == other
    assert (one[1]["verdict"] in ("PASS", "WARN")) is (name in ("good", "too many nulls"))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("a null", {"field": "id", "constraint": "required", "actual": "null", "failed": 1}),
        (
            "another currency",
            {"field": "currency", "constraint": "accepted_values", "actual": "CHF", "failed": 1},
        ),
        ("the edges", {"field": "total", "constraint": "range", "actual": "invalid", "failed": 1}),
        (
            "a secret address",
            {"field": "email", "constraint": "accepted_values", "actual": "*", "failed": 1},
        ),
        ("one row", {"field": "*", "constraint": "row_count", "actual": "1", "failed": 1}),
        ("good", None),
    ],
)
def test_the_gate_names_the_contract_and_what_broke_it(
    name: str, told: dict[str, Any] | None, shop: Shop
) -> None:
    shop.take(CONTRACT)
    policy, _ = policy_for_check(shop.root / "datasets" / "orders" / "policy_bundle.yaml")
    assert (policy.contract_id, policy.contract_version) == ("dc:orders.created", 3)
    found = judge_rows(FrameSource(pl.DataFrame(ROWS[name])), policy, stage="gold", now=NOW)
    gate = next(each for each in found.gates if each.gate == "G4_CONTRACT")
    assert gate.details["contract_id"] == "dc:orders.created:3"
    assert gate.details["contract_version"] == 3
    rule = gate.details.get("violated_rule")
    if told is None:
        assert rule is None
    else:
        assert isinstance(rule, dict)
        assert {key: rule[key] for key in told} == told
    assert "eve" not in json.dumps(gate.details)
    assert contract_details(policy, ()) == {
        "contract_id": "dc:orders.created:3",
        "contract_version": 3,
    }

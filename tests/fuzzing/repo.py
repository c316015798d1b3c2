"""A small data repo that uses every kind of file and every kind of rule, as texts."""

from __future__ import annotations

from pathlib import Path

BUNDLE = """\
version: 3
include:
  - {pack: codes, with: {column: country}}
  - {pack: codes, with: {column: origin, codes: [US, "{{ var('home') }}"]}, as: from}
schema:
  mode: compatible
  constraints:
    - {field: id, type: STRING, nullable: false}
    - {field: total, type: "DECIMAL(12,2)", nullable: false}
    - {field: n, type: INT32}
    - {field: status, type: STRING}
    - {field: country, type: STRING}
    - {field: origin, type: STRING}
    - {field: contact, type: STRING}
    - {field: phone, type: STRING}
    - {field: created_at, type: TIMESTAMP}
    - {field: shipped_at, type: TIMESTAMP}
    - {field: place, type: "STRUCT<zip:INT32,city:STRING>"}
contract_lite:
  required_fields: [id, total]
  invariants:
    - "total > 0"
    - {id: order, expression: "shipped_at >= created_at", severity: warn, threshold: "1%"}
contract:
  id: "dc:orders"
  version: 2
  rules:
    - {kind: type, field: n, type: INT64}
    - {kind: expression, id: big, expression: "n IS NULL OR total / n < 9999"}
dq:
  rules:
    - field: status
      where: "country = 'US'"
      severity: warn
      threshold: "1%"
      tags: [form, status]
      rules:
        - not_null
        - accepted_values: &states [NEW, PAID, SENT]
        - length: {min: 3, max: 4}
        - pattern: {pattern: "[A-Z]{3,4}", severity: error}
        - upper(status) = status
    - {field: [country, origin], rules: [{length: {max: 2}}, {null_rate: "20%"}]}
    - {kind: not_accepted_values, field: status, values: [OLD, LOST]}
    - {kind: range, field: n, min: 1, max: "{{ var('most') }}", where: "status IN ('NEW')"}
    - {kind: format, field: contact, format: email}
    - {kind: unique, fields: [id, created_at], nulls: distinct}
    - {kind: duplicate_rows}
    - {kind: foreign_key, field: country, references: {dataset: "ds://ref/countries", field: code}}
    - {kind: row_count, min: 1, max: 1000000}
    - {kind: distinct_count, field: status, max: 3}
    - {kind: aggregate, field: n, function: quantile, quantile: 0.5, min: 1, max: 90}
    - {kind: freshness, field: created_at, max_age: 36h}
    - kind: expression
      expression: |
        CASE
          WHEN status = 'SENT' THEN shipped_at IS NOT NULL
          ELSE n BETWEEN 1 AND 10 OR place.zip > 0
        END
    - >
      n + 1 > 0
      AND length(id) < 20
pii:
  detection:
    - {pattern: PHONE, columns: phone, action: mask}
    - {pattern: CUSTOM, name: BADGE, regex: "B[0-9]{4}", action: none}
enforcement: {level: G2, max_quarantine_share: {silver: "5%", gold: 0.01}}
performance: {gate_timeout_ms: 10000, sampling_rate: 1.0}
"""
PACK = """\
description: Codes of countries.
parameters:
  column: column
  codes: {type: list, default: [US, CA, MX]}
include: [{pack: trimmed, with: {of: "{{ param('column') }}"}}]
rules:
  - field: "{{ param('column') }}"
    rules: [{accepted_values: "{{ param('codes') }}"}, {format: {format: hostname, id: host}}]
"""
FILES = {
    "sfctl.yml": """\
name: shop
vars: {home: CA, most: 100, deep: [1, 2]}
targets:
  default: dev
  dev: {environment: dev, lake: ./lake, vars: {most: 50}, bus: {type: embedded}}
  prod: {environment: prod, lake: "s3://lake", pii_key: {env: SHOP_KEY}}
""",
    "datasets/orders/dataset.yaml": """\
urn: "ds://shop/orders"
owner_team: sales
tier: TIER_2
storage: {silver: silver/orders, gold: {path: gold/orders, format: delta, partition_by: [country]}}
slo:
  freshness: {expected_update_by: "02:00 ET daily", grace_period: "30m"}
  volume: {min_rows_per_partition: 10, anomaly_threshold_pct: 40}
  dq: {threshold: "99%"}
primary_key: [id]
aliases: [orders_v1, {namespace: kafka, name: orders}]
tags: [shop]
""",
    "datasets/orders/policy_bundle.yaml": BUNDLE,
    "datasets/plain/dataset.yaml": "{urn: ds://shop/plain, owner_team: sales, tier: TIER_3}\n",
    "datasets/plain/policy_bundle.yaml": """\
schema: {constraints: [{field: a, type: INT8}, {field: b, type: BOOLEAN}]}
dq: {rules: ["a > 1 OR b", {kind: not_null, field: a, threshold: 3}]}
""",
    "packs/codes.yaml": PACK,
    "packs/trimmed.yaml": """\
parameters: {of: column}
rules: ["trim({{ param('of') }}) = {{ param('of') }}"]
""",
    "jobs/load.yaml": """\
owner: sales
runtime: python
entrypoint: jobs/load.py
args: ["--day", "{{ var('most') }}"]
env: {MODE: fast, HOME_OF: "{{ project_name }}"}
inputs: [{dataset: plain, certified: true}]
outputs: [{dataset: orders, stage: gold, mode: append}]
schedule: "0 2 * * *"
retries: 2
timeout: 1h30m
""",
    "policies/minimum.yaml": """\
version: 1
tiers:
  TIER_2: {schema_mode: compatible, max_threshold: "5%", enforcement: {level: G1}}
""",
    "expectations/finance.yaml": """\
owner_team: money
expects: [{dataset: orders, fields: [id, {field: total, type: "DECIMAL(12,2)"}], min_rows: 1}]
""",
    "lineage/shop.yaml": """\
lineage:
  - producer: orders-svc
    inputs: ["urn:dp:shop:plain"]
    outputs: ["urn:dp:shop:orders"]
    columns: [{from: [a], to: n}]
""",
}


def write(root: Path) -> None:
    """Put the repo below `root`."""
    for name, text in FILES.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

"""`sfctl validate` of a data repo with 500 datasets, each with a policy of 21 rules."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

from bench.commands import sfctl
from bench.measure import compare, run
from bench.places import DATA
from bench.results import Bound, Report, Table, ratio_table

LIMIT = 5.0
DATASETS = 500
ROUNDS = 7

PROJECT = """\
name: fleet
targets:
  default: dev
  dev: {environment: dev, lake: ./lake, bus: {type: embedded}, state: {type: embedded}}
"""
DATASET = """\
urn: "ds://curated/orders_{number}"
owner_team: "team-{team}"
tier: TIER_{tier}
storage:
  bronze: "lake/bronze/orders_{number}/"
  silver: "lake/silver/orders_{number}/"
  gold: "lake/gold/orders_{number}/"
primary_key: [order_id]
tags: [orders, "team-{team}"]
slo:
  freshness: {{expected_update_by: "02:00 ET daily", grace_period: "30m"}}
  volume: {{min_rows_per_partition: 100000, anomaly_threshold_pct: 40}}
"""
POLICY = """\
schema:
  mode: compatible
  constraints:
    - {{field: order_id, type: STRING, nullable: false}}
    - {{field: customer_id, type: STRING, nullable: false}}
    - {{field: order_total, type: "DECIMAL(12,2)", nullable: false}}
    - {{field: quantity, type: INT64, nullable: true}}
    - {{field: status, type: STRING, nullable: false}}
    - {{field: country, type: STRING, nullable: true}}
    - {{field: contact_email, type: STRING, nullable: true}}
    - {{field: agent_email, type: STRING, nullable: true}}
    - {{field: created_at, type: TIMESTAMP, nullable: false}}
    - {{field: shipped_at, type: TIMESTAMP, nullable: true}}
contract_lite:
  required_fields: [order_id, customer_id]
  invariants:
    - "order_total > 0"
    - {{id: ship_after_order, expression: "shipped_at >= created_at", severity: warn}}
dq:
  rules:
    - {{kind: not_null, field: quantity, threshold: "5%"}}
    - {{kind: accepted_values, field: status, values: [NEW, PAID, SENT, DONE, LOST]}}
    - {{kind: accepted_values, field: country, values: [US, CA, MX, GB, DE, FR]}}
    - {{kind: range, field: quantity, min: 1, max: {most}}}
    - {{kind: pattern, field: order_id, pattern: "[A-Z]{{2}}[0-9]{{6,10}}"}}
    - {{kind: format, field: agent_email, format: email}}
    - {{kind: length, field: country, min: 2, max: 2}}
    - {{kind: expression, id: big, expression: "quantity IS NULL OR order_total / quantity < 9999"}}
    - {{kind: unique, fields: [order_id]}}
    - {{kind: row_count, min: 1, max: 10000000}}
    - {{kind: null_rate, field: country, max: 0.05}}
    - {{kind: aggregate, field: quantity, function: avg, min: 1, max: 100}}
pii: {{detection: [{{pattern: EMAIL, columns: [contact_email], action: mask}}]}}
enforcement: {{level: G2, max_quarantine_share: "5%"}}
"""
JOB = """\
name: load_{number}
runtime: python
entrypoint: "jobs/load.py"
inputs:
  - {{dataset: orders_{before}, certified: true}}
outputs:
  - {{dataset: orders_{number}, stage: silver, mode: append}}
  - {{dataset: orders_{number}, stage: gold, mode: append}}
owner: "team-{team}"
"""


def run_case(quick: bool) -> Report:
    """Measure the whole process; `quick` in 3 rounds."""
    repo = _repository()
    command = sfctl("--project-dir", str(repo), "validate", "--format", "json")
    once = partial(run, command, accept=(0,))
    lines = compare({f"sfctl validate, {DATASETS} datasets": once}, 3 if quick else ROUNDS)
    files = sum(1 for path in repo.rglob("*") if path.is_file())
    size = sum(path.stat().st_size for path in repo.rglob("*") if path.is_file())
    facts = [["", "value"], ["files", str(files)], ["bytes", f"{size:,}"]]
    return Report(
        "validate",
        f"`sfctl validate` of {DATASETS} datasets",
        "One dataset and one policy of 21 rules each, a job for every fifth; whole process.",
        [ratio_table("Cold process", lines), Table("The repo", facts)],
        [Bound("wall", lines[0].wall, LIMIT, " s"), Bound("CPU", lines[0].cpu, LIMIT, " s")],
    )


def _repository() -> Path:
    repo = DATA / "fleet"
    shutil.rmtree(repo, ignore_errors=True)
    for number in range(DATASETS):
        facts = {
            "number": number,
            "before": number - 1,
            "team": number % 20,
            "tier": number % 3 + 1,
            "most": 100 + number,
        }
        _put(repo / f"datasets/orders_{number}/dataset.yaml", DATASET.format(**facts))
        _put(repo / f"datasets/orders_{number}/policy_bundle.yaml", POLICY.format(**facts))
        if number % 5 == 4:
            _put(repo / f"jobs/load_{number}.yaml", JOB.format(**facts))
    _put(repo / "jobs/load.py", "")
    _put(repo / "sfctl.yml", PROJECT)
    return repo


def _put(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)

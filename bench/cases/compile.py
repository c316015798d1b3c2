"""`sfctl compile` and `validate` of a data repo with 10,000 policies of 12 rules each."""

from __future__ import annotations

import shutil
import statistics
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench.commands import sfctl
from bench.measure import Sample, run
from bench.places import DATA
from bench.results import Bound, Report, Table

POLICIES = 10_000
QUICK = 500
MILLISECONDS = 10.0
"""CPU a policy that a compile may take."""
MEBIBYTES = 1024.0
TIMEOUT = 1800.0

PROJECT = """\
name: fleet
vars: {most: 100000, currencies: [USD, EUR, GBP, JPY]}
targets:
  default: dev
  dev: {environment: dev, lake: ./lake}
"""
PACK = """\
description: Country codes, as ISO 3166-1 writes them.
parameters:
  column: column
  codes: {type: list, default: [US, CA, MX, GB, DE, FR, IT, ES, JP, CN, IN, BR]}
rules:
  - field: "{{ param('column') }}"
    rules: [{accepted_values: "{{ param('codes') }}"}, {null_rate: {max: "20%", id: known}}]
"""
DATASET = """\
urn: "ds://curated/table_{number}"
owner_team: "team-{team}"
tier: TIER_{tier}
primary_key: [id]
tags: [curated, "team-{team}"]
slo:
  freshness: {{expected_update_by: "02:00 ET daily", grace_period: "30m"}}
"""
SCHEMA = """\
schema:
  mode: compatible
  constraints:
    - {{field: id, type: STRING, nullable: false}}
    - {{field: total, type: "DECIMAL(12,2)", nullable: false}}
    - {{field: quantity, type: INT32}}
    - {{field: status, type: STRING}}
    - {{field: currency, type: STRING}}
    - {{field: country, type: STRING}}
    - {{field: contact, type: STRING}}
    - {{field: created_at, type: TIMESTAMP}}
    - {{field: shipped_at, type: TIMESTAMP}}
"""
LONG = (
    SCHEMA
    + """\
contract_lite:
  required_fields: [id]
  invariants: ["total > 0"]
dq:
  rules:
    - {{kind: unique, field: id}}
    - {{kind: accepted_values, field: status, values: [NEW, PAID, SENT, DONE, LOST]}}
    - {{kind: range, field: quantity, min: 1, max: {most}}}
    - {{kind: length, field: country, min: 2, max: 2}}
    - {{kind: pattern, field: id, pattern: "[A-Z]{{2}}[0-9]{{6,10}}"}}
    - {{kind: format, field: contact, format: email, threshold: "1%"}}
    - {{kind: expression, id: order, expression: "shipped_at >= created_at", severity: warn}}
    - {{kind: row_count, min: 1, max: 10000000}}
"""
)
SHORT = (
    SCHEMA
    + """\
include: [{{pack: countries, with: {{column: country}}}}]
dq:
  rules:
    - field: id
      rules: [unique, {{pattern: "[A-Z]{{2}}[0-9]{{6,10}}"}}, {{length: {{max: 12}}}}]
    - field: currency
      severity: warn
      rules: [not_null, {{accepted_values: "{{{{ var('currencies') }}}}"}}]
    - {{kind: range, field: quantity, min: 1, max: "{{{{ var('most') }}}}"}}
    - "CASE WHEN status = 'SENT' THEN shipped_at >= created_at ELSE total > {number} END"
    - {{kind: freshness, field: created_at, max_age: 36h}}
"""
)


def run_case(quick: bool) -> Report:
    """Measure whole processes on a repo that is written anew; `quick` on 500 policies."""
    number = QUICK if quick else POLICIES
    repo = _repository(number)
    measured = dict(_measured(repo))
    head = ["", "n", "wall s", "CPU s", "peak MiB", "CPU ms a policy"]
    rows = [head, *(_row(name, samples, number) for name, samples in measured.items())]
    first = measured["compile, nothing there"]
    size = sum(path.stat().st_size for path in (repo / "target").rglob("*") if path.is_file())
    facts = [
        ["", "value"],
        ["policies", f"{number:,}"],
        ["rules", f"{number * 12:,}"],
        ["bytes in target/", f"{size:,}"],
    ]
    cpu = statistics.median(each.cpu for each in first) / number * 1000
    return Report(
        "compile",
        f"`sfctl compile` of {number:,} policies",
        "Twelve rules each, half of them written long, half with groups, vars and a pack; whole"
        " process, signatures and writing included. Every policy is read and judged each time:"
        " what did not change is left where it stands.",
        [Table("Whole process", rows), Table("The repo", facts)],
        [
            Bound("compile, CPU a policy", cpu, MILLISECONDS, " ms"),
            Bound("compile, peak", max(each.peak for each in first), MEBIBYTES, " MiB"),
        ],
        measured,
    )


def _measured(repo: Path) -> Iterator[tuple[str, list[Sample]]]:
    call = partial(sfctl, "--project-dir", str(repo), "--format", "json")
    compile_once = partial(run, call("compile"), timeout=TIMEOUT)
    validate_once = partial(run, call("validate"), timeout=TIMEOUT)
    shutil.rmtree(repo / "target", ignore_errors=True)
    yield "compile, nothing there", [compile_once()]
    yield "compile, nothing changed", [compile_once()]
    bundle = repo / "datasets/table_0/policy_bundle.yaml"
    bundle.write_text(f"{bundle.read_text()}    - 'quantity <> 7'\n")
    yield "compile, one policy changed", [compile_once()]
    yield "compile of one by name", [run(call("compile", "table_0"), timeout=TIMEOUT)]
    yield "validate", [validate_once()]


def _row(name: str, samples: list[Sample], number: int) -> list[str]:
    wall = statistics.median(each.wall for each in samples)
    cpu = statistics.median(each.cpu for each in samples)
    peak = max(each.peak for each in samples)
    cells = [f"{wall:.1f}", f"{cpu:.1f}", f"{peak:.0f}", f"{cpu / number * 1000:.2f}"]
    return [name, str(len(samples)), *cells]


def _repository(number: int) -> Path:
    repo = DATA / f"policies-{number}"
    shutil.rmtree(repo, ignore_errors=True)
    (repo / "packs").mkdir(parents=True)
    (repo / "sfctl.yml").write_text(PROJECT)
    (repo / "packs/countries.yaml").write_text(PACK)
    for each in range(number):
        folder = repo / f"datasets/table_{each}"
        folder.mkdir(parents=True)
        facts = {"number": each, "team": each % 40, "tier": each % 3 + 1, "most": 100 + each}
        (folder / "dataset.yaml").write_text(DATASET.format(**facts))
        text = (LONG if each % 2 == 0 else SHORT).format(**facts)
        (folder / "policy_bundle.yaml").write_text(text)
    return repo

"""A thousand known values in the data, and none of them anywhere but where the policy lets it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from sfctl import wiring
from sfctl.commands.compile import compile as compile_verb
from sfctl.evidence.port import Query
from sfctl.model import codec
from sfctl.runtime import seal
from sfctl.runtime.pii import keys
from tests.shop_rig import PROJECT, Shop

N = 250
POLICY = """
version: 1
schema:
  constraints:
    - {field: id, type: INT64}
    - {field: mail, type: STRING}
    - {field: phone, type: STRING}
    - {field: ssn, type: STRING}
    - {field: name, type: STRING}
    - {field: side, type: STRING}
dq:
  rules:
    - {kind: accepted_values, field: name, values: [Nobody], severity: warn}
    - {kind: format, field: mail, format: uuid, severity: warn}
    - {kind: pattern, field: phone, pattern: "[0-9]{3}", severity: warn}
    - {kind: length, field: ssn, max: 3, severity: warn, where: "id >= 0"}
    - {kind: unique, fields: [mail]}
    - {kind: range, field: id, min: 20}
    - {kind: custom, id: own, function: "rules:own", fields: [mail, name], severity: warn}
    - {kind: custom, id: told, function: "rules:told", fields: [mail, name], severity: warn}
pii:
  detection:
    - {pattern: EMAIL, columns: [mail], action: tokenize}
    - {pattern: PHONE, columns: [phone], action: mask}
    - {pattern: SSN, columns: [ssn], action: redact}
    - {pattern: CUSTOM, name: NAME, regex: "[A-Z][a-z]+ Q[a-z]+", columns: [name], action: tokenize}
enforcement: {level: G2, max_quarantine_share: "90%"}
"""
RULES = """
import sys
def own(batch):
    print(batch.to_pylist(), file=sys.stderr)
    raise ValueError(str(batch.to_pylist()))
def told(batch):
    print(batch.to_pylist())
    return [str(each) for each in batch.to_pylist()]
"""
JOB = """
import sys
sys.path.insert(0, {tests!r})
import sfctl as sf
import pandas as pd
from tests.integration.run.test_nothing_leaks import rows

@sf.job("plant")
def main():
    frame = pd.DataFrame(rows())
    sf.write(frame, "ds://shop/people", stage="gold", mode="overwrite")
    one = rows()[0]
    raise ValueError("cannot use %s of %s, phone %s" % (one["mail"], one["ssn"], one["phone"]))

main()
"""


def rows() -> list[dict[str, object]]:
    return [
        {
            "id": i,
            "mail": f"planted{i}.zq@mail{i}.example",
            "phone": f"+1 212 55{i % 10} {4000 + i:04d}",
            "ssn": f"{100 + i:03d}-45-{6000 + i:04d}",
            "name": f"Xavier Q{'abcdefghij'[i % 10]}zx{'klmnopqrst'[i // 10 % 10]}w{'uv'[i % 2]}",
            "side": f"10.20.{i}.7",
        }
        for i in range(N)
    ]


def planted() -> list[str]:
    return [str(row[name]) for row in rows() for name in ("mail", "phone", "ssn", "name")]


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    root = tmp_path_factory.mktemp("people")
    files = {
        "sfctl.yml": PROJECT,
        "datasets/people/dataset.yaml": "urn: ds://shop/people\nowner_team: shop\ntier: TIER_2\n"
        "storage: {gold: gold/people}\nprimary_key: [mail]\n",
        "datasets/people/policy_bundle.yaml": POLICY,
        "jobs/plant.yaml": "owner: shop\nruntime: python\nentrypoint: jobs/plant.py\n"
        "outputs: [{dataset: people, stage: gold}]\n",
        "jobs/plant.py": JOB.format(tests=str(Path(__file__).resolve().parents[3])),
        "rules.py": RULES,
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / ".sfctl").mkdir()
    keys.create(root / ".sfctl")
    seal.create_keys(root / ".sfctl")
    compile_verb(project_dir=root, target=None, now=None)
    return Shop(root)


def sfctl(shop: Shop, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sfctl", *words, "--format", "json"],
        cwd=shop.root, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_no_planted_value_is_told_kept_or_logged(people: Shop) -> None:
    done = sfctl(people, "run", "plant")
    assert done.returncode == 1, "the job's own failure"
    assert planted()[0] in done.stderr, "the job's own traceback is its author's"
    said = {"run": done.stdout}
    (written,) = json.loads(done.stdout)["writes"]
    assert (written["rows_published"], written["rows_quarantined"]) == (N - 20, 20)
    assert sfctl(people, "engine", "run").returncode in (0, 1)
    for words in (["evidence", "list"], ["quarantine", "show", "people"]):
        said[" ".join(words)] = sfctl(people, *words).stdout
    assert "JobRunFailed" in said["evidence list"]
    found = said | dict(kept(people.root))
    assert len(planted()) == 4 * N
    assert len(found) > 20
    hits = [(name, value) for name, text in found.items() for value in planted() if value in text]
    assert hits == []
    with wiring.open_bus(people.root / ".sfctl") as bus:
        gates = [event.event for event in bus.query(Query(kind="GATE"))]
    (pii,) = [gate for gate in gates if "G5_PII" in json.dumps(codec.plain(gate))]
    assert '"advised": [{"column": "side", "kind": "IP"}]' in json.dumps(codec.plain(pii))


def kept(root: Path) -> Iterator[tuple[str, str]]:
    """Yield everything the project keeps, tables as the text of their cells."""
    for path in sorted(root.rglob("*")):
        if not path.is_file() or path.suffix in (".py", ".yaml", ".yml"):
            continue
        if path.suffix == ".parquet":
            frame = pl.read_parquet(path)
            yield str(path), json.dumps(frame.to_dicts(), default=str, ensure_ascii=False)
        else:
            yield str(path), path.read_bytes().decode("utf-8", "replace")

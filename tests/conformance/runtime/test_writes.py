"""Every whole write from pandas, Arrow and Spark: one answer, table, quarantine and evidence."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import sfctl as sf
from sfctl import wiring
from sfctl.model import codec
from sfctl.runtime import seal
from sfctl.runtime.publishing.quarantine import Quarantine, quarantine_path
from tests.conformance.runtime import spark_carrier
from tests.conformance.runtime.carriers import frame_of
from tests.conformance.runtime.casebook import Rows
from tests.conformance.runtime.writebook import ZONE, Step, WriteCase, cases, make_project
from tests.shop_rig import Shop, copy_shop

CASES = {f"{case.file}/{case.id}": case for case in cases()}
OWN = {"run_id", "write_key", "evidence", "quarantine_table", "fingerprints_computed"}
"""What names a run and what it remembered, not what came of it."""
OF_WRITES = {"GATE", "PII", "QUARANTINE", "DatasetWriteCommitted", "CERTIFICATION"}
OF_A_RUN = {
    *OWN, "evidence_id", "timestamp", "started_at", "producer", "duration_ms", "seq", "source",
    "table", "lineage",
}  # fmt: skip
"""Of lineage only Spark can tell what a frame was read from."""
Carry = Callable[[Rows], object]
_NUMBER = "_sfctl_held_row"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("writes")
    make_project(root)
    return root


@pytest.fixture(scope="module")
def projects(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Shop]:
    """A project for each carrier, with the same keys."""
    root = tmp_path_factory.mktemp("carriers")
    return {name: copy_shop(template, root / name) for name in ("pandas", "arrow", "spark")}


@pytest.fixture
def carriers(spark: Any, tmp_path: Path) -> Iterator[Mapping[str, Carry]]:
    """How rows are handed over, by carrier; those of Spark are three partitions, one empty."""
    made = iter(range(1_000))
    with spark_carrier.set_up(spark):
        yield {
            "pandas": lambda rows: frame_of(rows).to_pandas(),
            "arrow": lambda rows: frame_of(rows).to_arrow(),
            "spark": lambda rows: spark_carrier.frame(spark, rows, tmp_path / str(next(made))),
        }


@pytest.mark.parametrize("name", CASES)
def test_a_whole_write_comes_to_the_same(
    name: str,
    projects: Mapping[str, Shop],
    carriers: Mapping[str, Carry],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable in [variable for variable in os.environ if variable.startswith("SFCTL_")]:
        monkeypatch.delenv(variable)
    case, came = CASES[name], {}
    for carrier, shop in projects.items():
        monkeypatch.setenv("SFCTL_PROJECT_DIR", str(shop.root))
        wiring._sessions.clear()
        seen = len(shop.outbox())
        answers = [told(step, carriers[carrier](step.rows)) for step in case.steps]
        wiring._sessions.clear()
        said, lying = evidence(shop.outbox()[seen:]), left(shop, case)
        came[carrier] = (answers, said, lying[0].to_dicts(), *lying[1:])
        wrong = list(differences(case, answers, said, *lying))
        assert not wrong, f"{carrier}: {wrong}"
    assert came["arrow"] == came["pandas"]
    assert came["spark"] == came["pandas"]


def told(step: Step, frame: object) -> dict[str, Any]:
    """Write; return the answer, without what names the run."""
    how = {"stage": "gold", **step.how}
    try:
        result = sf.write(frame, f"ds://{ZONE}/{step.dataset}", **how)
    except sf.PublishBlocked as blocked:
        result = blocked.result
    found = {key: each for key, each in codec.plain(result).items() if key not in OWN}
    for gate in found["gates"]:
        gate.pop("duration_ms", None)
    return found


def evidence(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what was said of rows that were written, without what names the run."""
    found = []
    for event in events:
        if event["kind"] in OF_WRITES:
            told = {key: each for key, each in event.items() if key not in OF_A_RUN}
            told["row_keys"] = sorted(event.get("row_keys", ()))
            if "remediation" in told:
                told["remediation"] = told["remediation"].replace(event["run_id"], "RUN")
            found.append(told)
    return found


Lying = tuple[pl.DataFrame, dict[int, tuple[str, ...]], dict[int, dict[str, Any]]]


def left(shop: Shop, case: WriteCase) -> Lying:
    """Return the table, and what waits in quarantine: its rules and its opened rows, by id."""
    lake, urn = shop.root / "lake", f"urn:dp:{ZONE}:{case.dataset}"
    path = lake / "gold" / case.dataset
    table = pl.DataFrame({"id": []})
    if (path / "_delta_log").exists():
        table = pl.read_delta(str(path))
        table = table.select(sorted(table.columns)).sort("id")
    store = Quarantine(quarantine_path(str(lake), urn), urn)
    key = seal.read_key(shop.root / ".sfctl" / seal.PRIVATE)
    rules: dict[int, tuple[str, ...]] = {}
    rows: dict[int, dict[str, Any]] = {}
    for batch in store.held():
        for row in store.rows(batch.write_key, private_key=key).drop(_NUMBER).iter_rows(named=True):
            rules[row["id"]] = tuple(sorted(row["_sfctl_rules"]))
            row["_sfctl_rules"], row["_sfctl_reasons"] = (
                sorted(row["_sfctl_rules"]),
                sorted(row["_sfctl_reasons"]),
            )
            rows[row["id"]] = row
    return table, dict(sorted(rules.items())), dict(sorted(rows.items()))


def differences(
    case: WriteCase,
    answers: list[dict[str, Any]],
    events: list[dict[str, Any]],
    table: pl.DataFrame,
    rules: Mapping[int, tuple[str, ...]],
    rows: Mapping[int, Mapping[str, Any]],
) -> Iterator[str]:
    """Yield what is otherwise than the case says."""
    prints = list(fingerprints(events))
    for number, (step, answer) in enumerate(zip(case.steps, answers, strict=True)):
        said = {key: answer.get(key, 0) for key in step.answer}
        said["blocked"] = bool(said["blocked"])
        if said != step.answer:
            yield f"write {number} answers {said} (expected {dict(step.answer)})"
        gates = {g["gate"]: g["result"] for g in answer["gates"]}
        gates = {gate: said for gate, said in gates.items() if said not in ("PASS", "SKIP")}
        if gates != step.gates:
            yield f"write {number}: gates {gates} (expected {dict(step.gates)})"
        same = (
            "" if not step.schema else "same" if len({*prints[number - 1 :][:2]}) == 1 else "other"
        )
        if same != step.schema:
            yield f"write {number} has the {same} schema (expected the {step.schema})"
        acted = findings(answer)
        if acted != step.findings:
            yield f"write {number}: findings {acted} (expected {dict(step.findings)})"
        found: Counter[str] = Counter()
        for rule in answer.get("rules", ()):
            found.update(rule.get("signatures", {}))
        if step.signatures is not None and found != Counter(step.signatures):
            yield f"write {number}: signatures {dict(found)} (expected {dict(step.signatures)})"
    if case.table is not None and table["id"].to_list() != list(case.table):
        yield f"the table holds {table['id'].to_list()} (expected {case.table})"
    if rules != case.quarantine:
        yield f"quarantine holds {rules} (expected {dict(case.quarantine)})"
    for name, values in case.stored.items():
        if table[name].to_list() != values:
            yield f"{name} is stored as {table[name].to_list()} (expected {values})"
    for name, values in case.kept.items():
        if [row[name] for row in rows.values()] != values:
            yield f"{name} waits as {[row[name] for row in rows.values()]} (expected {values})"
    for name, values in case.tokens.items():
        tokens = dict(zip(table[name].to_list(), values, strict=True))
        if len(tokens) != len(set(values)) or not all(t.startswith("tok_") for t in tokens):
            yield f"{name} is stored as {list(tokens)}"


def fingerprints(events: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the schema's fingerprint as each write had it, from the evidence of its G3."""
    for event in events:
        gates = event.get("validation", {}).get("gates", ())
        if event["kind"] == "GATE" and gates[0]["gate"] == "G3_SCHEMA":
            yield event["schema_fingerprint"]


def findings(answer: Mapping[str, Any]) -> dict[str, int]:
    """Return how often personal data was found, by column, kind and action."""
    (gate,) = (gate for gate in answer["gates"] if gate["gate"] == "G5_PII")
    told = gate.get("details", {}).get("findings", ())
    return {f"{f['column']} {f['kind']} {f['action']}": f["matches"] for f in told}

"""Every verb's JSON is what its published schema says, on one life of a small dataset."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import sfctl
from sfctl import wiring
from sfctl.cli import main
from sfctl.incidents.stage import IncidentStage
from sfctl.runtime.pii import keys
from sfctl.runtime.pii.tokens import Tokenizer
from sfctl.verbs import VERBS

SCHEMAS = Path(sfctl.__file__).parent / "schemas" / "results"
JOB = """\
import os
import polars as pl
import sfctl as sf

@sf.job("daily")
def main(rows):
    sf.write(pl.DataFrame(rows), "ds://curated/orders", stage="gold")

main({
    "good": {"id": [1, 2], "total": [1.0, 2.0]},
    "dirty": {"id": list(range(100)), "total": [-1.0] + [1.0] * 99},
    "bad": {"id": [7, 7], "total": [1.0, 2.0]},
}[os.environ["DAY"]])
"""
Ask = Callable[..., Any]


@pytest.fixture
def ask(
    repo: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Ask:
    """Run a verb in a fresh repo and hold its JSON against its schema."""
    root = tmp_path / "shop"
    shutil.copytree(repo, root)
    (root / "jobs" / "daily.py").write_text(JOB)
    monkeypatch.chdir(root)

    def call(*words: str, code: int = 0, day: str = "good", named: str = "") -> Any:
        monkeypatch.setenv("DAY", day)
        assert main([*words, "--format", "json"]) == code, capfd.readouterr()
        document = json.loads(capfd.readouterr().out)
        schema = json.loads((SCHEMAS / f"{named or words[0]}.schema.json").read_text())
        jsonschema.Draft202012Validator(schema).validate(document)
        return document

    assert main(["init", "elsewhere", "-q"]) == 0
    shutil.copytree(root / "elsewhere" / ".sfctl", root / ".sfctl")
    shutil.rmtree(root / "elsewhere")
    capfd.readouterr()
    return call


def fold_incidents(root: Path) -> None:
    """Read the log into incidents, as `engine run` does."""
    folder = wiring.store_folder(root.absolute())
    graph = wiring.open_graph(folder)
    with wiring.open_bus(folder) as bus, wiring.open_state(folder) as state:
        IncidentStage(bus, state, graph, root.absolute()).advance(datetime.now(UTC))
    graph.close()


def test_the_schemas_are_schemas() -> None:
    paths = sorted(SCHEMAS.glob("*.json"))
    assert {path.name.partition(".")[0] for path in paths} == {*VERBS, "error"}
    for path in paths:
        schema = json.loads(path.read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["properties"]["schema"]["const"] == schema["title"]


def test_every_verb_keeps_its_schema(ask: Ask) -> None:
    ask("init", "new")
    ask("validate")
    ask("register")
    ask("explain", "SF110")
    ask("completion", "bash")
    ask("stack", "fetch", "spark", "--dry-run")
    assert ask("compile")["datasets"][0]["signed"] == "dev"
    ask("doctor")

    good = ask("run", "daily", "--date", "2026-01-01")
    assert (good["state"], good["exit_code"], good["degraded"]) == ("COMPLETED", 0, False)
    assert good["writes"][0]["certification"] == "CERTIFIED"
    status = ask("status")["datasets"][0]
    assert (status["certification_status"], status["certified_version"]) == ("CERTIFIED", 0)

    dirty = ask("run", "daily", "--date", "2026-01-02", day="dirty")["writes"][0]
    assert dirty["degraded"] == []
    counted = [dirty[key] for key in ("rows_in", "rows_published", "rows_quarantined")]
    assert counted == [100, 99, 1]
    bad = ask("run", "daily", "--date", "2026-01-03", day="bad", code=1)
    assert (bad["state"], bad["writes"][0]["published"]) == ("BLOCKED", False)
    assert ask("status")["datasets"][0]["certification_status"] == "HELD_AT_PREVIOUS"

    held = ask("quarantine", "list")
    assert held["rows_held"] == 3
    ask("quarantine", "show", "orders")
    ask("quarantine", "replay", "orders", "--dry-run", code=1)
    ask("quarantine", "discard", "orders", "--reason", "known")
    ask("quarantine", "expire")

    events = ask("evidence", "list")
    first = events["events"][0]["evidence_id"]
    assert ask("evidence", "show", first)["evidence_id"] == first
    ask("evidence", "replay", "--since", "2000-01-01T00:00:00Z", "--to", "events.jsonl")
    ask("evidence", "publish", "events.jsonl")
    ask("evidence", "flush")
    ask("evidence", "archive")
    ask("evidence", "dead-letters")

    ran = ask("engine", "run", "freshness", "--fail-on", "critical", code=1)
    assert [each["name"] for each in ran["stages"]] == ["freshness"]
    assert ran["stages"][0]["lag"] == 0
    Path("days.csv").write_text("date,count\n2026-01-01,100\n2026-01-02,100\n")
    assert ask("engine", "backtest", "volume", "--history", "days.csv")["flags"] == []

    fold_incidents(Path())
    assert ask("signals", "--all")["counts"]["CRITICAL"] == 1
    listed = ask("incidents", "list", "--fail-on", "SEV-3", code=1)
    named = listed["incidents"][0]["incident_id"]
    assert ask("status")["datasets"][0]["incidents"][0]["incident_id"] == named
    assert ask("incidents", "ack", named)["status"] == "ACKNOWLEDGED"
    assert ask("incidents", "resolve", named, "--note", "known")["status"] == "RESOLVED"
    assert ask("incidents", "show", named)["history"][-1]["note"] == "known"
    ask("incidents", "show", "INC-99", code=2, named="error")

    ask("switch", "off", "--scope", "job:daily", "--reason", "drill")
    assert len(ask("switch", "status")["switches"]) == 1
    ask("switch", "on", "--scope", "job:daily")

    assert ask("wrap", "daily", "--for", "all")["wrappers"][0]["state"] == "new"

    Path("graph.json").write_text(
        '{"nodes": [{"id": "urn:run:1", "label": "Run"}, {"id": "d", "label": "Dataset"}],'
        ' "edges": [{"from": "urn:run:1", "to": "d", "label": "WROTE_TO", "props": {"rows": 1}}]}'
    )
    assert ask("graph", "load", "graph.json", "--dry-run")["changed"] == 3
    ask("graph", "load", "graph.json")
    exported = ask("graph", "export")
    assert {"urn:run:1", "d"} <= {node["id"] for node in exported["nodes"]}
    ask("graph", "expire", "--dry-run")
    ask("graph", "load", "absent.json", code=2, named="error")

    Path("moves.json").write_text(
        '{"kind": "LineageSpec", "producer": "daily", "inputs": ["urn:dp:raw:orders"],'
        ' "outputs": ["ds://curated/orders"], "columns": [{"from": ["id"], "to": "id"}]}'
    )
    assert ask("lineage", "ingest", "moves.json")["accepted"] == 1
    assert ask("lineage", "show", "orders")["columns"][0]["from"]
    assert ask("lineage", "show", "daily")["reads"]
    assert "orphans" in ask("lineage", "show")
    assert ask("lineage", "impact", "urn:dp:raw:orders")["downstream"]
    ask("lineage", "impact", "nowhere", code=2, named="error")

    signature, signal = "MISSING_FIELD:id:urn:dp:curated:orders", "sig-1"
    Path("trouble.json").write_text(
        json.dumps(
            {
                "nodes": [
                    {"id": signature, "label": "FailureSignature"},
                    {"id": signal, "label": "Signal", "props": {"state": "CRITICAL"}},
                ],
                "edges": [{"from": signature, "to": signal, "label": "CAUSED"}],
            }
        )
    )
    ask("graph", "load", "trouble.json")
    assert ask("rca", signal)["root_cause"]["kind"] == "UNKNOWN"
    ask("rca", signal, "--feedback", "down", "--note", "it was the proxy")
    assert ask("rca", "--feedback", "export")["counts"] == {"up": 0, "down": 1}
    Path("truth.jsonl").write_text('{"subject": "sig-1", "cause_kind": "UNKNOWN"}\n')
    assert ask("rca", "--evaluate", "truth.jsonl")["evaluation"]["top_1"] == 1.0
    ask("rca", "INC-404", code=2, named="error")

    given = ask("export", "odcs")["documents"][0]
    Path("orders.odcs.yaml").write_text(json.dumps(given["document"]))
    assert ask("import", "odcs", "orders.odcs.yaml", "--dry-run")["written"] is False
    Path("orders.odcs.yaml").write_text("{}")
    ask("import", "odcs", "orders.odcs.yaml", code=2, named="error")

    profiled = ask("profile", "--suggest")["datasets"][0]
    assert profiled["rows"] == 101
    assert ask("register")["datasets"][0]["schema"]["change"] == "unchanged"
    assert ask("schema", "list")["datasets"][0]["versions"][0]["version"] == 1
    assert ask("schema", "show", "orders@1")["columns"][0]["name"] == "id"
    assert ask("schema", "diff", "orders", "lake/gold/orders")["verdict"] == "WARN"
    ask("schema", "show", "orders@7", code=2, named="error")
    ask("certify", code=1)
    table = str(Path("lake/gold/orders").absolute())
    checked = ask("check", table, "--policy", "datasets/orders/policy_bundle.yaml", code=1)
    totals = checked["totals"]
    assert totals["declared"] == sum(totals.values()) - totals["declared"]
    assert checked["rows"] == checked["good"] + checked["bad"]
    Path("people.csv").write_text("mail,id\na@shop.example,1\n")
    assert [c["kind"] for c in ask("pii", "scan", "people.csv")["columns"]] == ["EMAIL", None]
    Path("texts.jsonl").write_text('{"text": "to a@shop.example"}\n')
    assert ask("pii", "scan", "texts.jsonl")["spans"] == [
        {"line": 1, "start": 3, "end": 17, "kind": "EMAIL"}
    ]
    token = Tokenizer(keys.load(Path(".sfctl"))).token("a@shop.example", "EMAIL")
    opened = ask("pii", "detokenize", token, "--reason", "asked")
    assert opened["values"] == [{"token": token, "value": "a@shop.example"}]
    (active,) = ask("pii", "keys")["keys"]
    assert ask("pii", "rotate", "--reason", "yearly")["keys"][1]["id"] == active["id"]
    assert ask("pii", "retokenize", token, "--reason", "rotated")["count"] == 1
    assert len(ask("pii", "keys", "--new")["key"]) == 88
    ask("run", "nothing", code=2, named="error")

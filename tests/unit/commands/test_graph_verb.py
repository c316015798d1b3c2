"""`sfctl graph`: out and in without loss, nothing of a bad file, and what open incidents keep."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema
import msgspec
import pytest

import sfctl
from sfctl import wiring
from sfctl.commands import graph as verb
from sfctl.errors import SfctlError, SpecError
from sfctl.model.incident import TABLE, Incident
from sfctl.report.json import document

PUBLISHED = Path(sfctl.__file__).parent / "schemas" / "graph" / "graph-1.json"
AT = datetime(2024, 1, 15, tzinfo=UTC)
LATE = AT + timedelta(days=200)
GRAPH = {
    "nodes": [
        {"id": "urn:dp:x:a", "label": "Dataset", "props": {"name": "ä", "tags": ["b", 1, None]}},
        {"id": "sig-1", "label": "Signal", "props": {"first_seen": "2024", "count": 2}},
        {"id": "sig-2", "label": "Signal"},
        {"id": "INC-1", "label": "Incident"},
        {"id": "bare", "label": ""},
    ],
    "edges": [
        {"from": "sig-1", "to": "urn:dp:x:a", "label": "AFFECTS", "props": {"x": 0.1}},
        {"from": "sig-1", "to": "INC-1", "label": "TRIGGERED"},
        {"from": "urn:dp:x:a", "to": "bare", "label": "FEEDS"},
    ],
}


def project(root: Path) -> Path:
    root.mkdir()
    (root / "sfctl.yml").write_text("name: x\n")
    return root


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return project(tmp_path / "one")


def saved(folder: Path, value: object) -> Path:
    path = folder / "graph.json"
    path.write_text(json.dumps(value))
    return path


def printed(repo: Path) -> str:
    return document("sfctl.graph.v1", verb.export(project_dir=repo).payload)


def test_export_then_load_then_export_gives_the_same_bytes(repo: Path, tmp_path: Path) -> None:
    verb.load_file(saved(repo, GRAPH), project_dir=repo, now=AT)
    first = printed(repo)
    jsonschema.Draft202012Validator(json.loads(PUBLISHED.read_text())).validate(json.loads(first))
    (tmp_path / "first.json").write_text(first)
    other = project(tmp_path / "two")
    done = verb.load_file(tmp_path / "first.json", project_dir=other, now=AT)
    assert done.payload == {"nodes": 5, "edges": 3, "changed": 8, "dry_run": False}
    assert printed(other) == first


def test_a_dry_run_tells_what_a_load_then_does(repo: Path) -> None:
    file = saved(repo, GRAPH)
    for changed in (8, 0):
        foreseen = verb.load_file(file, dry_run=True, project_dir=repo, now=AT)
        assert foreseen.text == f"5 nodes and 3 edges read, {changed} would change"
        before = verb.load_file(file, project_dir=repo, now=AT).payload["changed"]
        assert foreseen.payload["changed"] == before == changed


def test_counts_per_label(repo: Path) -> None:
    verb.load_file(saved(repo, GRAPH), project_dir=repo, now=AT)
    assert verb.export(project_dir=repo).text.splitlines() == [
        "node  (no label yet)  1",
        "node  Dataset         1",
        "node  Incident        1",
        "node  Signal          2",
        "edge  AFFECTS         1",
        "edge  FEEDS           1",
        "edge  TRIGGERED       1",
        "5 nodes, 3 edges",
    ]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ({"nodes": [{"id": "n", "label": "Dataset"}]}, "SF840"),
        ({"nodes": [{"id": "n", "label": "Person"}], "edges": []}, "SF841"),
        (
            {
                "nodes": [{"id": "n", "label": "Dataset"}],
                "edges": [{"from": "n", "to": "nowhere", "label": "FEEDS"}],
            },
            "SF842",
        ),
        (
            {
                "nodes": [
                    {"id": "n", "label": "Run"},
                    {"id": "sig-1", "label": "Signal", "props": {"count": "two"}},
                ],
                "edges": [],
            },
            "SF843",
        ),
    ],
)
def test_a_bad_file_changes_nothing(repo: Path, value: object, code: str) -> None:
    verb.load_file(saved(repo, GRAPH), project_dir=repo, now=AT)
    before = printed(repo)
    with pytest.raises(SfctlError) as caught:
        verb.load_file(saved(repo, value), project_dir=repo, now=AT)
    told = caught.value
    codes = {each.code for each in told.problems} if isinstance(told, SpecError) else {told.code}
    assert (codes, told.exit_code) == ({code}, 2)
    assert printed(repo) == before


def test_an_edge_may_lead_to_what_the_graph_has(repo: Path) -> None:
    verb.load_file(saved(repo, GRAPH), project_dir=repo, now=AT)
    edge = {"from": "sig-2", "to": "urn:dp:x:a", "label": "AFFECTS"}
    done = verb.load_file(saved(repo, {"nodes": [], "edges": [edge]}), project_dir=repo, now=AT)
    assert done.payload["changed"] == 1


def test_expiry_keeps_what_an_open_incident_stands_on(repo: Path) -> None:
    verb.load_file(saved(repo, GRAPH), project_dir=repo, now=AT)
    incident = Incident(
        incident_id="INC-1",
        cause_key="c",
        severity="SEV-1",
        title="t",
        status="OPEN",
        created_at="2024-01-15T00:00:00Z",
        updated_at="2024-01-15T00:00:00Z",
        dataset_urn="urn:dp:x:a",
        signal_id="sig-1",
    )
    with wiring.open_state(repo / ".sfctl") as state:
        state.put(TABLE, "c", msgspec.to_builtins(incident))
    assert verb.expire(project_dir=repo, now=AT).payload["expired"] == 0
    foreseen = verb.expire(dry_run=True, project_dir=repo, now=LATE)
    assert foreseen.payload["labels"] == {"": 1, "Signal": 1}
    done = verb.expire(project_dir=repo, now=LATE)
    assert {**done.payload, "dry_run": True} == foreseen.payload
    assert done.text.endswith("2 nodes gone, 2 kept for open incidents")
    left = [node["id"] for node in verb.export(project_dir=repo).payload["nodes"]]
    assert left == ["INC-1", "sig-1", "urn:dp:x:a"]
    with wiring.open_state(repo / ".sfctl") as state:
        state.put(TABLE, "c", {**msgspec.to_builtins(incident), "status": "RESOLVED"})
    assert verb.expire(project_dir=repo, now=LATE).payload["expired"] == 2

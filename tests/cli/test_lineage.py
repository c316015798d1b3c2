"""`sfctl lineage` as a user has it: files in, neighbours and reach out."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sfctl.cli import main
from sfctl.commands.lineage_text import dataset_text
from sfctl.graph.embedded import EmbeddedGraph
from sfctl.graph.neighbours import of_dataset
from sfctl.model.graph import Edge, Elements, Node

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "tests" / "golden" / "samples"


class Shop:
    """A compiled project to ask about lineage in."""

    def __init__(self, root: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self.capfd = capfd

    def __call__(self, *words: str, code: int = 0) -> str:
        assert main(["lineage", *words, "--project-dir", str(self.root)]) == code
        self.err = ""
        out, self.err = self.capfd.readouterr()
        return out

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self(*words, "--format", "json", code=code))


@pytest.fixture
def lineage(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Shop:
    root = tmp_path / "shop"
    shutil.copytree(ROOT / "examples" / "scenarios" / "enum-drift", root)
    assert main(["compile", "-q", "--project-dir", str(root)]) == 0
    capfd.readouterr()
    return Shop(root, capfd)


@pytest.fixture
def filled(lineage: Shop) -> Shop:
    names = ("start", "bronze_complete", "complete")
    lineage("ingest", *(str(SAMPLES / f"s2_openlineage_{name}.json") for name in names))
    return lineage


def test_the_printed_events_are_all_taken(lineage: Shop) -> None:
    files = [str(path) for path in sorted(SAMPLES.glob("*openlineage*.json"))]
    files += [str(SAMPLES / "deployment.json"), str(SAMPLES / "lineage_spec.json")]
    found = lineage.json("ingest", *files)
    assert (found["accepted"], found["rejected"]) == (len(files), [])
    assert found["nodes"] > 0 < found["edges"]
    assert lineage.json("ingest", *files) == found


def test_impact_goes_both_ways(filled: Shop) -> None:
    found = filled.json("impact", "urn:dp:orders:bronze")
    assert found["node"] == "urn:dp:orders:bronze"
    assert found["upstream"] == [
        "job:streaming/orders-kafka-to-bronze",
        "urn:dp:orders:created",
        "urn:service:orders-svc",
    ]
    assert found["downstream"] == [
        "job:spark/orders_silver_transform",
        "urn:dp:orders:silver",
        "urn:delta:sales:orders_gold_daily",
        "urn:job:orders-gold-daily",
        "urn:dashboard:exec:orders_summary",
    ]
    near = filled.json("impact", "urn:dp:orders:bronze", "--hops", "1")
    assert near["downstream"] == found["downstream"][:2]
    up = filled.json("impact", "urn:dashboard:exec:orders_summary")["upstream"]
    assert "urn:dp:orders:silver" in up


def test_raw_names_are_those_of_the_events(filled: Shop) -> None:
    path = "dataset:s3://data-lake-prod/bronze/orders/2024-01-14"
    found = filled.json("impact", path, "--raw-names")
    assert found["node"] == "dataset:s3://data-lake-prod/bronze/orders"
    assert found["downstream"][:2] == [
        "job:spark/orders_silver_transform",
        "dataset:delta://unity-catalog/sales.orders_silver",
    ]


def test_show_tells_of_the_last_run(filled: Shop) -> None:
    found = filled.json("show", "orders_silver")
    (writer,) = found["writers"]
    assert (writer["node"], writer["confidence"]) == ("job:spark/orders_silver_transform", "HIGH")
    assert (writer["rows"], writer["bytes"]) == (44_850, 15_234_567)
    assert found["last_run"]["status"] == "SUCCESS"
    assert found["last_run"]["parent"].endswith("scheduled__2024-01-15T02:00:00+00:00")
    assert [column["name"] for column in found["columns"]] == ["discount_type"]
    assert found["columns"][0]["from"] == ["urn:col:urn:dp:orders:bronze#discount_type"]
    assert "44,850 rows, 14.5 MiB" in filled("show", "orders_silver")
    job = filled.json("show", "orders_silver_transform")
    assert [each["node"] for each in job["reads"]] == ["urn:dp:orders:bronze"]
    assert "job:spark/orders_silver_transform" in filled.json("show")["orphans"]


def test_an_unknown_name_suggests_near_ones(filled: Shop) -> None:
    filled("show", "order_silver_transform", code=2)
    assert "SF831" in filled.err
    assert "job:spark/orders_silver_transform" in filled.err


def test_one_job_that_writes_several_stages_is_one_writer(tmp_path: Path) -> None:
    graph = EmbeddedGraph(tmp_path / "g.db")
    job, dataset = "urn:job:daily", "urn:dp:ops:flights"
    tables = [dataset, f"{dataset}#bronze", f"{dataset}#silver"]
    nodes = [Node(job, "Job", {}), *(Node(each, "Dataset", {}) for each in tables)]
    edges = [Edge(job, each, "WRITES", {}) for each in tables]
    edges += [Edge(dataset, each, "CONTAINS", {}) for each in tables[1:]]
    graph.upsert(Elements(tuple(nodes), tuple(edges)), datetime(2024, 1, 15, tzinfo=UTC))
    node = graph.node(dataset)
    assert node is not None
    assert dataset_text(of_dataset(graph, node)).endswith("0 readers, 1 writer")
    graph.close()


def test_an_empty_graph_says_how_it_is_filled(lineage: Shop) -> None:
    lineage("show", "orders", code=2)
    assert "nothing is in the graph yet" in lineage.err


def test_what_is_no_lineage_is_refused_and_the_rest_taken(lineage: Shop, tmp_path: Path) -> None:
    run = {"eventType": "START", "eventTime": "2024-01-01T00:00:00Z", "run": {"runId": "r"}}
    lines: list[Any] = [
        {**run, "job": {"namespace": "n", "name": "j"}},
        {**run, "job": {"namespace": "n"}},
        {**run, "eventType": "DONE", "job": {"namespace": "n", "name": "j"}},
        {"kind": "LineageSpec", "producer": "p"},
        {"kind": "DeploymentEvent", "service": "s", "deployed_at": "2024-01-01T00:00:00Z"},
        {"kind": "HEARTBEAT", "timestamp": "2024-01-01T00:00:00Z", "run_id": "r"},
    ]
    file = tmp_path / "events.jsonl"
    file.write_text("\n".join([*map(json.dumps, lines), "not json"]))
    found = lineage.json("ingest", str(file), code=1)
    assert found["accepted"] == 1
    assert [each["line"] for each in found["rejected"]] == [2, 3, 4, 5, 6, 7]
    reasons = [each["reason"] for each in found["rejected"]]
    assert reasons[0] == "job.name is missing"
    assert "expected one of START" in reasons[1]
    assert reasons[2] == "neither inputs nor outputs"
    assert reasons[3] == "version is missing"


def test_job_and_dataset_events_are_design_lineage(lineage: Shop, tmp_path: Path) -> None:
    job = {"namespace": "n", "name": "j"}
    table = {"namespace": "n", "name": "t"}
    schema = {"facets": {"schema": {"fields": [{"name": "id", "type": "INT"}]}}}
    events = [
        {"eventTime": "2024-01-01T00:00:00Z", "job": job, "inputs": [table],
         "outputs": [{"namespace": "n", "name": "u"}]},
        {"eventTime": "2024-01-01T00:00:00Z", "dataset": {**table, **schema}},
    ]  # fmt: skip
    file = tmp_path / "events.json"
    file.write_text(json.dumps(events))
    assert lineage.json("ingest", str(file))["accepted"] == 2
    found = lineage.json("show", "dataset:n/t")
    assert [(c["name"], c["type"]) for c in found["columns"]] == [("id", "INT")]
    (reader,) = found["readers"]
    assert (reader["declared"], reader["observed"]) == (True, False)
    assert lineage.json("impact", "dataset:n/t")["downstream"] == ["dataset:n/u", "job:n/j"]


def test_a_lineage_file_is_taken_whole_or_not_at_all(lineage: Shop, tmp_path: Path) -> None:
    file = tmp_path / "more.yaml"
    file.write_text(
        "lineage:\n"
        "  - {producer: forecast, inputs: ['urn:dp:orders:silver'],"
        " outputs: ['urn:dp:plan:stock'], confidence: LOW}\n"
        "dashboards:\n"
        "  - {urn: 'urn:dashboard:plan:stock', tier: TIER_2, consumes: ['urn:dp:plan:stock']}\n"
    )
    assert lineage.json("ingest", str(file))["accepted"] == 2
    found = lineage.json("impact", "urn:dp:orders:silver")["details"]
    weak = {each["ref"]: each["confidence"] for each in found}
    assert weak["urn:dashboard:plan:stock"] == "LOW"
    assert "LOW confidence" in lineage("impact", "urn:dp:orders:silver")
    file.write_text("lineage:\n  - {producer: forecast, outputs: []}\n")
    assert main(["lineage", "ingest", str(file), "--project-dir", str(lineage.root)]) == 2


def test_a_thousand_specs_are_taken(lineage: Shop, tmp_path: Path) -> None:
    file = tmp_path / "specs.jsonl"
    with file.open("w") as stream:
        for i in range(1000):
            spec = {
                "kind": "LineageSpec",
                "producer": f"job-{i}",
                "inputs": [f"urn:dp:a:d{i}"],
                "outputs": [f"urn:dp:a:d{i + 1}"],
            }
            stream.write(json.dumps(spec) + "\n")
    assert lineage.json("ingest", str(file))["accepted"] == 1000
    assert len(lineage.json("impact", "urn:dp:a:d500", "--hops", "10")["downstream"]) == 20


@pytest.mark.parametrize(
    ("written", "told"), [(300, "wrote 300 rows in all"), (100, "wrote 100 rows in all, 7 B")]
)
def test_a_run_that_wrote_one_table_often_is_told_with_all_rows(
    written: int, told: str, tmp_path: Path
) -> None:
    graph = EmbeddedGraph(tmp_path / "g.db")
    job, dataset, run = "urn:job:daily", "urn:dp:ops:flights", "urn:run:r1"
    nodes = (Node(job, "Job", {}), Node(dataset, "Dataset", {}))
    ended = Node(run, "Run", {"status": "SUCCESS", "rows_written": written})
    last = {"rows": 100, "bytes": 7, "run": "r1", "last_seen": "2024-01-15T00:00:00.000Z"}
    edges = (Edge(job, dataset, "WRITES", last), Edge(run, dataset, "WROTE_TO", last))
    graph.upsert(Elements((*nodes, ended), edges), datetime(2024, 1, 15, tzinfo=UTC))
    node = graph.node(dataset)
    assert node is not None
    assert f"last run {run}: SUCCESS, {told}\n" in dataset_text(of_dataset(graph, node))
    graph.close()

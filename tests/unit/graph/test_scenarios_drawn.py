"""The printed samples of both walk-throughs become the printed graphs, in whatever order."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.graph.stores import Stores, config, event, sample

CREATED, BRONZE, SILVER = (f"urn:dp:orders:{name}" for name in ("created", "bronze", "silver"))
FIELD = "MISSING_FIELD:customer_id"
SALE = "UNKNOWN_ENUM:discount_type:FLASH_SALE"
SERVICE = "urn:service:orders-svc"
RUN = "urn:run:spark-orders-silver-20240115-020005"
DAG_RUN = "urn:dagrun:orders_daily_agg:scheduled__2024-01-15T02:00:00+00:00"
FIRST_SALE = "evd-01HQW9EFGH5678901234ABCDEF"
SCENARIO_1 = ["s1_evidence_contract_fail", "s1_signal_contract_breach", "deployment"]
SCENARIO_2 = [
    "s2_evidence_enum_warn",
    "s2_openlineage_bronze_complete",
    "s2_openlineage_start",
    "s2_evidence_batch_fail",
    "s2_openlineage_complete",
    "s2_signal_drift",
    "s2_signal_dq_breach",
]


def test_a_deployment_that_broke_a_contract(tmp_path: Path) -> None:
    stores = Stores(tmp_path).fold([config("contract-break"), *map(sample, SCENARIO_1)])
    failure = f"{FIELD}:{CREATED}"
    introduced = stores.edge("urn:deployment:orders-svc:v3.17", "INTRODUCED", failure)
    assert introduced["first_evidence"] == "evd-01HQXY8MNP4QR7ST9VW2XYZ456"
    assert introduced["timestamp"] == "2024-01-15T09:58:02.312Z"
    assert introduced["seconds"] == 17.312
    assert introduced["basis"] == "version"
    signal = "sig-01HQXZ2NPQ5RS8TU0VW3XYZ789"
    assert stores.has(failure, "CAUSED", signal)
    assert stores.has(signal, "AFFECTS", CREATED)
    node = stores.graph.node(failure)
    assert node is not None
    assert node.props["reason_code"] == FIELD
    assert node.props["dataset_urn"] == CREATED
    assert node.props["first_seen"] == "2024-01-15T09:58:02.312Z"
    reached = stores.graph.walk(CREATED, "out", ["FEEDS"], max_hops=3)
    kinds = {path.end.id: path.end.props["type"] for path in reached.paths}
    assert kinds == {
        "urn:delta:prod:sales:orders_silver": "Delta Table",
        "urn:delta:prod:sales:orders_gold_daily": "Delta Table",
        "urn:dashboard:exec:daily_orders": "Dashboard",
        "urn:pipeline:finance:daily_snapshot": "Airflow DAG",
    }


def test_a_value_that_came_from_upstream(tmp_path: Path) -> None:
    stores = Stores(tmp_path).fold([config("enum-drift"), *map(sample, SCENARIO_2)])
    failure = f"{SALE}:{SILVER}"
    produced = stores.edge(SERVICE, "PRODUCED_DRIFT", failure)
    assert produced["first_evidence"] == FIRST_SALE
    assert produced["timestamp"] == "2024-01-14T14:30:00.215Z"
    assert stores.has(BRONZE, "INTRODUCED_DRIFT", failure)
    assert stores.has(DAG_RUN, "EXECUTED", RUN)
    assert stores.has(RUN, "READ_FROM", BRONZE)
    assert stores.edge(RUN, "WROTE_TO", SILVER)["rows"] == 44_850
    assert stores.edge(RUN, "ENCOUNTERED", failure)["count"] == 380
    assert stores.has(failure, "CAUSED", "sig-01HQZB1111111111111111111")
    columns = [f"urn:col:{each}#discount_type" for each in (BRONZE, SILVER)]
    assert stores.has(columns[0], "FEEDS", columns[1])
    node, run = stores.graph.node(failure), stores.graph.node(RUN)
    assert node is not None
    assert run is not None
    assert node.props["first_seen"] == "2024-01-14T14:30:00.000Z"
    assert node.props["occurrence_count"] == 380
    assert node.props["new_value"] == "FLASH_SALE"
    assert (run.props["records_processed"], run.props["records_failed"]) == (45_230, 380)
    assert run.props["status"] == "SUCCESS"


def test_the_other_printed_facet_is_read(tmp_path: Path) -> None:
    stores = Stores(tmp_path).fold([sample("openlineage_silver_complete")])
    table = "dataset:delta://unity-catalog/sales.orders_silver"
    run = "urn:run:run-2024-01-15-001"
    assert stores.edge(run, "ENCOUNTERED", f"{FIELD}:{table}")["count"] == 6800
    assert stores.edge(run, "ENCOUNTERED", f"INVALID_FORMAT:email:{table}")["count"] == 200
    assert stores.has("dataset:s3://data-lake/bronze/orders", "FEEDS", table)


@pytest.mark.parametrize(
    ("scenario", "names"), [("contract-break", SCENARIO_1), ("enum-drift", SCENARIO_2)]
)
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_order_and_repetition_do_not_show(
    scenario: str, names: list[str], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    events = [sample(name) for name in names]
    first = config(scenario)
    shuffled = data.draw(st.permutations(events))
    folder = tmp_path_factory.mktemp("graphs")
    whole = Stores(folder / "a").fold([first, *events])
    other = Stores(folder / "b").fold([first, *shuffled])
    assert other.graph.export() == whole.graph.export()
    generation = other.graph.generation()
    other.bus.seek("signal_engines.graph", "start")
    other.state.delete("consumer_offsets", "signal_engines.graph")
    for item in other.state.query("graph_signatures"):
        other.state.delete("graph_signatures", item.key)
    other.fold([])
    assert other.graph.export() == whole.graph.export()
    assert other.graph.generation() == generation


def test_the_smallest_official_events_are_drawn(tmp_path: Path) -> None:
    schema = "https://openlineage.io/spec/2-0-2/OpenLineage.json"
    run = {"runId": "01941b3e-0000-7000-8000-000000000001"}
    job = {"namespace": "n", "name": "j"}
    events = [
        {"eventType": state, "eventTime": f"2024-01-01T00:00:0{i}Z", "run": run, "job": job,
         "producer": "p", "schemaURL": schema, **more}
        for i, (state, more) in enumerate(
            [("START", {"inputs": [{"namespace": "n", "name": "a"}]}), ("RUNNING", {}),
             ("FAIL", {"outputs": [{"namespace": "n", "name": "b"}]})]
        )
    ]  # fmt: skip
    stores = Stores(tmp_path).fold(map(event, json.loads(json.dumps(events))))
    assert stores.has("dataset:n/a", "FEEDS", "dataset:n/b")
    node = stores.graph.node(f"urn:run:{run['runId']}")
    assert node is not None
    assert node.props["status"] == "FAILED"

"""Whoever speaks of a dataset, and in whatever words, means one URN."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfctl.model.manifest import DatasetEntry, JobEntry
from sfctl.model.resolver import Resolver, bare, normal
from sfctl.model.topology import Topology

BRONZE, SILVER, CREATED = "urn:dp:orders:bronze", "urn:dp:orders:silver", "urn:dp:orders:created"
TOPOLOGY = Topology(
    datasets={
        BRONZE: DatasetEntry("bronze", BRONZE, aliases=("s3://lake/bronze/orders",)),
        SILVER: DatasetEntry(
            "silver",
            SILVER,
            aliases=("delta://unity/sales.orders", "sales.orders_silver"),
            paths={"silver": "/lake/silver/orders", "gold": "s3://lake/gold/orders"},
        ),
        CREATED: DatasetEntry("created", CREATED, aliases=("raw.orders.events",)),
    },
    jobs={
        "urn:job:daily": JobEntry("daily", outputs=(f"{SILVER}#silver", f"{SILVER}#gold")),
    },
)
RESOLVER = Resolver(TOPOLOGY)


@pytest.mark.parametrize(
    ("namespace", "name", "found"),
    [
        ("s3://lake", "bronze/orders/2024-01-14/", BRONZE),
        ("s3a://lake", "/bronze//orders/dt=2024-01-14/hour=3/part-0.snappy.parquet", BRONZE),
        ("s3://lake", "bronze/orders/2024/01/14", BRONZE),
        ("s3://lake", "gold/orders/dt=1", f"{SILVER}#gold"),
        ("file", "/lake/silver/orders", f"{SILVER}#silver"),
        ("delta://unity", "sales.orders", SILVER),
        ("delta://elsewhere", "sales.orders", "dataset:delta://elsewhere/sales.orders"),
        ("hive", "sales.orders_silver", SILVER),
        ("kafka://msk-prod", "raw.orders.events", CREATED),
        ("anything", "ds://orders/silver#gold", f"{SILVER}#gold"),
        ("s3://lake", "bronze/orders_v2", "dataset:s3://lake/bronze/orders_v2"),
        ("s3://lake", "new/dt=2024-01-14/", "dataset:s3://lake/new"),
        ("file", "/data/orders.csv", "dataset:file//data/orders.csv"),
    ],
)
def test_a_name_is_resolved(namespace: str, name: str, found: str) -> None:
    assert RESOLVER.dataset(namespace, name) == found


def test_the_longest_prefix_wins() -> None:
    inner = DatasetEntry("inner", CREATED, aliases=("s3://lake/bronze/orders/returns",))
    topology = Topology(datasets={**TOPOLOGY.datasets, CREATED: inner})
    resolver = Resolver(topology)
    assert resolver.path("s3://lake/bronze/orders/returns/dt=1") == CREATED
    assert resolver.path("s3://lake/bronze/orders/x") == BRONZE
    assert resolver.path("s3://lake/bronze") == ""


def test_a_job_of_ours_keeps_its_urn() -> None:
    assert RESOLVER.job("airflow", "daily") == "urn:job:daily"
    assert RESOLVER.job("spark", "other") == "job:spark/other"
    assert RESOLVER.job_reference("job:airflow/daily") == "urn:job:daily"
    assert RESOLVER.job_reference("spark:other") == "job:spark/other"
    assert RESOLVER.job_reference("orders-svc") == ""


def test_a_dataset_is_entered_first_and_left_last_by_the_stages_jobs_write() -> None:
    assert RESOLVER.inlet(SILVER) == f"{SILVER}#silver"
    assert RESOLVER.outlet(SILVER) == f"{SILVER}#gold"
    assert RESOLVER.outlet(BRONZE) == BRONZE


PART = st.text("abcdefgh_.-", min_size=1, max_size=8).filter(lambda t: t.strip(".-") == t)
NAME = st.lists(PART, min_size=1, max_size=4).map("/".join)
FOLDER = st.sampled_from(["dt=2024-01-14", "2024-01-14", "2024/01/14", "20240114", "hour=03", ""])


@given(NAME, st.lists(FOLDER, max_size=3))
def test_partitions_and_slashes_name_nothing_new(name: str, folders: list[str]) -> None:
    longer = "/".join([name, *folders]) + "/"
    assert RESOLVER.dataset("s3a://other", longer) == RESOLVER.dataset("s3a://other", name)
    assert RESOLVER.dataset("s3://lake", f"bronze/orders/{longer}") == BRONZE


@given(st.text(max_size=60))
def test_a_normal_form_is_stable(text: str) -> None:
    assert bare(bare(text)) == bare(text)
    assert normal(normal(text)) == normal(text)


@given(NAME)
def test_what_was_resolved_once_resolves_to_itself(name: str) -> None:
    first = RESOLVER.dataset("s3://lake", name)
    assert RESOLVER.reference(first) == first

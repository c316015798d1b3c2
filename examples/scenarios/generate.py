"""Lay out the evidence of two breaks as JSON lines, the same bytes every time.

contract-break   orders-svc v3.17 stops sending customer_id: 1,247 records judged between 09:55 and
                 10:00, of which 127 pass, and the deployments of that hour.
enum-drift       a new discount type reaches the nightly batch: 45,230 rows, of which 380 hold a
                 value that nobody knew, as rows, as evidence and as OpenLineage events.

    python generate.py contract-break OUT_DIR
    python generate.py enum-drift OUT_DIR
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

Event = dict[str, Any]
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

JUDGED, PASSING = 1_247, 127
FIRST_FAILURE = datetime(2024, 1, 15, 9, 58, 2, 312_000, UTC)
FIRST_FAILURE_ID = "evd-01HQXY8MNP4QR7ST9VW2XYZ456"
TRACE = "ab91f3c2d4e5f6a7b8c9d0e1f2a3b4c5"

ROWS, UNKNOWN = 45_230, 380
KNOWN_DISCOUNTS = (None, "NONE", "PERCENTAGE", "FIXED_AMOUNT", "LOYALTY", "COUPON")
NEW_DISCOUNT = "FLASH_SALE"
SIGNATURE = f"UNKNOWN_ENUM:discount_type:{NEW_DISCOUNT}"
FIRST_SALE = datetime(2024, 1, 14, 14, 30, 0, 215_000, UTC)
FIRST_SALE_ID = "evd-01HQW9EFGH5678901234ABCDEF"
RUN = "spark-orders-silver-20240115-020005"
DAG_RUN = "scheduled__2024-01-15T02:00:00+00:00"
BRONZE = {"namespace": "s3://data-lake-prod", "name": "bronze/orders/2024-01-14/"}
SILVER = {"namespace": "delta://unity-catalog", "name": "sales.orders_silver"}


def contract_break() -> dict[str, list[Event]]:
    """Return the evidence of the window, and the deployments around it, by file name."""
    start = datetime(2024, 1, 15, 9, 55, tzinfo=UTC)
    span = FIRST_FAILURE - start
    good = [
        order_judged(start + span * i / PASSING, "v3.16", i, passed=True) for i in range(PASSING)
    ]
    rest = datetime(2024, 1, 15, 10, 0, tzinfo=UTC) - FIRST_FAILURE
    failing = JUDGED - PASSING
    bad = [
        order_judged(FIRST_FAILURE + rest * i / failing, "v3.17", PASSING + i, passed=False)
        for i in range(failing)
    ]
    bad[0] |= {"evidence_id": FIRST_FAILURE_ID, "otel": {"trace_id": TRACE}}
    bad[0]["source"] |= {"partition": 4, "offset": 9918273}
    return {
        "deployments.jsonl": [
            deployment("orders-svc", "v3.16", "v3.15", "2024-01-11T14:02:10Z", "51c0a77"),
            deployment("orders-svc", "v3.17", "v3.16", "2024-01-15T09:57:45Z", "9f31c2d"),
            deployment("payments-svc", "v2.9", "v2.8", "2024-01-15T09:57:50Z", "c4d2b01"),
        ],
        "evidence.jsonl": good + bad,
    }


def order_judged(at: datetime, version: str, number: int, *, passed: bool) -> Event:
    """Return the evidence of one order event, as an enforcer beside the topic writes it."""
    contract: Event = {"gate": "G4_CONTRACT", "result": "PASS" if passed else "FAIL"}
    if not passed:
        contract |= {
            "reason_code": "MISSING_FIELD:customer_id",
            "details": {
                "contract_id": "dc:orders.created:3",
                "violated_rule": {
                    "field": "customer_id", "constraint": "required", "actual": "null",
                },
            },
        }  # fmt: skip
    others = ("G1_RESOLUTION", "G2_IDENTITY", "G3_SCHEMA", "G5_PII")
    gates = sorted([contract, *({"gate": g, "result": "PASS"} for g in others)], key=gate_name)
    return {
        "evidence_id": identity(at, "order", number),
        "timestamp": instant(at),
        "dataset_urn": "urn:dp:orders:created",
        "producer": {"id": "orders-svc", "confidence": "HIGH", "version": version},
        "validation": {
            "result": contract["result"],
            "gates": gates,
            "failed_gates": [] if passed else ["G4_CONTRACT"],
            "reason_codes": [] if passed else ["MISSING_FIELD:customer_id"],
        },
        "source": {
            "topic": "raw.orders.events", "partition": number % 8, "offset": 9_918_000 + number,
            "timestamp_type": "CREATE_TIME",
        },
        "otel": {"trace_id": hashlib.md5(f"trace {number}".encode()).hexdigest()},  # noqa: S324
    }  # fmt: skip


def enum_drift() -> dict[str, list[Event]]:
    """Return the day's rows, the evidence of stream and batch, and the lineage, by file name."""
    rows = list(orders())
    sales = [row for row in rows if row["discount_type"] == NEW_DISCOUNT]
    assert (len(rows), len(sales)) == (ROWS, UNKNOWN)
    return {
        "rows.jsonl": rows,
        "stream.jsonl": [sale_seen(i) for i in range(len(sales))],
        "batch.jsonl": [sale_refused(row, i) for i, row in enumerate(sales)],
        "lineage.jsonl": list(lineage(len(rows), len(sales))),
    }


def orders() -> Iterator[Event]:
    """Yield the orders of 2024-01-14; the first flash sale is at 14:30, the rest follow."""
    midnight = datetime(2024, 1, 14, tzinfo=UTC)
    opening = int((FIRST_SALE - midnight) / timedelta(days=1) * ROWS)
    every = (ROWS - opening) // UNKNOWN
    sales = {opening + 1 + every * i for i in range(UNKNOWN)}
    for number in range(ROWS):
        known = KNOWN_DISCOUNTS[number * 7 % len(KNOWN_DISCOUNTS)]
        yield {
            "order_id": f"ORD-2024-0114-{number:05}",
            "customer_id": f"cust-{number * 37 % 9973:05}",
            "total_amount": round(5 + number * 13 % 19500 / 100, 2),
            "currency": "USD",
            "discount_type": NEW_DISCOUNT if number in sales else known,
        }


def sale_seen(number: int) -> Event:
    """Return the stream's evidence of a flash sale: the contract lets it pass with a warning."""
    day_ends = datetime(2024, 1, 15, tzinfo=UTC)
    at = FIRST_SALE + (day_ends - FIRST_SALE) * number / UNKNOWN
    return {
        "evidence_id": identity(at, "seen", number) if number else FIRST_SALE_ID,
        "timestamp": instant(at),
        "dataset_urn": "urn:dp:orders:created",
        "validation": {
            "result": "WARN",
            "gates": [
                {"gate": "G3_SCHEMA", "result": "PASS"},
                {"gate": "G4_CONTRACT", "result": "WARN", "reason_code": SIGNATURE},
            ],
        },
    }


def sale_refused(order: Event, number: int) -> Event:
    """Return the batch job's evidence of a row it left out."""
    at = datetime(2024, 1, 15, 2, 5, 30, tzinfo=UTC)
    return {
        "evidence_id": identity(at, "refused", number),
        "timestamp": instant(at),
        "dataset_urn": "urn:dp:orders:silver",
        "producer": {"id": "spark:orders_silver_transform", "confidence": "HIGH", "run_id": RUN},
        "validation": {
            "result": "FAIL", "failed_gates": ["CONTRACT"], "reason_codes": [SIGNATURE],
        },
        "source": {
            "input_dataset": "s3://data-lake-prod/bronze/orders/2024-01-14/",
            "source_record_id": order["order_id"],
        },
        "lineage": {
            "dag_run_id": DAG_RUN, "spark_run_id": RUN, "upstream_dataset": "urn:dp:orders:bronze",
        },
    }  # fmt: skip


def lineage(rows: int, refused: int) -> Iterator[Event]:
    """Yield the OpenLineage events of both jobs: the topic into bronze, bronze into silver."""
    streaming = {"namespace": "streaming", "name": "orders-kafka-to-bronze"}
    yield {
        "eventType": "COMPLETE",
        "eventTime": "2024-01-14T14:30:01.000Z",
        "run": {
            "runId": "kafka-consumer-run-20240114-143001",
            "facets": {"parent": {"job": streaming, "run": {"runId": "persistent-consumer-001"}}},
        },
        "job": streaming,
        "inputs": [{"namespace": "kafka://msk-prod", "name": "raw.orders.events"}],
        "outputs": [BRONZE | {"facets": {"outputStatistics": {"rowCount": rows}}}],
    }
    parent = {
        "job": {"namespace": "airflow", "name": "orders_daily_agg"},
        "run": {"runId": DAG_RUN},
    }
    airflow = {
        "dag_id": "orders_daily_agg", "task_id": "transform_orders_silver",
        "execution_date": "2024-01-15T02:00:00+00:00",
    }  # fmt: skip
    transform = {
        "job": {"namespace": "spark", "name": "orders_silver_transform"},
        "inputs": [BRONZE],
        "outputs": [SILVER],
    }
    yield {
        "eventType": "START",
        "eventTime": "2024-01-15T02:00:05.000Z",
        "run": {"runId": RUN, "facets": {"parent": parent, "airflow": airflow}},
        **transform,
    }
    passed = rows - refused
    summary = {
        "records_processed": rows, "records_passed": passed, "records_failed": refused,
        "compliance_rate": round(passed / rows, 4),
        "failure_signatures": [
            {
                "reason_code": SIGNATURE, "count": refused,
                "first_seen": "2024-01-14T14:30:00.000Z",
            }
        ],
    }  # fmt: skip
    yield {
        "eventType": "COMPLETE",
        "eventTime": "2024-01-15T02:08:45.000Z",
        "run": {
            "runId": RUN,
            "facets": {
                "parent": parent,
                "outputStatistics": {"rowCount": passed, "bytesWritten": 15_234_567},
                "observability_evidence": {
                    "_producer": "https://github.com/your-org/signal-factory",
                    "_schemaURL": "urn:schema:ol-obs-facet:1",
                    "summary": summary,
                    "evidence_topic": "signal_factory.evidence",
                    "evidence_count": refused,
                },
            },
        },
        **transform,
    }


def deployment(service: str, version: str, before: str, at: str, commit: str) -> Event:
    """Return a deployment's event."""
    return {
        "kind": "DeploymentEvent", "service": service, "version": version,
        "previous_version": before, "deployed_at": at, "commit": commit, "environment": "prod",
    }  # fmt: skip


def identity(at: datetime, *parts: object) -> str:
    """Return an evidence id: the time as a ULID holds it, the rest made of `parts`."""
    digest = hashlib.sha256(repr(parts).encode()).digest()
    number = int(at.timestamp() * 1000) << 80 | int.from_bytes(digest[:10], "big")
    return "evd-" + "".join(CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


def instant(at: datetime) -> str:
    """Return RFC 3339 in UTC with milliseconds."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def gate_name(block: Event) -> str:
    """Return what gate blocks are ordered by."""
    return str(block["gate"])


SCENARIOS = {"contract-break": contract_break, "enum-drift": enum_drift}


def main(argv: list[str]) -> int:
    """Write the files of one scenario into a folder; 2 when asked for something else."""
    if len(argv) != 2 or argv[0] not in SCENARIOS:
        print(f"usage: generate.py {'|'.join(SCENARIOS)} OUT_DIR", file=sys.stderr)
        return 2
    folder = Path(argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, events in SCENARIOS[argv[0]]().items():
        lines = "".join(json.dumps(event) + "\n" for event in events)
        (folder / name).write_text(lines, encoding="utf-8")
        print(f"{folder / name}: {len(events):,} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

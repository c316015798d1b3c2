"""Events nobody meant well: no stage stops, nothing healthy is lost, no terminal obeys them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sfctl import report, wiring
from sfctl.commands.engine_pass import advance_all
from sfctl.evidence.codec import Accepted, accept
from sfctl.evidence.port import Bus, Query
from sfctl.incidents import store
from sfctl.model import codec
from sfctl.rca.cache import explained
from sfctl.report.outcome import Outcome

NOW = datetime(2024, 1, 16, 12, tzinfo=UTC)
ORDERS = "urn:dp:shop:orders"
SAMPLES = Path(__file__).parents[1] / "golden" / "samples"
EVIL = "\x1b[31mx\x1b[0m\nsecond line\r\x07\x9b31m\N{RIGHT-TO-LEFT OVERRIDE}\x00"
HOSTILE: list[Any] = [
    *(None, True, -1, 0, 1.5, 2**63, -(2**70), 1e308, float("inf"), float("nan"), "", "x"),
    *("A" * 20_000, "-5", "NaN", EVIL, [], {}, [[]], [1, "a", None], {"": ""}, [{}], [None]),
    *(
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        f"urn:dp:{'a' * 500}:b",
        "urn:dp:a:b:v7#gold",
    ),
]


class Project:
    def __init__(self, folder: Path) -> None:
        wiring.store_folder(folder)
        self.bus = wiring.open_bus(folder / ".sfctl")
        self.state = wiring.open_state(folder / ".sfctl")
        self.graph = wiring.open_graph(folder / ".sfctl")
        self.stages = wiring.stages(folder, self.bus, self.state, self.graph)

    def take(self, *documents: dict[str, Any]) -> None:
        for document in documents:
            taken = accept(document, NOW)
            if isinstance(taken, Accepted):
                self.bus.publish([taken.event])
            else:
                self.bus.dead_letter([taken])

    def fold(self, now: datetime = NOW) -> None:
        advance_all(self.stages, now)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path)
    with closing(made.bus), closing(made.state), closing(made.graph):
        yield made


def gate(minute: int, second: int, result: str = "FAIL", **more: Any) -> dict[str, Any]:
    codes = [] if result == "PASS" else ["MISSING_FIELD:customer_id"]
    return {
        "kind": "GATE",
        "timestamp": f"2024-01-15T10:{minute:02d}:{second:02d}.000Z",
        "dataset_urn": ORDERS,
        "validation": {
            "result": result,
            "gates": [{"gate": "G4_CONTRACT", "result": result}],
            "reason_codes": codes,
        },
        "producer": {"id": "orders-svc", "version": "v2", "confidence": "HIGH"},
        **more,
    }


def signals_of(bus: Bus) -> set[bytes]:
    records = bus.query(Query(kind="SIGNAL", limit=10_000))
    return {codec.canonical(codec.plain(each.event)) for each in records}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value[:2])
        if isinstance(value, list)
        else ()
    )
    for key, item in items:
        yield from places(item, (*path, key))


def put(document: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    copy: Any = json.loads(json.dumps(document))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return copy  # type: ignore[no-any-return]


@pytest.mark.parametrize("seed", range(3))
def test_no_value_in_any_field_stops_a_stage(project: Project, seed: int) -> None:
    documents = [json.loads(path.read_bytes()) for path in sorted(SAMPLES.glob("*.json"))]
    wheres = [(document, path) for document in documents for path in places(document)]
    dice = random.Random(seed)
    for _ in range(250):
        document, path = dice.choice(wheres)
        project.take(put(document, path, dice.choice(HOSTILE)))
    project.take(*(gate(minute, 0) for minute in range(10)))
    project.fold()
    project.fold(NOW + timedelta(days=2))
    told = [each for each in signals_of(project.bus) if b'"CONTRACT_BREACH"' in each]
    assert any(ORDERS.encode() in each for each in told)


@pytest.mark.parametrize("when", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"])
def test_what_stands_for_no_time_is_no_time(project: Project, when: str, tmp_path: Path) -> None:
    healthy = [gate(i // 4, i % 4 * 15, "FAIL" if i % 3 else "PASS") for i in range(60)]
    project.take(gate(0, 0, timestamp=when), *healthy)
    project.fold()
    assert [each.reason for each in project.bus.dead_letters()] == ["NO_TIME"]
    other = Project(tmp_path / "other")
    with closing(other.bus), closing(other.state), closing(other.graph):
        other.take(*healthy)
        other.fold()
        assert signals_of(project.bus) == signals_of(other.bus) != set()


def test_a_time_of_the_run_that_cannot_be_read_does_not_hide_the_run(project: Project) -> None:
    promise = [{"dataset_urn": ORDERS, "stage": "gold", "gates": ["DQ", "G4_CONTRACT"]}]
    run = {"job_urn": "urn:job:orders", "run_id": "run-1", "scheduled_time": "tonight"}
    project.take(
        {"kind": "JobRunStarted", "timestamp": "2024-01-15T10:00:00Z", "expects": promise, **run},
        gate(1, 0, "PASS", stage="gold", **run),
        {"kind": "JobRunCompleted", "timestamp": "2024-01-15T10:02:00Z", **run},
    )
    project.fold()
    assert project.bus.dead_letters() == []
    assert any(b'"EVIDENCE_INCOMPLETE"' in each for each in signals_of(project.bus))


def test_no_name_reaches_a_terminal_or_a_notice_as_a_command(
    project: Project, tmp_path: Path
) -> None:
    bad = f"MISSING_FIELD:customer{EVIL}"
    producer = {"id": f"orders-svc{EVIL}", "version": f"v2{EVIL}", "confidence": "HIGH"}
    judged = {"result": "FAIL", "reason_codes": [bad]}
    judged["gates"] = [{"gate": "G4_CONTRACT", "result": "FAIL", "reason_code": bad}]  # type: ignore[assignment]
    project.take(
        {
            "kind": "DeploymentEvent",
            "service": f"orders-svc{EVIL}",
            "version": f"v2{EVIL}",
            "deployed_at": "2024-01-15T09:58:00Z",
            "commit": EVIL,
        },
        {"kind": "LineageSpec", "producer": EVIL, "inputs": [f"a{EVIL}"], "outputs": [ORDERS]},
        {"kind": EVIL, "timestamp": "2024-01-15T09:58:00Z"},
        *(gate(i // 4, i % 4 * 15, validation=judged, producer=producer) for i in range(40)),
    )
    project.fold()
    held = [codec.encode(codec.plain(each.event)) for each in project.bus.query(Query())]
    held += [codec.encode(codec.plain(each)) for each in project.bus.dead_letters()]
    held += [codec.encode(codec.plain(each)) for each in store.every(project.state)]
    held.append(codec.encode(codec.plain(project.graph.export())))
    answer = explained("INC-1", project.graph, project.state, project.bus, run="", now=NOW)
    held.append(codec.encode(codec.plain(answer)))
    held += [path.read_bytes() for path in tmp_path.rglob("notices.jsonl")]
    for each in held:
        text = codec.encode(codec.decode(each, object) if each.startswith(b"{") else {}).decode()
        assert not any(mark in text + each.decode() for mark in ("\\u001b", "\x9b", "\\r", "\x00"))
        assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in each.decode()
        assert "\\nsecond line" not in each.decode()


@pytest.mark.parametrize("format", ["text", "json"])
def test_what_people_type_is_shown_and_not_obeyed(format: str) -> None:
    shown = report.render(Outcome("incidents", {"note": EVIL}, f"INC-1 {EVIL}"), format)
    assert not {"\x1b", "\x9b", "\r", "\x07", "\x00", "\N{RIGHT-TO-LEFT OVERRIDE}"} & set(shown)
    if format == "json":
        assert json.loads(shown)["note"] == EVIL

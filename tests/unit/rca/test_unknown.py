"""What is not on record is told as unknown; it never makes something else the cause."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfctl.clock import format_instant
from sfctl.errors import UsageError
from sfctl.model.explanation import Explanation
from sfctl.model.graph import Edge, Elements, Node
from tests.unit.rca.world import NOW, World

Broken = tuple[World, str]
RELATED = {
    "urn:deployment:orders-svc:v3.17",
    "urn:service:orders-svc",
    "urn:dp:orders:created",
    "urn:dp:orders:bronze",
}


def answers_without_each_edge(world: World, subject: str) -> dict[Edge, Explanation]:
    """Return the answers of worlds that lack one edge each."""
    found = {}
    for number, edge in enumerate(world.graph.export().edges):
        cut = world.without(edge, f"cut{number}")
        found[edge.source, edge.label, edge.target] = cut.explain(subject)
        cut.graph.close()
    return found  # type: ignore[return-value]


def test_without_any_one_edge_nobody_else_is_blamed(broken: Broken, drifted: Broken) -> None:
    for world, subject in (broken, drifted):
        whole = world.explain(subject).root_cause
        for edge, told in answers_without_each_edge(world, subject).items():
            cause = told.root_cause
            assert cause.ref in RELATED or cause.kind == "UNKNOWN", (edge, cause.statement)
            if cause.ref == whole.ref:
                assert cause.confidence <= whole.confidence, edge


@pytest.mark.parametrize("label", ["INTRODUCED", "CAUSED"])
def test_without_the_edge_to_the_cause_it_is_unknown(broken: Broken, label: str) -> None:
    world, incident = broken
    edge = next(e for e in world.graph.export().edges if e.label == label)
    cut = world.without(edge, f"no{label}")
    told = cut.explain(incident)
    assert told.root_cause.kind == "UNKNOWN"
    assert (told.root_cause.confidence, told.root_cause.level) == (0.0, "LOW")
    assert any("edge" in each for each in told.root_cause.missing)
    assert "not on record" in told.narrative
    assert told.evidence_refs
    assert told.actions
    cut.graph.close()


@pytest.mark.parametrize(
    ("cut_labels", "blamed"),
    [
        ({"PRODUCED_DRIFT"}, "urn:service:orders-svc"),
        ({"PRODUCED_DRIFT", "OWNS"}, "urn:dp:orders:created"),
    ],
)
def test_without_the_drift_edge_the_origin_is_named_less_surely(
    drifted: Broken, cut_labels: set[str], blamed: str
) -> None:
    world, signal = drifted
    known = world.graph.export()
    cut = world.rebuilt(
        Elements(known.nodes, tuple(e for e in known.edges if e.label not in cut_labels)),
        f"nodrift{len(cut_labels)}",
    )
    cause = cut.explain(signal).root_cause
    assert (cause.kind, cause.ref) == ("UPSTREAM_ENUM", blamed)
    assert cause.confidence < world.explain(signal).root_cause.confidence
    cut.graph.close()


def test_nothing_wrong_is_said_as_such(broken: Broken) -> None:
    world, _ = broken
    told = world.explain("urn:dp:payments:completed")
    assert told.root_cause.kind == "UNKNOWN"
    assert told.root_cause.statement.startswith("Nothing on record is wrong")
    assert told.hypotheses == ()


def test_a_name_that_nothing_has_is_refused_with_the_nearest(broken: Broken) -> None:
    world, _ = broken
    with pytest.raises(UsageError) as raised:
        world.explain("urn:dp:orders:creatd")
    assert raised.value.code == "SF861"
    assert "urn:dp:orders:created" in raised.value.hint
    with pytest.raises(UsageError) as raised:
        world.explain(run="run-nobody-knows")
    assert raised.value.code == "SF861"


def test_a_name_that_several_have_is_refused(world: World) -> None:
    nodes = (Node("urn:dp:a:orders", "Dataset"), Node("urn:dp:b:orders", "Dataset"))
    world.graph.upsert(Elements(nodes), NOW)
    with pytest.raises(UsageError) as raised:
        world.explain("orders")
    assert raised.value.code == "SF862"
    assert "urn:dp:b:orders" in str(raised.value)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["search-svc", "billing", "auth", "payments-svc"]),
            st.integers(-86_400, 600),
            st.booleans(),
        ),
        max_size=6,
    )
)
def test_unrelated_deployments_are_never_blamed(
    broken: Broken, drifted: Broken, strangers: list[tuple[str, int, bool]]
) -> None:
    first = datetime(2024, 1, 15, 9, 58, 2, tzinfo=UTC)
    for number, (world, subject) in enumerate((broken, drifted)):
        known = world.graph.export()
        signature = next(n.id for n in known.nodes if n.label == "FailureSignature")
        nodes, edges = list(known.nodes), list(known.edges)
        for index, (service, offset, near) in enumerate(strangers):
            id = f"urn:deployment:{service}:x{index}"
            at = format_instant(first + timedelta(seconds=offset))
            props = {"service": service, "version": f"x{index}", "deployed_at": at}
            nodes += [Node(id, "Deployment", props), Node(f"urn:service:{service}", "Service")]
            edges.append(Edge(f"urn:service:{service}", id, "DEPLOYED"))
            if near:
                edges.append(Edge(id, signature, "PRECEDED"))
        other = world.rebuilt(Elements(tuple(nodes), tuple(edges)), f"strange{number}")
        told = other.explain(subject)
        assert told.root_cause.ref == world.explain(subject).root_cause.ref
        other.graph.close()
        (world.folder / f"strange{number}.db").unlink()

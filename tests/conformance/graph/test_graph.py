"""The suite of the graph port. An adapter is one entry of ADAPTERS; every test here is for all."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path as FilePath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfctl.errors import UsageError
from sfctl.graph.embedded import EmbeddedGraph
from sfctl.graph.port import MAX_HOPS, Direction, Graph, Hop
from sfctl.model.graph import EDGES_PER_NODE, LABELS, Edge, Elements, Node, merged, run_id

AT = datetime(2024, 1, 15, 10, tzinfo=UTC)
DAY = timedelta(days=1)
ORDERS = "urn:dp:orders:order_created"
ADAPTERS: dict[str, Callable[[FilePath], Graph]] = {
    "embedded": lambda folder: EmbeddedGraph(folder / "graph.db", timeout=10.0),
}
adapters = pytest.mark.parametrize("adapter", sorted(ADAPTERS))

Open = Callable[[], Graph]


@pytest.fixture(params=sorted(ADAPTERS))
def opened(request: pytest.FixtureRequest, tmp_path: FilePath) -> Iterator[Open]:
    handles: list[Graph] = []

    def again() -> Graph:
        handles.append(ADAPTERS[request.param](tmp_path))
        return handles[-1]

    yield again
    for handle in handles:
        handle.close()


@pytest.fixture
def graph(opened: Open) -> Graph:
    return opened()


def fed(*pairs: tuple[str, str], label: str = "FEEDS") -> Elements:
    ids = sorted({each for pair in pairs for each in pair})
    return Elements(
        tuple(Node(each, "Dataset") for each in ids),
        tuple(Edge(source, target, label) for source, target in pairs),
    )


NAMES = st.sampled_from("abcdef")
PROPS = st.dictionaries(
    st.sampled_from(["first_seen", "last_seen", "count"]), st.integers(0, 5), max_size=3
)
ELEMENTS = st.builds(
    Elements,
    st.lists(st.builds(Node, NAMES, st.just("Dataset"), PROPS), max_size=4).map(tuple),
    st.lists(
        st.builds(Edge, NAMES, NAMES, st.sampled_from(["FEEDS", "READS"]), PROPS), max_size=6
    ).map(tuple),
)


class TestUpsert:
    def test_what_goes_in_comes_out(self, graph: Graph, opened: Open) -> None:
        node = Node(ORDERS, "Dataset", {"tier": 1, "name": "Bestellung ä", "tags": ["a", "b"]})
        edge = Edge("urn:team:x", ORDERS, "OWNS", {"confidence": "HIGH", "ok": True, "x": 0.5})
        team = Node("urn:team:x", "Team")
        assert graph.upsert(Elements((node, team), (edge,)), AT) == 3
        again = opened()
        assert again.node(ORDERS) == node
        assert again.edges("urn:team:x") == [edge]
        assert again.edges(ORDERS, "in", ["OWNS"]) == [edge]
        assert again.edges(ORDERS) == again.edges(ORDERS, "in", ["READS"]) == []
        assert again.node("urn:team:y") is None

    def test_a_replay_changes_nothing(self, graph: Graph) -> None:
        elements = fed(("a", "b"), ("b", "a")) + Elements((Node("a", "Dataset", {"count": 3}),))
        assert graph.upsert(elements, AT) == 4
        before = graph.export(), graph.generation()
        assert graph.upsert(elements, AT + DAY) == 0
        assert (graph.export(), graph.generation()) == before

    def test_the_merge_rule_holds_for_nodes_and_edges(self, graph: Graph) -> None:
        old = {"first_seen": "2024-02", "last_seen": "2024-02", "count": 7, "owner": "a", "tier": 1}
        new = {"first_seen": "2024-01", "last_seen": "2024-01", "count": 9, "owner": "", "tier": 2}
        for props in (old, new):
            graph.upsert(
                Elements((Node("n", "Run", props),), (Edge("n", "m", "READS", props),)), AT
            )
        wanted = {
            "first_seen": "2024-01",
            "last_seen": "2024-02",
            "count": 9,
            "owner": "a",
            "tier": 2,
        }
        assert merged(old, new) == wanted
        assert graph.nodes("Run") == [Node("n", "Run", wanted)]
        assert graph.edges("n") == [Edge("n", "m", "READS", wanted)]

    def test_bare_ends_are_filled_in_later(self, graph: Graph) -> None:
        assert graph.upsert(Elements(edges=(Edge("r", "d", "READ_FROM"),)), AT) == 3
        assert graph.export().nodes == (Node("d", ""), Node("r", ""))
        assert graph.upsert(Elements((Node("d", "Dataset", {"tier": 1}),)), AT) == 1
        assert graph.upsert(Elements((Node("d", ""),)), AT) == 0
        assert graph.node("d") == Node("d", "Dataset", {"tier": 1})

    def test_an_element_twice_in_one_call_is_merged(self, graph: Graph) -> None:
        two = (Node("a", "Dataset", {"count": 4}), Node("a", "", {"count": 2, "name": "x"}))
        assert graph.upsert(Elements(two), AT) == 1
        assert graph.node("a") == Node("a", "Dataset", {"count": 4, "name": "x"})

    def test_values_that_cannot_be_compared_change_nothing(self, graph: Graph) -> None:
        graph.upsert(Elements((Node("a", "Run", {"count": 1}),)), AT)
        before = graph.export(), graph.generation()
        with pytest.raises(UsageError, match="cannot be compared") as caught:
            graph.upsert(Elements((Node("0", "Run"), Node("a", "Run", {"count": "x"}))), AT)
        assert caught.value.code == "SF843"
        assert (graph.export(), graph.generation()) == before

    @adapters
    @settings(max_examples=40, deadline=None)
    @given(batches=st.lists(ELEMENTS, max_size=5), data=st.data())
    def test_order_and_cut_do_not_matter(
        self, adapter: str, batches: list[Elements], data: st.DataObject
    ) -> None:
        shuffled = data.draw(st.permutations(batches))
        at_once = Elements()
        for batch in batches:
            at_once = at_once + batch
        answers = []
        for calls in (batches, shuffled, [*shuffled, *batches], [at_once]):
            with tempfile.TemporaryDirectory() as folder:
                graph = ADAPTERS[adapter](FilePath(folder))
                for call in calls:
                    graph.upsert(call, AT)
                answers.append(graph.export())
                graph.close()
        assert all(answer == answers[0] for answer in answers)

    @adapters
    @settings(max_examples=30, deadline=None)
    @given(batches=st.lists(ELEMENTS, min_size=1, max_size=4))
    def test_the_count_is_what_an_export_shows_to_differ(
        self, adapter: str, batches: list[Elements]
    ) -> None:
        with tempfile.TemporaryDirectory() as folder:
            graph = ADAPTERS[adapter](FilePath(folder))
            for batch in batches:
                before, generation = graph.export(), graph.generation()
                count = graph.upsert(batch, AT)
                after = graph.export()
                known = [*before.nodes, *before.edges]
                assert count == sum(each not in known for each in (*after.nodes, *after.edges))
                assert graph.generation() == generation + bool(count)
            graph.close()


class TestLookUp:
    def test_nodes_come_by_label_or_id_in_order(self, graph: Graph) -> None:
        graph.upsert(Elements(tuple(Node(each, "Run") for each in "cab")), AT)
        graph.upsert(Elements((Node("d", "Dataset"),)), AT)
        assert [node.id for node in graph.nodes("Run", limit=2)] == ["a", "b"]
        assert [node.id for node in graph.nodes(ids=["d", "b", "x"])] == ["b", "d"]
        assert [node.id for node in graph.nodes("Run", ids=["d", "b"])] == ["b"]
        assert graph.nodes(ids=[]) == []

    def test_edges_come_by_label_then_far_end(self, graph: Graph) -> None:
        pairs = [("a", "z"), ("a", "b"), ("c", "a")]
        graph.upsert(fed(*pairs) + fed(("a", "y"), label="CONTAINS"), AT)
        assert [(e.label, e.target) for e in graph.edges("a")] == [
            ("CONTAINS", "y"),
            ("FEEDS", "b"),
            ("FEEDS", "z"),
        ]
        assert [e.source for e in graph.edges("a", "in")] == ["c"]
        assert len(graph.edges("a", limit=1)) == 1

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            (ORDERS, [ORDERS]),
            ("order_created", [ORDERS, "urn:job:spark/order_created"]),
            ("orders:order_created", [ORDERS]),
            ("bronze", [f"{ORDERS}#bronze"]),
            ("order_created#bronze", [f"{ORDERS}#bronze"]),
            ("Revenue", ["urn:dashboard:7"]),
            ("rev", ["urn:dashboard:7"]),
            ("turnover", ["urn:dashboard:7"]),
            ("MISSING_FIELD:customer_id", [f"MISSING_FIELD:customer_id:{ORDERS}"]),
            ("MISSING_FIELD", []),
            ("created", []),
            ("%", []),
            ("'; DROP TABLE nodes; --", []),
            ("", []),
        ],
    )
    def test_find(self, graph: Graph, text: str, found: list[str]) -> None:
        nodes = (
            Node(ORDERS, "Dataset"),
            Node(f"{ORDERS}#bronze", "Dataset"),
            Node("urn:job:spark/order_created", "Job"),
            Node("urn:dashboard:7", "Dashboard", {"name": "Revenue", "alias": ["rev", "turnover"]}),
            Node(f"MISSING_FIELD:customer_id:{ORDERS}", "FailureSignature"),
        )
        graph.upsert(Elements(nodes), AT)
        assert [node.id for node in graph.find(text)] == found
        assert [node.id for node in graph.find(text, limit=1)] == found[:1]


def brute_force(pairs: set[tuple[str, str]], start: str, hops: int) -> dict[str, int]:
    """Return the distance of all that is in reach, by widening the set step by step."""
    reached = {start: 0}
    for step in range(1, hops + 1):
        for source, target in pairs:
            if reached.get(source, step) < step:
                reached.setdefault(target, step)
    del reached[start]
    return reached


class TestWalk:
    @adapters
    @settings(max_examples=50, deadline=None)
    @given(
        pairs=st.sets(st.tuples(NAMES, NAMES), max_size=14),
        other=st.sets(st.tuples(NAMES, NAMES), max_size=5),
        start=NAMES,
        hops=st.integers(0, 6),
        direction=st.sampled_from(["out", "in"]),
    )
    def test_it_reaches_what_brute_force_reaches(
        self,
        adapter: str,
        pairs: set[tuple[str, str]],
        other: set[tuple[str, str]],
        start: str,
        hops: int,
        direction: Direction,
    ) -> None:
        with tempfile.TemporaryDirectory() as folder:
            graph = ADAPTERS[adapter](FilePath(folder))
            graph.upsert(fed(*pairs) + fed(*other, label="OWNS"), AT)
            reached = graph.walk(start, direction, ["FEEDS", "READS"], max_hops=hops)
            graph.close()
        seen = pairs if direction == "out" else {(b, a) for a, b in pairs}
        assert not reached.truncated
        assert {p.end.id: p.hops for p in reached.paths} == brute_force(seen, start, hops)
        order = [(path.hops, path.end.id) for path in reached.paths]
        assert order == sorted(order)
        for path in reached.paths:
            ids = [node.id for node in path.nodes]
            steps = [(e.source, e.target) for e in path.edges]
            if direction == "in":
                steps = [(b, a) for a, b in steps]
            assert steps == list(itertools.pairwise(ids))
            assert ids[0] == start
            assert len(set(ids)) == len(ids)
            assert {edge.label for edge in path.edges} <= {"FEEDS"}

    def test_no_labels_mean_any(self, graph: Graph) -> None:
        graph.upsert(fed(("a", "b")) + fed(("b", "c"), label="OWNS"), AT)
        assert [path.end.id for path in graph.walk("a", "out", [], max_hops=5).paths] == ["b", "c"]

    def test_the_limit_keeps_the_nearest(self, graph: Graph) -> None:
        graph.upsert(fed(("a", "z"), ("a", "y"), ("z", "b"), ("y", "c")), AT)
        reached = graph.walk("a", "out", ["FEEDS"], max_hops=3, limit=3)
        assert [path.end.id for path in reached.paths] == ["y", "z", "b"]
        assert reached.truncated

    def test_hops_are_bounded_and_it_says_so(self, graph: Graph) -> None:
        names = [f"n{index:02}" for index in range(MAX_HOPS + 3)]
        graph.upsert(fed(*itertools.pairwise(names)), AT)
        reached = graph.walk("n00", "out", ["FEEDS"], max_hops=MAX_HOPS + 5)
        assert (len(reached.paths), reached.truncated) == (MAX_HOPS, True)
        within = graph.walk("n00", "out", ["FEEDS"], max_hops=MAX_HOPS)
        assert (within.paths, within.truncated) == (reached.paths, False)

    def test_an_unknown_start_reaches_nothing(self, graph: Graph) -> None:
        assert graph.walk("nowhere", "out", [], max_hops=3).paths == ()

    def test_a_hub_of_topology_is_cut_and_says_so(self, graph: Graph) -> None:
        graph.upsert(fed(*(("hub", f"d{i:04}") for i in range(EDGES_PER_NODE + 5))), AT)
        reached = graph.walk("hub", "out", ["FEEDS"], max_hops=1, limit=5_000)
        assert (len(reached.paths), reached.truncated) == (EDGES_PER_NODE, True)
        assert len(graph.edges("hub", limit=5_000)) == EDGES_PER_NODE + 5


class TestFollow:
    def test_exactly_these_hops_in_order_of_ids(self, graph: Graph) -> None:
        graph.upsert(
            fed(("s", "b"), ("s", "a"), ("b", "t"), ("a", "t"), ("a", "u"), ("s", "t"))
            + fed(("o", "t"), label="OWNS"),
            AT,
        )
        hops = [Hop(("FEEDS",)), Hop(("FEEDS",)), Hop(("OWNS",), "in")]
        paths = graph.follow("s", hops)
        assert [[n.id for n in path.nodes] for path in paths] == [
            ["s", "a", "t", "o"],
            ["s", "b", "t", "o"],
        ]
        assert [edge.label for edge in paths[0].edges] == ["FEEDS", "FEEDS", "OWNS"]
        assert graph.follow("s", hops, limit=1) == paths[:1]

    def test_two_relations_are_two_paths_and_no_node_comes_twice(self, graph: Graph) -> None:
        graph.upsert(fed(("a", "b"), ("b", "a"), ("b", "c")) + fed(("a", "b"), label="OWNS"), AT)
        paths = graph.follow("a", [Hop(()), Hop(("FEEDS",))])
        assert [[e.label for e in path.edges] for path in paths] == [
            ["FEEDS", "FEEDS"],
            ["OWNS", "FEEDS"],
        ]
        assert {path.end.id for path in paths} == {"c"}

    def test_no_hops_are_the_start_itself(self, graph: Graph) -> None:
        graph.upsert(fed(("a", "b")), AT)
        assert [path.end.id for path in graph.follow("a", [])] == ["a"]
        assert graph.follow("nowhere", []) == []


class TestExpire:
    @pytest.mark.parametrize("label", sorted(LABELS))
    def test_each_label_lives_its_days(self, graph: Graph, label: str) -> None:
        graph.upsert(Elements((Node("n", label), Node("d", "Dataset"))), AT)
        graph.upsert(Elements(edges=(Edge("n", "d", "AFFECTS"),)), AT)
        days = LABELS[label]
        if days is None:
            assert graph.expire(AT + 4_000 * DAY) == 0
            return
        assert graph.expire(AT + days * DAY) == 0
        assert [n.id for n in graph.stale(AT + days * DAY + DAY)] == ["n"]
        generation = graph.generation()
        assert graph.expire(AT + days * DAY + DAY) == 1
        assert graph.export() == Elements((Node("d", "Dataset"),))
        assert graph.generation() > generation

    def test_what_is_seen_again_lives_on(self, graph: Graph) -> None:
        graph.upsert(Elements((Node("n", "Signal"), Node("m", "Signal"))), AT)
        graph.upsert(Elements((Node("n", "Signal"),)), AT + 20 * DAY)
        graph.upsert(Elements((Node("n", "Signal"),)), AT)
        graph.upsert(Elements(edges=(Edge("m", "i", "TRIGGERED"),)), AT + 20 * DAY)
        assert graph.expire(AT + 40 * DAY) == 0
        assert graph.expire(AT + 51 * DAY) == 2

    def test_what_is_cited_stays_and_steps_are_small(self, graph: Graph) -> None:
        graph.upsert(Elements(tuple(Node(run_id(f"{i}"), "Run") for i in range(5))), AT)
        late = AT + 100 * DAY
        keep = [run_id("0"), run_id("9")]
        assert graph.expire(late, keep=keep, limit=3) == 3
        assert graph.expire(late, keep=keep, limit=3) == 1
        assert graph.expire(late, keep=keep, limit=3) == 0
        assert [node.id for node in graph.nodes("Run")] == [run_id("0")]


def written(number: int, dataset: str = ORDERS) -> Elements:
    run = run_id(f"{number:05}")
    return Elements(
        (Node(run, "Run"), Node(dataset, "Dataset")),
        (Edge(run, dataset, "WROTE_TO", {"rows": number}),),
    )


def many(first: int, last: int) -> Elements:
    runs = tuple(Node(run_id(f"{i:05}"), "Run") for i in range(first, last))
    edges = tuple(Edge(run.id, ORDERS, "WROTE_TO") for run in runs)
    return Elements((*runs, Node(ORDERS, "Dataset")), edges)


class TestCaps:
    def test_the_oldest_runs_roll_up_into_a_count(self, graph: Graph) -> None:
        graph.upsert(many(0, 20), AT)
        graph.upsert(many(20, EDGES_PER_NODE + 7), AT + DAY)
        edges = graph.edges(ORDERS, "in", limit=5_000)
        assert len(edges) == EDGES_PER_NODE
        assert edges[0].source == run_id("00007")
        assert graph.nodes(ids=[ORDERS])[0].props == {"rolled_up": 7}

    def test_a_replay_counts_nothing_twice(self, graph: Graph) -> None:
        batches = [(many(0, 20), AT), (many(20, EDGES_PER_NODE + 7), AT + DAY)]
        for batch, at in batches:
            graph.upsert(batch, at)
        before = graph.export(), graph.generation()
        for batch, at in batches:
            assert graph.upsert(batch, at) == 0
        assert (graph.export(), graph.generation()) == before
        graph.upsert(written(3), AT + 2 * DAY)
        shown = {edge.source for edge in graph.edges(ORDERS, "in", limit=5_000)}
        assert run_id("00003") in shown
        assert run_id("00007") not in shown
        assert graph.nodes(ids=[ORDERS])[0].props == {"rolled_up": 7}

    def test_topology_is_never_rolled_up(self, graph: Graph) -> None:
        graph.upsert(fed(*((ORDERS, f"d{i:04}") for i in range(EDGES_PER_NODE + 3))), AT)
        graph.upsert(Elements((Node("s", "Signal"),), (Edge(ORDERS, "s", "CAUSED"),)), AT + DAY)
        edges = graph.edges(ORDERS, limit=5_000)
        assert [edge.label for edge in edges] == ["FEEDS"] * (EDGES_PER_NODE + 3)
        assert graph.nodes(ids=[ORDERS])[0].props == {"rolled_up": 1}


class TestExport:
    @adapters
    @settings(max_examples=30, deadline=None)
    @given(elements=ELEMENTS)
    def test_load_and_export_are_inverse(self, adapter: str, elements: Elements) -> None:
        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
            first, second = ADAPTERS[adapter](FilePath(one)), ADAPTERS[adapter](FilePath(other))
            first.upsert(elements, AT)
            exported = first.export()
            second.upsert(exported, AT)
            assert second.export() == exported
            assert list(exported.nodes) == sorted(exported.nodes, key=lambda node: node.id)
            assert list(exported.edges) == sorted(
                exported.edges, key=lambda edge: (edge.source, edge.target, edge.label)
            )
            first.close()
            second.close()


def _write(adapter: str, folder: str, writer: int, rounds: int) -> None:
    graph = ADAPTERS[adapter](FilePath(folder))
    for number in range(rounds):
        graph.upsert(written(writer * 1_000 + number), AT)
        graph.upsert(Elements((Node("shared", "Job", {"count": writer * 100 + number}),)), AT)
    graph.close()


KILLED = """
import sys
from datetime import datetime, UTC
from sfctl.graph.embedded import EmbeddedGraph
from sfctl.model.graph import Edge, Elements, Node
graph = EmbeddedGraph(sys.argv[1])
n = 0
while True:
    n += 1
    nodes = tuple(Node(f"{x}", "Run", {"last_n": n}) for x in range(50))
    edges = tuple(Edge("0", f"{x}", "EXECUTED", {"last_n": n}) for x in range(50))
    graph.upsert(Elements(nodes, edges), datetime(2024, 1, 15, tzinfo=UTC))
    if n == 5:
        print("ready", flush=True)
"""


class TestProcesses:
    @adapters
    def test_two_writers_at_once_lose_nothing(self, tmp_path: FilePath, adapter: str) -> None:
        context = multiprocessing.get_context("spawn")
        workers = [
            context.Process(target=_write, args=(adapter, str(tmp_path), writer, 25))
            for writer in (1, 2)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
        assert [worker.exitcode for worker in workers] == [0, 0]
        graph = ADAPTERS[adapter](tmp_path)
        assert len(graph.nodes("Run")) == len(graph.edges(ORDERS, "in")) == 50
        assert graph.node("shared") == Node("shared", "Job", {"count": 224})
        assert graph.generation() >= 51
        graph.close()

    @pytest.mark.chaos
    def test_a_killed_writer_leaves_all_or_none(self, tmp_path: FilePath) -> None:
        child = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path / "graph.db")],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.getcwd()},
        )
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        with EmbeddedGraph(tmp_path / "graph.db") as graph:
            found = graph.export()
        assert (len(found.nodes), len(found.edges)) == (50, 50)
        counts = {each.props["last_n"] for each in (*found.nodes, *found.edges)}
        assert len(counts) == 1
        assert min(counts) >= 5

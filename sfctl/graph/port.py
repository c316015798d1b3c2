"""The graph as everything else sees it: idempotent upserts, look-ups by id, bounded walks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from sfctl.model.graph import Edge, Elements, Node

Direction = Literal["out", "in"]
MAX_HOPS = 10
LIMIT = 1_000


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of a walk: over which edges, in which direction."""

    labels: tuple[str, ...]
    direction: Direction = "out"


@dataclass(frozen=True, slots=True)
class Path:
    """A way through the graph; `nodes` has one more than `edges`, and no node twice."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...] = ()

    @property
    def end(self) -> Node:
        """The node it leads to."""
        return self.nodes[-1]

    @property
    def hops(self) -> int:
        """How many edges long it is."""
        return len(self.edges)


@dataclass(frozen=True, slots=True)
class Reached:
    """What a walk found: one shortest path to each node, nearest first, then by id.

    `truncated` tells that `limit` or an adapter's cap cut it short.
    """

    paths: tuple[Path, ...] = ()
    truncated: bool = False


class Graph(Protocol):
    """Every method raises StoreError when the graph does not answer, StoreLocked when it is held.

    Answers are in a fixed order: by id, or for walks as `Reached` says.
    """

    def upsert(self, elements: Elements, now: datetime) -> int:
        """Merge nodes and edges (`model.graph.merged`), all or none; return how many changed.

        An edge's ends that are not there yet are made as bare nodes without label (`""`), to be
        filled in later. `now` is when they were last seen, for expiry.
        """

    def turn(self) -> AbstractContextManager[None]:
        """Hold everybody else's turn off while one consumer reads, draws and moves on.

        What a slower one drew from older events would otherwise stand over what is newer. A turn
        ends with its process, however that ends.
        """

    def node(self, id: str) -> Node | None:
        """Return one node."""

    def nodes(self, label: str = "", *, ids: Sequence[str] = (), limit: int = LIMIT) -> list[Node]:
        """Return nodes by label, or those of `ids` that exist; by id."""

    def find(self, text: str, limit: int = 10) -> list[Node]:
        """Return the nodes a person may mean by `text`: the id itself, else its tail or `name`."""

    def edges(
        self,
        node: str,
        direction: Direction = "out",
        labels: Iterable[str] = (),
        *,
        limit: int = LIMIT,
    ) -> list[Edge]:
        """Return a node's edges, of these labels or of any; by label, then far end."""

    def walk(
        self,
        start: str,
        direction: Direction,
        labels: Iterable[str],
        *,
        max_hops: int,
        limit: int = LIMIT,
    ) -> Reached:
        """Return what can be reached over edges of `labels`, or of any, without the start.

        At most `max_hops` edges away; MAX_HOPS bounds it, and `truncated` tells when it cut.
        """

    def follow(self, start: str, hops: Sequence[Hop], *, limit: int = LIMIT) -> list[Path]:
        """Return the paths that take exactly these hops, in order of the ids along them."""

    def stale(self, now: datetime, *, keep: Iterable[str] = (), limit: int = 1_000) -> list[Node]:
        """Return the nodes that `expire` would drop, those seen longest ago first."""

    def expire(self, now: datetime, *, keep: Iterable[str] = (), limit: int = 1_000) -> int:
        """Drop at most `limit` nodes past their label's days, with their edges; return how many.

        `keep` names nodes that a live incident cites.
        """

    def export(self) -> Elements:
        """Return everything, nodes by id, edges by source, target and label."""

    def generation(self) -> int:
        """Return a number that grows with every change, for caches."""

    def close(self) -> None:
        """Let go of the connection."""

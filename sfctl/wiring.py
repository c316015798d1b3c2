"""The only place that names a concrete adapter; each is imported when it is asked for.

A target says which adapter it wants; this version has the embedded ones.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sfctl.consumer import Stage
    from sfctl.evidence.archive import Archive
    from sfctl.evidence.embedded import EmbeddedBus
    from sfctl.evidence.port import Bus
    from sfctl.graph.embedded import EmbeddedGraph
    from sfctl.graph.port import Graph
    from sfctl.registry.cached import Cache
    from sfctl.registry.embedded import FileRegistry
    from sfctl.runtime.job.compiled import Compiled
    from sfctl.runtime.job.sdk import Session
    from sfctl.state.embedded import EmbeddedState
    from sfctl.state.port import StateStore

STORE = ".sfctl"
STATE_TIMEOUT_S = 2.0
"""How long a job waits for the state store at most, before it goes on without."""
_sessions: dict[tuple[int, str, str], Session] = {}


def store_folder(root: Path) -> Path:
    """Return the `.sfctl/` of a data repo, made or brought to this version's format if need be."""
    from sfctl.state import migrations

    folder = root / STORE
    migrations.prepare(folder)
    return folder


def open_bus(
    folder: Path, settings: Mapping[str, object] | None = None, *, timeout: float = 1.0
) -> EmbeddedBus:
    """Open the evidence bus of a target, embedded below `.sfctl/` unless its settings say else.

    A lock is waited for `timeout` s.

    Raises UsageError SF755 for an adapter that this version does not have.
    """
    _embedded_only("bus", settings)
    from sfctl.evidence.embedded import EmbeddedBus

    return EmbeddedBus(_path(settings, folder / "bus.db"), timeout=timeout)


def open_state(
    folder: Path, settings: Mapping[str, object] | None = None, *, timeout: float = 5.0
) -> EmbeddedState:
    """Open the state store of a target, as `open_bus` does; a lock is waited for `timeout` s."""
    _embedded_only("state", settings)
    from sfctl.state.embedded import EmbeddedState

    return EmbeddedState(_path(settings, folder / "state.db"), timeout=timeout)


def open_graph(folder: Path, settings: Mapping[str, object] | None = None) -> EmbeddedGraph:
    """Open the causal graph of a target, as `open_bus` does."""
    _embedded_only("graph", settings)
    from sfctl.graph.embedded import EmbeddedGraph

    return EmbeddedGraph(_path(settings, folder / "graph.db"))


def open_registry(
    root: Path, names: Mapping[str, str], settings: Mapping[str, object] | None = None
) -> FileRegistry:
    """Open the schema registry of a target: files of the data repo unless its settings say else.

    `names` maps the canonical URN of each dataset to the name of its folder.
    """
    _embedded_only("registry", settings)
    from sfctl.registry.embedded import FOLDER, FileRegistry

    return FileRegistry({urn: root / "datasets" / name / FOLDER for urn, name in names.items()})


def open_schemas(project: Compiled) -> Cache:
    """Return what runs of a compiled project ask for registered schemas: a cache, kept on disk."""
    from sfctl.registry.cached import Cache

    settings = project.manifest.target.registry
    return Cache(
        lambda: open_registry(project.root, project.names, settings),
        project.store,
        since=project.manifest.compiled_at,
    )


def stage_names() -> tuple[str, ...]:
    """Return the consumers of the log, in the order they run."""
    from sfctl.engines import registry

    return (*registry.names(), "graph", "incidents")


def stages(
    root: Path,
    bus: Bus,
    state: StateStore,
    graph: Graph,
    names: tuple[str, ...] = (),
    *,
    limit: int = 500,
) -> list[Stage]:
    """Return the consumers named, all without any, in the order they run.

    `limit` is how many events one of their transactions takes in at most.
    """
    from sfctl.engines import registry
    from sfctl.engines.runner import Runner
    from sfctl.graph.stage import GraphStage
    from sfctl.incidents.stage import IncidentStage

    wanted = names or stage_names()
    found: list[Stage] = [
        Runner(registry.engine_named(name), bus, state, limit)
        for name in registry.names()
        if name in wanted
    ]
    if "graph" in wanted:
        found.append(GraphStage(bus, state, graph, limit=limit))
    if "incidents" in wanted:
        found.append(IncidentStage(bus, state, graph, root, batch=limit))
    return found


def open_archive(folder: Path) -> Archive:
    """Open the evidence archive below `.sfctl/`."""
    from sfctl.evidence.archive import Archive

    return Archive(folder / "archive")


def session() -> Session:
    """Return this process's session in the project it works in; a forked child gets its own.

    Raises UsageError SF130 outside a project, PolicyRejected SF752 for one that was not compiled,
    StoreError for an unusable `.sfctl/`.
    """
    from sfctl.runtime.job import compiled

    root = compiled.find_root()
    key = (os.getpid(), str(root), os.environ.get("SFCTL_RUN_ID", ""))
    if key not in _sessions:
        store_folder(root)
        _sessions[key] = session_of(compiled.load(root))
    return _sessions[key]


def session_of(project: Compiled) -> Session:
    """Return a session over a compiled project, its ports wired by the project's target."""
    from sfctl.clock import clock_from_environment
    from sfctl.runtime.job.sdk import Session

    settings = project.manifest.target.state
    return Session(
        project,
        clock_from_environment(),
        lambda folder: open_state(folder, settings, timeout=STATE_TIMEOUT_S),
        lambda: open_schemas(project),
    )


def _embedded_only(port: str, settings: Mapping[str, object] | None) -> None:
    wanted = str((settings or {}).get("type", "embedded"))
    if wanted != "embedded":
        from sfctl.errors import UsageError

        raise UsageError(
            f"the target asks for {port} type {wanted!r}, which this version cannot open",
            hint=f"set `{port}: {{type: embedded}}` for the target",
            code="SF755",
        )


def _path(settings: Mapping[str, object] | None, default: Path) -> Path:
    given = (settings or {}).get("path")
    return Path(str(given)) if given else default

"""The only place that names a concrete adapter."""

from __future__ import annotations

from pathlib import Path

from sfctl.evidence.archive import Archive
from sfctl.evidence.embedded import EmbeddedBus
from sfctl.state import migrations
from sfctl.state.embedded import EmbeddedState

STORE = ".sfctl"


def store_folder(root: Path) -> Path:
    """Return the `.sfctl/` of a data repo, made or brought to this version's format if need be."""
    folder = root / STORE
    migrations.prepare(folder)
    return folder


def open_bus(folder: Path) -> EmbeddedBus:
    """Open the evidence bus below `.sfctl/`."""
    return EmbeddedBus(folder / "bus.db")


def open_state(folder: Path) -> EmbeddedState:
    """Open the state store below `.sfctl/`."""
    return EmbeddedState(folder / "state.db")


def open_archive(folder: Path) -> Archive:
    """Open the evidence archive below `.sfctl/`."""
    return Archive(folder / "archive")

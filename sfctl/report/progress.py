"""A bar on stderr for what takes longer than a second; nothing where stderr is no terminal."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

T = TypeVar("T")
PATIENCE = 1.0
"""Seconds of silence before a bar appears."""


def wanted() -> bool:
    """Tell whether anybody would see a bar: stderr is a terminal and --quiet was not given."""
    return sys.stderr.isatty() and not os.environ.get("SFCTL_QUIET")


def track(items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """Yield the items; show a bar called `what` once a second has passed. Writes to stderr only."""
    if total is None and isinstance(items, Sequence):
        total = len(items)
    bar: Any = None
    started = time.monotonic()
    try:
        for done, item in enumerate(items):
            if bar is None and wanted() and time.monotonic() - started > PATIENCE:
                bar = _bar(what, total, done)
            yield item
            if bar is not None:
                bar.advance(bar.task_ids[0])
    finally:
        if bar is not None:
            bar.stop()


def _bar(what: str, total: int | None, done: int) -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    bar.start()
    bar.add_task(what, total=total, completed=done)
    return bar

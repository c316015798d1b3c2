"""From whatever a caller has, a path or a frame of any kind, to a source of rows."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from sfctl.model.policy import Policy
from sfctl.runtime.core import files
from sfctl.runtime.core.sources import FrameSource, LazySource, Source
from sfctl.runtime.core.text import TextSource


def open_source(source: object, policy: Policy) -> Source:
    """Return a source for a path or URI, a frame of any kind, a query, or a source itself.

    Text files are read by the types of the policy. Raises SourceError where nothing is there, or
    where it holds no rows.
    """
    if isinstance(source, str | Path):
        found = files.open_path(str(source))
        return TextSource(found, policy) if isinstance(found, files.TextFiles) else found
    if isinstance(source, pl.DataFrame):
        return FrameSource(source)
    if isinstance(source, pl.LazyFrame):
        return LazySource(source)
    if hasattr(source, "chunks") and hasattr(source, "schema"):
        return source
    from sfctl.runtime.core.adapt import to_polars

    return FrameSource(to_polars(source, policy=policy))

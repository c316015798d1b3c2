"""One dataset profiled: its days read, its baseline written, rules suggested."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sfctl.errors import StoreError
from sfctl.model import urn
from sfctl.profiling import draft
from sfctl.profiling.atomic import replace
from sfctl.profiling.baseline import as_bytes, baseline
from sfctl.profiling.declared import (
    declared_schema,
    further_kinds,
    hidden_columns,
    known_rules,
)
from sfctl.profiling.history import measured
from sfctl.profiling.rows import rows_at, table_of
from sfctl.profiling.suggest import Suggested, suggested
from sfctl.profiling.tiers import Defaults
from sfctl.runtime.core.schema_of import of_polars
from sfctl.spec.dataset import DatasetFiles
from sfctl.spec.project import Project

if TYPE_CHECKING:
    import polars as pl

STATE = ".sfctl/profile"
"""Where the days already read are kept; whoever removes it has them read again."""


@dataclass(frozen=True, slots=True)
class Profiled:
    """What profiling one dataset gave. `read_days` and `read_rows` are what was read this time."""

    document: dict[str, Any]
    suggested: Suggested
    baseline: str
    draft: str | None
    read_days: int
    read_rows: int


def profile_dataset(
    project: Project,
    dataset: DatasetFiles,
    defaults: Defaults,
    *,
    now: datetime,
    source: Path | None = None,
    suggest: bool = False,
    step: Callable[[Iterable[pl.DataFrame]], Iterable[pl.DataFrame]] = iter,
) -> Profiled:
    """Write a dataset's baseline and, where it has no policy and one is asked for, a draft of it.

    `step` is handed the chunks of rows as they are read. Raises SourceError for rows that cannot
    be read, and leaves the files as they were then; StoreError SF015 where they cannot be written.
    """
    path = str(source) if source is not None else table_of(project, dataset)
    rows = rows_at(path)
    kept = project.root / STATE / f"{dataset.name}.days"
    kinds = further_kinds(dataset, project.root)
    history = measured(rows, hidden_columns(dataset.policy), kept, step, kinds)
    declared = declared_schema(dataset.policy)
    schema = of_polars(rows.schema).with_nullability_of(declared)
    name = urn.canonical(dataset.dataset.string("urn"))
    document = baseline(history, schema, name, _shown(path, project.root), defaults)
    folder = project.root / "datasets" / dataset.name
    found, written = Suggested(), None
    if suggest:
        found = suggested(history, defaults, known_rules(dataset, project.root))
    try:
        replace(folder / "baseline.json", as_bytes(document))
        if suggest and dataset.policy is None and not (folder / draft.FILE).exists():
            written = draft.write(folder, document, found, now)
    except OSError as error:
        raise StoreError(
            f"datasets/{dataset.name} does not take the baseline: {error.strerror or error}",
            hint="check that the folder is writable and the disk has room",
            code="SF015",
        ) from error
    return Profiled(
        document,
        found,
        f"datasets/{dataset.name}/baseline.json",
        written,
        history.read_days,
        history.read_rows,
    )


def _shown(path: str, root: Path) -> str:
    """Return the path as it may stand in a file that is committed: below the repo, or its name."""
    place = Path(path).absolute()
    return str(place.relative_to(root)) if place.is_relative_to(root) else place.name

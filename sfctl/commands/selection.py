"""The arguments by which verbs choose datasets: dbt's selectors, and what to leave out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import typer
from msgspec.structs import replace

from sfctl.clock import clock_from_environment
from sfctl.model import codec
from sfctl.model.manifest import Manifest
from sfctl.spec.dataset import DatasetFiles
from sfctl.spec.project import Project
from sfctl.spec.select import History, select

Select = Annotated[
    tuple[str, ...],
    typer.Argument(
        help="Datasets: names, tag:, tier:, owner:, path:, state:, result:, +up, down+."
    ),
]
Exclude = Annotated[tuple[str, ...], typer.Option(help="Datasets to leave out.")]


def chosen(
    project: Project,
    selectors: Sequence[str],
    exclude: Sequence[str] = (),
    *,
    before: Mapping[str, str] | None = None,
) -> tuple[DatasetFiles, ...]:
    """Return the datasets that selectors name, all without any.

    `state:` compares with `before` (see `digests`), else with the last compile; `result:` looks at
    the last runs. Both are read only when asked for.
    Raises UsageError and SpecError as `sfctl.spec.select.select` does.
    """
    asked = " ".join((*selectors, *exclude))
    current: Mapping[str, str] = {}
    results = None
    if "state:" in asked:
        from sfctl.compiler.compile import compile_project
        from sfctl.compiler.target_folder import read_manifest

        now = clock_from_environment().now()
        current = digests(compile_project(project, now=now).manifest)
        if before is None:
            manifest = read_manifest(project.root / "target")
            before = None if manifest is None else digests(manifest)
    if "result:" in asked:
        from sfctl.commands import run_results

        results = run_results.verdicts(project.root)
    return select(project, selectors, exclude, History(current, before, results))


def digests(manifest: Manifest) -> dict[str, str]:
    """Return by name a digest of all that is compiled of a dataset, wherever its lake lies."""
    found = {}
    for entry in manifest.datasets.values():
        paths = {
            stage: path.removeprefix(manifest.target.lake) for stage, path in entry.paths.items()
        }
        bare = replace(entry, paths=paths, source_digest="", files=())
        found[entry.name] = codec.digest(replace(bare, earlier="", draft="", draft_because=""))
    return found

"""`sfctl profile`: measure what normal looks like, and suggest rules to the dataset's owner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from sfctl import exit_codes
from sfctl.commands.selection import Exclude, Select, chosen
from sfctl.errors import SourceError, SpecError, UsageError
from sfctl.model import urn
from sfctl.profiling import baseline as baselines
from sfctl.profiling import draft
from sfctl.profiling.declared import declared_schema, hidden_columns
from sfctl.profiling.rows import rows_at, table_of
from sfctl.profiling.suggest import Suggestion, suggestions
from sfctl.report import progress, text
from sfctl.report.outcome import Outcome
from sfctl.spec.dataset import DatasetFiles
from sfctl.spec.project import Project, find_root, load


def profile(
    select: Select = (),
    *,
    exclude: Exclude = (),
    source: Annotated[
        Path | None, typer.Option(help="Measure this file or table instead of the dataset's own.")
    ] = None,
    suggest: Annotated[
        bool, typer.Option("--suggest", help="Suggest rules; draft a policy where there is none.")
    ] = False,
    project_dir: Path,
    target: str | None,
) -> Outcome:
    """Write baseline.json of the selected datasets. One that cannot be read stops no other.

    Raises SpecError for a project that cannot be read and UsageError SF009 for one source of
    several datasets.
    """
    root = find_root(project_dir)
    project = load(root, target, offline=True)
    if not project.datasets:
        raise SpecError(project.errors)
    datasets = chosen(project, select, exclude)
    if source is not None and len(datasets) > 1:
        raise UsageError(
            f"--source is one, the selected datasets are {len(datasets)}",
            hint="name one dataset",
            code="SF009",
        )
    results = [
        _one(project, dataset, source, suggest) for dataset in progress.track(datasets, "profiling")
    ]
    lines: list[str] = []
    for result in results:
        lines += _lines(result)
    failed = sum(result["error"] is not None for result in results)
    closing = f"{text.count(len(results) - failed, 'baseline')} written"
    closing += f", {text.count(failed, 'dataset')} could not be read" if failed else ""
    code = exit_codes.UNABLE if failed else exit_codes.OK
    return Outcome("profile", {"datasets": results}, "\n".join([*lines, "", f"{closing}."]), code)


def _one(
    project: Project, dataset: DatasetFiles, source: Path | None, suggest: bool
) -> dict[str, Any]:
    name = urn.canonical(dataset.dataset.string("urn"))
    result: dict[str, Any] = {"name": dataset.name, "urn": name, "error": None, "draft": None}
    try:
        path = str(source) if source is not None else table_of(project, dataset)
        shown = _shown(path, project.root)
        document, personal = baselines.baseline(
            rows_at(path),
            name,
            shown,
            declared_schema(dataset.policy),
            hidden_columns(dataset.policy),
        )
    except SourceError as error:
        return {**result, "error": {"code": error.code, "message": str(error), "hint": error.hint}}
    file = project.root / "datasets" / dataset.name / "baseline.json"
    file.write_bytes(baselines.as_bytes(document))
    found: Sequence[Suggestion] = suggestions(document, personal) if suggest else ()
    if suggest and dataset.policy is None:
        result["draft"] = draft.write(file.parent, document, found)
    return {
        **result,
        "baseline": str(file.relative_to(project.root)),
        "source": shown,
        "rows": document["rows"],
        "columns": len(document["columns"]),
        "fingerprint": document["fingerprint"],
        "is_synthetic": document["is_synthetic"],
        "window": document["window"],
        "suggestions": [asdict(suggestion) for suggestion in found],
    }


def _lines(result: dict[str, Any]) -> list[str]:
    name = result["name"]
    error = result["error"]
    if error is not None:
        lines = [text.status_line(name, "FAILED"), f"    {error['code']} {error['message']}"]
        return [*lines, f"    hint: {error['hint']}"] if error["hint"] else lines
    figures = f"{text.count(result['rows'], 'row')}, {text.count(result['columns'], 'column')}"
    lines = [text.status_line(f"{name}: {figures} of {result['source']}", "measured")]
    if result["is_synthetic"]:
        window = result["window"]
        days = f"{window['days']} of {window['wanted']} days"
        lines.append(f"    {days} seen: the volume is of this sample alone (is_synthetic)")
    for each in result["suggestions"]:
        lines.append(f"    {draft.short(each['block'], each['rule'])}")
        lines.append(f"        {each['reason']} ({text.share(each['confidence'])} sure)")
    if result["draft"]:
        lines.append(f"    drafted {result['draft']}: level G0, enforces nothing until you say so")
    return lines


def _shown(path: str, root: Path) -> str:
    """Return the path as it may stand in a file that is committed: below the repo, or its name."""
    place = Path(path).absolute()
    return str(place.relative_to(root)) if place.is_relative_to(root) else place.name

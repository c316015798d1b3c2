"""`sfctl profile`: measure what normal looks like, and suggest rules to the dataset's owner."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sfctl import exit_codes
from sfctl.clock import clock_from_environment
from sfctl.commands import profile_text
from sfctl.commands.registering import register_schema, registry_of, schema_lines
from sfctl.commands.selection import Exclude, Select, chosen
from sfctl.errors import SourceError, SpecError, StoreError, UsageError
from sfctl.model import urn
from sfctl.model.schema import Schema, from_json
from sfctl.profiling import discovery, draft
from sfctl.profiling.dataset import Profiled, profile_dataset
from sfctl.profiling.discovery import FoundTable
from sfctl.profiling.suggest import BUDGET
from sfctl.profiling.tiers import Tiers
from sfctl.report import progress, text
from sfctl.report.outcome import Outcome
from sfctl.spec.dataset import DatasetFiles
from sfctl.spec.project import Project, find_root, load

if TYPE_CHECKING:
    import polars as pl


def profile(
    select: Select = (),
    *,
    exclude: Exclude = (),
    source: Annotated[
        Path | None,
        typer.Option(
            help="Measure this file or table instead; of a folder of them, those named as datasets."
        ),
    ] = None,
    suggest: Annotated[
        bool, typer.Option("--suggest", help="Suggest rules; draft a policy where there is none.")
    ] = False,
    project_dir: Path,
    target: str | None,
    now: datetime | None = None,
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
    sources = _sources(source) if source is not None else {}
    if source is not None and len(datasets) > 1 and not sources:
        raise UsageError(
            f"--source is one, the selected datasets are {len(datasets)}",
            hint="name one dataset",
            code="SF009",
        )
    run = _Run(
        project,
        sources or source,
        suggest,
        now or clock_from_environment().now(),
        len(datasets) == 1,
    )
    results = [run.one(dataset) for dataset in progress.track(datasets, "profiling")]
    code = exit_codes.UNABLE if any(each["error"] for each in results) else exit_codes.OK
    payload = {"datasets": results, "needs": profile_text.needs(results)}
    said = profile_text.text_of(results)
    return Outcome("profile", payload, said, code, notes=tuple(run.notes))


def _sources(folder: Path) -> dict[str, list[FoundTable]]:
    """Return the tables below a folder by the dataset they are named for; none in a table."""
    found = list(discovery.tables_below(folder)) if folder.is_dir() else []
    if [each.path for each in found] == [folder]:
        return {}
    named: dict[str, list[FoundTable]] = {}
    for each in found:
        named.setdefault(discovery.name_of(each.path), []).append(each)
    return named


def _named(name: str, source: Path | Mapping[str, Sequence[FoundTable]] | None) -> Path | None:
    """Return what to measure of a dataset, None for its own table. Raises SourceError."""
    if not isinstance(source, Mapping):
        return source
    found = discovery.most_refined(source.get(name, ()))
    if not found:
        raise SourceError(
            f"no table of the source is named {name}",
            hint=f"sfctl profile {name} --source FILE measures that one",
            code="SF007",
        )
    if len(found) > 1:
        places = ", ".join(str(each.path) for each in found)
        raise SourceError(
            f"several tables of the source are named {name}: {places}",
            hint="name one with --source",
            code="SF009",
        )
    return found[0].path


class _Run:
    """One call of the verb over a project. `notes` say what was read, which the result must not:
    it is the same whenever the rows are.
    """

    def __init__(
        self,
        project: Project,
        source: Path | Mapping[str, Sequence[FoundTable]] | None,
        suggest: bool,
        now: datetime,
        alone: bool,
    ) -> None:
        self.project, self.source, self.suggest = project, source, suggest
        self.now, self.alone = now, alone
        self.registry = registry_of(project)
        self.tiers = Tiers(project.datasets)
        self.broken = frozenset(problem.path for problem in project.errors)
        self.notes: list[str] = []

    def one(self, dataset: DatasetFiles) -> dict[str, Any]:
        """Profile one dataset; what it cannot read becomes its error."""
        name = urn.canonical(dataset.dataset.string("urn"))
        result: dict[str, Any] = {"name": dataset.name, "urn": name, "error": None, "draft": None}
        try:
            if (bundle := f"datasets/{dataset.name}/{draft.FILE}") in self.broken:
                raise SourceError(
                    f"{bundle} has errors: which columns are personal is not known",
                    hint="sfctl validate lists them",
                    code="SF002",
                )
            done = profile_dataset(
                self.project,
                dataset,
                self.tiers.defaults(dataset),
                now=self.now,
                source=_named(dataset.name, self.source),
                suggest=self.suggest,
                step=self._step,
            )
        except (SourceError, StoreError) as error:
            found = {"code": error.code, "message": str(error), "hint": error.hint}
            return {**result, "error": found}
        self.tiers.learn(dataset, done.document)
        if self.alone:
            days = text.count(done.read_days, "day")
            of = f" of {days}" if done.document["window"]["days"] else ""
            self.notes.append(f"{text.count(done.read_rows, 'row')}{of} read")
        lake = self.project.target.lake
        schema = register_schema(self.registry, lake, dataset, done.document, self.now)
        self.notes += [f"{dataset.name}: {line.strip()}" for line in schema_lines(schema)]
        return result | _told(done) | {"schema": {k: schema[k] for k in ("version", "error")}}

    def _step(self, chunks: Iterable[pl.DataFrame]) -> Iterable[pl.DataFrame]:
        return progress.track(chunks, "reading") if self.alone else chunks


def _told(done: Profiled) -> dict[str, Any]:
    document = done.document
    schema = from_json(document["schema"])
    return {
        "draft": done.draft,
        "baseline": done.baseline,
        "source": document["source"],
        "rows": document["rows"],
        "columns": len(document["columns"]),
        "fingerprint": document["fingerprint"],
        "is_synthetic": document["is_synthetic"],
        "window": document["window"],
        "volume": document["volume"],
        "fields": [
            {
                "name": column.name,
                "row_count": document["rows"],
                "null_rate": document["columns"][column.name]["null_rate"],
                "value_distribution": document["columns"][column.name],
                "schema_fingerprint": Schema((column,)).fingerprint(),
            }
            for column in schema.columns
        ],
        "suggestions": [asdict(suggestion) for suggestion in done.suggested.rules],
        "known": done.suggested.known,
        "false_alarms": {
            "expected_rate": done.suggested.expected_false_alarm_rate,
            "budget": BUDGET,
            "days": done.suggested.days,
        },
    }

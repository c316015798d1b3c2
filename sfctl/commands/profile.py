"""`sfctl profile`: measure what normal looks like, and suggest rules to the dataset's owner."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sfctl import exit_codes
from sfctl.clock import clock_from_environment
from sfctl.commands.registering import register_schema, registry_of, schema_lines
from sfctl.commands.selection import Exclude, Select, chosen
from sfctl.errors import SourceError, SpecError, StoreError, UsageError
from sfctl.model import urn
from sfctl.model.schema import Schema, from_json
from sfctl.profiling import draft
from sfctl.profiling.dataset import Profiled, defaults_for, profile_dataset
from sfctl.profiling.suggest import BUDGET
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
        Path | None, typer.Option(help="Measure this file or table instead of the dataset's own.")
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
    if source is not None and len(datasets) > 1:
        raise UsageError(
            f"--source is one, the selected datasets are {len(datasets)}",
            hint="name one dataset",
            code="SF009",
        )
    run = _Run(project, source, suggest, now or clock_from_environment().now(), len(datasets) == 1)
    results = [run.one(dataset) for dataset in progress.track(datasets, "profiling")]
    lines = [line for result in results for line in _lines(result)]
    failed = sum(result["error"] is not None for result in results)
    closing = f"{text.count(len(results) - failed, 'baseline')} written"
    closing += f", {text.count(failed, 'dataset')} could not be read" if failed else ""
    code = exit_codes.UNABLE if failed else exit_codes.OK
    return Outcome(
        "profile",
        {"datasets": results},
        "\n".join([*lines, "", f"{closing}."]),
        code,
        notes=tuple(run.notes),
    )


class _Run:
    """One call of the verb over a project. `notes` say what was read, which the result must not:
    it is the same whenever the rows are.
    """

    def __init__(
        self, project: Project, source: Path | None, suggest: bool, now: datetime, alone: bool
    ) -> None:
        self.project, self.source, self.suggest = project, source, suggest
        self.now, self.alone = now, alone
        self.registry = registry_of(project)
        self.fresh: dict[str, Any] = {}
        self.notes: list[str] = []

    def one(self, dataset: DatasetFiles) -> dict[str, Any]:
        """Profile one dataset; what it cannot read becomes its error."""
        name = urn.canonical(dataset.dataset.string("urn"))
        result: dict[str, Any] = {"name": dataset.name, "urn": name, "error": None, "draft": None}
        try:
            done = profile_dataset(
                self.project,
                dataset,
                defaults_for(self.project, dataset, self.fresh),
                now=self.now,
                source=self.source,
                suggest=self.suggest,
                step=self._step,
            )
        except (SourceError, StoreError) as error:
            found = {"code": error.code, "message": str(error), "hint": error.hint}
            return {**result, "error": found}
        self.fresh[dataset.name] = done.document
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


def _lines(result: dict[str, Any]) -> list[str]:
    name = result["name"]
    error = result["error"]
    if error is not None:
        lines = [text.status_line(name, "FAILED"), f"    {error['code']} {error['message']}"]
        return [*lines, f"    hint: {error['hint']}"] if error["hint"] else lines
    figures = f"{text.count(result['rows'], 'row')}, {text.count(result['columns'], 'column')}"
    lines = [text.status_line(f"{name}: {figures} of {result['source']}", "measured")]
    lines.append(f"    {_window(result)}")
    for each in result["suggestions"]:
        lines.append(f"    {draft.short(each['block'], each['rule'])}")
        sure = f"{text.share(each['confidence'])} sure"
        if each["alarms"] is not None:
            sure = f"{each['alarms']} of {text.count(each['days'], 'day')} left out fail"
        lines.append(f"        {each['reason']} ({sure})")
    if result["known"]:
        lines.append(f"    {text.count(result['known'], 'rule')} more the policy has already")
    if result["suggestions"] or result["draft"]:
        lines.append(f"    {_expected(result['false_alarms'])}")
    if result["draft"]:
        lines.append(f"    drafted {result['draft']}: level G0, enforces nothing until you say so")
    return lines


def _window(result: dict[str, Any]) -> str:
    window = result["window"]
    if not window["days"]:
        seen = "nothing tells the days of these rows"
    else:
        seen = f"{text.count(window['days'], 'day')}, {window['first']} to {window['last']}"
    if not result["is_synthetic"]:
        return f"{seen}: own history"
    wanted = f"{window['wanted']} wanted: volume by {result['volume']['source']}"
    return f"{seen}, {wanted} (is_synthetic)"


def _expected(alarms: dict[str, Any]) -> str:
    rate = alarms["expected_rate"]
    if rate is None:
        return "expected false alarms: unknown, there are too few days"
    said = f"expected false alarms: {rate:.1%} of healthy days, all rules together"
    return f"{said} (budget {text.share(alarms['budget'])})"

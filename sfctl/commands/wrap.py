"""`sfctl wrap`: files for the scheduler to start instead of the jobs, and as easily not."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from sfctl.errors import StoreError, UsageError
from sfctl.model import schedule
from sfctl.model.manifest import JobEntry
from sfctl.report import text
from sfctl.report.outcome import Outcome
from sfctl.runtime.job.compiled import load
from sfctl.runtime.supervision.command import job_named
from sfctl.runtime.supervision.spark import delta_words
from sfctl.spec.repository import find_root
from sfctl.spec.wording import suggestion

KINDS = ("python", "spark", "airflow")
FOLDER = "target/wrappers"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", re.ASCII)
_OURS = "written by `sfctl wrap`"
_PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Wrapper:
    """One file. `line` is what the scheduler starts then, `before` what it started so far."""

    job: str
    kind: str
    path: str
    body: str
    line: str
    before: str


def wrap(
    job: Annotated[str, typer.Argument(help="A job of the project; all without one.")] = "",
    *,
    kind: Annotated[
        str, typer.Option("--for", help=f"{', '.join(KINDS)} or all; as the job runs if not given.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the files instead.")] = False,
    project_dir: Path = Path(),
    target: str | None = None,
    now: datetime | None = None,
) -> Outcome:
    """Write wrappers for the jobs below target/wrappers; nothing of yours is touched.

    Raises UsageError SF870, SF871 or SF872 before anything is written.
    """
    del now
    if kind not in ("", "all", *KINDS):
        near = suggestion(kind, (*KINDS, "all"), closed=True)
        raise UsageError(f"no wrapper for {kind!r}", hint=near, code="SF871")
    root = find_root(project_dir)
    compiled = load(root)
    compiled.require_target(target)
    entries = compiled.manifest.jobs
    chosen = [job_named(compiled.manifest, job)] if job else [entries[n] for n in sorted(entries)]
    wrappers = [_wrapper(entry, each) for entry in chosen for each in _kinds(entry, kind)]
    states = [_state(root / wrapper.path, wrapper.body) for wrapper in wrappers]
    if not dry_run:
        for wrapper, state in zip(wrappers, states, strict=True):
            if state != "same":
                _write(root / wrapper.path, wrapper.body)
    lines = []
    for wrapper, state in zip(wrappers, states, strict=True):
        lines.append(text.status_line(wrapper.path, "dry" if dry_run else state))
        lines += [f"  before: {wrapper.before}", f"  now:    {wrapper.line}"]
        lines += wrapper.body.splitlines() if dry_run else []
    done = "would be written" if dry_run else "in place"
    lines.append(f"{text.count(len(wrappers), 'wrapper')} {done}")
    return Outcome(
        "wrap",
        {
            "wrappers": [
                {
                    "job": wrapper.job,
                    "for": wrapper.kind,
                    "path": wrapper.path,
                    "line": wrapper.line,
                    "before": wrapper.before,
                    "state": state,
                    "body": wrapper.body,
                }
                for wrapper, state in zip(wrappers, states, strict=True)
            ],
            "dry_run": dry_run,
        },
        "\n".join(lines),
    )


def _kinds(entry: JobEntry, asked: str) -> Iterator[str]:
    own = "spark" if entry.runtime == "spark" else "python"
    if asked in ("python", "spark") and asked != own:
        raise UsageError(
            f"{entry.name} runs on {entry.runtime}, not on {asked}",
            hint=f"--for {own} or airflow; or set `runtime:` in its job file",
            code="SF871",
        )
    if own == "spark" and ":" in entry.entrypoint:
        raise UsageError(
            f"{entry.name} starts {entry.entrypoint}, and spark-submit takes a script",
            hint="name a script as the entrypoint",
            code="SF871",
        )
    if asked != "airflow":
        yield own
    if asked in ("airflow", "all"):
        yield "airflow"


def _wrapper(entry: JobEntry, kind: str) -> Wrapper:
    from sfctl.spec import wrapper as template

    if not _NAME.fullmatch(entry.name):
        raise UsageError(
            f"the job {entry.name!r} cannot have a wrapper",
            hint="its name needs letters, digits, `_`, `-` and `.` only",
            code="SF870",
        )
    before = _before(entry)
    suffix = "airflow.py" if kind == "airflow" else f"{kind}.sh"
    path = f"{FOLDER}/{entry.name}" + ("_dag.py" if kind == "airflow" else ".sh")
    values: dict[str, Any] = {
        "job": entry,
        "before": before,
        "needs_date": any(template.DATE in arg for arg in entry.args),
    }
    if kind == "airflow":
        values |= _dag(entry)
    try:
        body = template.render(_template(suffix), values)
    except ValueError as error:
        raise UsageError(
            f"{entry.name} cannot have a wrapper: {error}",
            hint="mend it in its job file, then compile",
            code="SF870",
        ) from error
    started = f'ln -s "$PWD/{path}" "$AIRFLOW_HOME/dags/"' if kind == "airflow" else path
    dated = " --date DATE" if kind != "airflow" and values["needs_date"] else ""
    return Wrapper(entry.name, kind, path, body, started + dated, before)


def _before(entry: JobEntry) -> str:
    starter = "spark-submit" if entry.runtime == "spark" else "python"
    words = [arg.replace("{date}", "DATE") for arg in entry.args]
    if entry.runtime == "spark":
        options = delta_words(entry.submit, "JARS") if entry.delta else entry.submit
        return shlex.join([starter, *options, entry.entrypoint, *words])
    module, colon, function = entry.entrypoint.partition(":")
    if colon:
        return shlex.join([starter, "-c", f"from {module} import {function}; {function}()", *words])
    return shlex.join([starter, entry.entrypoint, *words])


def _dag(entry: JobEntry) -> dict[str, Any]:
    cron, zone = "", "UTC"
    if entry.schedule:
        due = schedule.parse(entry.schedule)
        cron, zone = _cron(due), due.zone
    day = "{{ ds }}"
    if zone != "UTC":
        day = f"{{{{ logical_date.in_timezone('{zone}') | ds }}}}"
    command = f'exec sfctl run {shlex.quote(entry.name)} --date "{day}"'
    return {
        "cron": cron,
        "zone": zone,
        "command": command,
        "description": f"{entry.name} under sfctl",
        "tags": ["sfctl", *entry.tags],
        "timeout": int(schedule.seconds(entry.timeout)),
    }


def _cron(due: schedule.Schedule) -> str:
    """Return a schedule as five fields of cron, in its own zone; there 0 is Sunday."""
    days = sorted((day + 1) % 7 for day in due.weekdays)
    fields = (
        (due.minutes, 60),
        (due.hours, 24),
        (due.days, 31),
        (due.months, 12),
        (days, 7),
    )
    return " ".join(
        "*" if not values or len(values) == every else ",".join(map(str, values))
        for values, every in fields
    )


def _template(name: str) -> str:
    packaged = _PACKAGE / "templates" / "wrappers" / name
    source = _PACKAGE.parent / "templates" / "wrappers" / name
    return (packaged if packaged.is_file() else source).read_text(encoding="utf-8")


def _state(path: Path, body: str) -> str:
    """Tell what writing would do. Raises UsageError SF872 for a file that is not a wrapper."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise UsageError(f"{path} is no plain file", hint="move it away", code="SF872")
    try:
        found = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return "new"
    except (OSError, UnicodeDecodeError):
        found = ""
    if _OURS not in found:
        raise UsageError(f"{path} is not a wrapper of ours", hint="move it away", code="SF872")
    return "same" if found == body else "changed"


def _write(path: Path, body: str) -> None:
    """Put a file in its place at once. Raises StoreError."""
    beside = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(body, encoding="utf-8", newline="\n")
        beside.chmod(0o755 if path.suffix == ".sh" else 0o644)
        beside.replace(path)
    except OSError as error:
        raise StoreError(
            f"cannot write {path}: {error.strerror}", hint="check owner and mode"
        ) from error

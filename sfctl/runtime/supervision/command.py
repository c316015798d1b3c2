"""What to start for a job: its entry point with its arguments, or the user's own command."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from difflib import get_close_matches

from sfctl.errors import UsageError
from sfctl.model.manifest import JobEntry, Manifest
from sfctl.runtime.supervision import spark

_FUNCTION = re.compile(r"([A-Za-z_][\w.]*):([A-Za-z_]\w*)")
_CALL = "import sys; from {module} import {function}; sys.exit({function}())"


def job_named(manifest: Manifest, name: str) -> JobEntry:
    """Return a job of the project. Raises UsageError SF756 with the nearest that there is."""
    entry = manifest.jobs.get(name)
    if entry is not None:
        return entry
    near = get_close_matches(name, manifest.jobs, n=1)
    known = f"{', '.join(manifest.jobs) or 'none'}; jobs/{name}.yaml counts after `sfctl compile`"
    raise UsageError(
        f"there is no job {name}",
        hint=f"did you mean `{near[0]}`?" if near else f"jobs: {known}",
        code="SF756",
    )


def command_of(entry: JobEntry, date: str, more: Sequence[str] = ()) -> list[str]:
    """Return the words that start a job; `{date}` in its arguments becomes the logical date.

    A job on Spark is started by spark-submit, with the options of its file. Raises UsageError
    SF757 where a date is needed and none is given, SF764 where spark-submit cannot start it.
    """
    if not date and any("{date}" in arg for arg in entry.args):
        raise UsageError(
            f"{entry.name} takes {{date}} and none is given",
            hint=f"sfctl run {entry.name} --date 2026-01-31",
            code="SF757",
        )
    args = [arg.replace("{date}", date) for arg in entry.args]
    if entry.runtime == "spark":
        return [*spark.submit(entry), *args, *more]
    called = _FUNCTION.fullmatch(entry.entrypoint)
    if called:
        code = _CALL.format(module=called[1], function=called[2])
        return [sys.executable, "-c", code, *args, *more]
    return [sys.executable, entry.entrypoint, *args, *more]

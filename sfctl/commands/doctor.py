"""`sfctl doctor`: look at machine, project and stores; name the line that mends each fault."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from sfctl import exit_codes
from sfctl.clock import clock_from_environment
from sfctl.diagnosis import machine, spark, stores
from sfctl.diagnosis import project as projects
from sfctl.diagnosis.finding import Examined
from sfctl.errors import SfctlError
from sfctl.report import text
from sfctl.report.outcome import Outcome
from sfctl.spec.project import find_root, load

_WORDS = {"ok": "ok", "warn": "warn", "fail": "FAIL"}


def doctor(*, project_dir: Path, target: str | None, now: datetime | None) -> Outcome:
    """Examine this machine and, where there is one, the project; exit 1 when anything fails."""
    instant = now or clock_from_environment().now()
    examined = list(_examine(project_dir, target, instant))
    wrong = [each for each in examined if each.status == "fail"]
    weak = [each for each in examined if each.status == "warn"]
    lines = []
    for each in examined:
        lines.append(text.status_line(f"{each.name}: {each.detail}", _WORDS[each.status]))
        if each.remedy and each.status != "ok":
            lines.append(f"    {each.code}  {each.remedy}")
    closing = f"{text.count(len(examined), 'thing')} looked at"
    if wrong or weak:
        closing += f", {len(wrong)} to mend, {text.count(len(weak), 'warning')}"
    else:
        closing += ", nothing to mend"
    payload = {
        "checks": [
            {
                "name": each.name,
                "status": each.status,
                "detail": each.detail,
                "remedy": each.remedy,
                "code": each.code,
            }
            for each in examined
        ],
        "failed": len(wrong),
        "warned": len(weak),
    }
    code = exit_codes.FOUND if wrong else exit_codes.OK
    return Outcome("doctor", payload, "\n".join([*lines, "", f"{closing}."]), code)


def _examine(folder: Path, target: str | None, now: datetime) -> Iterator[Examined]:
    yield from machine.examine(folder)
    try:
        root = find_root(folder)
    except SfctlError as error:
        yield Examined("project", "ok", "none here", error.hint)
        yield from spark.examine(None)
        return
    try:
        project = load(root, target, offline=True)
    except SfctlError as error:
        yield Examined("project", "fail", str(error), "sfctl validate", error.code)
        yield from spark.examine(None)
    else:
        yield Examined("project", "ok", f"{project.name}, target {project.target.name}")
        yield from projects.examine(project, now)
        yield from spark.examine(project)
    yield from stores.examine(root, now)

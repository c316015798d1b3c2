"""What a benchmark found: one JSON file a run, and its section of RESULTS.md."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.environments import pins
from bench.measure import Line
from bench.places import RESULTS, ROOT, RUNS


@dataclass(frozen=True)
class Bound:
    """A promise with what was measured: `limit` in the same unit, met when not above it."""

    what: str
    measured: float
    limit: float
    unit: str = "×"

    @property
    def met(self) -> bool:
        return self.measured <= self.limit

    def __str__(self) -> str:
        word = "met" if self.met else "MISSED"
        limit = f"{self.limit:g}{self.unit}"
        return f"{self.what}: {self.measured:.3g}{self.unit}, at most {limit}: {word}"


@dataclass(frozen=True)
class Table:
    """A caption and rows of text, the first row being the header."""

    caption: str
    rows: list[list[str]]

    def markdown(self) -> str:
        head, *body = self.rows
        rule = ["---"] + ["--:"] * (len(head) - 1)
        return "\n".join(["**" + self.caption + "**", "", *map(_row, [head, rule, *body])])


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


@dataclass(frozen=True)
class Report:
    """The outcome of one benchmark, ready to print, to keep and to publish."""

    name: str
    title: str
    about: str
    tables: list[Table] = field(default_factory=list)
    bounds: list[Bound] = field(default_factory=list)
    raw: Mapping[str, object] = field(default_factory=dict)

    def markdown(self) -> str:
        parts = [f"## {self.title}", "", self.about, ""]
        for table in self.tables:
            parts += [table.markdown(), ""]
        parts += [f"- {bound}" for bound in self.bounds]
        parts += ["", f"`python -m bench {self.name}` · {conditions_line()}"]
        return "\n".join(parts)


def ratio_table(caption: str, lines: list[Line]) -> Table:
    """Lay out a comparison, ours first; a ratio below 1 says that we are quicker."""
    head = ["", "n", "wall s", "ours ÷ it, wall", "CPU s", "ours ÷ it, CPU", "peak MiB"]
    return Table(caption, [head, *[_line(line) for line in lines]])


def _line(line: Line) -> list[str]:
    peak = f"{line.peak:.0f}" if line.peak else "–"
    return [
        line.name,
        str(line.rounds),
        f"{line.wall:.3f}",
        spread_text(line.wall_ratio),
        f"{line.cpu:.3f}",
        spread_text(line.cpu_ratio),
        peak,
    ]


def spread_text(ratio: tuple[float, float, float]) -> str:
    """Return a median with what lies around it."""
    median, low, high = ratio
    return f"{median:.2f} ({low:.2f}–{high:.2f})"


def keep(report: Report, quick: bool) -> Path:
    """Write one JSON file with everything measured and the conditions it was measured under."""
    RUNS.mkdir(parents=True, exist_ok=True)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    target = RUNS / f"{report.name}-{stamp}{'-quick' if quick else ''}.json"
    content = {"conditions": conditions(), "quick": quick, **asdict(report)}
    target.write_text(json.dumps(content, indent=1, default=str))
    return target


def publish(report: Report) -> None:
    """Replace the benchmark's section of RESULTS.md, leaving everything around it as it is."""
    begin, end = f"<!-- begin {report.name} -->", f"<!-- end {report.name} -->"
    text = RESULTS.read_text()
    section = f"{begin}\n{report.markdown()}\n{end}"
    found = re.search(re.escape(begin) + ".*?" + re.escape(end), text, re.DOTALL)
    if found:
        text = text[: found.start()] + section + text[found.end() :]
    else:
        text = text.rstrip() + "\n\n" + section + "\n"
    RESULTS.write_text(text)


def conditions() -> dict[str, object]:
    """Say on what, with what and under what load it was measured."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True
    )
    return {
        "at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit.stdout.strip(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "load": [round(load, 1) for load in os.getloadavg()],
        "system": platform.platform(),
        "python": platform.python_version(),
        "sfctl": version("sfctl"),
        "polars": version("polars"),
        "deltalake": version("deltalake"),
        "peers": pins(),
        "arguments": sys.argv[1:],
    }


def conditions_line() -> str:
    """Return the conditions as one line of text."""
    facts = conditions()
    return (
        f"{facts['at']}, commit {facts['commit']}, {facts['cores']} cores,"
        f" {facts['memory_gib']} GiB, Python {facts['python']}, polars {facts['polars']},"
        f" load average {facts['load']}"
    )

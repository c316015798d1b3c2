"""`sfctl engine backtest`: what an engine would have said of a history, by its own code."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from sfctl.clock import parse_instant
from sfctl.engines import counts
from sfctl.engines.counts import Grain, Point, Rules, Verdict
from sfctl.engines.robust import THRESHOLD_PCT
from sfctl.errors import Problem, SpecError, UsageError
from sfctl.report import text
from sfctl.report.outcome import Outcome

ENGINES = ("volume",)
MAX_ROWS = 100_000
_CLEAR = 0.05


def backtest(
    name: Annotated[str, typer.Argument(help=f"The engine: {', '.join(ENGINES)}.")],
    *,
    history: Annotated[Path, typer.Option(help="CSV with columns date,count and maybe bytes.")],
    threshold: Annotated[
        float, typer.Option(min=0.01, help="Deviation that is flagged, in per cent.")
    ] = THRESHOLD_PCT,
    method: Annotated[Literal["robust", "sigma"], typer.Option(help="How normal is found.")] = (
        "robust"
    ),
    min_rows: Annotated[int | None, typer.Option(min=0, help="Fewest rows a day may have.")] = None,
    max_rows: Annotated[int | None, typer.Option(min=0, help="Most rows a day may have.")] = None,
) -> Outcome:
    """Run an engine over a history: which days it would have flagged, and how often it errs."""
    if name not in ENGINES:
        raise UsageError(
            f"no back test for `{name}` (expected one of {', '.join(ENGINES)})", code="SF829"
        )
    rules = Rules(threshold, method, min_rows, max_rows)
    series = _read(history)
    grain: Grain = "hour" if any(len(point.date) > 10 for point in series["rows"]) else "day"
    points: dict[str, dict[str, Any]] = {}
    flags: set[str] = set()
    evaluated: set[str] = set()
    for metric, values in series.items():
        bounds = rules if metric == "rows" else Rules(threshold, method)
        for point, verdict in _replayed(values, bounds, grain):
            if verdict.method or verdict.reason:
                evaluated.add(point.date)
            if verdict.reason:
                flags.add(point.date)
            known = points.get(point.date)
            if known is None or (verdict.reason and not known["reason"]):
                points[point.date] = _detail(metric, point, verdict)
    rate = counts.expected_false_positive_rate(series["rows"], rules, grain)
    payload = {
        "engine": name,
        "flags": sorted(flags),
        "evaluated": len(evaluated),
        "expected_false_positive_rate": rate,
        "threshold_pct": threshold,
        "method": method,
        "points": [points[date] for date in sorted(points)],
    }
    return Outcome("engine", payload, _text(payload))


def _replayed(values: list[Point], rules: Rules, grain: Grain) -> list[tuple[Point, Verdict]]:
    """Give the engine one count after the other, as the days went by."""
    series: tuple[Point, ...] = ()
    found = []
    for point in values:
        series = counts.kept((*series, point), grain)
        series, verdicts = counts.marked(series, (point.key,), rules, grain)
        found.append((point, verdicts[point.key]))
    return found


def _detail(metric: str, point: Point, verdict: Verdict) -> dict[str, Any]:
    return {
        "date": point.date,
        "metric": metric,
        "value": int(point.value),
        "state": verdict.severity,
        "reason": verdict.reason,
        "reference": verdict.reference,
        "deviation_pct": verdict.deviation_pct,
        "z": verdict.z,
        "baseline_points": verdict.baseline_points,
        "method": verdict.method,
    }


def _text(payload: dict[str, Any]) -> str:
    lines = []
    for point in payload["points"]:
        if point["reason"]:
            name = f"{point['date']} {point['value']:,} {point['metric']}"
            if point["deviation_pct"] is not None:
                name += f", {point['deviation_pct']:+.1f}% of {point['reference']:,.0f}"
            lines.append(text.status_line(f"{name} {point['reason']}", point["state"].lower()))
    rate = payload["expected_false_positive_rate"]
    flagged = text.count(len(payload["flags"]), "day")
    days = text.count(payload["evaluated"], "day")
    told = "too few days to state a false positive rate"
    if rate is not None:
        told = f"expected false positive rate {text.share(rate)}"
        told += ", over 5%: raise the threshold" if rate > _CLEAR else ""
    total = text.count(len(payload["points"]), "day")
    lines.append(f"{flagged} flagged of {days} evaluated ({total} given); {told}.")
    return "\n".join(lines)


def _read(path: Path) -> dict[str, list[Point]]:
    """Return the counts by metric, oldest first. Raises SpecError with every line that is wrong."""
    try:
        content = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(
            f"{path} cannot be read: {why}", hint="give a CSV file: date,count", code="SF826"
        ) from None
    rows = csv.reader(io.StringIO(content, newline=""))
    header = [cell.strip().lower() for cell in next(rows, [])]
    missing = [column for column in ("date", "count") if column not in header]
    if missing:
        message = f"column {', '.join(missing)} is missing (got {', '.join(header) or 'nothing'})"
        hint = "the first line names the columns: date,count and perhaps bytes"
        raise SpecError([Problem(str(path), 1, 1, "SF827", message[:200], hint)])
    problems: list[Problem] = []
    found: dict[str, dict[str, Point]] = {"rows": {}, "bytes": {}}
    for cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        line = rows.line_num
        _take(dict(zip(header, cells, strict=False)), str(path), line, found, problems)
        if len(problems) >= 100 or len(found["rows"]) > MAX_ROWS:
            break
    if not problems and not found["rows"]:
        hint = "one line a day: 2026-01-19,100000"
        problems.append(Problem(str(path), 1, 1, "SF827", "the history holds no day", hint))
    if len(found["rows"]) > MAX_ROWS:
        hint = "the baseline reaches back ten weeks only: give the newest days"
        problems.append(Problem(str(path), 1, 1, "SF827", "more than 100,000 days", hint))
    if problems:
        raise SpecError(problems)
    return {
        metric: [points[key] for key in sorted(points)]
        for metric, points in found.items()
        if points or metric == "rows"
    }


def _take(
    row: dict[str, str],
    path: str,
    line: int,
    found: dict[str, dict[str, Point]],
    problems: list[Problem],
) -> None:
    date = row.get("date", "").strip()
    key = _key(date)
    if key is None:
        hint = "dates as 2026-01-19, hours as 2026-01-19T07:00:00Z"
        message = f"`date` is not readable (got {date[:40]!r}, expected a date)"
        problems.append(Problem(path, line, 1, "SF828", message, hint))
        return
    if key in found["rows"]:
        hint = "one line a date: add up what belongs together"
        problems.append(Problem(path, line, 1, "SF828", f"{date} stands twice", hint))
        return
    for column, metric in (("count", "rows"), ("bytes", "bytes")):
        given = row.get(column, "").strip()
        if column == "bytes" and not given:
            continue
        value = _number(given)
        if value is None:
            message = f"`{column}` is not a count (got {given[:40]!r}, expected 0 or more)"
            hint = "whole numbers without separators; leave out days without a figure"
            problems.append(Problem(path, line, 1, "SF828", message, hint))
        else:
            found[metric][key] = Point(key, date, value)


def _key(date: str) -> str | None:
    """Return what sorts a date by time, None for what is none."""
    try:
        if len(date) == 10:
            return datetime.strptime(date, "%Y-%m-%d").date().isoformat()
        return parse_instant(date).isoformat() if len(date) > 10 else None
    except ValueError:
        return None


def _number(given: str) -> float | None:
    try:
        value = float(given)
    except ValueError:
        return None
    whole = value >= 0 and value == value // 1 and value < 2**63
    return value if whole else None

"""What `sfctl profile` tells of the datasets measured, and what of it only a person can settle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sfctl.profiling import draft
from sfctl.report import text

SEVERAL = 5
"""Of more datasets than this each gets a line, not its rules."""
_NEEDS = {
    "review": "drafted, to be reviewed",
    "personal": "with personal data, to be named in `pii`",
    "young": "with less than a week of own history",
    "unreadable": "that could not be read",
}


def text_of(results: Sequence[Mapping[str, Any]]) -> str:
    """Return the whole text: every dataset, then the summary."""
    lines: list[str] = []
    for result in results:
        lines += _lines(result) if len(results) <= SEVERAL else _short(result)
    failed = sum(result["error"] is not None for result in results)
    closing = f"{text.count(len(results) - failed, 'baseline')} written"
    closing += f", {text.count(failed, 'dataset')} could not be read" if failed else ""
    return "\n".join([*lines, "", *_summary(results), f"{closing}."])


def needs(results: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the names of the datasets that need a person, by what for."""
    read = [result for result in results if result["error"] is None]
    return {
        "review": [each["name"] for each in read if each["draft"]],
        "personal": [
            each["name"] for each in read if any(s["block"] == "pii" for s in each["suggestions"])
        ],
        "young": [each["name"] for each in read if each["is_synthetic"]],
        "unreadable": [each["name"] for each in results if each["error"] is not None],
    }


def _summary(results: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if len(results) <= SEVERAL:
        return
    for need, names in needs(results).items():
        if names:
            yield f"{text.count(len(names), 'dataset')} {_NEEDS[need]}: {text.few(names)}"
    if any(result.get("suggestions") for result in results):
        yield "rules and reasons: sfctl profile NAME --suggest"


def _short(result: Mapping[str, Any]) -> list[str]:
    if result["error"] is not None:
        return _lines(result)
    said = f"{result['name']}: {text.count(result['rows'], 'row')}"
    if result["suggestions"]:
        said += f", {text.count(len(result['suggestions']), 'rule')} suggested"
    return [text.status_line(said, "drafted" if result["draft"] else "measured")]


def _lines(result: Mapping[str, Any]) -> list[str]:
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


def _window(result: Mapping[str, Any]) -> str:
    window = result["window"]
    if not window["days"]:
        seen = "nothing tells the days of these rows"
    else:
        seen = f"{text.count(window['days'], 'day')}, {window['first']} to {window['last']}"
    if not result["is_synthetic"]:
        return f"{seen}: own history"
    wanted = f"{window['wanted']} wanted: volume by {result['volume']['source']}"
    return f"{seen}, {wanted} (is_synthetic)"


def _expected(alarms: Mapping[str, Any]) -> str:
    rate = alarms["expected_rate"]
    if rate is None:
        return "expected false alarms: unknown, there are too few days"
    said = f"expected false alarms: {rate:.1%} of healthy days, all rules together"
    return f"{said} (budget {text.share(alarms['budget'])})"

"""An explanation as text: boxed sections that fit the terminal, the answer first."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable, Sequence

from sfctl.model.explanation import Explanation, Factor, Hypothesis, Impact
from sfctl.rca.evaluate import Evaluation
from sfctl.rca.wording import moment, name_of, percent
from sfctl.report import text

_SHOWN_REFS = 8
_ASCII = str.maketrans("┌┐└┘├┤─│•→×≤", "++++++-|*>x<")


def report(told: Explanation, *, detailed: bool = False, columns: int | None = None) -> str:
    """Return the report; `detailed` adds all candidates, their factors and the traversal."""
    width = columns or text.width()
    head = [_headline(told)]
    about = [x for x in (told.incident, told.severity, told.status) if x]
    if about:
        head.append(" | ".join(about))
    sections = [("", head), (_cause_title(told), _cause(told))]
    sections += [
        ("EVIDENCE CHAIN", [f"• {c.text}" for c in told.evidence_chain[1:]]),
        ("TIMELINE", [f"• {moment(c.at)}  {c.text}" for c in told.timeline]),
        ("DATA FLOW", [f"• {c.text}" for c in told.data_flow]),
        ("DEPLOYED WHEN IT FAILED", [f"• {c.text}" for c in told.deployed]),
        ("WHAT READERS HAVE", [f"• {c.text}" for c in told.readers]),
        ("BLAST RADIUS", [_impact(each) for each in told.blast_radius]),
        ("WHO READS THE COLUMN", [_impact(each) for each in told.column_readers]),
        ("RECOMMENDED ACTIONS", _actions(told)),
        ("ALSO CONSIDERED", _considered(told, detailed)),
    ]
    if detailed:
        sections.append(("FACTORS", [_factor(f) for f in told.root_cause.factors]))
        sections.append(("TRAVERSAL", _steps(told)))
    sections.append(("EVIDENCE REFERENCES", _refs(told)))
    return _encodable("\n".join([*_boxed(sections, width), _summary(told)]))


def evaluation(result: Evaluation) -> str:
    """Return how an evaluation went: what went wrong in detail, then the figures."""
    lines = []
    for each in result.verdicts:
        word = "right" if each.place == 1 else "among 3" if 0 < each.place <= 3 else "missed"
        lines.append(text.status_line(each.subject, word))
        if each.place != 1:
            lines.append(f"    expected {each.expected}")
            lines.append(f"    answered {each.error or each.answered}")
    lines.append(
        f"{text.count(result.cases, 'case')}: top-1 {percent(result.top_1)}, "
        f"top-3 {percent(result.top_3)}, identified {percent(result.identified)}, "
        f"wrongly sure {percent(result.wrong)} (HIGH {percent(result.wrong_high)}), "
        f"mean {text.duration(result.mean_ms / 1000)}"
    )
    return "\n".join(lines)


def _headline(told: Explanation) -> str:
    return f"ROOT CAUSE ANALYSIS  {told.title}"


def _cause_title(told: Explanation) -> str:
    cause = told.root_cause
    if cause.kind == "UNKNOWN":
        return "ROOT CAUSE: UNKNOWN"
    return f"ROOT CAUSE (confidence {round(cause.confidence * 100)} %, {cause.level})"


def _cause(told: Explanation) -> list[str]:
    cause = told.root_cause
    lines = [cause.statement]
    if told.impairment.failed is not None and told.impairment.total:
        share = percent(told.impairment.share or 0.0)
        lines.append(f"{told.impairment.failed:,} of {told.impairment.total:,} failed ({share}).")
    lines += [f"• missing: {each}" for each in cause.missing]
    return lines


def _actions(told: Explanation) -> list[str]:
    lines = []
    for number, action in enumerate(told.actions, 1):
        lines.append(f"{number}. {action.text}")
        if action.command:
            lines.append(f"   {action.command}")
    return lines


def _impact(each: Impact) -> str:
    sure = f", {each.confidence} confidence" if each.confidence != "HIGH" else ""
    owner = f", {each.owner}" if each.owner else ""
    effect = f": {each.effect}" if each.effect else ""
    hops = "here" if not each.hops else text.count(each.hops, "hop")
    return f"• {each.name} ({each.kind}, tier {each.tier}, {hops}{owner}{sure}){effect}"


def _considered(told: Explanation, detailed: bool) -> list[str]:
    others = [h for h in told.hypotheses if h != told.root_cause]
    lines = []
    for each in others if detailed else others[:6]:
        lines.append(f"• {_hypothesis(each)}")
        if detailed:
            lines += [f"  {_factor(factor)}" for factor in each.factors]
    if not detailed and len(others) > 6:
        lines.append(f"• and {len(others) - 6} more: --explain")
    return lines


def _hypothesis(each: Hypothesis) -> str:
    if each.ruled_out:
        return f"{each.kind} {name_of(each.ref)}: ruled out, {each.ruled_out}"
    return f"{each.kind} {name_of(each.ref)}: {round(each.confidence * 100)} %, {each.level}"


def _factor(each: Factor) -> str:
    return f"{each.name} {each.value:.2f} × {each.weight:.2f}: {each.because}"


def _steps(told: Explanation) -> list[str]:
    lines = []
    for step in told.traversal:
        arrow = f"-[{'|'.join(step.labels)}]->" if step.direction == "out" else (
            f"<-[{'|'.join(step.labels)}]-"
        )  # fmt: skip
        hops = f" ≤{step.max_hops}" if step.max_hops > 1 else ""
        lines.append(f"{step.n}. {step.question} ({step.node}) {arrow}{hops}")
        lines += [f"   {id}" for id in step.found[:10]]
        if len(step.found) > 10:
            lines.append(f"   and {len(step.found) - 10} more")
    return lines


def _refs(told: Explanation) -> list[str]:
    if not told.evidence_refs:
        return []
    lines = [f"• {ref}" for ref in told.evidence_refs[:_SHOWN_REFS]]
    rest = len(told.evidence_refs) - _SHOWN_REFS
    if rest > 0:
        lines.append(f"• and {rest} more: --format json")
    lines += [f"• run {run}" for run in told.runs]
    lines += [f"• scheduled run {name_of(run)}" for run in told.dag_runs]
    lines.append(f"Open one: sfctl evidence show {told.evidence_refs[0]}")
    return lines


def _summary(told: Explanation) -> str:
    times = told.timings
    how = "kept answer" if times.cached else f"{text.duration(times.total_ms / 1000)}"
    return (
        f"{how}, graph {text.duration(times.graph_ms / 1000)}, {text.count(times.hops, 'hop')}, "
        f"{text.count(len(told.evidence_refs), 'reference')}, linked by {told.layer}"
    )


def _boxed(sections: Iterable[tuple[str, Sequence[str]]], width: int) -> list[str]:
    inner = width - 4
    lines = [f"┌{'─' * (width - 2)}┐"]
    first = True
    for title, body in sections:
        if not body:
            continue
        if not first:
            lines.append(_row("", inner) if title else f"├{'─' * (width - 2)}┤")
        first = False
        if title:
            lines.append(_row(title, inner))
            lines.append(_row("─" * min(len(title), inner), inner))
        for entry in body:
            lines += [_row(line, inner) for line in _wrapped(entry, inner)]
    return [*lines, f"└{'─' * (width - 2)}┘"]


def _wrapped(entry: str, width: int) -> list[str]:
    indent = len(entry) - len(entry.lstrip())
    hang = indent + (2 if entry.lstrip().startswith("•") else 3 if entry[:1].isdigit() else 0)
    return textwrap.wrap(
        entry, width, subsequent_indent=" " * hang, break_on_hyphens=False,
        drop_whitespace=True, initial_indent="",
    ) or [""]  # fmt: skip


def _encodable(report: str) -> str:
    """Return a report with lines of ASCII where what it is written to knows no others."""
    try:
        report.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return report.translate(_ASCII)
    return report


def _row(line: str, inner: int) -> str:
    return f"│ {line.ljust(inner)} │"

"""`sfctl rca`: why something is wrong, how far it goes, what to do, and on what evidence."""

from __future__ import annotations

from contextlib import ExitStack, closing
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from sfctl import wiring
from sfctl.clock import clock_from_environment
from sfctl.commands import rca_report
from sfctl.commands.actor import actor
from sfctl.errors import PolicyRejected, UsageError
from sfctl.evidence.port import Bus
from sfctl.graph.port import Graph
from sfctl.model import codec
from sfctl.model.explanation import document_of
from sfctl.model.manifest import TargetEntry
from sfctl.rca import evaluate as evaluation
from sfctl.rca import feedback as opinions
from sfctl.rca.cache import explained
from sfctl.report.outcome import Outcome
from sfctl.runtime.job.compiled import check_target, load
from sfctl.spec.repository import find_root
from sfctl.state.port import StateStore

EXPORT = "export"


def rca(
    subject: Annotated[
        str, typer.Argument(help="An incident, signal, dataset, dashboard or any node.")
    ] = "",
    *,
    run: Annotated[str, typer.Option(help="Explain this run.")] = "",
    explain: Annotated[
        bool, typer.Option("--explain", help="Show all candidates, factors and graph queries.")
    ] = False,
    feedback: Annotated[
        str, typer.Option(help="Say whether the answer was right: up or down; export prints all.")
    ] = "",
    note: Annotated[str, typer.Option(help="What to keep with the feedback.")] = "",
    evaluate: Annotated[
        Path | None, typer.Option(help="Score against this JSON Lines file of known causes.")
    ] = None,
    project_dir: Path = Path(),
    target: str | None = None,
    now: datetime | None = None,
) -> Outcome:
    """Explain what is wrong: root cause, evidence, blast radius and what to do.

    Raises UsageError SF861 or SF862 for a subject that nothing, or more than one thing, is.
    """
    _check(subject, run, feedback, note, evaluate)
    root = find_root(project_dir)
    check_target(root, target)
    moment = now or clock_from_environment().now()
    truths = evaluation.read(evaluate) if evaluate is not None else []
    with ExitStack() as stack:
        graph, state, bus = _stores(root, stack)
        if evaluate is not None:
            result = evaluation.evaluate(truths, graph, state, bus)
            payload = {"evaluation": codec.plain(result)}
            return Outcome("rca", payload, rca_report.evaluation(result))
        if feedback == EXPORT:
            return _exported(opinions.everything(state))
        answer = explained(subject, graph, state, bus, run=run, now=moment)
        payload = document_of(answer)
        text = rca_report.report(answer, detailed=explain)
        notes: tuple[str, ...] = ()
        if feedback:
            entry = opinions.record(state, answer, feedback, note, actor(), moment)
            payload["feedback"] = {**entry, "counts": _counts(opinions.everything(state))}
            notes = (f"kept: {feedback} for {answer.root_cause.kind} {answer.root_cause.ref}",)
    return Outcome("rca", payload, text, notes=notes)


def _check(subject: str, run: str, feedback: str, note: str, evaluate: Path | None) -> None:
    said = (*opinions.VERDICTS, EXPORT, "")
    alone = evaluate is not None or feedback == EXPORT
    trouble = ""
    if feedback not in said:
        trouble = f"--feedback is up, down or export, not {feedback}"
    elif alone and (subject or run or (evaluate is not None and feedback)):
        trouble = "--evaluate and --feedback export stand alone"
    elif not alone and not subject and not run:
        trouble = "nothing was named to explain"
    elif note and feedback not in opinions.VERDICTS:
        trouble = "--note goes with --feedback up or down"
    if trouble:
        raise UsageError(
            trouble, hint="sfctl rca INC-1, a dataset, or --run RUN; see --help", code="SF865"
        )


def _stores(root: Path, stack: ExitStack) -> tuple[Graph, StateStore, Bus]:
    folder = wiring.store_folder(root)
    at = _target(root)
    graph, state, bus = (at.graph, at.state, at.bus) if at else (None, None, None)
    return (
        stack.enter_context(closing(wiring.open_graph(folder, graph))),
        stack.enter_context(closing(wiring.open_state(folder, state))),
        stack.enter_context(closing(wiring.open_bus(folder, bus))),
    )


def _target(root: Path) -> TargetEntry | None:
    """Return the compiled target; a project that was not compiled has the embedded stores."""
    try:
        return load(root).manifest.target
    except PolicyRejected:
        return None


def _exported(entries: list[dict[str, Any]]) -> Outcome:
    counts = _counts(entries)
    lines = [
        f"{e['at']}  {e['verdict']:<4}  {e['subject']}  {e['cause_kind']} {e['cause_ref']}"
        + (f"  {e['note']}" if e["note"] else "")
        for e in entries
    ]
    lines.append(f"{counts['up']} up, {counts['down']} down")
    return Outcome("rca", {"feedback": entries, "counts": counts}, "\n".join(lines))


def _counts(entries: list[dict[str, Any]]) -> dict[str, int]:
    said = [entry["verdict"] for entry in entries]
    return {verdict: said.count(verdict) for verdict in opinions.VERDICTS}

"""The validation core: a policy and rows in, one judgement out. Nothing is written here."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from sfctl.model.policy import GATES_OF_STAGE, Custom, ForeignKey, Policy
from sfctl.model.verdict import Judgement, PiiFinding
from sfctl.runtime.core import gates, results, schema_of
from sfctl.runtime.core.budget import Budget
from sfctl.runtime.core.concluding import concluded
from sfctl.runtime.core.opening import open_source
from sfctl.runtime.core.planning import Plan, asks_elsewhere, planned
from sfctl.runtime.core.scan import scan
from sfctl.runtime.core.sources import Source
from sfctl.runtime.core.surroundings import Surroundings
from sfctl.runtime.core.text import TextSource
from sfctl.runtime.polars.program import Program, RowJudge

if TYPE_CHECKING:
    from sfctl.runtime.custom.rules import CustomRules

__all__ = ["Surroundings", "judge", "program_for"]


def judge(
    source: object,
    policy: Policy,
    stage: str,
    *,
    now: datetime,
    around: Surroundings | None = None,
) -> Judgement:
    """Judge rows by the rules of one stage: bronze, silver or gold.

    `source` is a Polars frame or query, or a `Source`. Raises SourceError where rows cannot be
    read; whatever is wrong with a single rule ends in that rule's outcome.
    """
    around = around or Surroundings()
    started = time.perf_counter()
    opened = open_source(source, policy)
    program, plan = program_for(opened, policy, stage, around)
    budget = around.budget or Budget()
    look = _look(policy, stage, around)
    with program.closing:
        state = scan(
            opened,
            program,
            budget,
            look=look,
            looked_at=_looked_at(policy, opened) if look else (),
            others=around.others,
        )
    schema = schema_of.of_polars(opened.schema)
    judgement = concluded(policy, stage, plan, state, schema, around, now=now, started=started)
    if isinstance(opened, TextSource) and opened.cells:
        return gates.with_cells(judgement, opened.cells)
    return judgement


def program_for(
    source: Source, policy: Policy, stage: str, around: Surroundings
) -> tuple[Program, Plan]:
    """Return the rules to run over a source, ready to run, and the plan they come from."""
    plan = planned(policy, stage, schema_of.of_polars(source.schema), around.off)
    if isinstance(source, TextSource):
        here = GATES_OF_STAGE[stage]
        asked = source.asked(plan.rules, "G3_SCHEMA" if "G3_SCHEMA" in here else here[0])
        plan = replace(plan, rules=tuple(asked))
    judges: dict[str, RowJudge] = {}
    tellable = results.tellable_columns(policy)
    program = Program(plan.rules, source.schema, judges, tellable, plan.faults)
    elsewhere = [r for r in plan.rules if r.id not in plan.faults and asks_elsewhere(r)]
    own = any(isinstance(rule.check, Custom) for rule in elsewhere)
    custom = _custom(policy, around, program) if own else None
    for rule in elsewhere:
        with program.blamed(rule):
            if isinstance(rule.check, ForeignKey):
                judges[rule.id] = _foreign(rule.check, around)
            elif custom is not None:
                judges[rule.id] = custom.judge_for(rule)
    return program, plan


def _foreign(check: ForeignKey, around: Surroundings) -> RowJudge:
    from sfctl.runtime.polars import foreign

    return foreign.judge_for(check, around.references(check.dataset) if around.references else None)


def _custom(policy: Policy, around: Surroundings, program: Program) -> CustomRules:
    from sfctl.runtime.custom.rules import CustomRules

    root = (around.root or Path()).absolute()
    rules = CustomRules(root, policy.performance, around.hidden)
    program.closing.callback(rules.close)
    return rules


def _look(
    policy: Policy, stage: str, around: Surroundings
) -> Callable[[pl.DataFrame], tuple[PiiFinding, ...]] | None:
    pii = around.pii
    if pii is None or not policy.pii or "G5_PII" not in GATES_OF_STAGE[stage]:
        return None
    if "G5_PII" in around.off or "G5_PII" in around.ready:
        return None
    return lambda chunk: pii(chunk, policy.pii)


def _looked_at(policy: Policy, source: Source) -> list[str]:
    from sfctl.runtime.pii.leaves import holds_text

    named = {name for detection in policy.pii for name in detection.columns}
    everywhere = any(not detection.columns for detection in policy.pii)
    return [
        name
        for name, dtype in source.schema.items()
        if name in named or (everywhere and holds_text(dtype))
    ]

"""Good rows and bad rows, by one mask; each bad row carries the rules it failed and why."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from sfctl.model.binding import columns_of, path_of
from sfctl.model.policy import Policy, Rule, Unique
from sfctl.model.verdict import Judgement
from sfctl.runtime.core.judge import Surroundings, program_for
from sfctl.runtime.core.sources import FrameSource
from sfctl.runtime.faults import DataError
from sfctl.runtime.polars import unique
from sfctl.runtime.polars.program import Program

RULES = "_sfctl_rules"
REASONS = "_sfctl_reasons"


@dataclass(frozen=True, slots=True)
class Split:
    """Both sides of a batch. `bad` has two more columns: rule ids and reason codes per row."""

    good: pl.DataFrame
    bad: pl.DataFrame


def split(
    frame: pl.DataFrame,
    policy: Policy,
    stage: str,
    *,
    judgement: Judgement | None = None,
    around: Surroundings | None = None,
) -> Split:
    """Divide a frame; bad rows fail at least one error-severity row rule of the stage.

    With the judgement of the same frame only rules that failed are asked again. Rows keep their
    order, and every row is on one side.
    """
    around = around or Surroundings()
    program, _ = program_for(FrameSource(frame), policy, stage, around)
    rules = [rule for rule in program.rules if rule.is_row_rule and rule.severity == "error"]
    if judgement is not None:
        failed = {r.id for r in judgement.rules if r.failed}
        rules = [rule for rule in rules if rule.id in failed]
    with program.closing:
        flags = flags_of(program, frame, rules, around) if rules else None
    if flags is None or not flags.width:
        return Split(frame, with_reasons(frame.clear(), frame.clear(), rules))
    bad = flags.select(pl.any_horizontal(pl.all())).to_series()
    return Split(frame.filter(~bad), with_reasons(frame.filter(bad), flags.filter(bad), rules))


def together(sides: Split, again: Split) -> Split:
    """Return the sides of a batch whose good rows were divided again."""
    return Split(again.good, pl.concat([sides.bad, again.bad]))


def flags_of(
    program: Program, frame: pl.DataFrame, rules: list[Rule], around: Surroundings
) -> pl.DataFrame:
    """Return one boolean column per rule that says of every row whether it fails."""
    expressed = [rule for rule in rules if not isinstance(rule.check, Unique)]
    flags = program.flags(frame, expressed).get_columns() if expressed else []
    for rule in rules:
        if isinstance(rule.check, Unique) and rule.id not in program.faults:
            with program.blamed(rule):
                flags.append(_repeats(program, rule, frame, around).alias(rule.id))
    for rule in rules:
        if isinstance(program.faults.get(rule.id), DataError):
            lost = pl.repeat(value=True, n=frame.height, dtype=pl.Boolean, eager=True)
            flags.append(lost.alias(rule.id))
    return pl.DataFrame(flags)


def _repeats(program: Program, rule: Rule, frame: pl.DataFrame, around: Surroundings) -> pl.Series:
    check = rule.check
    assert isinstance(check, Unique)
    fields = check.fields or tuple(program.schema)
    parts, covered = unique.key_of(fields, frame.schema, check.nulls)
    scope = program.scope(rule, frame)
    if scope is not None:
        covered = scope if covered is None else covered & scope
    table = around.others(rule) if around.others and check.scope == "table" else None
    background = None
    if table is not None:
        known = table.collect_schema()
        keys = {path_of(name, known)[0] for name in fields}
        own = {name: dtype for name, dtype in frame.schema.items() if name in keys}
        read = sorted({*keys, *columns_of(rule, known)})
        background = unique.alike(table.select(read), own).collect()
        inside = program.scope(rule, background)
        background = background if inside is None else background.filter(inside)
    repeated = unique.repeats(frame, parts, covered, background)
    wrong = program.beyond(rule, frame)
    return repeated if wrong is None else repeated | frame.select(wrong.alias("wrong")).to_series()


def with_reasons(bad: pl.DataFrame, flags: pl.DataFrame, rules: list[Rule]) -> pl.DataFrame:
    """Add to each bad row the rules it failed, worked out once per combination of rules."""
    known = [rule for rule in rules if rule.id in flags.columns]
    listed = pl.List(pl.String)
    if not known:
        empty = pl.Series([[]] * bad.height, dtype=listed)
        return bad.with_columns(empty.alias(RULES), empty.alias(REASONS))
    ids = [rule.id for rule in known]
    kinds = flags.select(ids).unique()
    failed = [
        [rule for rule, fails in zip(known, row, strict=True) if fails] for row in kinds.rows()
    ]
    kinds = kinds.with_columns(
        pl.Series(RULES, [[rule.id for rule in some] for some in failed], listed),
        pl.Series(REASONS, [[rule.signature for rule in some] for some in failed], listed),
    )
    told = flags.select(ids).join(kinds, on=ids, how="left", maintain_order="left")
    return bad.with_columns(told.select(RULES, REASONS))

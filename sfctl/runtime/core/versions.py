"""Two versions of a policy over one frame, in one scan."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import polars as pl

from sfctl.model.verdict import Judgement
from sfctl.runtime.core import schema_of
from sfctl.runtime.core.joint import Beside, Joint, asked, differs, joined, settled
from sfctl.runtime.core.judge import Surroundings, judge, program_for
from sfctl.runtime.core.sources import FrameSource
from sfctl.runtime.core.split import Split, flags_of, with_reasons

__all__ = ["Joint", "joined", "judge_both", "split_both"]


def judge_both(
    frame: pl.DataFrame,
    joint: Joint,
    stage: str,
    *,
    now: datetime,
    around: Surroundings | None = None,
) -> Judgement:
    """Judge rows by both versions, in one scan; raises what `judge` raises.

    Only where a rule fails that one version alone has are the failing rules asked which rows.
    """
    judgement = judge(frame, joint.policy, stage, now=now, around=around)
    if not differs(judgement, joint):
        return judgement
    around = around or Surroundings()
    flags, bad = _marks(frame, joint, stage, judgement, around)
    schema = schema_of.of_polars(frame.schema)
    return settled(judgement, joint, _beside(flags, bad, joint), schema, around.standard)


def split_both(
    frame: pl.DataFrame, joint: Joint, stage: str, *, judgement: Judgement, around: Surroundings
) -> Split:
    """Divide a frame: bad rows fail in both versions, and carry what they fail in either."""
    flags, bad = _marks(frame, joint, stage, judgement, around)
    if not flags.width:
        return Split(frame, with_reasons(frame.clear(), frame.clear(), []))
    known = {rule.id: rule for rule in joint.policy.rules}
    rules = [known[name] for name in flags.columns if name in known]
    reasoned = with_reasons(frame.filter(bad), flags.filter(bad), rules)
    return Split(frame.filter(~bad), reasoned)


def _marks(
    frame: pl.DataFrame, joint: Joint, stage: str, judgement: Judgement, around: Surroundings
) -> tuple[pl.DataFrame, pl.Series]:
    """Return which rows fail which error rule, and which of them fail in both versions."""
    program, _ = program_for(FrameSource(frame), asked(joint, judgement), stage, around)
    if not program.rules:
        return pl.DataFrame(), pl.Series("bad", [False]).new_from_index(0, frame.height)
    with program.closing:
        flags = flags_of(program, frame, list(program.rules), around)
    return flags, _fails(flags, joint.only_earlier) & _fails(flags, joint.only_new)


def _fails(flags: pl.DataFrame, without: Collection[str]) -> pl.Series:
    """Return which rows fail, by all rules but those of the other version."""
    names = [name for name in flags.columns if name not in without]
    if not names:
        return pl.Series("bad", [False]).new_from_index(0, flags.height)
    return flags.select(pl.any_horizontal(names).alias("bad")).to_series()


def _beside(flags: pl.DataFrame, bad: pl.Series, joint: Joint) -> Beside:
    """Count what the flags of rules say of both versions."""
    gates = {rule.id: rule.gate for rule in joint.policy.rules}
    by_gate = {}
    for gate in {gates[name] for name in flags.columns}:
        own = [name for name in flags.columns if gates[name] == gate]
        by_gate[gate] = int((_fails(flags.select(own), ()) & bad).sum())
    shared = {}
    for name in flags.columns:
        if name in joint.only_new or name in joint.only_earlier:
            other = joint.only_new if name in joint.only_new else joint.only_earlier
            shared[name] = int((flags[name] & _fails(flags, other)).sum())
    return Beside(int(bad.sum()), by_gate, shared)

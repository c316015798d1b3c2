"""Two versions of a policy over rows that are held; one pass more where they may differ."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sfctl.model.policy import Gate
from sfctl.model.verdict import Judgement
from sfctl.runtime.core.joint import Beside, Joint, asked, differs, settled
from sfctl.runtime.core.surroundings import Surroundings
from sfctl.runtime.spark.judge import judge
from sfctl.runtime.spark.schema import of_frame
from sfctl.runtime.spark.split import Flagged, flagged, in_both
from sfctl.runtime.spark.sql import joined

if TYPE_CHECKING:
    from sfctl.runtime.spark.held import Held


def judge_both(
    held: Held,
    joint: Joint,
    stage: str,
    *,
    now: datetime,
    around: Surroundings | None = None,
) -> Judgement:
    """Judge rows by both versions; raises what `judge` raises.

    Only where a rule fails that one version alone has are the failing rules asked which rows.
    """
    around = around or Surroundings()
    judgement = judge(held, joint.policy, stage, now=now, around=around)
    if not differs(judgement, joint):
        return judgement
    found = flagged(held, asked(joint, judgement), stage, around, None)
    schema = of_frame(held.frame)
    return settled(judgement, joint, _beside(found, joint), schema, around.standard)


def _beside(found: Flagged, joint: Joint) -> Beside:
    """Count what the flags of rules say of both versions, in one pass."""
    if not found.flags:
        return Beside()
    bad = in_both(found, joint)
    gates: dict[Gate, list[str]] = {}
    for rule in found.rules:
        gates.setdefault(rule.gate, []).append(rule.id)
    wanted = {"bad": bad}
    for gate, names in gates.items():
        wanted[f"gate:{gate}"] = joined("AND", [found.any_of(names), bad])
    for name, flag in found.flags.items():
        if name in joint.only_new or name in joint.only_earlier:
            other = joint.only_new if name in joint.only_new else joint.only_earlier
            rest = [each for each in found.flags if each not in other]
            wanted[f"rule:{name}"] = joined("AND", [flag, found.any_of(rest)])
    numbered = {name: f"n{number}" for number, name in enumerate(wanted)}
    row = found.rows.selectExpr(
        *(f"count_if({sql}) AS {numbered[name]}" for name, sql in wanted.items())
    ).first()
    assert row is not None
    told = {name: int(row[column]) for name, column in numbered.items()}
    return Beside(
        told["bad"],
        {gate: told[f"gate:{gate}"] for gate in gates},
        {name: told[f"rule:{name}"] for name in found.flags if f"rule:{name}" in told},
    )

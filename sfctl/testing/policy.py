"""A policy bundle tried on rows at hand: what every rule says, and of which rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from sfctl.model.verdict import GateResult, Judgement, RuleResult

Stage = Literal["bronze", "silver", "gold"]


@dataclass(frozen=True, slots=True)
class Judged:
    """What a policy says of rows. `failing` maps ids of row rules to the rows that fail them.

    Rows are numbered from 0, in the order they were given.
    """

    judgement: Judgement
    failing: Mapping[str, tuple[int, ...]]

    @property
    def verdict(self) -> str:
        """PASS, WARN, FAIL or ERROR."""
        return self.judgement.verdict

    @property
    def bad(self) -> int:
        """How many rows fail at least one rule of severity `error`."""
        return self.judgement.bad

    def rule(self, rule_id: str) -> RuleResult:
        """Return the outcome of one rule. Raises KeyError, naming the rules there are."""
        found = {rule.id: rule for rule in self.judgement.rules}
        if rule_id not in found:
            raise KeyError(f"no rule {rule_id!r}; there are: {', '.join(sorted(found))}")
        return found[rule_id]

    def gate(self, name: str) -> GateResult:
        """Return the outcome of one gate. Raises KeyError, naming the gates there are."""
        found = {str(gate.gate): gate for gate in self.judgement.gates}
        if name not in found:
            raise KeyError(f"no gate {name!r}; there are: {', '.join(found)}")
        return found[name]


def judge_rows(
    rows: object,
    policy: str | Path,
    *,
    stage: Stage = "gold",
    now: datetime | None = None,
) -> Judged:
    """Judge rows by a policy bundle, as `sfctl check` does; nothing is written.

    `rows` are a list of dicts, a Polars or pandas frame or an Arrow table; `policy` is the path of
    a `policy_bundle.yaml`, with the project around it where there is one. Custom rules run in a
    process of their own, within the policy's limits. `now` is the present of freshness rules.
    Raises SpecError for a policy that cannot be compiled, SourceError for rows that are none.
    """
    from sfctl.compiler.check import policy_for_check, root_of
    from sfctl.runtime.core.adapt import to_polars
    from sfctl.runtime.core.judge import Surroundings, judge, program_for
    from sfctl.runtime.core.sources import FrameSource
    from sfctl.runtime.core.split import flags_of
    from sfctl.runtime.pii.actions import find

    path = Path(policy)
    compiled, _ = policy_for_check(path)
    frame = to_polars(rows, policy=compiled)
    around = Surroundings(pii=find, root=root_of(path))
    judgement = judge(frame, compiled, stage, now=now or datetime.now(UTC), around=around)
    program, _ = program_for(FrameSource(frame), compiled, stage, around)
    failed = {rule.id for rule in judgement.rules if rule.failed}
    asked = [rule for rule in program.rules if rule.is_row_rule and rule.id in failed]
    with program.closing:
        flags = flags_of(program, frame, asked, around) if asked else None
    told = {} if flags is None else {column.name: column.arg_true() for column in flags}
    return Judged(judgement, {name: tuple(numbers) for name, numbers in told.items()})

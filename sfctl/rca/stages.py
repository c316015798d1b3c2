"""Which stage of a run failed first, and what its having passed before clears."""

from __future__ import annotations

from dataclasses import dataclass

from sfctl.model import urn
from sfctl.rca.case import Case

_RANK = {stage: number for number, stage in enumerate(urn.STAGES)}


@dataclass(frozen=True, slots=True)
class FirstFailure:
    """Where a run failed first. `passed` are the stages before it, in order, that judged it good.

    `refs` are the events of both.
    """

    run: str
    stage: str
    passed: tuple[str, ...]
    refs: tuple[str, ...]


def first_failures(case: Case) -> tuple[FirstFailure, ...]:
    """Return, per failing run, which stage failed first."""
    found = []
    for run in case.run_names:
        judged = [e for e in case.log.run(run) if e.kind == "GATE" and e.stage in _RANK]
        failed = {e.stage for e in judged if e.result == "FAIL"}
        if not failed:
            continue
        first = min(failed, key=_RANK.__getitem__)
        before = {e.stage for e in judged if e.result == "PASS" and _RANK[e.stage] < _RANK[first]}
        passed = tuple(sorted(before, key=_RANK.__getitem__))
        refs = tuple(e.evidence_id for e in judged if e.stage == first and e.result == "FAIL")
        if passed:
            refs += tuple(e.evidence_id for e in judged if e.stage == passed[-1])[:1]
        found.append(FirstFailure(run, first, passed, refs[:4]))
    return tuple(found)


def cleared(case: Case) -> FirstFailure | None:
    """Return why the source is cleared: every failing run took its data in, and failed later.

    None where a run failed as its data arrived, or where the same failure was seen upstream.
    """
    found = first_failures(case)
    if case.echoes or not found or not all(each.passed for each in found):
        return None
    return found[0]


def judged_before(first: FirstFailure) -> str:
    """Return what the stages before a failure had vouched for, as a clause."""
    if "silver" in first.passed:
        return "silver judged shape, origin and values before and passed"
    return (
        f"bronze passed: it judges shape and origin, and {first.stage} is the first to judge values"
    )

"""The judgement of a batch nobody judged: every rule and every gate SKIP, with the reason."""

from __future__ import annotations

from sfctl.model.policy import GATES_OF_STAGE
from sfctl.model.verdict import Judgement
from sfctl.runtime.core import gates, results
from sfctl.runtime.publishing.request import PublishRequest


def unjudged(request: PublishRequest, rows: int = 0) -> Judgement:
    """Return a judgement that says nothing about `rows` rows."""
    rules = [results.skipped(r, request.gates_off) for r in request.policy.rules_for(request.stage)]
    return Judgement(
        dataset_urn=request.dataset_urn,
        stage=request.stage,
        rows=rows,
        good=rows,
        bad=0,
        rules=tuple(rules),
        gates=tuple(gates.off(gate) for gate in GATES_OF_STAGE[request.stage]),
        totals=results.totals(rules),
        verdict="SKIP",
        policy_digest=request.policy.digest,
    )

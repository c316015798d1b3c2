"""The catalogue of every code we print. A code is never reused; `sfctl explain CODE` reads here.

Each block has its module: 0xx usage, 1xx files, 2xx policies (28x–29x contracts), 3xx publishing
and from 343 governance, 4xx approval, 5xx sources, 6xx stores, 7xx environment, 78x Spark's needs,
80x–81x log, 82x engines, 83x lineage, 84x graph, 85x incidents, 86x root cause, 87x
wrappers, 88x personal data, 89x Spark, 9xx ours.
"""

from __future__ import annotations

from sfctl.codes import (
    approval,
    contracts,
    engines,
    environment,
    files,
    governance,
    graph,
    incidents,
    lineage,
    log,
    ours,
    personal,
    policies,
    publishing,
    rca,
    sources,
    spark,
    stack,
    stores,
    usage,
    wrappers,
)
from sfctl.codes.code import Code

__all__ = ["CODES", "Code"]

CODES: dict[str, Code] = {
    **usage.CODES,
    **files.CODES,
    **policies.CODES,
    **contracts.CODES,
    **publishing.CODES,
    **governance.CODES,
    **approval.CODES,
    **sources.CODES,
    **stores.CODES,
    **environment.CODES,
    **stack.CODES,
    **log.CODES,
    **engines.CODES,
    **lineage.CODES,
    **graph.CODES,
    **incidents.CODES,
    **rca.CODES,
    **wrappers.CODES,
    **personal.CODES,
    **spark.CODES,
    **ours.CODES,
}

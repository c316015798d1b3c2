"""The catalogue of every code we print. A code is never reused; `sfctl explain CODE` reads here.

Each block has its module: 0xx usage, 1xx files, 2xx policies, 3xx publishing, 4xx approval,
5xx sources, 6xx stores, 7xx environment, 8xx log, 9xx ours.
"""

from __future__ import annotations

from sfctl.codes import (
    approval,
    environment,
    files,
    log,
    ours,
    policies,
    publishing,
    sources,
    stores,
    usage,
)
from sfctl.codes.code import Code

__all__ = ["CODES", "Code"]

CODES: dict[str, Code] = {
    **usage.CODES,
    **files.CODES,
    **policies.CODES,
    **publishing.CODES,
    **approval.CODES,
    **sources.CODES,
    **stores.CODES,
    **environment.CODES,
    **log.CODES,
    **ours.CODES,
}

"""Codes 83x: lineage."""

from __future__ import annotations

from sfctl.codes.code import Code

CODES: dict[str, Code] = {
    "SF831": Code(
        "No such node",
        "The graph has no dataset, job, dashboard or other node of this name.",
        "Name it by URN, by `dataset:<namespace>/<name>` or by its last part; `sfctl lineage show` "
        "without a name lists what nothing registered stands for.",
    ),
    "SF832": Code(
        "Name of several nodes",
        "More than one node of the graph goes by this name.",
        "Give the URN of the one you mean; the message lists them.",
    ),
}

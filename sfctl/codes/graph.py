"""Codes 84x: the causal graph."""

from __future__ import annotations

from sfctl.codes.code import Code

CODES: dict[str, Code] = {
    "SF840": Code(
        "Not a graph",
        "A file given to `graph load` is not UTF-8 JSON of the published form, or it is cut "
        "short. Nothing was loaded.",
        "Write it with `sfctl graph export --format json`, or hold it against "
        "sfctl/schemas/graph/graph-1.json.",
    ),
    "SF841": Code(
        "Unknown label",
        "A node or an edge in a graph file has a label that the published definition does not "
        "have. Nothing was loaded.",
        "Use one of the labels that the message lists.",
    ),
    "SF842": Code(
        "Edge into nothing",
        "An edge in a graph file leads from or to a node that is neither in the file nor in the "
        "graph. Nothing was loaded.",
        "Add the node to the file; `export` always writes both ends.",
    ),
    "SF843": Code(
        "Values that do not compare",
        "A property that keeps the smaller or larger value (first_…, last_…, count, total) came "
        "with values of two types. Nothing was changed.",
        "Give the property values of one type everywhere.",
    ),
}

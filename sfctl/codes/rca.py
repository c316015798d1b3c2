"""Codes 86x: root cause."""

from __future__ import annotations

from sfctl.codes.code import Code

CODES: dict[str, Code] = {
    "SF861": Code(
        "Nothing of that name",
        "What was to be explained is no incident, signal, run, dataset or other node of the graph.",
        "Take one of the nearest names that the message lists, or `sfctl engine run --once` when "
        "the graph has not taken in what happened yet.",
    ),
    "SF862": Code(
        "Several things of that name",
        "A short name fits more than one node of the graph.",
        "Give one of the full ids that the message lists.",
    ),
    "SF863": Code(
        "Incident unreadable",
        "The state store holds an incident that this version cannot read.",
        "Ask about its signal or dataset instead; fold the log again to rebuild incidents.",
    ),
    "SF864": Code(
        "Not a ground truth",
        "A line of the file given to `rca --evaluate` is not a JSON object with subject and "
        "cause_kind.",
        'Write one object a line: {"subject": "INC-1", "cause_kind": "DEPLOYMENT", '
        '"cause_ref": "urn:deployment:orders-svc:v3.17"}; cause_ref may be left out.',
    ),
    "SF865": Code(
        "Not a request for root cause",
        "Options of `rca` that do not go together, or no subject at all.",
        "Name what to explain, or use --run, --evaluate FILE or --feedback export alone.",
    ),
}

"""Codes 9xx: faults of ours."""

from __future__ import annotations

from sfctl.codes.code import Code

CODES: dict[str, Code] = {
    "SF900": Code(
        "A fault of ours",
        "Something inside sfctl failed that should not have.",
        "Attach the bug report whose path was printed.",
    ),
}

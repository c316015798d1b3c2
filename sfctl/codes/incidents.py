"""Codes 85x: incidents."""

from __future__ import annotations

from sfctl.codes.code import Code

CODES: dict[str, Code] = {
    "SF850": Code(
        "No such incident",
        "No incident has this alias or cause key, or the beginning of a key fits several.",
        "List them with `sfctl incidents list --all`; `INC-7`, `7`, a cause key or its first "
        "characters all work.",
    ),
    "SF851": Code(
        "Not a filter of signals or incidents",
        "A state, status, severity or type to filter by does not exist.",
        "`sfctl signals --help` and `sfctl incidents list --help` list the names.",
    ),
    "SF852": Code(
        "The incident is resolved",
        "Somebody, or a good run, has ended this incident: there is nothing to acknowledge.",
        "Look at its history with `sfctl incidents show`; it opens again by itself when its "
        "cause comes back.",
    ),
}

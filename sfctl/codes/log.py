"""Codes 8xx: evidence."""

from __future__ import annotations

from sfctl.codes.code import Code

CODES: dict[str, Code] = {
    "SF801": Code(
        "Evidence not delivered",
        "Evidence is safe in the outbox but the bus did not take it.",
        "Run `sfctl evidence flush` when the bus answers again; nothing is lost meanwhile.",
    ),
    "SF802": Code(
        "Result not written",
        "The verb did its work, but standard output did not take the result.",
        "Check what stdout is connected to (a full disk?); run the verb again.",
    ),
    "SF803": Code(
        "Evidence not found",
        "No event with this id is on the bus or in the archive.",
        "List what there is with `sfctl evidence list`; ids are case-sensitive.",
    ),
    "SF805": Code(
        "Not a switch",
        "The scope, expiry or reason of a kill switch is missing or out of bounds, or the scope "
        "names a dataset or job that the compiled project does not have.",
        "Scopes are fleet, cluster:X, job:X, dataset:X, gate:X; a reason is always needed; "
        "fleet-wide at most 24 h.",
    ),
    "SF806": Code(
        "Archive unreadable",
        "A file of the evidence archive cannot be read.",
        "Restore the file from a copy, or remove it: the rest of the archive is not affected.",
    ),
    "SF807": Code(
        "Not a filter",
        "A time, gate, kind or result to filter evidence by does not exist.",
        "Times are RFC 3339 or spans like 2h; `evidence list --help` lists the other names.",
    ),
}

"""Codes 87x: wrappers."""

from __future__ import annotations

from sfctl.codes.code import Code

CODES: dict[str, Code] = {
    "SF870": Code(
        "Name not usable in a wrapper",
        "A job's name, one of its variables or an argument cannot stand in a file name, a shell "
        "line or a DAG id.",
        "Rename it: letters, digits, `_`, `-` and `.`, beginning with a letter or digit; for "
        "variables letters, digits and `_`.",
    ),
    "SF871": Code(
        "No such wrapper for this job",
        "The kind of wrapper asked for does not fit how the job runs.",
        "Leave --for out, or say in jobs/<name>.yaml how the job runs (runtime, entrypoint).",
    ),
    "SF872": Code(
        "Not our file",
        "A file stands where a wrapper would be written, and `sfctl wrap` did not write it.",
        "Move the file away, then wrap again; nothing was changed.",
    ),
}

"""Codes 5xx: sources of rows."""

from __future__ import annotations

from sfctl.codes.code import Code

CODES: dict[str, Code] = {
    "SF501": Code(
        "Source unreadable",
        "A file, folder or table that was to be judged does not exist or cannot be read.",
        "Check the path and its permissions; sources are Parquet, CSV, JSONL files or folders of "
        "them, and Delta tables.",
    ),
    "SF502": Code(
        "Unknown kind of source",
        "The name of a file does not tell its format.",
        "Use one of the endings .parquet, .csv, .tsv, .jsonl, .ndjson, or name a Delta table.",
    ),
    "SF503": Code(
        "No rows in there",
        "An object that was to be judged or written is no table of rows.",
        "Pass a Polars or pandas frame, an Arrow table, batch or reader, or a list of dicts.",
    ),
    "SF504": Code(
        "Malformed text",
        "A CSV or JSON-lines file has a line that cannot be taken apart: too many fields, broken "
        "JSON, or bytes that are no UTF-8; or its header names a column twice.",
        "Mend the line; cells that are merely of another type are judged and need no mending.",
    ),
    "SF510": Code(
        "Rule violated",
        "More rows than the rule's threshold allows fail it, or its number is out of bounds.",
        "Look at the signatures of the rule; the rows are wrong, or the rule is.",
    ),
    "SF511": Code(
        "Rule not evaluated",
        "A rule could not be evaluated on these rows: a column is absent or of another type, a "
        "user's function raised, or something inside sfctl failed.",
        "The reason beside the rule says which; a fault of the data counts as a failure.",
    ),
    "SF512": Code(
        "Schema differs",
        "The columns or types differ from the baseline, or from what the policy declares.",
        "Mend the source, or run `sfctl profile` and approve the new baseline.",
    ),
    "SF513": Code(
        "Custom rules cannot run here",
        "A custom rule is handed its rows as a pyarrow.RecordBatch, and pyarrow is not installed. "
        "Such a rule is ERROR: nothing is blocked, and nothing certifies.",
        "pip install 'sfctl[arrow]' wherever jobs, `check` or `certify --revalidate` run.",
    ),
    "SF520": Code(
        "Schema registry unreachable",
        "The registry of schemas does not answer, or what it keeps of a dataset cannot be read.",
        "Runs go on with the last schema known (REGISTRY_STALE) and recover by themselves; the "
        "message says why. In a data repo, restore the named file under datasets/<name>/schemas/.",
    ),
    "SF521": Code(
        "Schema not registered",
        "There is no such dataset or version in the registry of schemas.",
        "`sfctl schema list` shows what is registered, `sfctl register` registers a baseline.",
    ),
    "SF522": Code(
        "Schema breaks its readers",
        "Two schemas that were compared differ in a way that the mode does not let pass.",
        "Keep the old column beside the new one for a while, or agree on the change and register "
        "the new schema; --mode says what passes.",
    ),
    "SF523": Code(
        "Not a schema",
        "A description of a schema cannot be read: broken, recursive, nested too deeply, or with "
        "names that no table can hold. The place in the document stands before the message.",
        "Mend the description; docs/schema.md lists the dialects and what each can say.",
    ),
}

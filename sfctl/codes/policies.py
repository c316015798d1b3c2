"""Codes 2xx: policies: what they mean, and what cannot be meant."""

from __future__ import annotations

from sfctl.codes.code import Code

CODES: dict[str, Code] = {
    "SF201": Code(
        "Expression not readable",
        "An expression does not follow the grammar: comparison, AND, OR, NOT, + - * / // %, "
        "IN, BETWEEN, LIKE, IS NULL, CASE, literals, columns and the known functions.",
        "Look at the place named; texts stand in '…', column names in \"…\" or bare.",
    ),
    "SF202": Code(
        "Expression too large",
        "An expression is longer than 10,000 characters, nested deeper than 40 levels, or "
        "chains more than 100 operations.",
        "Split it into several rules; each is counted by itself.",
    ),
    "SF203": Code(
        "Function",
        "An expression calls a function that is not in the closed list, or with arguments it "
        "does not take.",
        "Known: length, lower, upper, trim, substring, starts_with, ends_with, contains, "
        "concat, abs, coalesce, nullif, year, month, day, hour, minute, date.",
    ),
    "SF204": Code(
        "Unknown column",
        "A rule names a column that is not among the known ones: schema.constraints, the "
        "baseline, and required_fields.",
        "Correct the name, declare the column in schema.constraints, or run `sfctl profile`.",
    ),
    "SF205": Code(
        "Types do not fit",
        "An operation or a rule meets a type that it is not made for, such as text compared "
        "with a number.",
        "Compare values of one kind; quote texts, and leave numbers without quotes.",
    ),
    "SF206": Code(
        "NULL in a list",
        "NULL stands in a list of values. It equals nothing, not even NULL.",
        "Remove it; nulls pass accepted_values anyway. Demand values with not_null.",
    ),
    "SF207": Code(
        "NULL in an operation",
        "A comparison or a calculation with NULL is always unknown, so the rule would never fail.",
        "Write IS NULL or IS NOT NULL.",
    ),
    "SF208": Code(
        "Time without zone",
        "An instant (TIMESTAMP) is compared with a date or time that has no zone.",
        "Write the zone in the literal, as in '2024-01-15T00:00:00Z', or compare date(…), "
        "which is UTC.",
    ),
    "SF209": Code(
        "Inexact arithmetic",
        "A quotient of whole or decimal numbers would have to be rounded, a result has more "
        "than 38 digits after the point, or a literal divides by zero.",
        "Compare the quotient itself (a / b < c is carried out exactly), multiply, or use // "
        "for whole numbers.",
    ),
    "SF210": Code(
        "Pattern not readable",
        "A pattern is no regular expression.",
        "Look at the place named; a backslash makes a character stand for itself.",
    ),
    "SF211": Code(
        "Pattern outside the subset",
        "A pattern uses something that engines read differently: look-around, back-"
        "references, flags, named groups, Unicode classes, word boundaries, anchors inside, "
        "possessive repeats.",
        "Patterns match the whole value and know characters, ., classes, (…), |, * + ? {m,n},"
        " \\d \\w \\s \\t \\n \\r \\f \\xHH.",
    ),
    "SF212": Code(
        "Unknown type",
        "A type is not one of the canonical ones.",
        "BOOLEAN, INT8 to INT64, UINT8 to UINT64, FLOAT, DOUBLE, DECIMAL(p,s), STRING, "
        "BINARY, DATE, TIME, TIMESTAMP, TIMESTAMP_NTZ, ARRAY<…>, MAP<…>, STRUCT<…>.",
    ),
    "SF220": Code(
        "Rule can never pass",
        "No value can satisfy the rule, so every row, or every batch, would fail.",
        "Look at its bounds and values; the nearest repair is in the hint.",
    ),
    "SF221": Code(
        "Rule can never fail",
        "Every value satisfies the rule, so it judges nothing.",
        "Remove it, or say what it was meant to say.",
    ),
    "SF222": Code(
        "Rules contradict each other",
        "Two rules on one column leave no value that satisfies both.",
        "Change one of the two places named.",
    ),
    "SF223": Code(
        "Rule id used twice",
        "Two rules of a policy have the same id; results could not be told apart.",
        "Give one of them another id, or remove it: ids are made from content.",
    ),
    "SF224": Code(
        "Said before",
        "A rule, or a value in a list, repeats what another already says. Failures are "
        "counted once, under the first.",
        "Remove one of the two; nothing changes in what is judged.",
    ),
    "SF225": Code(
        "Threshold",
        "A threshold of 100 % can never be exceeded; a rule on the whole batch has one "
        "outcome and no threshold.",
        "Tolerate less, or move the rule's bounds.",
    ),
    "SF226": Code(
        "Number out of reach",
        "A number has more than 38 digits or cannot be read.",
        "Write it with fewer digits; put decimals in quotes to keep them as written.",
    ),
    "SF227": Code(
        "Column named twice",
        "A column is declared or listed twice, or two lists of columns have different lengths.",
        "Keep one of the two places named.",
    ),
    "SF228": Code(
        "Name that cannot stand here",
        "The rule needs a dataset's URN.",
        "A dataset is ds://<zone>/<name>.",
    ),
    "SF229": Code(
        "Custom function not found",
        "The import path of a custom rule leads to no function below the project's folder.",
        "`rules.mine:check` is the function `check` in rules/mine.py.",
    ),
    "SF230": Code(
        "Name with two meanings",
        "A dotted name is a column and, at the same time, a field inside another column.",
        "Rename one of the two; a rule cannot tell which is meant.",
    ),
    "SF240": Code(
        "Redaction of a filled column",
        "A column that may not be null is emptied by `redact`.",
        "Give a `placeholder`, or use mask or tokenize.",
    ),
    "SF241": Code(
        "Rule on a changed column",
        "A PII action changes the values that a rule judges in a later stage.",
        "Gold may demand presence, uniqueness or references of what silver changed. Judge the "
        "form in silver alone: `stages: [silver]` on the rule.",
    ),
    "SF243": Code(
        "Detection declared twice",
        "One kind of personal data is declared twice for one column.",
        "Keep one entry; it says what is done.",
    ),
    "SF244": Code(
        "Detection on a column that is no text",
        "Personal data is found in text columns.",
        "Name a STRING column, or leave `columns` out.",
    ),
    "SF245": Code(
        "Placeholder without redact",
        "A placeholder stands in for redacted values; other actions make their own.",
        "Remove it, or set action: redact.",
    ),
    "SF250": Code(
        "Below the organisation's minimum",
        "The policy demands less than the organisation does of this tier. The minimum holds "
        "whatever the repo says.",
        "Raise the place named to the minimum, or have the minimum changed.",
    ),
    "SF251": Code(
        "Conflicting schema modes",
        "Datasets of one job declare different schema modes, so a change could pass in one "
        "and fail in the other.",
        "Give the datasets of a job one mode.",
    ),
    "SF252": Code(
        "Gap to a consumer",
        "A consumer needs more than the producer promises. Both owners are named.",
        "Producer and consumer agree; then change the expectation or the bundle.",
    ),
    "SF260": Code(
        "Baseline not readable",
        "baseline.json holds no schema that can be read.",
        "`sfctl profile` writes it anew.",
    ),
    "SF261": Code(
        "Output without a stage",
        "A job writes a dataset that stores several stages and does not say which.",
        "Write {dataset: …, stage: silver} under outputs.",
    ),
    "SF262": Code(
        "target/ of another target",
        "target/ was compiled for another target, and only some datasets are selected.",
        "Compile once without a selection, then select.",
    ),
    "SF263": Code(
        "Secret mixed into a value",
        "A value under `env:` of a job is part text, part variable or file. It would have to be "
        "written into target/ to be kept, where a secret must never stand.",
        "Give the variable a value of its own: KEY: \"{{ env_var('NAME') }}\".",
    ),
    "SF265": Code(
        "Options of Spark for another runtime",
        "The job file has a `spark:` block, but its runtime is not spark: nothing would read it.",
        "Set `runtime: spark`, or take the block out.",
    ),
    "SF270": Code(
        "Unknown pack",
        "A bundle or a pack includes a pack for which there is no file packs/<name>.yaml.",
        "Correct the name, or add the file. Packs stand in packs/ of the project, nowhere else.",
    ),
    "SF271": Code(
        "Parameter of a pack",
        "A parameter is unknown, missing or of another type than the pack declares, or a pack "
        "declares one that it does not use.",
        "The hint names the other place. A pack declares under `parameters:`, an include gives "
        "under `with:`.",
    ),
    "SF272": Code(
        "Packs without end",
        "Packs include each other in a circle, or a bundle leads to more than 500 includes.",
        "Take one of the includes out.",
    ),
    "SF273": Code(
        "Pack outside the project",
        "A file in packs/ is a link that leads out of the project's folder, so a review of the "
        "project would not show it.",
        "Copy the file into packs/.",
    ),
    "SF275": Code(
        "Filter that lets nothing through",
        "`where` can hold for no row, so the rule never judges.",
        "Look at its bounds and values.",
    ),
    "SF276": Code(
        "Part that decides nothing",
        "A comparison within an expression holds for every value or for none, a listed value "
        "cannot occur, or no row reaches a branch of CASE.",
        "Correct the part named, or remove it.",
    ),
    "SF277": Code(
        "Stage that does not judge the rule",
        "`stages` names a stage that is not stored, or whose gates do not hold the rule's section.",
        "Contract and dq are judged in silver and gold, the schema in bronze and gold.",
    ),
}

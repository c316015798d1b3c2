"""The catalogue of every code we print. A code is never reused; `sfctl explain CODE` reads here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """What a code means to the person who sees it."""

    title: str
    meaning: str
    remedy: str


CODES: dict[str, Code] = {
    "SF001": Code(
        "Usage",
        "The command line asks for something that does not exist or cannot be combined.",
        "Run the verb with --help; near misses are suggested in the message.",
    ),
    "SF002": Code(
        "Problems in your files",
        "One or more YAML files or policies have problems; each is listed with its place.",
        "Mend the listed places; `sfctl explain` any code among them.",
    ),
    "SF003": Code(
        "Unknown or misused option",
        "The verb has no such option, or the option is used in a way it cannot be.",
        "See the verb's --help; near misses are suggested in the message.",
    ),
    "SF004": Code(
        "Value outside its closed set",
        "A global option was given a value it does not know.",
        "Use one of the values the message lists.",
    ),
    "SF005": Code(
        "No such code",
        "The code was never given out.",
        "`sfctl explain` without a code lists them all.",
    ),
    "SF006": Code(
        "Files in the way",
        "`sfctl init` would have to overwrite files, which it never does.",
        "Choose another folder, or move the files away.",
    ),
    "SF007": Code(
        "Nothing at the path",
        "The file or table that was named does not exist.",
        "Check the path; it is read from the current folder.",
    ),
    "SF009": Code(
        "One source, several datasets",
        "A single file can be measured for a single dataset only.",
        "Name the dataset the file belongs to.",
    ),
    "SF010": Code(
        "No table yet",
        "None of the dataset's stages has been written, so there is nothing to read.",
        "Run the job that writes it, or name a file with --source.",
    ),
    "SF011": Code(
        "Dataset without a policy",
        "The dataset has no policy_bundle.yaml: nothing in it is judged and nothing certifies.",
        "`sfctl profile NAME --suggest` drafts a policy that enforces nothing yet.",
    ),
    "SF012": Code(
        "Job without datasets",
        "The job file names neither inputs nor outputs, so nothing can be traced through it.",
        "Add `inputs:` and `outputs:` to the job file.",
    ),
    "SF013": Code(
        "Breaking change",
        "Something consumers were promised at the compared ref is promised no longer.",
        "Keep the promise, or publish a new version of the dataset beside the old one.",
    ),
    "SF014": Code(
        "No such git ref",
        "`validate --against` compares with a git ref, and git could not give it.",
        "Name a branch, tag or commit that this clone has; in CI fetch enough history.",
    ),
    "SF101": Code(
        "Not YAML",
        "The file breaks the grammar of YAML, so nothing in it can be read.",
        "Mend the place shown; most often it is indentation, a missing quote or a tab.",
    ),
    "SF102": Code(
        "Unreadable file",
        "A file or folder of the project exists but cannot be opened, or went away meanwhile.",
        "Check its permissions, and links that lead nowhere or in circles.",
    ),
    "SF103": Code(
        "Not UTF-8 text",
        "Files are UTF-8 without control characters; this one holds other bytes.",
        "Save the file as UTF-8; write a control character escaped inside double quotes.",
    ),
    "SF104": Code(
        "Too large",
        "A file is over 4 MiB, over 64 levels deep, or over 500,000 values with aliases counted.",
        "Split the file; keep data out of the YAML.",
    ),
    "SF106": Code(
        "Duplicate key",
        "A mapping holds the same key twice; which of the two was meant cannot be known.",
        "Keep one of the two; the message names the place of the first.",
    ),
    "SF107": Code(
        "YAML feature not allowed",
        "Tags, merge keys, several documents in a file and keys that are not text are refused.",
        "Write the value out plainly; anchors and aliases are fine.",
    ),
    "SF108": Code(
        "Empty file",
        "The file holds nothing but blanks and comments.",
        "Fill it, or remove it.",
    ),
    "SF110": Code(
        "Unknown key",
        "The key means nothing here and would be ignored, so it is refused.",
        "Take the suggestion; the keys known here are listed where nothing is near.",
    ),
    "SF111": Code(
        "Missing key",
        "A key that must be there is absent.",
        "Add it; the message says what its value is.",
    ),
    "SF112": Code(
        "Wrong type",
        "The value is of another type than its key asks for, or empty.",
        "Write what is expected. In YAML 1.2 only true and false are booleans.",
    ),
    "SF113": Code(
        "Not one of the known values",
        "The key takes one of a closed set of words, and this is none of them.",
        "Pick one of the listed words.",
    ),
    "SF114": Code(
        "Wrong form",
        "The value has the right type but not the form its key asks for.",
        "Follow the example in the message.",
    ),
    "SF115": Code(
        "Out of range",
        "A number is below or above what its key allows, or a list is too short.",
        "Stay within the range in the message.",
    ),
    "SF116": Code(
        "Keys that do not go together",
        "One of several keys is needed and none is there, or two exclude each other.",
        "Keep exactly what the message asks for.",
    ),
    "SF120": Code(
        "Secret in plain text",
        "A literal is, or looks like, a credential. Files end up in version control.",
        "Write {{ env_var('NAME') }} or {{ file('path') }}, and replace the leaked credential.",
    ),
    "SF121": Code(
        "Broken template",
        "The text between {{ and }} is no expression, or fails when it is evaluated.",
        "Templates look like {{ env_var('NAME', 'default') }}.",
    ),
    "SF122": Code(
        "Unknown name in a template",
        "Templates see env_var, file, var, target and project_name, and nothing else.",
        "Take the suggestion; declare a var under `vars:` of the target.",
    ),
    "SF123": Code(
        "Template does too much",
        "Templates take values; loops, arithmetic, macros and methods are refused.",
        "Compute the value outside, and pass it in as a var or a variable.",
    ),
    "SF124": Code(
        "File of a template",
        "file() reads a small UTF-8 file inside the project, and this is none.",
        "Put the file inside the project, or use env_var().",
    ),
    "SF125": Code(
        "Variable not set",
        "A template asks for an environment variable that is not set and has no default.",
        "Set the variable, or give a default: env_var('NAME', 'default').",
    ),
    "SF130": Code(
        "No project",
        "No sfctl.yml stands in the folder or in any folder above it.",
        "`sfctl init` makes a project; --project-dir names another folder.",
    ),
    "SF131": Code(
        "Unknown target",
        "sfctl.yml has no target of that name.",
        "Pick one of its targets with --target, or mend `targets.default`.",
    ),
    "SF132": Code(
        "Declared twice",
        "Two files claim the same dataset, job or freshness policy.",
        "Keep one of the two; the message names the place of the other.",
    ),
    "SF133": Code(
        "Unknown dataset",
        "A name or URN stands for no dataset of this project. What is written must be declared "
        "here; a URN that is only read may belong to another project and is a warning.",
        "Take the suggestion, or declare it in datasets/<name>/dataset.yaml.",
    ),
    "SF134": Code(
        "Missing file",
        "A dataset's folder holds files but no dataset.yaml.",
        "Write one by hand or with `sfctl register --from PATH`.",
    ),
    "SF135": Code(
        "Broken baseline",
        "baseline.json is not the JSON object that `sfctl profile` writes.",
        "Run `sfctl profile` for the dataset again.",
    ),
    "SF136": Code(
        "File not read",
        "A file stands where documents are looked for, under a name that none of them has.",
        "Rename or move it as suggested.",
    ),
    "SF137": Code(
        "Minimums altered",
        "The organisation's minimums differ from the digest that the target pins.",
        "Fetch the file again, or pin the new digest if the change was approved.",
    ),
    "SF140": Code(
        "Unknown selector",
        "A selector names a dataset, tag, owner or method that the project does not have.",
        "Take the suggestion; the methods are tag: tier: owner: path: state: result: (and names).",
    ),
    "SF141": Code(
        "Nothing selected",
        "The selectors are valid but no dataset fits them.",
        "Loosen them, or leave them out to take every dataset.",
    ),
    "SF142": Code(
        "Nothing to compare with",
        "`state:` needs an earlier manifest and `result:` an earlier run's results.",
        "Run `sfctl compile` (for state) or `sfctl check` or `run` (for result) first.",
    ),
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
        "The rule needs whole columns, or a dataset's URN.",
        "Name a top-level column; a dataset is ds://<zone>/<name>.",
    ),
    "SF229": Code(
        "Custom function not found",
        "The import path of a custom rule leads to no function below the project's folder.",
        "`rules.mine:check` is the function `check` in rules/mine.py.",
    ),
    "SF240": Code(
        "Redaction of a filled column",
        "A column that may not be null is emptied by `redact`.",
        "Give a `placeholder`, or use mask or tokenize.",
    ),
    "SF241": Code(
        "Rule on a changed column",
        "A PII action changes the values that a rule judges in a later stage.",
        "Later stages may demand presence, uniqueness or references; judge the form in the "
        "first stage only.",
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
    "SF301": Code(
        "Publish blocked",
        "The batch is over the limit (too many bad rows, a failed batch rule or schema) and the "
        "dataset's level blocks it: nothing was published, the whole batch waits in quarantine.",
        "See `sfctl quarantine show`; mend the source and run again, or replay what is right.",
    ),
    "SF310": Code(
        "No such table format",
        "Publishing needs a table with versions: delta, or parquet as local snapshots.",
        "Set `storage.format` of the dataset to delta (or parquet on a local folder).",
    ),
    "SF311": Code(
        "Write mode impossible",
        "The mode needs something the dataset or its format does not have: merge a primary key.",
        "Set `primary_key` in dataset.yaml, or choose append, overwrite, overwrite_partitions.",
    ),
    "SF312": Code(
        "Partition contradicts the rows",
        "`partition=` names one value, the column holds others.",
        "Write one partition at a time, or leave `partition=` out.",
    ),
    "SF320": Code(
        "Not a certified version",
        "The view moves only to versions that were certified.",
        "`sfctl certify` lists them; `--revalidate` judges the present table as a whole.",
    ),
    "SF321": Code(
        "Nothing certified yet",
        "No version of this dataset was ever certified, so there is nothing to read.",
        "Run the gold job, or `sfctl certify --init` on a table that exists already.",
    ),
    "SF322": Code(
        "Table does not pass",
        "`certify` judged the whole table and its policy says no; the view was not moved.",
        "Read the reasons printed with it; mend or quarantine the rows, then certify again.",
    ),
    "SF331": Code(
        "Dataset is being published",
        "Another process publishes the same dataset; publishers take turns.",
        "Wait for it. The lock goes with its process, so nothing needs to be removed by hand.",
    ),
    "SF332": Code(
        "No lock",
        "The lock file below .sfctl/locks cannot be made.",
        "Check the folder's owner, mode and free space.",
    ),
    "SF333": Code(
        "Quarantine not writable",
        "Rows may not be published, and the place where they would wait cannot be written.",
        "Check the lake's folder `_quarantine`; nothing was published.",
    ),
    "SF334": Code(
        "Published long ago",
        "The table knows this write, but its log no longer holds the record of it.",
        "Nothing was written. Raise the `rerun` counter to write it again on purpose.",
    ),
    "SF340": Code(
        "No such rows in quarantine",
        "Nothing in the quarantine matches the request.",
        "`sfctl quarantine list` shows what is held, by dataset and run.",
    ),
    "SF341": Code(
        "Discard needs a reason",
        "Rows that are given up for good need a reason, which is kept.",
        "Add --reason.",
    ),
    "SF342": Code(
        "No such stage",
        "The dataset's storage does not name the stage that was asked for.",
        "Add the stage to `storage:` in dataset.yaml and compile, or name another stage.",
    ),
    "SF401": Code(
        "Policy rejected",
        "A compiled policy is missing, altered, unsigned or signed by the wrong key.",
        "The message says which; `sfctl compile` makes policies anew.",
    ),
    "SF402": Code(
        "Policy unsigned",
        "The compiled policy has no signature. On prod it is a draft: level G0, nothing certifies.",
        "Compile on a development target, or have the policy signed by the organisation.",
    ),
    "SF403": Code(
        "Policy altered",
        "The compiled policy, or its signature, is not what was signed. Data flows, nothing "
        "certifies.",
        "Compile again; find out who changed the file.",
    ),
    "SF404": Code(
        "Key not trusted",
        "The policy is signed with a key that the target does not trust.",
        "Have it signed with a key listed under trusted_keys of the target.",
    ),
    "SF405": Code(
        "Dev signature on prod",
        "A signature made by `compile` for development does not count on prod.",
        "Have the policy signed by the organisation.",
    ),
    "SF406": Code(
        "Signing key",
        "The file of a signing key is missing, open to others or malformed.",
        "A key is 64 hexadecimal digits in a file with mode 0600; remove it and compile makes"
        " a new dev key.",
    ),
    "SF450": Code(
        "No PII key",
        "A policy tokenizes a column and the target has no PII key. Data is written with the "
        "column redacted where it may be, else the batch waits in the encrypted quarantine.",
        "Set SFCTL_PII_KEY (or the variable your target names), or let `sfctl init` make "
        ".sfctl/keys/pii.key.",
    ),
    "SF451": Code(
        "Malformed PII key",
        "A PII key is 64 random bytes in URL-safe base64, one a line, the active one first.",
        "Compare the variable or file with that form; older keys stay below the active one.",
    ),
    "SF452": Code(
        "Unknown PII key",
        "A token names a key that is not among the keys at hand.",
        "Add the retired key below the active one; without it the value cannot be restored.",
    ),
    "SF453": Code(
        "Token refused",
        "The text is not one of our tokens, was altered, or was made for another kind.",
        "Take the token as it stands in the table; tokens are authenticated as a whole.",
    ),
    "SF454": Code(
        "Sealed batch refused",
        "A quarantined batch does not open: another key pair, or altered bytes.",
        "Use the private key that belongs to the target the batch was written for.",
    ),
    "SF455": Code(
        "Quarantine key unreadable",
        "The key file is missing or does not hold 32 bytes in hexadecimal.",
        "`sfctl init` makes a pair; only replay and show of originals need the private half.",
    ),
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
        "JSON, or bytes that are no UTF-8.",
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
    "SF601": Code(
        "Store does not answer",
        "One of the stores under .sfctl, or a table, could not be opened, read or written.",
        "Check that the path exists, is writable and is not on a network file system.",
    ),
    "SF602": Code(
        "Store is held",
        "Another process keeps a store locked for longer than we wait.",
        "Let the other sfctl process end, then try again; a killed process holds nothing.",
    ),
    "SF603": Code(
        "Lost a compare-and-set",
        "Another writer changed the same item first. Nothing of this write was kept.",
        "Read the item again and decide anew; run one writer a dataset at a time.",
    ),
    "SF604": Code(
        "Store is damaged",
        "A SQLite file under .sfctl does not hold what SQLite wrote.",
        "Move the file away and restore a backup (`*.bak`) or let sfctl begin a fresh one; "
        "what is still in the outbox is delivered again.",
    ),
    "SF605": Code(
        "No room for evidence or state",
        "The disk is full, or the outbox has reached its bound, or its folder cannot be written.",
        "Free some space, then run `sfctl evidence flush`.",
    ),
    "SF606": Code(
        "Written by a newer sfctl",
        "The folder .sfctl, or a file in it, has a format this version does not know.",
        "Install the version that wrote it, or a newer one. Nothing was changed.",
    ),
    "SF607": Code(
        "On a network file system",
        "The folder .sfctl lies on a network file system, where SQLite's locks do not hold.",
        "Keep the project on a local disk, or use a target with server stores.",
    ),
    "SF608": Code(
        "Upgrade of .sfctl failed",
        "A step that brings .sfctl to this version's format did not finish; it was undone.",
        "The backup named in the message holds the folder as it was; report the cause.",
    ),
    "SF630": Code(
        "Commit without its key",
        "A table accepted rows but not the key that makes the write repeatable.",
        "Attach the table's log to a report; do not run the job again before looking.",
    ),
    "SF631": Code(
        "Version not readable",
        "A version's files or its manifest are missing or damaged.",
        "Restore them from a backup, or write the table anew; the certified pin did not move.",
    ),
    "SF632": Code(
        "Table folder not usable",
        "The folder of a Parquet table cannot be read or written.",
        "Check owner, mode and free space.",
    ),
    "SF633": Code(
        "Pin not usable",
        "The file beside the table that names the certified version is damaged or not writable.",
        "Mend the folder, then `sfctl certify` writes it anew; readers keep the older pin.",
    ),
    "SF701": Code(
        "Library not installed",
        "What was asked for needs a library that is not part of the core installation.",
        "Run the pip command in the hint; it names the extra.",
    ),
    "SF702": Code(
        "The example's data could not be laid out",
        "The script that brings the flights of the example failed.",
        "Run `python fetch_flights.py` in the new folder to see all it says.",
    ),
    "SF710": Code(
        "Python is too old",
        "sfctl needs Python 3.11 or newer.",
        "Make the virtual environment with a newer interpreter.",
    ),
    "SF711": Code(
        "Untested platform",
        "sfctl is tested on Linux and macOS only.",
        "On Windows use the Windows Subsystem for Linux.",
    ),
    "SF712": Code(
        "Library outside its tested versions",
        "An installed library is older or newer than the versions sfctl is tested with.",
        "Install the version that the message names.",
    ),
    "SF713": Code(
        "Little space on disk",
        "Less than 1 GiB is free where tables and evidence are written.",
        "Make room, or move the data repo.",
    ),
    "SF720": Code(
        "Never compiled",
        "There is no target/manifest.json, so runs have no policy and certify nothing.",
        "Run `sfctl compile`.",
    ),
    "SF721": Code(
        "Compiled policies are older than the YAML",
        "Runs still use the policies compiled before the last change.",
        "Run `sfctl compile`.",
    ),
    "SF722": Code(
        "No quarantine key",
        "Rows that are held back are sealed to a public key, and there is none yet.",
        "Run `sfctl init` in the project, or give the target a `quarantine_key`.",
    ),
    "SF723": Code(
        "Private key beside production",
        "The private quarantine key opens what was held back, and it lies where production writes.",
        "Keep the private half where replays run, and give the target `quarantine_key`.",
    ),
    "SF724": Code(
        "Key readable by others",
        "A private key file can be read by other users of this machine.",
        "Run the chmod that the message names.",
    ),
    "SF725": Code(
        "Keys would be committed",
        "Git does not ignore .sfctl/, which holds keys and local stores.",
        "Add `.sfctl/` to .gitignore.",
    ),
    "SF726": Code(
        "No trusted key on prod",
        "A prod target certifies only what an organisation key approved, and it trusts none.",
        "Add `trusted_keys:` to the target.",
    ),
    "SF727": Code(
        "Embedded bus on prod",
        "Evidence stays on the machine that wrote it.",
        "Give the target a `bus:` with servers if more than one machine runs jobs.",
    ),
    "SF728": Code(
        "Judged in part",
        "A policy samples its rows; such a judgement is advisory and certifies nothing.",
        "Set `performance: {sampling_rate: 1.0}` where certification matters.",
    ),
    "SF729": Code(
        "Gates are off",
        "A kill switch is set: nothing is judged and nothing certifies in its scope.",
        "Run the `sfctl switch on` that the message names, or wait until it expires.",
    ),
    "SF731": Code(
        "Damaged store",
        "A database below .sfctl/ does not pass SQLite's own check.",
        "Restore it, or move it away; evidence can be replayed from the archive.",
    ),
    "SF732": Code(
        "Much evidence waits",
        "Evidence is safe in the outbox but far behind on the bus.",
        "Run `sfctl evidence flush`.",
    ),
    "SF733": Code(
        "Short file retention",
        "A VACUUM by another tool may remove files that a certified version still needs.",
        "Raise delta.deletedFileRetentionDuration of the table.",
    ),
    "SF750": Code(
        "What to run",
        "`run` takes the name of a job, or --name and a command after `--`, and a date as a date.",
        "sfctl run JOB --date 2026-01-31, or sfctl run --name N -- CMD.",
    ),
    "SF751": Code(
        "No such dataset name",
        "A job reads or writes under a name that is neither a URN nor a dataset of the project.",
        "Use ds://<zone>/<name>, urn:dp:<domain>:<name>, or the dataset's name.",
    ),
    "SF752": Code(
        "Nothing compiled",
        "target/manifest.json is missing or damaged, so a run does not know any policy.",
        "Run `sfctl compile`.",
    ),
    "SF753": Code(
        "Job cannot be started",
        "The operating system refused to start the job's command.",
        "Check the entrypoint, or the command after `--`, and that it may be executed.",
    ),
    "SF754": Code(
        "No table to read",
        "A job reads a stage that has no table yet, or one that cannot be read.",
        "Run the job that writes it first; `sfctl status` shows what there is.",
    ),
    "SF755": Code(
        "Adapter not available",
        "The target names a bus or state store that this version cannot open.",
        "Use `{type: embedded}` for this target.",
    ),
    "SF756": Code(
        "Unknown job",
        "The manifest has no job of that name.",
        "Take the suggestion; after adding jobs/<name>.yaml run `sfctl compile`.",
    ),
    "SF757": Code(
        "Job needs more",
        "The job's arguments need a date that was not given, or its runtime is not started here.",
        "Give --date, or start the command yourself with `sfctl run --name N -- CMD`.",
    ),
    "SF758": Code(
        "Compiled for another target",
        "target/ holds what was compiled for one target, and the run asks for another.",
        "Run `sfctl compile --target NAME` first.",
    ),
    "SF759": Code(
        "The job failed",
        "The supervised command ended with a code other than 0, or was killed.",
        "`sfctl evidence list --kind JobRunFailed` has the reason and the stack.",
    ),
    "SF760": Code(
        "Degraded",
        "A step of ours failed. The job's data was written without it and certifies nothing.",
        "The message names the step and the cause; explain that code, then run the job again.",
    ),
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
        "The scope, expiry or reason of a kill switch is missing or out of bounds.",
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
    "SF900": Code(
        "A fault of ours",
        "Something inside sfctl failed that should not have.",
        "Attach the bug report whose path was printed.",
    ),
}

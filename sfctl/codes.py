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
        "Take the suggestion. Methods: tag: tier: owner: path: state: result:",
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
    "SF730": Code(
        "Network file system",
        "The embedded stores need locks that network file systems do not keep.",
        "Keep the data repo on a local disk, or give the target servers.",
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
    "SF804": Code(
        "Id used twice",
        "An event came with an id and revision that are on the log with other content.",
        "Evidence never changes: raise `revision` to amend a fact, take a new id for a new one.",
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
    "SF808": Code(
        "Not an event",
        "A line is not a JSON object, or its kind, dataset or time cannot be told.",
        "See `sfctl evidence dead-letters` for the reason of each line.",
    ),
    "SF900": Code(
        "A fault of ours",
        "Something inside sfctl failed that should not have.",
        "Attach the bug report whose path was printed.",
    ),
    "SF901": Code(
        "Result not written",
        "stdout did not take the result, for example because the disk is full.",
        "Make room, or write elsewhere; what the verb did is done.",
    ),
}

"""Codes 7xx: the environment: libraries, machine, jobs."""

from __future__ import annotations

from sfctl.codes.code import Code

CODES: dict[str, Code] = {
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
        "Compiled for another lake",
        "target/ names tables of another lake than sfctl.yml does, as in a copy of a project: runs "
        "write to the original's.",
        "Run `sfctl compile`.",
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
        "Files of a certified version may go",
        "A VACUUM by another tool, or the log's own cleaning, may remove what a certified version "
        "still needs; readers of it would then fail.",
        "Set the property of the table that the message names, as it says.",
    ),
    "SF734": Code(
        "A certified version cannot be read",
        "Files that the certified version is made of are gone, by a VACUUM of another tool or by "
        "hand, or are damaged. Counts may still answer, from the table's log.",
        "Run the job again so that a new version certifies, or go back with `sfctl certify NAME "
        "--rollback`.",
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
        "target/manifest.json is missing, damaged or altered, or lacks the dataset, so a run "
        "knows no policy.",
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
        "target/ holds what was compiled for one target, and the command asks for another.",
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
    "SF764": Code(
        "spark-submit cannot start the job",
        "The job runs on Spark, and there is no spark-submit, none of Delta's jars that it asks "
        "for, or its entrypoint is no script.",
        "Install the extra `spark` or set SPARK_HOME or SPARK_SUBMIT; `sfctl stack fetch spark` "
        "brings the jars.",
    ),
    "SF765": Code(
        "Level not possible here",
        "The instrumented writer needs the driver on this machine: with --deploy-mode cluster it "
        "runs elsewhere.",
        "Use level post-commit, or write through sf.write in the job.",
    ),
    "SF766": Code(
        "Version not judged",
        "A new version of a table was seen, but it could not be judged after its commit: its log, "
        "its rows or a store did not answer.",
        "Mend what the message names, then `sfctl certify --revalidate`.",
    ),
    "SF767": Code(
        "Column mapping, so not judged after its commit",
        "The table's files name columns otherwise than the table does (delta.columnMapping.mode). "
        "Delta's Python readers give nulls for them or refuse, so a version is not judged: it is "
        "held, never passed.",
        "Write the table through sf.write, which judges rows before they are in the table, or "
        "use a table without column mapping.",
    ),
}

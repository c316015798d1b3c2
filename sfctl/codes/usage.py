"""Codes 0xx: usage: the command line, and what validate says beside the files' own problems."""

from __future__ import annotations

from sfctl.codes.code import Code

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
        "`init` or `register --from` would have to overwrite files, which they never do.",
        "Choose another folder or name, or move the files away.",
    ),
    "SF007": Code(
        "Nothing at the path",
        "The file or table that was named does not exist.",
        "Check the path; it is read from the current folder.",
    ),
    "SF009": Code(
        "One source, several datasets",
        "One file is measured for one dataset, and one table of a folder that is named as it is.",
        "Name the dataset the file belongs to, or one of the tables with --source.",
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
    "SF015": Code(
        "Baseline not written",
        "A dataset was measured, but its folder does not take the baseline or the draft.",
        "Check that the folder is there, writable, and that the disk has room.",
    ),
}

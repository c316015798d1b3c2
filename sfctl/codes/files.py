"""Codes 1xx: YAML and the structure of the files of a data repo."""

from __future__ import annotations

from sfctl.codes.code import Code

CODES: dict[str, Code] = {
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
        "A file is over 4 MiB (a baseline over 64 MiB), over 64 levels deep, or over 500,000 values"
        " with aliases counted.",
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
}

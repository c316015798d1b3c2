"""Codes 28x–29x: contracts of other standards, taken in and given back."""

from __future__ import annotations

from sfctl.codes.code import Code

CODES: dict[str, Code] = {
    "SF280": Code(
        "Version not read",
        "The document's `apiVersion` is none that this version reads. Nothing was imported.",
        "Use v3.0.2 or v3.1.0; of an older 3.0 document it is most often enough to say v3.0.2.",
    ),
    "SF281": Code(
        "Not a contract",
        "The file is YAML or JSON, but its top is no mapping, so it is no data contract.",
        "A contract begins with apiVersion, kind, id, version and status.",
    ),
    "SF284": Code(
        "Key missing in a contract",
        "The standard demands a key that is not there: of the document, or of a part such as a "
        "server, a quality check or a property.",
        "Add the key that the message names.",
    ),
    "SF285": Code(
        "Unknown key in a contract",
        "The standard has no such key at this place. Version 3.1 closed most parts to keys of "
        "one's own; some keys hold only beside a certain `type` or `logicalType`.",
        "Take the suggestion, or put what is your own under `customProperties`.",
    ),
    "SF286": Code(
        "Wrong value in a contract",
        "A value is not of the type, the set or the form that the standard has at this place.",
        "Write what the message expects; dates and versions are text and may need quotes.",
    ),
    "SF287": Code(
        "Import would overwrite",
        "The contract and the repo say different things of the same, and the repo's was written "
        "by a person. Nothing was written.",
        "Decide: --replace takes the contract's, --keep the repo's; --dry-run shows both.",
    ),
    "SF288": Code(
        "Which table",
        "The contract has no table, none of the name asked for, or several that would become one "
        "dataset.",
        "--table NAME chooses one, --name NAME names its dataset.",
    ),
    "SF289": Code(
        "Where to write",
        "Several contracts are to be exported and one file, or none, was named for them.",
        "Name a folder: -o FOLDER/ writes one file a contract.",
    ),
    "SF290": Code(
        "Not exportable",
        "The dataset cannot be exported as asked: a file of it has errors, or the contract it "
        "came from is of a version that the one asked for does not contain.",
        "Mend what the message names, or export without --api-version.",
    ),
    "SF291": Code(
        "Kept contract unusable",
        "`contract.source` names the document that the policy was imported from, and it is gone, "
        "is no contract any more, or has no such table.",
        "Restore the file from version control, import it again, or remove `source`.",
    ),
    "SF292": Code(
        "Server not found",
        "--server names a server that the contract does not have.",
        "Take the suggestion, or leave the option away.",
    ),
}

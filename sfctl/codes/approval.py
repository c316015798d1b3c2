"""Codes 4xx: approval, keys and personal data."""

from __future__ import annotations

from sfctl.codes.code import Code

CODES: dict[str, Code] = {
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
}

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
    "SF900": Code(
        "A fault of ours",
        "Something inside sfctl failed that should not have.",
        "Attach the bug report whose path was printed.",
    ),
}

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
    "SF801": Code(
        "Evidence not delivered",
        "Evidence is safe in the outbox but the bus did not take it.",
        "Run `sfctl evidence flush` when the bus answers again; nothing is lost meanwhile.",
    ),
    "SF802": Code(
        "Not an event",
        "A line is not a JSON object, or its kind, dataset or time cannot be told.",
        "See `sfctl evidence dead-letters` for the reason of each line.",
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
        "Times are RFC 3339 or spans like 2h; the other names are listed by `evidence list --help`.",
    ),
    "SF900": Code(
        "A fault of ours",
        "Something inside sfctl failed that should not have.",
        "Attach the bug report whose path was printed.",
    ),
}

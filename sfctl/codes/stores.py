"""Codes 6xx: stores and tables."""

from __future__ import annotations

from sfctl.codes.code import Code

CODES: dict[str, Code] = {
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
}

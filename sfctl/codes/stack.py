"""Codes 78x and 79x: what Spark needs beside Python: jars, Java, settings."""

from __future__ import annotations

from sfctl.codes.code import Code

CODES: dict[str, Code] = {
    "SF780": Code(
        "No folder for jars",
        "Jars are kept in a folder of the user, and there is none, or its name cannot stand in "
        "spark.jars.",
        "Name a folder with --to, or by the variable SFCTL_JARS.",
    ),
    "SF781": Code(
        "No Maven",
        "Jars come by Maven, which knows the repositories, mirrors and proxies of this place, and "
        "there is no `mvn` on PATH.",
        "Install it (Debian: apt install maven; macOS: brew install maven), or carry the folder "
        "over from a machine that has it: sfctl stack fetch spark --from DIR.",
    ),
    "SF782": Code(
        "Jars did not come",
        "Maven reached no repository or found no such jar, or the folder given lacks some.",
        "Mend the network or Maven's settings.xml and run it again: what has come is kept. Without "
        "a network: sfctl stack fetch spark --from DIR.",
    ),
    "SF783": Code(
        "Another jar than the one pinned",
        "A jar's SHA-256 is not the one sfctl was made with, so it was not kept.",
        "Remove it where it came from, and fetch it again from a repository you trust.",
    ),
    "SF784": Code(
        "Jars cannot be kept",
        "The folder for jars does not take them: no room, or no right to write.",
        "Make room, or name another folder with --to.",
    ),
    "SF785": Code(
        "Spark and Delta do not fit",
        "Delta's jars are made for one series of Spark. With another, or where Python's half of "
        "Spark is not of the JVM's version, a job fails late and with a message about a method.",
        "Install the pair that the message names.",
    ),
    "SF786": Code(
        "No Java for Spark",
        "Spark starts the Java of JAVA_HOME, else the one on PATH; there is none, or it is too old "
        "or too new.",
        "Install a JRE 17 or 21 and let JAVA_HOME name it.",
    ),
    "SF787": Code(
        "Delta's jars are not here",
        "A session that reads and writes Delta needs its jars, and they are not where sfctl looks: "
        "SFCTL_JARS, else the folder jars/ of the Python environment, else ~/.cache/sfctl/jars.",
        "Run `sfctl stack fetch spark` and give Spark the line it prints.",
    ),
    "SF788": Code(
        "Another Python on executors",
        "Executors start the Python of PYSPARK_PYTHON, else the first python3 on PATH. It is "
        "another version than the driver's, or lacks sfctl or what it needs there.",
        "Set PYSPARK_PYTHON as the message says; on a cluster ship the environment (`sfctl "
        "explain SF888`).",
    ),
    "SF789": Code(
        "A setting that loses or hides rows",
        "With this setting of Spark rows are skipped, doubled or not read, and no error says so.",
        "Set it as the message says.",
    ),
    "SF790": Code(
        "A key may reach local disks",
        "Executors get the key that columns are tokenized with inside their tasks. Where memory is "
        "short Spark spills those to the local disks of driver and executors, unless its "
        "encryption of them is on.",
        "Set spark.io.encryption.enabled=true; on a cluster spark.authenticate=true and "
        "spark.network.crypto.enabled=true as well, or the key of that encryption is readable on "
        "the wire.",
    ),
}

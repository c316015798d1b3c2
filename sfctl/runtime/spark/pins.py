"""Which Spark and which Delta this is made for, and the jars that pair needs, each by its digest.

`pyproject.toml` pins the same two versions for pip (a test compares). To move to another pair
change both, run `sfctl stack fetch spark --to DIR`, and hold the digest it says it got against what
the publisher of the jar says.
"""

from __future__ import annotations

from dataclasses import dataclass

PYSPARK = "4.2.0"
DELTA = "4.4.0"


@dataclass(frozen=True, slots=True)
class Jar:
    """One jar of a Maven repository; `octets` is its size in bytes, `sha256` in hexadecimal."""

    group: str
    artifact: str
    version: str
    octets: int
    sha256: str

    @property
    def name(self) -> str:
        """The file's name."""
        return f"{self.artifact}-{self.version}.jar"

    @property
    def place(self) -> str:
        """The file's path in a folder laid out as Maven's repositories are."""
        return f"{self.group.replace('.', '/')}/{self.artifact}/{self.version}/{self.name}"


JARS = (
    Jar(
        "io.delta",
        "delta-spark_4.2_2.13",
        DELTA,
        9_515_916,
        "27d4fd8b1f879535c573ed1c718177d6a27f24d3e626ba02e216369725721ead",
    ),
    Jar(
        "io.delta",
        "delta-storage",
        DELTA,
        113_863,
        "c46735481fa8e326b0957be02b4420cbcab4b325bb08009b7f2045a95133f1cc",
    ),
    Jar(
        "io.delta",
        "delta-kernel-api",
        DELTA,
        2_838_619,
        "ee9b5a14ac3b7efdff4d61a58478fe8eb0e5a3fbca43889dca7290795fe79a11",
    ),
    Jar(
        "io.delta",
        "delta-kernel-defaults",
        DELTA,
        227_185,
        "225c975199e4718b38ee5b7e6da7f19e9585024262b2cec2656b32151a856b0b",
    ),
)
"""Reading and writing need the first two; Delta's second connector, off by default, the others."""

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
    "SF900": Code(
        "A fault of ours",
        "Something inside sfctl failed that should not have.",
        "Attach the bug report whose path was printed.",
    ),
}

"""The first line of a drafted `dataset.yaml`: from which table or file it was made.

A file of rows is no stage of a dataset, so this line alone knows which dataset it became.
"""

from __future__ import annotations

from pathlib import Path

_BEGIN, _END = "# drafted from ", "; say whose it is and how much depends on it"


def line(sources: str) -> str:
    """Return the line that names the sources."""
    return f"{_BEGIN}{sources}{_END}"


def drafted_from(folder: Path) -> str:
    """Return the sources that the draft in a dataset's folder names; empty where it names none."""
    try:
        with (folder / "dataset.yaml").open(encoding="utf-8") as lines:
            first = lines.readline().rstrip("\n")
    except (OSError, ValueError):
        return ""
    named = first.startswith(_BEGIN) and first.endswith(_END)
    return first[len(_BEGIN) : -len(_END)] if named else ""

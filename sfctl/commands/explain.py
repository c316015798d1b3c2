"""`sfctl explain CODE`: what a code means and what to do about it, offline."""

from __future__ import annotations

import difflib
from typing import Annotated, Any

import typer

from sfctl.codes import CODES, Code
from sfctl.errors import UsageError
from sfctl.report.outcome import Outcome


def explain(
    code: Annotated[
        str | None, typer.Argument(help="A code such as SF110; without one, all are listed.")
    ] = None,
) -> Outcome:
    """Explain a code. Raises UsageError SF005 for one that was never given out."""
    if code is None:
        lines = [f"{name}  {entry.title}" for name, entry in CODES.items()]
        text = "\n".join([*lines, "", f"{len(CODES)} codes; `sfctl explain CODE` tells more."])
        return Outcome("explain", {"codes": [_payload(*item) for item in CODES.items()]}, text)
    name = code.upper()
    name = f"SF{name}" if name.isdigit() else name
    entry = CODES.get(name)
    if entry is None:
        near = difflib.get_close_matches(name, CODES, n=1, cutoff=0.5)
        raise UsageError(
            f"there is no code `{code}`",
            hint=f"did you mean {near[0]}?" if near else "`sfctl explain` lists all codes",
            code="SF005",
        )
    text = f"{name}  {entry.title}\n\n{entry.meaning}\n\nWhat to do: {entry.remedy}"
    return Outcome("explain", {"codes": [_payload(name, entry)]}, text)


def _payload(name: str, entry: Code) -> dict[str, Any]:
    return {
        "code": name,
        "title": entry.title,
        "meaning": entry.meaning,
        "remedy": entry.remedy,
    }

"""`sfctl check PATH --policy FILE`: judge a source now, writing nothing; no project needed."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from sfctl.commands.checking import checked
from sfctl.report.outcome import Outcome


def check(
    path: Annotated[
        str, typer.Argument(help="Parquet, CSV, JSONL or Delta: a file, folder, glob or URI.")
    ],
    *,
    policy: Annotated[Path, typer.Option(help="The policy bundle to judge by.")],
    stage: Annotated[
        Literal["bronze", "silver", "gold"], typer.Option(help="Judge by this stage's gates.")
    ] = "gold",
    now: datetime | None,
) -> Outcome:
    """Judge a file or table by a policy bundle. Nothing is written, no project is needed.

    Raises SpecError for a policy that cannot be compiled and SourceError for unreadable rows.
    """
    return checked(path, policy, stage, now)

"""The arguments by which verbs choose datasets: dbt's selectors, and what to leave out."""

from __future__ import annotations

from typing import Annotated

import typer

Select = Annotated[
    tuple[str, ...], typer.Argument(help="Datasets: names, tag:, tier:, owner:, path:, +up, down+.")
]
Exclude = Annotated[tuple[str, ...], typer.Option(help="Datasets to leave out.")]

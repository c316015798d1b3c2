"""What a judgement needs to know beyond policy and rows, whatever engine judges."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sfctl.model.policy import Detection, Gate, Rule
from sfctl.model.verdict import GateResult, PiiFinding
from sfctl.runtime.core.standard import Marking, Standard, computed
from sfctl.runtime.pii.keys import VARIABLE

if TYPE_CHECKING:
    import polars as pl

    from sfctl.runtime.core.budget import Budget

References = Callable[[str], Any]
"""The certified rows of another dataset as the engine's own lazy frame, or None."""

Others = Callable[[Rule], Any]
"""The rows that a rule of scope `table` is held against besides the batch's own, or None."""

Pii = Callable[["pl.DataFrame", Sequence[Detection]], tuple[PiiFinding, ...]]


@dataclass(frozen=True)
class Surroundings:
    """What a judgement needs to know beyond policy and rows.

    `references` gives the certified rows of another dataset, `others` the rows of the target
    table for uniqueness of scope `table`, both as frames of the engine; `pii` counts personal data
    without acting on it. `ready` holds gate results decided elsewhere, `off` the gates a kill
    switch holds off. `root` is the folder where import paths of custom rules begin, `hidden` names
    the variables they do not see. `standard` is the registered schema, `marks` comes by
    fingerprints.
    """

    registered: bool | None = None
    confidence: str | None = None
    references: References | None = None
    others: Others | None = None
    pii: Pii | None = None
    ready: Mapping[Gate, GateResult] = field(default_factory=dict)
    off: frozenset[Gate] = frozenset()
    budget: Budget | None = None
    root: Path | None = None
    hidden: frozenset[str] = frozenset({VARIABLE})
    standard: Standard = field(default_factory=Standard)
    marks: Marking = computed

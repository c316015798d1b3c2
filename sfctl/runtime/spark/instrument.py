"""What a supervised job's Python must be told so that its batch writers ask us first."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import sfctl

LEFT = "left"
"""The journal's word for a write that was left to Spark."""
HOOK = Path(sfctl.__file__).parent / "instrumented" / "hook"
"""The folder whose `sitecustomize` Python loads at its start."""


def environment(root: Path, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables with which a job's Python asks us before it writes."""
    before = [each for each in environ.get("PYTHONPATH", "").split(os.pathsep) if each]
    paths = [str(HOOK), *(each for each in before if each != str(HOOK))]
    return {"PYTHONPATH": os.pathsep.join(paths), "SFCTL_PROJECT_DIR": str(root)}

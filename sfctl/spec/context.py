"""What templates may see: the closed set of names, and the values behind them in one run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sfctl.spec.tree import Scalar

Value = Scalar | tuple[Scalar, ...]
FUNCTIONS = ("env_var", "file", "var")
NAMES = (*FUNCTIONS, "target", "project_name")
FILTERS = ("default", "int", "float", "lower", "upper", "trim", "string")
TARGET_KEYS = ("name", "environment")


@dataclass(frozen=True, slots=True)
class Context:
    """The values behind the names. With `offline`, credentials that are absent stay templates.

    `parameters` are those of the pack that is read; None outside of packs.
    """

    root: Path
    project_name: str
    target: str
    environment: str
    variables: Mapping[str, Value] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    offline: bool = False
    parameters: Mapping[str, Value] | None = None

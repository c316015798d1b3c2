"""Which signal engines there are, in the order they run. Each is imported when it is asked for."""

from __future__ import annotations

import importlib
from typing import Any

from sfctl.engines.engine import Engine

MODULES: dict[str, str] = {
    "completeness": "sfctl.engines.completeness",
    "freshness": "sfctl.engines.freshness",
    "volume": "sfctl.engines.volume",
    "contract": "sfctl.engines.contract",
    "dq": "sfctl.engines.dq",
    "drift": "sfctl.engines.drift",
    "policy": "sfctl.engines.policy",
}


def names() -> tuple[str, ...]:
    """Return the engines that are installed, in running order."""
    return tuple(MODULES)


def engine_named(name: str) -> Engine[Any]:
    """Return an engine. Raises KeyError for a name that is none."""
    engine: Engine[Any] = importlib.import_module(MODULES[name]).ENGINE
    return engine

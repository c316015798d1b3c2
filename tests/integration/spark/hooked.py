"""Spark's batch writers patched for the length of a block, as the sitecustomize patches them."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator
from types import ModuleType

from sfctl.runtime.spark import instrument


def hook() -> ModuleType:
    """Return the sitecustomize as a module of another name, so that nothing is installed."""
    file = instrument.HOOK / "sitecustomize.py"
    spec = importlib.util.spec_from_file_location("hooked_sitecustomize", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextlib.contextmanager
def patched() -> Iterator[ModuleType]:
    """Patch the writers, and put back what was there."""
    from pyspark.sql import readwriter

    module = hook()
    kept = {
        (kind, name): vars(getattr(readwriter, kind)).get(name)
        for kind, names in module.ASKING.items()
        for name in (*names[0], *names[1])
    }
    module.patch(readwriter)
    try:
        yield module
    finally:
        for (kind, name), original in kept.items():
            if original is not None:
                setattr(getattr(readwriter, kind), name, original)

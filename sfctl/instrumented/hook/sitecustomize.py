"""Python loads this at its start, before a job that `sfctl run` supervises.

It waits for `pyspark.sql.readwriter` and lets batch writers ask us before they write. It stands on
the standard library alone: where nothing of ours can be imported, jobs write as they always did.
"""

from __future__ import annotations

import atexit
import functools
import importlib.machinery
import importlib.util
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MODULE = "pyspark.sql.readwriter"
ASKING = {
    "DataFrameWriter": (
        ("mode", "format", "option", "options", "partitionBy", "bucketBy", "sortBy", "clusterBy"),
        ("save", "saveAsTable", "insertInto"),
    ),
    "DataFrameWriterV2": (
        ("__init__", "using", "option", "options", "tableProperty", "partitionedBy", "clusterBy"),
        ("append", "overwritePartitions", "createOrReplace", "create", "replace", "overwrite"),
    ),
}
"""By class: what says how to write, and what writes."""
CALLS = "_sfctl_calls"
_WORKERS = ("pyspark.daemon", "pyspark.worker")
_told: set[str] = set()


class Finder:
    """Finds one module as the others would, and has it patched once it is loaded."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Return the module's own spec with our loader around its loader."""
        if name != MODULE:
            return None
        for finder in sys.meta_path:
            look = None if finder is self else getattr(finder, "find_spec", None)
            spec = look(name, path, target) if look is not None else None
            if spec is not None:
                if spec.loader is not None and hasattr(spec.loader, "exec_module"):
                    spec.loader = Loader(spec.loader)
                return spec
        return None


class Loader:
    """Loads a module by its own loader, which the module never learns to have been wrapped."""

    def __init__(self, own: Any) -> None:
        self._own = own

    def create_module(self, spec: Any) -> Any:
        """Return what the module's own loader makes of it."""
        return self._own.create_module(spec) if hasattr(self._own, "create_module") else None

    def exec_module(self, module: Any) -> None:
        """Run the module, then patch its writers."""
        module.__spec__.loader = module.__loader__ = self._own
        self._own.exec_module(module)
        try:
            patch(module)
        except Exception as error:  # noqa: BLE001
            say(error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own, name)


def patch(module: Any) -> None:
    """Let the writers of a module note how to write, and ask us before they do."""
    for kind, (noting, writing) in ASKING.items():
        writer = getattr(module, kind, None)
        for name in noting:
            if hasattr(writer, name):
                setattr(writer, name, _noted(name, getattr(writer, name)))
        for name in writing:
            if hasattr(writer, name):
                setattr(writer, name, _asked(name, getattr(writer, name)))


def _noted(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def noted(self: Any, *args: Any, **kwargs: Any) -> Any:
        answer = original(self, *args, **kwargs)
        self.__dict__.setdefault(CALLS, []).append((name, args, kwargs))
        return answer

    return noted


def _asked(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def asked(self: Any, *args: Any, **kwargs: Any) -> Any:
        caller = sys._getframe(1).f_globals.get("__name__", "")
        if caller.partition(".")[0] == "sfctl":  # a write of our own
            return original(self, *args, **kwargs)
        calls = self.__dict__.get(CALLS, [])
        fault: BaseException | None = None
        done = False
        try:
            from sfctl.instrumented import writing

            done = writing.write(self._df, name, args, kwargs, calls)
        except BaseException as error:
            if not _is_fault(error):
                raise
            fault = error
        if type(fault).__name__ == "JobsOwn" and fault is not None:
            raise fault.args[0]
        if fault is not None:  # outside of the handler: the job's own exceptions stay its own
            done = _redacted(self._df, name, args, kwargs, calls, fault)
        answer = None if done else original(self, *args, **kwargs)
        if fault is not None and not done:
            say(fault)
        return answer

    return asked


def _redacted(df: Any, name: str, args: Any, kwargs: Any, calls: Any, error: BaseException) -> bool:
    """Write rows with personal data as the last line of defence does; say whether that was done."""
    try:
        import sfctl

        path = (args[0] if args else kwargs.get("path")) if name == "save" else None
        line = sfctl._LastLine("write", error)
        for entry in line.manifest.get("datasets", {}).values():
            acted = entry.get("acted") or entry.get("acts_on_all_strings")
            for stage, own in (entry.get("paths") or {}).items():
                if not (acted and isinstance(path, str) and _local(path) == _local(own)):
                    continue
                modes = [a[0] for n, a, _ in calls if n == "mode" and a] + [kwargs.get("mode")]
                last = str([m for m in modes if m][-1:] or "append").lower()
                mode = "overwrite" if "overwrite" in last else "append"
                sfctl._LastLine("write", error, entry["urn"], stage).write(df, mode, {}, None)
                return True
    except Exception as fault:  # noqa: BLE001
        say(fault)
    return False


def say(error: BaseException) -> None:
    """Put on record that a write went past us, once for each reason."""
    cause = str(getattr(error, "code", "") or type(error).__name__)
    if cause in _told:
        return
    _told.add(cause)
    try:
        import sfctl

        sfctl._LastLine("instrument", error).report()
    except Exception:  # noqa: BLE001
        _say_by_hand(cause)


def _say_by_hand(cause: str) -> None:
    import json

    folder = os.environ.get("SFCTL_RUN_FOLDER")
    if not folder:
        return
    entry = {"kind": "degraded", "value": {"degraded": ["instrument:" + cause]}}
    try:
        with open(os.path.join(folder, f"journal-{os.getpid()}.jsonl"), "a") as journal:  # noqa: PTH118
            journal.write(json.dumps(entry) + "\n")
    except OSError:
        return


def _ended() -> None:
    """Note what nobody caught: the interpreter has told of it by now, and keeps it."""
    folder = os.environ.get("SFCTL_RUN_FOLDER")
    if not folder or getattr(sys, "last_value", None) is None:
        return
    try:
        from pathlib import Path

        from sfctl.runtime.job import uncaught
        from sfctl.runtime.job.journal import Journal

        uncaught.note(Journal(Path(folder)))
    except Exception:  # noqa: BLE001  the exit code tells that it failed
        return


def _is_fault(error: BaseException) -> bool:
    """Say whether that is a fault: Rust code that panics raises what is no Exception."""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


def _local(path: str) -> str:
    text = path[5:] if path.startswith("file:") else path
    return ("/" + text.strip("/")) if "://" not in text else text.rstrip("/")


def _chain() -> None:
    """Load the sitecustomize that would have been loaded without us, and step out of its way."""
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120
    sys.path[:] = [each for each in sys.path if os.path.abspath(each or ".") != here]  # noqa: PTH100
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", sys.path)
    if spec is None or spec.loader is None:
        return
    module = importlib.util.module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


def _is_worker() -> bool:
    words = getattr(sys, "orig_argv", sys.argv)
    return any(word in _WORKERS for word in words)


if __name__ == "sitecustomize":
    if os.environ.get("SFCTL_RUN_FOLDER") and not _is_worker():
        sys.meta_path.insert(0, Finder())
        atexit.register(_ended)
    _chain()

"""A bug report that is ready to send: versions, verb, stack; no values and no foreign paths."""

from __future__ import annotations

import os
import platform
import tempfile
import traceback
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path

import sfctl
from sfctl.clock import SystemClock, format_instant

_PACKAGE = Path(sfctl.__file__).parent
LIBRARIES = ("polars", "pandas", "pyarrow", "deltalake", "msgspec", "typer", "cryptography")


def write(
    error: BaseException, words: Sequence[str], folder: Path, clean: Callable[[str], str]
) -> Path | None:
    """Write the report below `folder/.sfctl` if that exists, else where temporary files go.

    `clean` takes values out of the exception's message. Returns the path, None when nothing can
    be written.
    """
    store = folder / ".sfctl"
    home = store / "bug-reports" if store.is_dir() else Path(tempfile.gettempdir())
    stamp = format_instant(SystemClock().now()).replace(":", "").replace(".", "-")
    path = home / f"sfctl-bug-{stamp}-{os.getpid()}.md"
    try:
        home.mkdir(exist_ok=True)
        path.write_text(_text(error, words, clean), encoding="utf-8")
    except OSError:
        return None
    return path.absolute()


def _text(error: BaseException, words: Sequence[str], clean: Callable[[str], str]) -> str:
    versions = [f"sfctl {sfctl.__version__}", f"Python {platform.python_version()}"]
    versions.append(platform.platform())
    versions += [f"{name} {_version(name)}" for name in LIBRARIES]
    lines = ["# Bug report", "", "## Versions", *[f"- {v}" for v in versions], ""]
    lines += ["## Command", f"    sfctl {' '.join(_shown(words))}", "", "## What happened"]
    chain: BaseException | None = error
    while chain is not None:
        lines += ["", f"{type(chain).__name__}: {clean(str(chain))}", ""]
        for frame in traceback.extract_tb(chain.__traceback__):
            lines.append(f"    {_place(frame.filename)}:{frame.lineno} in {frame.name}")
        chain = chain.__cause__ or chain.__context__
    return "\n".join(lines) + "\n"


def _shown(words: Sequence[str]) -> list[str]:
    """The verb and the names of options; what people wrote themselves is left out."""
    end = words.index("--") if "--" in words else len(words)
    shown = [w.partition("=")[0] if w.startswith("-") else "…" for w in words[:end]]
    if words and words[0].isalpha():
        shown[0] = words[0]
    return shown


def _place(filename: str) -> str:
    path = Path(filename)
    if path.is_relative_to(_PACKAGE):
        return f"sfctl/{path.relative_to(_PACKAGE)}"
    parts = path.parts
    if "site-packages" in parts:
        return "/".join(parts[parts.index("site-packages") + 1 :])
    return path.name


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"

"""What a user's function is made of: its module, and what that imports from the same place.

Nothing is imported to find out: files are found by name and read, `import` statements are followed.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path


class SourceCodeError(Exception):
    """No such function; `str()` says which part of the import path leads nowhere."""


@dataclass(frozen=True, slots=True)
class SourceCode:
    """Files by path relative to `base`, where import paths begin.

    `package` is the one top-level package that is followed, empty for everything below `base`.
    """

    base: Path
    package: str
    files: Mapping[str, bytes]

    @property
    def digest(self) -> str:
        """`sha256:…` over every file and its place; the order of discovery has no say."""
        lines = "".join(f"{path}\0{sha}\n" for path, sha in sorted(self.pins.items()))
        return "sha256:" + hashlib.sha256(lines.encode()).hexdigest()

    @property
    def pins(self) -> dict[str, str]:
        """The SHA-256 of each file, in hexadecimal."""
        return {path: hashlib.sha256(body).hexdigest() for path, body in self.files.items()}


def source_code(function: str, root: Path, search: Sequence[str] | None = None) -> SourceCode:
    """Return the code of `module:name`: below `root`, else installed where `search` leads.

    `search` is the interpreter's path unless given. Raises SourceCodeError.
    """
    module, _, name = function.partition(":")
    installed = [Path(entry) for entry in (sys.path if search is None else search) if entry]
    places = ((base, _file_of(base, module)) for base in (root, *installed))
    base, path = next(((base, path) for base, path in places if path is not None), (root, None))
    if path is None:
        raise SourceCodeError(f"{function!r} is not found (expected {_slashes(module)}.py)")
    package = "" if base == root else module.partition(".")[0]
    code = SourceCode(base, package, dict(_followed(base, package, module)))
    if path.suffix == ".py" and name not in _defined(code.files[path.relative_to(base).as_posix()]):
        raise SourceCodeError(f"{path.relative_to(base).as_posix()} has no function {name!r}")
    return code


def _followed(base: Path, package: str, module: str) -> Iterator[tuple[str, bytes]]:
    pending, seen = [module], {""}
    while pending:
        name = pending.pop()
        # importing a.b.c runs a, then a.b, then a.b.c
        parts = name.split(".")
        for whole in (".".join(parts[:end]) for end in range(1, len(parts) + 1)):
            if whole in seen or (package and parts[0] != package):
                continue
            seen.add(whole)
            path = _file_of(base, whole)
            if path is None:
                continue
            body = path.read_bytes()
            yield path.relative_to(base).as_posix(), body
            if path.suffix == ".py":
                pending += _imported(body, whole, is_package=path.stem == "__init__")


def _file_of(base: Path, module: str) -> Path | None:
    """Return the file that an import of `module` would run; a folder without one has none."""
    stem = base.joinpath(*module.split("."))
    names = [stem / "__init__.py", stem.with_name(stem.name + ".py")]
    names += [stem.with_name(stem.name + suffix) for suffix in EXTENSION_SUFFIXES]
    try:
        return next((path for path in names if path.is_file()), None)
    except (OSError, ValueError):
        return None


def _imported(body: bytes, module: str, *, is_package: bool) -> Iterator[str]:
    """Yield what a module's statements import, wherever in it they stand."""
    for node in ast.walk(_tree(body)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = node.module or ""
            if node.level:
                here = module.split(".")
                kept = here[: len(here) - node.level + (1 if is_package else 0)]
                start = ".".join([*kept, *([start] if start else [])])
            if start:
                yield start
                yield from (f"{start}.{alias.name}" for alias in node.names)


def _defined(body: bytes) -> set[str]:
    """Return the names that a module gives something to at its top level."""
    found: set[str] = set()
    for node in _tree(body).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found.update(t.id for t in node.targets if isinstance(t, ast.Name))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found.update(alias.asname or alias.name for alias in node.names)
    return found


def _tree(body: bytes) -> ast.Module:
    try:
        return ast.parse(body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module(body=[], type_ignores=[])


def _slashes(module: str) -> str:
    return module.replace(".", "/")

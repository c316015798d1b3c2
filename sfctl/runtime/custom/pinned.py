"""Imports of project files are served from the bytes that were pinned, or refused.

Neither a cached `.pyc` nor a file changed a moment ago nor one that no statement names gets past.
Standard library alone: this also runs where the rule runs.
"""

from __future__ import annotations

import hashlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Mapping, Sequence
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any


class Unpinned(ImportError):
    """A file of the project that the digest of the policy does not cover as it is."""


class PinnedFinder(importlib.abc.MetaPathFinder):
    """Serves modules below `base`: all of them, or those of one top-level `package`.

    `pins` maps paths relative to `base` to SHA-256 in hexadecimal.
    """

    def __init__(self, base: str, package: str, pins: Mapping[str, str]) -> None:
        self.base = Path(base)
        self.package = package
        self.pins = pins

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> importlib.machinery.ModuleSpec | None:
        """Return where a module is; None leaves it to the ordinary way. Raises Unpinned."""
        top = fullname.partition(".")[0]
        if self.package and top != self.package:
            return None
        if path is not None and not any(Path(p).is_relative_to(self.base / top) for p in path):
            return None  # an installed package whose name the project uses for a folder
        stem = fullname.replace(".", "/")
        for name in (f"{stem}/__init__.py", f"{stem}.py"):
            if name in self.pins:
                return self._spec(fullname, name)
        for suffix in importlib.machinery.EXTENSION_SUFFIXES:
            if stem + suffix in self.pins:
                found = self.base / (stem + suffix)
                loader = _Extension(fullname, str(found), self.pins[stem + suffix])
                return spec_from_file_location(fullname, found, loader=loader)
        if any(name.startswith(stem + "/") for name in self.pins):
            spec = importlib.machinery.ModuleSpec(fullname, None, is_package=True)
            spec.submodule_search_locations = [str(self.base / stem)]
            return spec
        if self._stands_there(stem):
            raise Unpinned(f"{stem}.py is not covered by the digest", name=fullname)
        return None

    def _spec(self, fullname: str, name: str) -> importlib.machinery.ModuleSpec | None:
        loader = _Loader(fullname, str(self.base / name), self.pins[name])
        folder = [str((self.base / name).parent)] if name.endswith("/__init__.py") else None
        return spec_from_file_location(
            fullname, self.base / name, loader=loader, submodule_search_locations=folder
        )

    def _stands_there(self, stem: str) -> bool:
        place = self.base / stem
        suffixes = importlib.machinery.all_suffixes()
        return (place / "__init__.py").is_file() or any(
            place.with_name(place.name + suffix).is_file() for suffix in suffixes
        )


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, fullname: str, path: str, pin: str) -> None:
        super().__init__(fullname, path)
        self.pin = pin

    def get_code(self, fullname: str) -> CodeType | None:
        body = self.get_data(self.get_filename(fullname))
        _check(body, self.pin, Path(self.path), fullname)
        code: Any = compile(body, self.path, "exec", dont_inherit=True)
        return code  # type: ignore[no-any-return]


class _Extension(importlib.machinery.ExtensionFileLoader):
    def __init__(self, fullname: str, path: str, pin: str) -> None:
        super().__init__(fullname, path)
        self.pin = pin

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        _check(Path(self.path).read_bytes(), self.pin, Path(self.path), spec.name)
        return super().create_module(spec)


def _check(body: bytes, pin: str, path: Path, name: str) -> None:
    if hashlib.sha256(body).hexdigest() != pin:
        raise Unpinned(f"{path.name} has just been changed", name=name)


def install(finder: PinnedFinder) -> None:
    """Let `finder` be asked after the built-in modules and before the path."""
    kinds = [getattr(each, "__name__", "") for each in sys.meta_path]
    place = kinds.index("PathFinder") if "PathFinder" in kinds else len(kinds)
    sys.meta_path.insert(place, finder)

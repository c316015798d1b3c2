"""Delta's jars on this machine: where they lie, and whether they are those that are pinned."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sfctl.runtime.spark import pins
from sfctl.runtime.spark.pins import DELTA, Jar

VARIABLE = "SFCTL_JARS"
"""Names the folder in which versions of the jars have their folders."""
FOLDER = f"delta-{DELTA}"


@dataclass(frozen=True, slots=True)
class Shelf:
    """A folder, and which of the pinned jars it holds as they should be."""

    folder: Path
    sound: tuple[Jar, ...]
    missing: tuple[Jar, ...]
    altered: tuple[Jar, ...]

    @property
    def complete(self) -> bool:
        """Every pinned jar is here and unaltered."""
        return len(self.sound) == len(pins.JARS)

    @property
    def some(self) -> bool:
        """Something was kept here, right or wrong."""
        return bool(self.sound or self.altered)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The jars that are sound."""
        return tuple(self.folder / jar.name for jar in self.sound)


def home(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder that versions of the jars are kept in unless another is named.

    Raises RuntimeError for a user without a home folder.
    """
    if environ.get(VARIABLE):
        return Path(environ[VARIABLE])
    cache = environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "sfctl" / "jars"


def places(environ: Mapping[str, str] = os.environ) -> Iterator[Path]:
    """Yield where jars are looked for, first first: the variable, this environment, the cache."""
    if environ.get(VARIABLE):
        yield Path(environ[VARIABLE]) / FOLDER
        yield Path(environ[VARIABLE])
        return
    yield Path(sys.prefix) / "jars" / FOLDER
    try:
        yield home(environ) / FOLDER
    except RuntimeError:
        return


def look(folder: Path) -> Shelf:
    """Return what a folder holds; each jar is read to its end."""
    sound: list[Jar] = []
    missing: list[Jar] = []
    altered: list[Jar] = []
    for jar in pins.JARS:
        try:
            right = digest(folder / jar.name) == jar.sha256
        except OSError:
            missing.append(jar)
        else:
            (sound if right else altered).append(jar)
    return Shelf(folder, tuple(sound), tuple(missing), tuple(altered))


def here(environ: Mapping[str, str] = os.environ) -> Shelf:
    """Return the first place that has all the jars, else the first that has any, else none."""
    best = Shelf(Path(), (), pins.JARS, ())
    for shelf in map(look, places(environ)):
        if shelf.complete:
            return shelf
        if best.folder == Path() or (shelf.some and not best.some):
            best = shelf
    return best


def found(environ: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """Return the jars that a session needs, all of them and unaltered, else none."""
    shelf = here(environ)
    return shelf.paths if shelf.complete else ()


def setting(paths: tuple[Path, ...]) -> str:
    """Return the line that gives jars to Spark, as `--conf` and spark-defaults.conf take it."""
    return f"spark.jars={','.join(map(str, paths))}"


def digest(path: Path) -> str:
    """Return the SHA-256 of a file. Raises OSError for what is none."""
    if not path.is_file():
        raise FileNotFoundError(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

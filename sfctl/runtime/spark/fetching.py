"""Bring the pinned jars into a folder: by Maven, or from a folder that somebody carried over.

Every jar is compared with its digest before it gets its name, so a name never stands for half a
jar: two that fetch at once do the same twice, and where one was killed the next goes on.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sfctl.errors import SfctlError, UsageError
from sfctl.runtime.spark import maven
from sfctl.runtime.spark.jars import FOLDER, Shelf, digest, look
from sfctl.runtime.spark.pins import Jar

_STAGE = ".fetch-"
_ABANDONED_S = 86_400
"""Age at which what a killed fetch left behind is removed."""


def shelf_in(folder: Path) -> Shelf:
    """Return what is already there of the jars, below `folder`.

    Raises UsageError SF780 for a folder whose name Spark could not be told.
    """
    place = folder.absolute() / FOLDER
    if "," in str(place):
        raise UsageError(
            f"{place} has a comma in it, which parts jars in spark.jars",
            hint="name another folder with --to",
            code="SF780",
        )
    return look(place)


def from_folder(source: Path, wanted: Iterable[Jar], target: Path) -> None:
    """Take jars from a folder: as this verb leaves it, flat, or laid out as Maven's are.

    Nothing is taken unless everything is there. Raises SfctlError SF782 for jars that are missing,
    SF783 for one that is another than the pinned, SF784 where the target does not take them.
    """
    wanted = tuple(wanted)
    at = {jar: path for jar in wanted if (path := _find(jar, source))}
    absent = [jar.name for jar in wanted if jar not in at]
    if absent:
        raise SfctlError(
            f"{source} lacks {', '.join(absent)}",
            hint="sfctl stack fetch spark --to DIR where there is a network; then carry DIR over",
            code="SF782",
        )
    with _stage(target) as stage:
        for jar, path in at.items():
            with _kept(stage):
                shutil.copyfile(path, stage / jar.name)
        _land(wanted, stage, target)


def from_maven(wanted: Iterable[Jar], target: Path) -> Iterator[str]:
    """Let Maven bring jars; yield each file it asks for on the way.

    Raises SfctlError SF781 without Maven, SF782 where it has no answer, SF783 and SF784 as above.
    """
    wanted = tuple(wanted)
    maven.executable()
    with _stage(target) as stage:
        yield from maven.copy(wanted, stage)
        _land(wanted, stage, target)


def _find(jar: Jar, source: Path) -> Path | None:
    for place in (FOLDER + "/" + jar.name, jar.name, jar.place):
        if (source / place).is_file():
            return source / place
    return None


def _land(jars: tuple[Jar, ...], stage: Path, target: Path) -> None:
    for jar in jars:
        _compare(jar, stage / jar.name)
    with _kept(target):
        target.mkdir(parents=True, exist_ok=True)
        for jar in jars:
            (stage / jar.name).replace(target / jar.name)


def _compare(jar: Jar, path: Path) -> None:
    try:
        got = digest(path)
    except OSError:
        raise SfctlError(f"Maven did not bring {jar.name}", code="SF782") from None
    if got != jar.sha256:
        raise SfctlError(
            f"{jar.name} is another than the one pinned (got sha256 {got}, expected {jar.sha256})",
            hint=f"remove {jar.place} from Maven's repository or the folder it came from; "
            "a mirror that gives it again is not to be trusted",
            code="SF783",
        )


@contextmanager
def _stage(target: Path) -> Iterator[Path]:
    """Yield a folder beside `target`, on its file system; it is removed again."""
    shelf = target.parent
    with _kept(shelf):
        shelf.mkdir(parents=True, exist_ok=True)
        _sweep(shelf)
        stage = Path(tempfile.mkdtemp(prefix=_STAGE, dir=shelf))
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _sweep(shelf: Path) -> None:
    for left in shelf.glob(f"{_STAGE}*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > _ABANDONED_S:
                shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _kept(folder: Path) -> Iterator[None]:
    """Say of a folder that does not take a file what is wrong with it."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise SfctlError(
            f"jars cannot be kept in {folder}: {os.strerror(error.errno or 0)}",
            hint="free some space; 13 MB are needed" if full else "name another folder with --to",
            code="SF784",
        ) from None

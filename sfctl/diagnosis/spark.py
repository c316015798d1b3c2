"""Spark, where the project or the environment has any: what a job would start with here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path

from sfctl import __version__
from sfctl.diagnosis.finding import Examined, Status
from sfctl.diagnosis.project import tokenizing
from sfctl.report import text
from sfctl.runtime.spark import configured, dangers, jars, java, pins
from sfctl.spec.project import Project
from sfctl.spec.tree import Node

NEWEST_JAVA = 21
_FETCH = "sfctl stack fetch spark"
_INSTALL = "pip install 'sfctl[spark]'"
_PATIENCE_S = 30
_ASK = """\
import json, sys
from importlib.util import find_spec
sys.path[:] = filter(None, sys.path)
lacks = [name for name in ("sfctl", "polars", "pyarrow") if find_spec(name) is None]
ours = "" if "sfctl" in lacks else __import__("sfctl").__version__
print(json.dumps([list(sys.version_info[:2]), ours, lacks]))
"""


def examine(project: Project | None, environ: Mapping[str, str] = os.environ) -> Iterator[Examined]:
    """Yield findings about Spark; none where no job runs on it and pyspark is not installed."""
    jobs = [job for job in project.jobs if job.string("runtime") == "spark"] if project else []
    spark = configured.home(environ)
    if spark is None:
        if jobs:
            # another machine may be the one that runs them
            detail = f"{text.count(len(jobs), 'job')} on Spark, and no pyspark here"
            yield Examined("spark", "warn", detail, _INSTALL, "SF701")
        return
    settings = configured.settings(environ)
    need: Status = "fail" if jobs else "warn"
    yield _versions(spark)
    yield _java(environ, need)
    yield _jars(spark, settings, need, environ)
    yield _workers(settings, environ, need)
    yield from _dangers("spark setting", dangers.of(settings))
    if project is None:
        return
    keyed = bool(tokenizing(project))
    for job in jobs:
        own = _conf(project.root, job)
        found = [*dangers.of(own), *(dangers.of_keys({**settings, **own}) if keyed else ())]
        yield from _dangers(f"spark setting in {job.path}", found)


def _versions(spark: Path) -> Examined:
    """Compare Python's half of Spark, the JVM's half and Delta with the pair that is pinned."""
    have = {name: _installed(name) for name in ("pyspark", "delta-spark")}
    started = configured.version(spark)
    line = f"pip install 'pyspark=={pins.PYSPARK}' 'delta-spark=={pins.DELTA}'"
    if started and have["pyspark"] and started != have["pyspark"]:
        detail = f"SPARK_HOME has Spark {started}, Python has pyspark {have['pyspark']}"
        remedy = "unset SPARK_HOME, or install the pyspark of that version"
        return Examined("spark", "fail", detail, remedy, "SF785")
    version = started or have["pyspark"]
    if _series(version) != _series(pins.PYSPARK):
        detail = f"Spark {version}; Delta {pins.DELTA} is made for {_series(pins.PYSPARK)}"
        return Examined("spark", "fail", detail, line, "SF785")
    if have["delta-spark"] not in ("", pins.DELTA):
        detail = f"delta-spark {have['delta-spark']} for Python beside jars of {pins.DELTA}"
        return Examined("spark", "fail", detail, line, "SF785")
    if not have["delta-spark"]:
        detail = f"Spark {version} without delta-spark for Python"
        return Examined("spark", "warn", detail, line, "SF785")
    return Examined("spark", "ok", f"{version} with Delta {have['delta-spark']} in {spark}")


def _java(environ: Mapping[str, str], need: Status) -> Examined:
    program = java.program(environ)
    found = java.version(program)
    if found < java.OLDEST:
        what = f"version {found} in {program}" if found else "none"
        if environ.get("JAVA_HOME") and not program:
            what = "JAVA_HOME names none"
        remedy = (
            f"Debian: apt install openjdk-{java.OLDEST}-jre-headless; macOS: brew install "
            f"openjdk@{java.OLDEST}; then JAVA_HOME"
        )
        return Examined("java", need, f"{what}; Spark needs {java.OLDEST}", remedy, "SF786")
    if found > NEWEST_JAVA:
        detail = f"version {found} is newer than what Spark {_series(pins.PYSPARK)} is tested with"
        return Examined("java", "warn", detail, "set JAVA_HOME to a Java 17 or 21", "SF786")
    return Examined("java", "ok", f"version {found} in {program}")


def _jars(
    spark: Path, settings: Mapping[str, str], need: Status, environ: Mapping[str, str]
) -> Examined:
    shelf = jars.here(environ)
    if shelf.complete:
        return Examined("delta jars", "ok", f"{len(shelf.sound)} in {shelf.folder}")
    if shelf.altered:
        names = ", ".join(jar.name for jar in shelf.altered)
        detail = f"{names} in {shelf.folder}: not the one pinned"
        return Examined("delta jars", "fail", detail, f"{_FETCH} --to {_above(shelf)}", "SF783")
    given = [Path(path.removeprefix("file:")) for path in settings.get("spark.jars", "").split(",")]
    installed = [*(spark / "jars").glob("delta-spark_*.jar"), *(p for p in given if p.name)]
    for path in installed:
        if path.name == pins.JARS[0].name and path.is_file():
            return Examined("delta jars", "ok", f"{path.name} of {path.parent}")
        if path.name.startswith("delta-spark_"):
            detail = f"{path} is not there" if not path.is_file() else f"{path}: another Delta"
            return Examined(
                "delta jars", need, f"{detail}; {pins.DELTA} is pinned", _FETCH, "SF787"
            )
    missing = f"{len(shelf.missing)} of {len(pins.JARS)} are missing"
    where = f" in {shelf.folder}" if shelf.some else ""
    return Examined("delta jars", need, missing + where, _FETCH, "SF787")


def _above(shelf: jars.Shelf) -> Path:
    return shelf.folder.parent if shelf.folder.name == jars.FOLDER else shelf.folder


def _workers(settings: Mapping[str, str], environ: Mapping[str, str], need: Status) -> Examined:
    """Ask the Python that executors on this machine would start what it is and what it has.

    Where nobody names one `sfctl run` does: then it is only jobs started otherwise that are hit.
    """
    named = settings.get("spark.pyspark.python") or environ.get("PYSPARK_PYTHON")
    need = need if named else "warn"
    program = named or "python3"
    name = "python on executors"
    remedy = f"export PYSPARK_PYTHON={sys.executable}"
    try:
        asked = subprocess.run(
            [program, "-c", _ASK],
            env=dict(environ),
            capture_output=True,
            text=True,
            check=True,
            timeout=_PATIENCE_S,
        )
        version, ours, lacks = json.loads(asked.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return Examined(name, need, f"{program} does not start", remedy, "SF788")
    said = ".".join(map(str, version))
    if tuple(version) != sys.version_info[:2]:
        here = ".".join(map(str, sys.version_info[:2]))
        detail = f"{program} is Python {said}, the driver's is {here}"
        return Examined(name, need, detail, remedy, "SF788")
    if lacks:
        return Examined(name, need, f"{program} has no {', '.join(lacks)}", remedy, "SF788")
    if ours != __version__:
        detail = f"{program} has sfctl {ours}, the driver {__version__}"
        return Examined(name, need, detail, remedy, "SF788")
    return Examined(name, "ok", f"{program}, Python {said} with sfctl {ours}")


def _dangers(name: str, found: Iterable[dangers.Danger]) -> Iterator[Examined]:
    for danger in found:
        status: Status = "fail" if danger.grave else "warn"
        detail = f"{danger.setting}={danger.value}: {danger.harm}"
        yield Examined(name, status, detail, danger.remedy, danger.code)


def _conf(root: Path, job: Node) -> dict[str, str]:
    """Return the properties that a job file gives Spark, or names a file of."""
    spark = job.get("spark")
    if spark is None:
        return {}
    file, conf = spark.string("properties_file"), spark.get("conf")
    plain = conf.plain() if conf is not None else {}
    named = configured.of_file(root / file) if file else {}
    own = {str(k): str(v) for k, v in plain.items()} if isinstance(plain, dict) else {}
    return {**named, **own}


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _series(version: str) -> str:
    return ".".join(version.split(".")[:2])

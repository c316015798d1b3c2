"""Commands that start Spark: how they are told, and what they are given without a word changed.

The run's marker reaches Delta's commits as a Java property of the driver, which counts less than
any --conf, properties file or option of the user's own.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote, unquote

from sfctl.errors import UsageError
from sfctl.model.manifest import JobEntry
from sfctl.runtime.spark import jars

OPTIONS = "SPARK_SUBMIT_OPTS"
METADATA = "spark.databricks.delta.commitInfo.userMetadata"
"""What Delta writes into every commit of a session."""
MARK = "sfctl_run="
SUBMIT_VARIABLE = "SPARK_SUBMIT"
"""Names the spark-submit that jobs on Spark are started with."""
DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}
_OURS = re.compile(rf"-D{re.escape(METADATA)}={MARK}\S*\s*")
_PROPERTY = re.compile(rf"^\s*{re.escape(METADATA)}\s*[=:\s]\s*\S", re.MULTILINE)
_SUBMIT = frozenset({"spark-submit", "spark-submit.sh", "spark-sql", "spark3-submit"})
_ALONE = frozenset({"-v", "--verbose", "--supervise", "--version", "--help", "-h", "--usage-error"})


def marker(run_id: str) -> str:
    """Return what tells a commit to be a run's; one word whatever the id holds."""
    return MARK + quote(run_id, safe="-_.:+")


def marked(user_metadata: str) -> str:
    """Return the run whose marker a commit carries, empty where it carries none."""
    return unquote(user_metadata.removeprefix(MARK)) if user_metadata.startswith(MARK) else ""


def is_submit(command: Sequence[str]) -> bool:
    """Tell whether a command is spark-submit, wherever it lies."""
    return bool(command) and Path(command[0]).name in _SUBMIT


def options(command: Sequence[str]) -> dict[str, list[str]]:
    """Return the options of a spark-submit by name, those of the job left out.

    `--conf k=v` stands under `k`.
    """
    found: dict[str, list[str]] = {}
    for name, value in _pairs(command[1:]):
        if name in ("--conf", "-c"):
            name, _, value = value.partition("=")
        found.setdefault(name.strip(), []).append(value)
    return found


def deploy_mode(command: Sequence[str]) -> str:
    """Return `cluster` where the driver is to run elsewhere, else `client`."""
    known = options(command)
    said = known.get("--deploy-mode") or known.get("spark.submit.deployMode") or ["client"]
    return said[-1]


def own_metadata(command: Sequence[str], folder: Path = Path()) -> bool:
    """Tell whether a command names commits itself: then ours does not count.

    `folder` is where it starts, and where the properties file that it names is looked for.
    """
    known = options(command)
    if METADATA in known:
        return True
    for name in known.get("--properties-file", ())[-1:]:
        with contextlib.suppress(OSError):
            return _PROPERTY.search((folder / name).read_text(errors="replace")) is not None
    return False


def environment(environ: Mapping[str, str], run_id: str) -> dict[str, str]:
    """Return what hands a run's marker to any Spark that the job starts."""
    others = _OURS.sub("", environ.get(OPTIONS, ""))
    return {OPTIONS: f"-D{METADATA}={marker(run_id)} {others}".rstrip()}


def interpreter(command: Sequence[str], environ: Mapping[str, str]) -> dict[str, str]:
    """Return which Python a job of ours is to run on, where nobody says and PATH means another.

    On a cluster only the driver is told: its machines have paths of their own.
    """
    known = options(command) if is_submit(command) else {}
    named = ("PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON")
    confs = ("spark.pyspark.python", "spark.pyspark.driver.python")
    if any(environ.get(name) for name in named) or any(name in known for name in confs):
        return {}
    if _same(shutil.which("python3", path=environ.get("PATH")), sys.executable):
        return {}
    if deploy_mode(command) == "cluster":
        return {}
    here = _master(known, environ).startswith("local")
    return {"PYSPARK_PYTHON" if here else "PYSPARK_DRIVER_PYTHON": sys.executable}


def submit(entry: JobEntry, environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return the spark-submit of a job, with the options of its file and its script.

    Raises UsageError SF764 for an entry point that is no script, or where there is no spark-submit.
    """
    sql = entry.entrypoint.endswith(".sql")
    if sql or (":" in entry.entrypoint and not entry.entrypoint.endswith((".py", ".jar"))):
        instead = f"sfctl run --name {entry.name} -- spark-sql -f {entry.entrypoint}"
        raise UsageError(
            f"{entry.name} starts {entry.entrypoint}, and spark-submit takes a script",
            hint=instead if sql else "name a script as the entrypoint",
            code="SF764",
        )
    words = _with_delta(entry, environ) if entry.delta else entry.submit
    return [_found(entry, environ), *words, entry.entrypoint]


def _with_delta(entry: JobEntry, environ: Mapping[str, str]) -> list[str]:
    """Return a job's options behind those that Delta needs; its own count."""
    paths = jars.found(environ)
    if not paths:
        shelf = jars.here(environ)
        wrong = f"in {shelf.folder} are not those pinned" if shelf.altered else "are not here"
        raise UsageError(
            f"{entry.name} asks for Delta, and its jars {wrong}",
            hint="sfctl doctor says which; sfctl stack fetch spark brings them",
            code="SF764",
        )
    return delta_words(entry.submit, ",".join(map(str, paths)))


def delta_words(submit: Sequence[str], listed: str) -> list[str]:
    """Return options of spark-submit behind those of Delta, with its jars after their own."""
    words = list(submit)
    if "--jars" in words:
        place = words.index("--jars") + 1
        words[place] = f"{words[place]},{listed}"
    else:
        words = ["--jars", listed, *words]
    confs = (word for name, value in DELTA.items() for word in ("--conf", f"{name}={value}"))
    return [*confs, *words]


def _found(entry: JobEntry, environ: Mapping[str, str]) -> str:
    if environ.get(SUBMIT_VARIABLE):
        return environ[SUBMIT_VARIABLE]
    home = environ.get("SPARK_HOME")
    places = [Path(home) / "bin"] if home else [Path(sys.executable).parent]
    beside = next((p / "spark-submit" for p in places if (p / "spark-submit").is_file()), None)
    found = str(beside) if beside else shutil.which("spark-submit", path=environ.get("PATH"))
    if found is None:
        raise UsageError(
            f"{entry.name} runs on Spark, and there is no spark-submit here",
            hint=f"pip install 'sfctl[spark]', or set SPARK_HOME or {SUBMIT_VARIABLE}",
            code="SF764",
        )
    return found


def _master(known: Mapping[str, Sequence[str]], environ: Mapping[str, str]) -> str:
    said = known.get("--master") or known.get("spark.master")
    if said:
        return said[-1]
    folder = environ.get("SPARK_CONF_DIR")
    home = environ.get("SPARK_HOME")
    place = Path(folder) if folder else Path(home) / "conf" if home else None
    return "" if place and (place / "spark-defaults.conf").is_file() else "local"


def _pairs(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    rest = iter(words)
    for word in rest:
        if not word.startswith("-"):
            return
        name, equals, value = word.partition("=")
        if name in _ALONE:
            yield name, ""
        else:
            yield name, value if equals else next(rest, "")


def _same(found: str | None, ours: str) -> bool:
    """Whether a python3 is ours: in a virtual environment the link says more than its target."""
    return found is not None and Path(found).parent == Path(ours).parent

"""What Spark is told before any session starts: its defaults file and the words it is started with.

A setting that a job gives its own session goes before these; nobody can see it from outside.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

_LINE = re.compile(r"\s*([^\s=:#!][^\s=:]*)\s*[=:\s]\s*(.*?)\s*$")
_OPTIONS = {
    "--packages": "spark.jars.packages",
    "--jars": "spark.jars",
    "--master": "spark.master",
    "--deploy-mode": "spark.submit.deployMode",
    "--remote": "spark.remote",
}


def home(environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return the folder Spark is installed in: the variable's, else the one pip brought."""
    if environ.get("SPARK_HOME"):
        return Path(environ["SPARK_HOME"])
    found = find_spec("pyspark")
    return Path(found.origin).parent if found is not None and found.origin else None


def version(spark: Path) -> str:
    """Return the version of the Spark in a folder by its core jar, empty where there is none."""
    for path in sorted((spark / "jars").glob("spark-core_*.jar")):
        return path.stem.rpartition("-")[2]
    return ""


def settings(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the settings every session begins with here, the later word going before."""
    found = of_file(_defaults(environ))
    if environ.get("SPARK_REMOTE"):
        found["spark.remote"] = environ["SPARK_REMOTE"]
    return {**found, **_submitted(environ.get("PYSPARK_SUBMIT_ARGS", ""))}


def of_file(path: Path) -> dict[str, str]:
    """Return the settings of a properties file, none where it cannot be read."""
    with suppress(OSError, UnicodeError):
        lines = path.read_text(encoding="utf-8").splitlines()
        return {match[1]: match[2] for match in map(_LINE.match, lines) if match}
    return {}


def _defaults(environ: Mapping[str, str]) -> Path:
    folder = environ.get("SPARK_CONF_DIR")
    return Path(folder or (home(environ) or Path()) / "conf") / "spark-defaults.conf"


def _submitted(words: str) -> dict[str, str]:
    found: dict[str, str] = {}
    try:
        pending = iter(shlex.split(words))
    except ValueError:
        return found
    for word in pending:
        option, equals, value = word.partition("=")
        if option in ("--conf", "-c") or option in _OPTIONS:
            value = value if equals else next(pending, "")
            name, _, given = value.partition("=")
            found.update({_OPTIONS[option]: value} if option in _OPTIONS else {name: given})
    return found

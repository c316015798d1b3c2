"""Maven, as a program of this machine: it knows repositories, mirrors and proxies, we do not."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from sfctl.errors import SfctlError
from sfctl.runtime.spark.pins import Jar

_PLUGIN = "3.8.1"
_GOAL = f"org.apache.maven.plugins:maven-dependency-plugin:{_PLUGIN}:copy"
_POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>sfctl</groupId><artifactId>jars</artifactId><version>1</version><packaging>pom</packaging>
  <build><plugins><plugin>
    <groupId>org.apache.maven.plugins</groupId>
    <artifactId>maven-dependency-plugin</artifactId>
    <version>{plugin}</version>
    <configuration><artifactItems>
{items}
    </artifactItems></configuration>
  </plugin></plugins></build>
</project>
"""
_ITEM = (
    "      <artifactItem><groupId>{0.group}</groupId><artifactId>{0.artifact}</artifactId>"
    "<version>{0.version}</version></artifactItem>"
)
_OPTIONS = (
    "--batch-mode",
    "--update-snapshots",  # what could not be reached yesterday is asked for again
    "-Daether.connector.connectTimeout=15000",
)
_ASKS = re.compile(r"Downloading from \S+ \S*/([^/\s]+)$|Copying (\S+) to")
_COLOR = re.compile(r"\x1b\[[0-9;]*m")
_ADDRESS = re.compile(r"\(?\b[a-z][a-z0-9+.-]*://\S+")
_NO_NETWORK = re.compile(
    r"Unknown host|UnknownHost|Connection (?:refused|reset|timed out)|connect timed out|"
    r"Could not transfer|Temporary failure|offline mode|Network is unreachable",
    re.IGNORECASE,
)
_HOW = "Debian: apt install maven; macOS: brew install maven; or --from DIR, without a network"


def executable() -> str:
    """Return Maven's program. Raises SfctlError SF781 where there is none."""
    found = shutil.which("mvn")
    if found is None:
        raise SfctlError("there is no mvn on this machine's PATH", hint=_HOW, code="SF781")
    return found


def copy(jars: Iterable[Jar], target: Path) -> Iterator[str]:
    """Let Maven copy jars, without what they depend on, into `target`; yield what it asks for.

    Raises SfctlError SF782 with Maven's own words where it fails.
    """
    with tempfile.TemporaryDirectory(prefix="sfctl-maven-") as folder:
        pom = Path(folder) / "pom.xml"
        pom.write_text(
            _POM.format(plugin=_PLUGIN, items="\n".join(map(_ITEM.format, jars))),
            encoding="utf-8",
        )
        command = [executable(), *_OPTIONS, "--file", str(pom)]
        command += [_GOAL, f"-DoutputDirectory={target}"]
        yield from _follow(command)


def _follow(command: list[str]) -> Iterator[str]:
    errors: list[str] = []
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                line = _COLOR.sub("", line).rstrip()
                asked = _ASKS.search(line)
                if asked:
                    yield asked[1] or asked[2]
                elif not line.startswith(("[INFO]", "[WARNING]", "Progress")) and line:
                    errors.append(line.removeprefix("[ERROR] "))
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise _failed(process.returncode, errors)


def _failed(code: int, said: list[str]) -> SfctlError:
    first = next((line for line in said if line.strip()), f"exit code {code}")
    reason = _ADDRESS.sub("…", first)[:400]
    hint = "run it again with a network; what it has is kept"
    if any(map(_NO_NETWORK.search, said)):
        hint = "is there a network, a proxy or mirror in Maven's settings.xml? else --from DIR"
    return SfctlError(f"Maven could not bring the jars: {reason}", hint=hint, code="SF782")

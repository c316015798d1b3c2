"""Small jars in the place of those that are pinned, and a program in the place of Maven."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from sfctl.runtime.spark import pins
from sfctl.runtime.spark.pins import Jar

CONTENT = {"first": b"one" * 1000, "second": b"two" * 2000}
_MAVEN = """\
#!/bin/sh
for word; do case "$word" in -DoutputDirectory=*) out=${word#*=};; esac; done
echo '[INFO] Scanning for projects...'
"""


def pin(monkeypatch: pytest.MonkeyPatch) -> tuple[Jar, ...]:
    """Pin two small jars instead of Delta's; return them."""
    made = tuple(
        Jar("org.small", name, "1.0", len(octets), hashlib.sha256(octets).hexdigest())
        for name, octets in CONTENT.items()
    )
    monkeypatch.setattr(pins, "JARS", made)
    return made


def lay(jar: Jar, path: Path) -> None:
    """Put a jar at a path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(CONTENT[jar.artifact])


def maven(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a shell script in Maven's place; `$out` is the folder that it is to copy to."""
    program = folder / "bin" / "mvn"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(_MAVEN + script)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")

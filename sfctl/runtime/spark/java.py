"""The Java that Spark would start here, and how old it is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

OLDEST = 17
"""The oldest Java that Spark 4 starts on."""
_VERSION = re.compile(r'version "(?:1\.)?(\d+)')
"""Java 8 calls itself 1.8."""
_PATIENCE_S = 30


def program(environ: Mapping[str, str] = os.environ) -> str:
    """Return the Java that Spark's scripts take: JAVA_HOME's, else PATH's, else nothing."""
    home = environ.get("JAVA_HOME")
    if home:
        found = Path(home) / "bin" / "java"
        return str(found) if os.access(found, os.X_OK) else ""
    return shutil.which("java", path=environ.get("PATH")) or ""


def version(java: str) -> int:
    """Return the major version of a Java, 0 for one that does not say it."""
    try:
        done = subprocess.run(
            [java, "-version"], capture_output=True, text=True, check=False, timeout=_PATIENCE_S
        )
    except (OSError, subprocess.SubprocessError):
        return 0
    said = _VERSION.search(done.stderr or done.stdout)
    return int(said[1]) if said and not done.returncode else 0

"""One virtual environment per peer, because their pins differ; telemetry of each switched off."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from bench.places import ENVIRONMENTS, PINS, ROOT

QUIET = {
    "GX_ANALYTICS_ENABLED": "False",
    "SODA_CORE_TELEMETRY_ENABLED": "false",
    "SODA_TELEMETRY_DISABLED": "true",
    "SODA_TELEMETRY_ENABLED": "false",
    "OTEL_SDK_DISABLED": "true",
    "DO_NOT_TRACK": "1",
    "DISABLE_PANDERA_IMPORT_WARNING": "True",
    "PANDERA_TELEMETRY_ENABLED": "false",
    "PYTHONDONTWRITEBYTECODE": "",
}


def pins() -> dict[str, list[str]]:
    """Read the pinned requirements, one list per peer."""
    sections: dict[str, list[str]] = {}
    current = ""
    for line in PINS.read_text().splitlines():
        text = line.strip()
        if text.startswith("["):
            current = text.strip("[]")
            sections[current] = []
        elif text and not text.startswith("#"):
            sections[current].append(text)
    return sections


def python_of(name: str) -> Path:
    """Return the interpreter of a peer's environment, or ours for `sfctl` and `bare`."""
    if name in ("sfctl", "bare"):
        return Path(sys.executable)
    return ENVIRONMENTS / name / "bin" / "python"


def child_environment(**extra: str) -> dict[str, str]:
    """Return the environment every measured process gets: ours, telemetry off, `extra` on top."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SFCTL_", "SF_"))}
    return {**kept, **QUIET, "PYTHONPATH": str(ROOT), **extra}


def ready(name: str) -> bool:
    """Tell whether the environment was installed with today's pins."""
    stamp = ENVIRONMENTS / name / "pins.txt"
    return stamp.exists() and stamp.read_text() == "\n".join(pins()[name])


def build(name: str) -> None:
    """Create one peer's environment with the pinned versions; nothing to do when it stands."""
    if ready(name):
        return
    home = ENVIRONMENTS / name
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
    install = [str(python_of(name)), "-m", "pip", "install", "--quiet", *pins()[name]]
    subprocess.run(install, check=True)
    (home / "pins.txt").write_text("\n".join(pins()[name]))


def build_all() -> None:
    """Create every peer's environment."""
    for name in pins():
        if not ready(name):
            print(f"making the environment of {name}", file=sys.stderr)
        build(name)

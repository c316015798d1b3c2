"""What a core install weighs: a fresh environment, `pip install .`, the files counted."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from bench.places import ROOT
from bench.results import Bound, Report, Table

LIMIT = 450.0


def run_case(quick: bool) -> Report:
    """Install into a temporary environment and add up what came with it; `quick` is the same."""
    del quick
    with tempfile.TemporaryDirectory() as place:
        home = Path(place) / "env"
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        packages = next((home / "lib").glob("python*")) / "site-packages"
        before = _sizes(packages)
        pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, str(ROOT)], check=True)
        added = {
            name: size - before.get(name, 0.0)
            for name, size in _sizes(packages).items()
            if size > before.get(name, 0.0)
        }
    total = sum(added.values())
    largest = sorted(added.items(), key=lambda item: -item[1])[:10]
    rows = [["", "MB"], *([name, f"{size:.1f}"] for name, size in largest), ["all", f"{total:.1f}"]]
    return Report(
        "size",
        "Installed size of the core",
        "`pip install .` into an empty environment, apparent size of what it added (1 MB = 10⁶"
        " bytes), byte code included.",
        [Table("The ten largest", rows)],
        [Bound("core install", total, LIMIT, " MB")],
    )


def _sizes(folder: Path) -> dict[str, float]:
    sizes: dict[str, float] = {}
    for file in folder.rglob("*"):
        if file.is_file() and not file.is_symlink():
            top = file.relative_to(folder).parts[0]
            sizes[top] = sizes.get(top, 0.0) + file.stat().st_size / 1e6
    return sizes

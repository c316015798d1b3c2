"""The sitecustomize of supervised jobs, in real Pythons started as `environment` says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sfctl.runtime.spark import instrument

pytest.importorskip("pyspark")
PATCHED = """
import sys, pyspark.sql.readwriter as rw
print(sys.argv, __name__, hasattr(rw.DataFrameWriter.save, "__wrapped__"), rw.__loader__.__class__)
print(rw.DataFrameWriter.mode.__name__, rw.__spec__.loader is rw.__loader__)
"""


def start(
    script: Path, *words: str, root: Path, environ: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("SFCTL_", "COV", "PYTHON"))}
    given = {**clean, **(environ or {})}
    given |= instrument.environment(root, given)
    given.setdefault("SFCTL_RUN_FOLDER", str(root))
    return subprocess.run(
        [sys.executable, str(script), *words],
        env=given, cwd=root, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_writers_are_patched_and_nothing_else_is_changed(tmp_path: Path) -> None:
    script = tmp_path / "job.py"
    script.write_text(PATCHED)
    told = start(script, "--date", "2026-01-01", root=tmp_path)
    assert told.stderr == ""
    first, second = told.stdout.splitlines()
    assert first.startswith(f"['{script}', '--date', '2026-01-01'] __main__ True <class ")
    assert "Loader'" in first
    assert second == "mode True"


def test_a_sitecustomize_that_was_there_is_loaded_as_before(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text("import sys; sys.own = (__name__, __file__)")
    script = tmp_path / "job.py"
    script.write_text(
        "import sys, os; print(sys.own); import sitecustomize as s; print(s.__file__)\n"
        "print([p for p in sys.path if p.endswith('hook')])"
    )
    told = start(script, root=tmp_path, environ={"PYTHONPATH": str(own)})
    file = str(own / "sitecustomize.py")
    assert told.stdout.splitlines() == [str(("sitecustomize", file)), file, "[]"]


def test_pyspark_from_a_zip_is_patched_too(tmp_path: Path) -> None:
    import pyspark

    archive = Path(pyspark.__file__).parent / "python" / "lib" / "pyspark.zip"
    script = tmp_path / "job.py"
    script.write_text(PATCHED)
    told = start(script, root=tmp_path, environ={"PYTHONPATH": str(archive)})
    assert "__main__ True <class 'zipimport.zipimporter'>" in told.stdout, told.stderr


@pytest.mark.parametrize("folder", ["", "x"])
def test_without_a_run_nothing_is_patched(tmp_path: Path, folder: str) -> None:
    script = tmp_path / "job.py"
    script.write_text(PATCHED)
    told = start(script, root=tmp_path, environ={"SFCTL_RUN_FOLDER": folder})
    assert f"__main__ {bool(folder)} " in told.stdout


def test_the_variables_keep_what_was_there_and_repeat_nothing(tmp_path: Path) -> None:
    once = instrument.environment(tmp_path, {"PYTHONPATH": "/a:/b"})
    hook, *rest = once["PYTHONPATH"].split(":")
    assert (Path(hook) / "sitecustomize.py").is_file()
    assert rest == ["/a", "/b"]
    assert instrument.environment(tmp_path, once) == once
    assert once["SFCTL_PROJECT_DIR"] == str(tmp_path)

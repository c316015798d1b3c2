"""The page on custom rules: its files make a project, and its tests pass in it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "custom-rules.md"
BLOCK = re.compile(r"```\w+\n# (\S+)\n(.*?)```", re.DOTALL)


def test_the_example_is_a_project_whose_tests_pass(tmp_path: Path) -> None:
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    (tmp_path / "sfctl.yml").write_text("name: notes\n")
    for name, body in blocks:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(body, encoding="utf-8")
    assert [name for name, _ in blocks] == [
        "rules/notes.py", "rules/limits.py", "datasets/notes/policy_bundle.yaml",
        "tests/test_notes.py",
    ]  # fmt: skip
    code = (
        "import runpy; found = runpy.run_path('tests/test_notes.py')\n"
        "tests = [each for name, each in found.items() if name.startswith('test_')]\n"
        "for test in tests: test()\n"
        "import sys; assert 'pytest' not in sys.modules; print(len(tests))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{PAGE.parents[1]}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["3"]

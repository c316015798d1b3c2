"""A function's digest covers what gives it its meaning, and nothing is imported to find out."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfctl.model.source_code import SourceCodeError, source_code

FILES = {
    "rules/__init__.py": "from . import common\n",
    "rules/common.py": "import json\nLIMIT = 3\n",
    "rules/mine.py": (
        "from rules.deep import levels\nfrom .near import step as taken\nimport shared.words\n"
        "def check(batch):\n    from rules import late\n    return late.answer(batch)\n"
        "other = check\nfrom json import loads as third\n"
    ),
    "rules/near.py": "step = 1\n",
    "rules/late.py": "def answer(batch): ...\n",
    "rules/deep/levels.py": "from ..near import step\nfrom ...shared import words\n",
    "shared/words.py": "WORDS = set()\nimport rules.mine\n",
    "rules/unrelated.py": "raise SystemExit('imported')\n",
}
COVERED = {
    "rules/__init__.py", "rules/common.py", "rules/mine.py", "rules/near.py", "rules/late.py",
    "rules/deep/levels.py", "shared/words.py",
}  # fmt: skip


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_everything_that_is_imported_from_the_project_is_covered(root: Path) -> None:
    code = source_code("rules.mine:check", root, [])
    assert set(code.files) == COVERED
    assert code.digest == source_code("rules.mine:other", root, []).digest
    assert code.digest == source_code("rules.mine:third", root, []).digest


@pytest.mark.parametrize("name", sorted(COVERED))
def test_a_change_in_any_of_it_changes_the_digest(root: Path, name: str) -> None:
    before = source_code("rules.mine:check", root, []).digest
    (root / name).write_text(FILES[name] + "# another\n")
    assert source_code("rules.mine:check", root, []).digest != before


def test_what_is_not_imported_has_no_say(root: Path) -> None:
    before = source_code("rules.mine:check", root, []).digest
    (root / "rules/unrelated.py").write_text("\n")
    (root / "rules/notes.txt").write_text("notes\n")
    assert source_code("rules.mine:check", root, []).digest == before


def test_a_file_that_moves_is_another(root: Path) -> None:
    before = source_code("rules.mine:check", root, [])
    (root / "shared/words").mkdir()
    (root / "shared/words.py").rename(root / "shared/words/__init__.py")
    after = source_code("rules.mine:check", root, [])
    assert sorted(after.pins.values()) == sorted(before.pins.values())
    assert after.digest != before.digest


def test_an_installed_function_is_followed_within_its_package(root: Path, tmp_path: Path) -> None:
    place = tmp_path / "installed"
    for name, text in {
        "acme/__init__.py": "", "acme/rules.py": "import acme.words, other\ndef check(b): ...\n",
        "acme/words.py": "", "other.py": "",
    }.items():  # fmt: skip
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    code = source_code("acme.rules:check", root, ["", "/nowhere", str(place)])
    assert (code.base, code.package) == (place, "acme")
    assert set(code.files) == {"acme/__init__.py", "acme/rules.py", "acme/words.py"}


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("rules.absent:check", "'rules.absent:check' is not found (expected rules/absent.py)"),
        ("rules.deep:check", "'rules.deep:check' is not found (expected rules/deep.py)"),
        ("rules.near:check", "rules/near.py has no function 'check'"),
    ],
)
def test_a_path_that_leads_nowhere_is_said(root: Path, function: str, said: str) -> None:
    with pytest.raises(SourceCodeError) as caught:
        source_code(function, root, [])
    assert str(caught.value) == said


@given(st.binary(max_size=200))
def test_no_content_of_a_file_is_too_strange(
    tmp_path_factory: pytest.TempPathFactory, body: bytes
) -> None:
    root = tmp_path_factory.mktemp("strange")
    (root / "odd.py").write_bytes(body)
    (root / "fine.py").write_text("import odd\ndef check(b): ...\n")
    assert set(source_code("fine:check", root, []).files) == {"fine.py", "odd.py"}

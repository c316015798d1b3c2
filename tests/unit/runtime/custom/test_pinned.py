"""What was compiled is what runs: no cache, no later change, no file that nobody pinned."""

from __future__ import annotations

import py_compile
import sys
from hashlib import sha256
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

import pytest

from sfctl.model.policy import Custom
from sfctl.model.source_code import source_code
from sfctl.model.verdict import RuleResult
from sfctl.runtime.core.judge import Surroundings
from sfctl.runtime.custom import rules as custom_rules
from sfctl.runtime.custom.pinned import PinnedFinder, Unpinned
from tests.conformance.runtime.rules import judged, rule
from tests.unit.runtime.custom.test_isolation import ROWS


def outcome(root: Path, digest: str = "") -> RuleResult:
    name = "rules.mine:check"
    check = Custom(name, ("s",), digest or source_code(name, root).digest)
    return judged(ROWS, rule(check, kind="custom"), around=Surroundings(root=root)).rules[0]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path, "rules/helper.py", "def long(text): return len(text) > 2")
    body = "return [not helper.long(t or '') for t in batch['s'].to_pylist()]"
    write(tmp_path, "rules/mine.py", f"from rules import helper\ndef check(batch): {body}")
    return tmp_path


def write(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_text(text + "\n")


def test_a_changed_helper_is_not_what_was_compiled(root: Path) -> None:
    digest = source_code("rules.mine:check", root).digest
    assert outcome(root, digest).failed == 2
    write(root, "rules/helper.py", "def long(text): return False")
    changed = outcome(root, digest)
    assert (changed.status, changed.data_error) == ("error", False)
    assert changed.reason == "rules.mine:check differs from the digest that was compiled"
    (root / "rules/mine.py").unlink()
    gone = outcome(root, digest)
    assert (gone.status, gone.data_error) == ("error", False)
    assert gone.reason == "'rules.mine:check' is not found (expected rules/mine.py)"


def test_a_file_changed_after_the_digest_was_compared_is_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def then_changed(check: Custom, root: Path) -> Any:
        code = custom_rules.source_code(check.function, root)
        write(root, "rules/helper.py", "def long(text): return False")
        return code

    monkeypatch.setattr(custom_rules, "located", then_changed)
    found = outcome(root, "any")
    assert found.reason == "rules.mine:check cannot be imported: helper.py has just been changed"


def test_a_cached_module_does_not_stand_in_for_its_source(root: Path) -> None:
    source = root / "rules/helper.py"
    wanted = source.read_text()
    source.write_text("def long(text): return False\n")
    for mode in (py_compile.PycInvalidationMode.UNCHECKED_HASH,):
        py_compile.compile(str(source), invalidation_mode=mode)
    source.write_text(wanted)
    assert list((root / "rules/__pycache__").iterdir())
    assert outcome(root).failed == 2


def test_what_no_statement_imports_is_not_covered(root: Path) -> None:
    write(root, "rules/hidden.py", "def long(text): return False")
    body = "return [True] * len(batch)"
    dynamic = "import importlib\nhelper = importlib.import_module('rules.' + 'hidden')"
    write(root, "rules/mine.py", f"{dynamic}\ndef check(batch): {body}")
    said = "rules/hidden.py is not covered by the digest"
    assert outcome(root).reason == f"rules.mine:check cannot be imported: {said}"
    late = "import importlib; importlib.import_module('rules.hid' + 'den')"
    write(root, "rules/mine.py", f"def check(batch):\n    {late}\n    {body}")
    found = outcome(root)
    assert (found.status, found.data_error) == ("error", False)
    assert found.reason == f"rules.mine:check imports more than it is made of: {said}"


def test_two_functions_with_helpers_of_their_own_share_a_process(root: Path) -> None:
    write(
        root, "rules/other.py", "from rules import words\ndef check(batch): return words.yes(batch)"
    )
    write(root, "rules/words.py", "def yes(batch): return [True] * len(batch)")
    checks = [
        rule(Custom(name, ("s",), source_code(name, root).digest), name, kind="custom")
        for name in ("rules.mine:check", "rules.other:check")
    ]
    found = judged(ROWS, *checks, around=Surroundings(root=root)).rules
    assert [(each.status, each.failed) for each in found] == [("fail", 2), ("pass", 0)]


def test_an_installed_function_is_pinned_too(
    root: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path_factory.mktemp("site")
    write(place, "acme_rules/__init__.py", "from acme_rules.inner import check")
    write(place, "acme_rules/inner.py", "def check(batch): return [False] * len(batch)")
    monkeypatch.setattr(sys, "path", [*sys.path, str(place)])
    name = "acme_rules:check"
    check = Custom(name, ("s",), source_code(name, root).digest)
    around = Surroundings(root=root)
    (found,) = judged(ROWS, rule(check, kind="custom"), around=around).rules
    assert (found.status, found.failed) == ("fail", 6)
    write(place, "acme_rules/inner.py", "def check(batch): return [True] * len(batch)")
    (found,) = judged(ROWS, rule(check, kind="custom"), around=around).rules
    assert (found.status, found.data_error) == ("error", False)


def test_a_folder_named_like_a_library_does_not_hide_it(root: Path) -> None:
    write(root, "polars/notes.txt", "rows of polar bears")
    write(
        root, "rules/mine.py", "import polars\ndef check(batch): return polars.Series([True] * 6)"
    )
    assert outcome(root).status == "pass"


def test_a_compiled_module_that_changed_is_not_loaded(tmp_path: Path) -> None:
    name = "fast" + EXTENSION_SUFFIXES[0]
    (tmp_path / name).write_bytes(b"one")
    finder = PinnedFinder(str(tmp_path), "", {name: sha256(b"one").hexdigest()})
    spec = finder.find_spec("fast")
    assert spec is not None
    assert spec.loader is not None
    (tmp_path / name).write_bytes(b"two")
    with pytest.raises(Unpinned, match="has just been changed"):
        spec.loader.create_module(spec)

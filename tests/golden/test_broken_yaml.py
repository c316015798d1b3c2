"""Broken files and repos, each with the exact problems it must report.

`broken_yaml/<kind>/<case>.yaml` is one document of that kind, `broken_yaml/repo/<case>/` a whole
data repo; `<case>.txt` is what must be printed.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from sfctl.errors import SpecError
from sfctl.spec.context import Context
from sfctl.spec.document import load_document
from sfctl.spec.project import load
from sfctl.spec.publish import DOCUMENTS
from tests.golden.golden import agree, printed

CASES = Path(__file__).parent / "broken_yaml"
FILES = sorted(path for path in CASES.glob("*/*.yaml") if path.parent.name != "repo")
REPOS = sorted(path for path in (CASES / "repo").iterdir() if path.is_dir())
CONTEXT = Context(
    CASES,
    project_name="shop",
    target="dev",
    environment="dev",
    variables={"retries": 3, "bucket": "lake"},
    environ={"TEAM": "orders"},
)


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_a_broken_file_reports_every_problem_at_its_place(file: Path) -> None:
    context = None if file.parent.name in ("pack", "sfctl") else CONTEXT
    document = load_document(file, file.name, DOCUMENTS[file.parent.name], context)
    assert document.node is None
    agree(file.with_suffix(".txt"), printed(document.problems))


@pytest.mark.parametrize("repo", REPOS, ids=lambda repo: repo.name)
def test_a_broken_repo_reports_every_problem_of_every_file(repo: Path) -> None:
    agree(repo.with_suffix(".txt"), problems_of(repo))


def problems_of(repo: Path) -> str:
    try:
        problems = load(repo).problems
    except SpecError as error:
        problems = error.problems
    return printed(problems)


def test_the_corpus_is_as_large_as_promised() -> None:
    assert len(FILES) + len(REPOS) >= 75

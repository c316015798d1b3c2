"""Bundles that mean something wrong, each with the exact problems that compiling must report.

`broken_policy/bundle/<case>.yaml` is a bundle that stands alone, `broken_policy/repo/<case>/` a
whole data repo; `<case>.txt` is what must be printed.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from sfctl.codes import CODES, contracts
from sfctl.compiler.compile import compile_project
from sfctl.compiler.policy import compile_policy
from sfctl.errors import Problem
from sfctl.spec.dataset import DatasetFiles
from sfctl.spec.document import load_document
from sfctl.spec.documents.policy import POLICY
from sfctl.spec.project import load
from sfctl.spec.tree import Node
from tests.golden.golden import agree, printed

CASES = Path(__file__).parent / "broken_policy"
BUNDLES = sorted((CASES / "bundle").glob("*.yaml"))
REPOS = sorted(path for path in (CASES / "repo").iterdir() if path.is_dir())
DATASET = Node(
    {
        key: Node(text, "dataset.yaml", 1, 1, text=text)
        for key, text in {
            "urn": "ds://shop/orders",
            "owner_team": "sales",
            "tier": "TIER_3",
        }.items()
    },
    "dataset.yaml",
    1,
    1,
)


@pytest.mark.parametrize("file", BUNDLES, ids=lambda file: file.stem)
def test_a_bundle_reports_every_problem_at_its_place(file: Path) -> None:
    agree(file.with_suffix(".txt"), printed(problems_of_bundle(file)))


@pytest.mark.parametrize("repo", REPOS, ids=lambda repo: repo.name)
def test_a_repo_reports_every_problem_of_every_file(repo: Path) -> None:
    agree(repo.with_suffix(".txt"), printed(problems_of_repo(repo)))


def problems_of_bundle(file: Path) -> list[Problem]:
    document = load_document(file, file.name, POLICY, None)
    assert document.node is not None, printed(document.problems)
    files = DatasetFiles("orders", DATASET, document.node, None)
    return compile_policy(files, root=CASES)[1]


def problems_of_repo(repo: Path) -> tuple[Problem, ...]:
    return compile_project(load(repo), now=datetime(2026, 1, 1, tzinfo=UTC)).problems


def test_the_corpus_is_large_and_every_code_has_a_case() -> None:
    assert len(BUNDLES) + len(REPOS) >= 50
    text = "".join(
        path.read_text(encoding="utf-8")
        for path in (*CASES.glob("bundle/*.txt"), *CASES.glob("repo/*.txt"))
    )
    elsewhere = {"SF226", "SF261", "SF262", *contracts.CODES}
    missing = [code for code in CODES if code[:3] == "SF2" and code not in text]
    assert set(missing) <= elsewhere

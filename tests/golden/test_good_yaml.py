"""Files as people write them: every key a document knows, and the least it needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfctl.spec.context import Context
from sfctl.spec.document import load_document
from sfctl.spec.publish import DOCUMENTS
from tests.golden.golden import printed

CASES = Path(__file__).parent / "good_yaml"
FILES = sorted(CASES.glob("*/*.yaml"))
CONTEXT = Context(
    CASES,
    project_name="shop",
    target="dev",
    environment="dev",
    variables={"retries": 3, "bucket": "lake"},
    environ={"TEAM": "orders"},
)


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_a_good_file_has_no_problem(file: Path) -> None:
    context = None if file.parent.name in ("pack", "sfctl") else CONTEXT
    document = load_document(file, file.name, DOCUMENTS[file.parent.name], context)
    assert printed(document.problems) == ""
    assert document.node is not None


def test_every_kind_of_document_has_a_good_file() -> None:
    assert {file.parent.name for file in FILES} == set(DOCUMENTS)

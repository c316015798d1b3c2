"""The language page names everything the language has."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfctl.compiler.lexer import KEYWORDS
from sfctl.model.formats import FORMATS
from sfctl.model.functions import FUNCTIONS

PAGE = (Path(__file__).parents[3] / "docs" / "expressions.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("word", [*sorted(KEYWORDS), *FUNCTIONS, *FORMATS])
def test_every_word_of_the_language_is_on_its_page(word: str) -> None:
    assert word in PAGE

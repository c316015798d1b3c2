"""Whatever is done to a good file, the answer is problems with places, never a traceback."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from sfctl.spec.context import Context
from sfctl.spec.document import check
from sfctl.spec.publish import DOCUMENTS
from sfctl.spec.yaml import parse
from tests.unit.spec.corpus import TEXTS, kind_of

CONTEXT = Context(Path(__file__).parent, "p", "dev", "dev", {"retries": 3}, {"TEAM": "a"})
BITS = [
    *["", " ", "\n", "\t", ":", "- ", "{", "}", "[", "'", '"', "#", "&a ", "*a", "!!int ", "|\n"],
    *[
        "%",
        "{{ ",
        " }}",
        "{% ",
        "\x00",
        "\u2028",
        "\ufeff",
        "null",
        "~",
        "-1",
        "1e999",
        "é",
        "---\n",
    ],
]


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, str]:
    name = draw(st.sampled_from(sorted(TEXTS)))
    text = TEXTS[name]
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        length = draw(st.integers(0, 12))
        put = draw(st.sampled_from(BITS) | st.text(max_size=3))
        text = text[:start] + put + text[start + length :]
    return name, text


@given(damaged())
@settings(max_examples=500, deadline=None)
def test_damage_gives_problems_with_places(case: tuple[str, str]) -> None:
    name, text = case
    node, problems = parse(text, "f.yaml")
    if node is not None:
        document = check(node, DOCUMENTS[kind_of(name)], CONTEXT, problems)
        problems = list(document.problems)
        assert document.node is not None or problems
    rows = text.removeprefix("\ufeff").splitlines() or [""]
    for problem in problems:
        assert 1 <= problem.line <= len(rows) + 1, problem
        width = len(rows[problem.line - 1]) if problem.line <= len(rows) else 0
        assert 1 <= problem.col <= width + 1, problem
        assert problem.code.startswith("SF1")
        assert "\n" not in problem.message + problem.hint

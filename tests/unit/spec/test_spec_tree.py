from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sfctl.spec.tree import Node
from sfctl.spec.yaml import parse


def tree(text: str) -> Node:
    node, problems = parse(text, "f.yaml")
    assert node is not None
    assert problems == []
    return node


def test_accessors_answer_by_key() -> None:
    root = tree("a: 1\nb: [x, 2]\nc:\nd: {e: f}\ng: y\n")
    assert root.scalar("a") == 1
    assert root.scalar("b", "none") == "none"
    assert root.string("a") == "1"
    assert root.string("d", "none") == "none"
    assert root.strings("b") == ("x", "2")
    assert root.strings("g") == ("y",)
    assert root.strings("missing") == ()
    assert "c" not in root
    assert root.get("c") is None
    assert root["d"].is_mapping
    assert root["b"].is_sequence
    assert root["a"].is_scalar
    assert dict(root["a"].items()) == {}
    assert list(root["a"]) == []
    with pytest.raises(TypeError, match="is not a mapping"):
        root["a"]["b"]


def test_problems_stand_at_values_and_keys() -> None:
    root = tree("key: 'some words'\n")
    assert (root["key"].problem("SF112", "m", offset=5).col) == 12
    assert (root.key_problem("key", "SF110", "m").col) == 1
    assert root.problem("SF110", "m", severity="warning").severity == "warning"


@pytest.mark.parametrize(
    ("text", "offset", "place"),
    [
        ("v: plain words", 6, (1, 10)),
        ('v: "a\\tb c"', 4, (1, 10)),
        ('v: "\\u00e9x"', 1, (1, 11)),
        ("v: 'it''s so'", 5, (1, 11)),
        ("v: |\n   one\n     two\n\n   three\n", 6, (3, 6)),
        ("v: |\n   one\n     two\n\n   three\n", 11, (5, 4)),
        ("v: >\n  folded\n  words\n", 3, (2, 6)),
        ("v: >\n  folded\n  words\n", 8, (3, 4)),
        ("v: >-\n\n  a\n\n\n  b\n   more\n  c\n", 4, (6, 3)),
        ("v: >-\n\n  a\n\n\n  b\n   more\n  c\n", 7, (7, 4)),
        ("v: wrapped\n  words\n", 9, (2, 4)),
        ("v: wrapped\n\n\n  words\n", 10, (4, 4)),
        ('v: "wrapped\n  words"\n', 9, (2, 4)),
        ('v: "wra\\\n  pped\\n  \n  words"\n', 4, (2, 4)),
        ("v: 'it''s\n  so'\n", 5, (2, 3)),
        ("v: &a plain", 2, (1, 9)),
        ("v: !!str 'a b'", 2, (1, 13)),
        ("v: |2\n    x\n  y\n", 4, (3, 3)),
    ],
)
def test_an_offset_is_found_in_the_file(text: str, offset: int, place: tuple[int, int]) -> None:
    assert tree(text)["v"].at(offset) == place


@given(st.text("ab '\"\\\té{}:#", min_size=1, max_size=20), st.data())
@settings(deadline=None)
def test_offsets_in_single_quotes_point_at_the_character(value: str, data: st.DataObject) -> None:
    text = "v: '" + value.replace("'", "''") + "'"
    node = tree(text)["v"]
    if node.value != value:
        return
    offset = data.draw(st.integers(0, len(value) - 1))
    line, col = node.at(offset)
    assert (line, text[col - 1]) == (1, value[offset])


WORDS = st.lists(st.sampled_from(["a", "bé", "it's", 'c"d', "e\\f", "12", "x=1"]), min_size=1)


@given(
    st.lists(WORDS, min_size=1, max_size=4),
    st.sampled_from(["", "'", '"', "|", ">"]),
    st.sampled_from(["\n", "\n\n", " "]),
)
@settings(deadline=None, max_examples=200)
def test_every_character_is_found_however_the_text_is_written(
    rows: list[list[str]], style: str, between: str
) -> None:
    value = between.join(" ".join(row) for row in rows)
    text = yaml.dump({"v": value}, default_style=style or None, width=12, allow_unicode=True)
    node = tree(text)["v"]
    assert node.value == value
    lines = text.splitlines()
    for offset, char in enumerate(value):
        line, col = node.at(offset)
        if char not in " \n":
            assert lines[line - 1][col - 1] in (char, "\\", "'"), (text, offset)


def test_a_number_has_no_inside() -> None:
    assert tree("v: 12")["v"].at(1) == (1, 4)

from __future__ import annotations

import pytest
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
        ("v: >\n  folded\n  words\n", 3, (1, 4)),
        ("v: wrapped\n  words\n", 9, (1, 4)),
        ('v: "wrapped\n  words"\n', 9, (1, 4)),
        ("v: &a plain", 2, (1, 4)),
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


def test_a_number_has_no_inside() -> None:
    assert tree("v: 12")["v"].at(1) == (1, 4)

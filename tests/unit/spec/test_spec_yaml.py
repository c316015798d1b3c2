from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfctl.errors import Problem
from sfctl.spec.tree import Node
from sfctl.spec.yaml import MAX_BYTES, parse

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abcxyz_", min_size=1, max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)


def good(text: str | bytes) -> Node:
    node, problems = parse(text, "f.yaml")
    assert problems == []
    assert node is not None
    return node


def bad(text: str | bytes) -> Problem:
    node, problems = parse(text, "f.yaml")
    assert node is None
    (problem,) = problems
    return problem


@given(PLAIN)
@settings(max_examples=200, deadline=None)
def test_json_reads_as_itself(value: object) -> None:
    text = json.dumps({"v": value}, ensure_ascii=False)
    plain = good(text).plain()
    assert isinstance(plain, dict)
    assert json.dumps(plain["v"]) == json.dumps(value)


def test_every_value_and_key_has_its_place() -> None:
    root = good("# head\na: 1\nb:\n  - x\n  - 'y'\nc: {d: [2, 3]}\n")
    assert (root.line, root.col) == (2, 1)
    assert root.keys == {"a": (2, 1), "b": (3, 1), "c": (6, 1)}
    assert [(item.line, item.col, item.style) for item in root["b"]] == [
        (4, 5, "plain"),
        (5, 5, "single"),
    ]
    assert root["c"].style == "flow"
    assert root["c"].keys == {"d": (6, 5)}
    assert [item.col for item in root["c"]["d"]] == [9, 12]


def test_columns_count_characters_not_bytes() -> None:
    assert good("{ä: ö, b: c}")["b"].col == 11


def test_a_byte_order_mark_moves_nothing() -> None:
    assert good(b"\xef\xbb\xbfa: 1")["a"].col == 4


def test_windows_line_ends_are_line_ends() -> None:
    assert good("a: 1\r\nb: 2\r\n")["b"].line == 2


def test_keys_are_text_whatever_they_look_like() -> None:
    assert list(good("1: a\nno: b\ntrue: c\n~: d\n").keys) == ["1", "no", "true", "~"]


def test_aliases_stand_for_their_anchor() -> None:
    root = good("a: &x {k: 1}\nb: *x\n&key c: 2\n*key : 3\n".replace("*key : 3\n", ""))
    assert root["b"].plain() == {"k": 1}


def test_an_alias_may_be_a_key() -> None:
    assert good("a: &x word\n*x : 1\n").plain() == {"a": "word", "word": 1}


def test_duplicate_keys_are_found_at_every_depth_and_the_first_is_kept() -> None:
    node, problems = parse("a: {b: 1, b: 2}\na: 3\n", "f.yaml")
    assert node is not None
    assert node.plain() == {"a": {"b": 1}}
    assert [(p.line, p.col, p.code) for p in problems] == [(1, 11, "SF106"), (2, 1, "SF106")]


def test_many_laughs_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for level in range(1, 9):
        refs = ", ".join([f"*a{level - 1}"] * 10)
        lines.append(f"a{level}: &a{level} [{refs}]")
    assert bad("\n".join(lines)).code == "SF104"


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 50_000, "- " * 100_000])
def test_depth_is_bounded(text: str) -> None:
    assert bad(text).code == "SF104"


def test_size_is_bounded() -> None:
    problem = bad(b"a: " + b"x" * MAX_BYTES)
    assert (problem.code, problem.line) == ("SF104", 0)


@pytest.mark.parametrize(
    ("data", "code", "line", "col"),
    [
        (b"\xff\xfea\x00", "SF103", 1, 1),
        (b"a: 1\nb: \xc3\x28", "SF103", 2, 4),
        (b"a: \x00", "SF103", 1, 4),
        ("a: \ud800", "SF103", 1, 4),
        ("a: \x7f", "SF103", 1, 4),
        ("a: [1", "SF101", 2, 1),
        ("%YAML 3.0\n---\na: 1", "SF101", 1, 1),
        ("a: !!set {b}", "SF107", 1, 4),
        ("a: !!seq {b: 1}", "SF107", 1, 4),
        ("!!map [a]", "SF107", 1, 1),
        ("a: 1\n...\nb: 2\n", "SF101", 3, 1),
    ],
)
def test_what_is_not_text_or_not_yaml_is_one_problem(
    data: str | bytes, code: str, line: int, col: int
) -> None:
    problem = bad(data)
    assert (problem.code, problem.line, problem.col) == (code, line, col)


def test_core_tags_are_allowed() -> None:
    root = good("a: !!str 5\nb: !!float 1\nc: ! 7\nd: !!seq [1]\ne: !!map {k: 1}\nf: !!int 3\n")
    assert root.plain() == {"a": "5", "b": 1.0, "c": "7", "d": [1], "e": {"k": 1}, "f": 3}


@pytest.mark.parametrize("text", ["", "   \n", "# only words\n", "\ufeff"])
def test_nothing_is_no_tree_and_no_problem(text: str) -> None:
    assert parse(text, "f.yaml") == (None, [])


@given(st.text(max_size=60) | st.binary(max_size=60))
@settings(max_examples=400, deadline=None)
def test_any_input_gives_problems_never_a_traceback(text: str | bytes) -> None:
    node, problems = parse(text, "f.yaml")
    assert node is None or isinstance(node, Node)
    for problem in problems:
        assert problem.line >= 1
        assert problem.col >= 1

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from sfctl.errors import Problem
from sfctl.spec.publish import DOCUMENTS, json_schema
from sfctl.spec.shape import MAX_PROBLEMS, Fields, Report, Seq, Shape, may, need
from sfctl.spec.values import Boolean, Duration, Enum, Literal, Number, Secret, Share, Text, count
from sfctl.spec.yaml import parse
from tests.unit.spec.corpus import broken

VALIDATORS = {name: Draft202012Validator(json_schema(shape)) for name, shape in DOCUMENTS.items()}


def problems(shape: Shape, text: str) -> list[Problem]:
    node, broken_text = parse(text, "f.yaml")
    assert node is not None
    assert not broken_text
    report = Report()
    shape.check(node, "v", report)
    return report.problems


@given(broken())
@settings(max_examples=400, deadline=None)
def test_the_published_schema_and_the_tool_agree(case: tuple[str, Any]) -> None:
    kind, document = case
    text = json.dumps(document, ensure_ascii=False)
    ours = not problems(DOCUMENTS[kind], text)
    theirs = VALIDATORS[kind].is_valid(document)
    assert ours == theirs, (kind, text, problems(DOCUMENTS[kind], text))


@pytest.mark.parametrize(
    ("shape", "good", "bad"),
    [
        (Text(), ["a", "'5'", "'{{ x }}'"], ["5", "''", "~", "[a]", "true"]),
        (Text("x", "[a-z]+"), ["abc", "'{{ x }}'"], ["ABC", "'a\n\n'", "1"]),
        (Enum("a", "b"), ["a", "'b'", "'{% x %}'"], ["c", "A", "1", "~", "{a: 1}"]),
        (Boolean(), ["true", "False", "'{{ x }}'"], ["yes", "1", "'true'", "~", "[]"]),
        (Number(), ["1", "-1.5", "0x1F", "'{{ x }}'"], ["'1'", ".inf", ".nan", "true", "~", "a"]),
        (Number(low=0, high=1), ["0", "1", "0.5"], ["-1", "1.1"]),
        (count(), ["0", "12"], ["-1", "1.0", "1.5", "a"]),
        (Share(), ["0", "1", "0.25", "5%", "100%", "12.5 %"], ["5", "-0.1", "101%", "'%'", "true"]),
        (Share(or_count=True), ["0", "7", "0.5", "1%"], ["1.0", "1.5", "-1", "x"]),
        (Duration(), ["30m", "1h30m", "250ms", "2d"], ["30", "30 m", "m", "-1h", "1y"]),
        (Literal(), ["a", "''", "1", "1.5", "false"], ["~", "[a]", ".inf", "{}"]),
        (Literal(boolean=False), ["a", "1"], ["true"]),
        (Secret(), ["\"{{ env_var('X') }}\""], ["hunter2", "5", "~", "[a]"]),
        (Seq(Text(), at_least=1), ["[a]"], ["[]", "a", "[1]", "{a: b}"]),
    ],
)
def test_values_are_told_apart(shape: Shape, good: list[str], bad: list[str]) -> None:
    for text in good:
        assert problems(shape, text) == [], text
    for text in bad:
        assert problems(shape, text), text


def test_relations_between_keys() -> None:
    fields = {"a": may(Text(), "a"), "b": may(Text(), "b"), "c": need(Text(), "c")}
    shape = Fields("a thing", fields, [("one", ("a", "b"))])
    assert problems(shape, "{a: x, c: z}") == []
    assert [p.code for p in problems(shape, "{c: z}")] == ["SF116"]
    assert [p.code for p in problems(shape, "{a: x, b: y, c: z}")] == ["SF116"]
    assert [p.code for p in problems(shape, "{a: x}")] == ["SF111"]


def test_a_secret_is_never_shown() -> None:
    (problem,) = problems(Secret(), "hunter2")
    assert "hunter2" not in str(problem)


def test_the_number_of_problems_is_bounded() -> None:
    keys = "\n".join(f"k{index}: 1" for index in range(10 * MAX_PROBLEMS))
    assert len(problems(Fields("a thing", {"a": may(Text(), "a")}), keys)) == MAX_PROBLEMS


def test_equally_near_names_are_all_listed() -> None:
    shape = Fields("tiers", {"TIER_1": may(Text(), "1"), "TIER_2": may(Text(), "2")})
    (problem,) = problems(shape, "TIER_0: a")
    assert problem.hint == "known here: TIER_1, TIER_2"


def test_long_values_are_clipped() -> None:
    (problem,) = problems(Boolean(), "'" + "x" * 500 + "'")
    assert len(problem.message) < 120

"""Graph files: what is taken, and what is refused with its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sfctl
from sfctl.errors import SpecError
from sfctl.graph import definition, interchange
from sfctl.model.graph import EDGES, LABELS, Edge, Elements, Node

PUBLISHED = Path(sfctl.__file__).parent / "schemas" / "graph" / "graph-1.json"
NODE = {"id": "a", "label": "Dataset"}
EDGE = {"from": "a", "to": "a", "label": "FEEDS"}
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT
PROPS = st.dictionaries(TEXT, SCALARS.filter(lambda x: x not in (1e999, -1e999)), max_size=3)
ELEMENTS = st.builds(
    Elements,
    st.lists(st.builds(Node, TEXT, st.sampled_from([*LABELS, ""]), PROPS), max_size=3).map(tuple),
    st.lists(st.builds(Edge, TEXT, TEXT, st.sampled_from([*EDGES]), PROPS), max_size=3).map(tuple),
)


def document(**more: Any) -> dict[str, Any]:
    return {"nodes": [NODE], "edges": [EDGE], **more}


def refused(value: Any) -> list[str]:
    with pytest.raises(SpecError) as caught:
        interchange.elements_of("g.json", value)
    assert caught.value.exit_code == 2
    return [f"{each.path} {each.code} {each.message}" for each in caught.value.problems]


@given(ELEMENTS)
def test_what_is_printed_is_read_and_is_as_published(elements: Elements) -> None:
    printed = json.loads(json.dumps(interchange.plain(elements)))
    assert interchange.elements_of("g.json", printed) == elements
    jsonschema.Draft202012Validator(definition.schema()).validate(printed)


def test_the_published_definition_is_the_code() -> None:
    assert json.loads(PUBLISHED.read_text()) == definition.schema()
    jsonschema.Draft202012Validator.check_schema(definition.schema())
    labels = definition.schema()["properties"]["nodes"]["items"]["properties"]["label"]["oneOf"]
    assert {x["const"]: x["x-days-to-live"] for x in labels} == {**LABELS, "": 90}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ([], "g.json# SF840 expected an object, got a list"),
        ({"nodes": []}, "g.json#/edges SF840 expected a list, got nothing"),
        (document(more=1), "g.json#/more SF840 unknown key"),
        (document(schema="sfctl.graph.v9"), "g.json#/schema SF840 expected sfctl.graph.v1"),
        (document(nodes=[7]), "g.json#/nodes/0 SF840 expected an object, got a number"),
        (
            document(nodes=[{**NODE, "id": 7}]),
            "g.json#/nodes/0/id SF840 expected text, got a number",
        ),
        (
            document(nodes=[{**NODE, "id": ""}]),
            "g.json#/nodes/0/id SF840 expected 1 to 1024 characters, got 0",
        ),
        (
            document(nodes=[{**NODE, "id": "a\x00"}]),
            "g.json#/nodes/0/id SF840 holds a control character",
        ),
        (
            document(nodes=[{**NODE, "id": "\ud800"}]),
            "g.json#/nodes/0/id SF840 holds half a character (a lone surrogate)",
        ),
        (
            document(nodes=[{**NODE, "label": "Person"}]),
            "g.json#/nodes/0/label SF841 unknown label (got 'Person')",
        ),
        (
            document(edges=[{**EDGE, "label": ""}]),
            "g.json#/edges/0/label SF841 unknown label (got '')",
        ),
        (
            document(edges=[{"from": "a", "label": "FEEDS"}]),
            "g.json#/edges/0/to SF840 expected text, got nothing",
        ),
        (
            document(edges=[{**EDGE, "props": []}]),
            "g.json#/edges/0/props SF840 expected an object, got a list",
        ),
        (
            document(nodes=[{**NODE, "props": {"a/b": [[1]]}}]),
            "g.json#/nodes/0/props/a~1b SF840 expected text, a number, true, false, null or a list "
            "of them, got a list",
        ),
        (document(nodes=[{**NODE, "x": 1}]), "g.json#/nodes/0/x SF840 unknown key"),
    ],
)
def test_a_wrong_shape_is_told_by_its_pointer(value: Any, told: str) -> None:
    assert refused(value) == [told]


def test_only_the_first_problems_are_told() -> None:
    assert len(refused(document(nodes=[7] * 1000))) == interchange.SHOWN


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (json.dumps(document())[:40], ":1:33 SF840 the file ends too early"),
        ('{"nodes": [}', ":1:12 SF840 not JSON: expecting value"),
        ("", ":1:1 SF840 the file ends too early"),
        ('{"nodes": [NaN], "edges": []}', " SF840 NaN is no number in JSON"),
        ('{"nodes": [], "nodes": [], "edges": []}', " SF840 an object has the same key twice"),
        ("[" * 100_000, " SF840 is nested too deep"),
        (
            '{"nodes":[{"id":"a","label":"Run","props":{"x":1e999}}],"edges":[]}',
            "#/nodes/0/props/x SF840 a number is too large",
        ),
    ],
)
def test_a_hostile_file_is_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "g.json"
    path.write_text(text)
    with pytest.raises(SpecError) as caught:
        interchange.read(path)
    assert str(caught.value.problems[0]).startswith(f"{path}{told}")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "g.json").write_bytes(b'{"nodes": "\xff"}')
    with pytest.raises(SpecError):
        interchange.read(tmp_path / "g.json")
    with pytest.raises(SpecError):
        interchange.read(tmp_path / "absent.json")


def test_an_edge_needs_its_ends_in_the_file_or_in_the_graph() -> None:
    elements = Elements((Node("a", "Run"),), (Edge("a", "b", "FEEDS"), Edge("c", "a", "FEEDS")))
    told = [p.path for p in interchange.loose_ends("g.json", elements, {"b"})]
    assert told == ["g.json#/edges/1/from"]
    assert interchange.loose_ends("g.json", elements, {"b", "c"}) == []

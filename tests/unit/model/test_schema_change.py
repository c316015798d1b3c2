"""What changed between two schemas: named, ordered, and a rename recognised by name and place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfctl.model.renames import renamed
from sfctl.model.schema import Column, Schema
from sfctl.model.schema_change import changes, told, without
from sfctl.model.types import parse


def schema(**columns: str) -> Schema:
    return Schema(
        tuple(
            Column(name, parse(kind.removesuffix("!")), False if kind.endswith("!") else None)
            for name, kind in columns.items()
        )
    )


def listed(expected: Schema, actual: Schema, positions: bool = True) -> list[tuple[object, ...]]:
    found = changes(expected, actual, positions=positions)
    return [tuple(change.as_json().values()) for change in found]


FLIGHT = schema(origin="STRING", dest="STRING", distance="INT64")


def test_a_renamed_column_is_told_as_such_beside_what_went_and_came() -> None:
    now = schema(origin="STRING", destination="STRING", distance="INT64", note="STRING")
    assert listed(FLIGHT, now, positions=False) == [
        ("removed", "dest", "STRING", None),
        ("possible_rename", "dest", "dest", "destination"),
        ("added", "destination", None, "STRING"),
        ("added", "note", None, "STRING"),
    ]


def test_every_kind_of_change_has_its_name() -> None:
    expected = schema(a="INT32", b="INT64", c="STRING", d="DATE!", e="STRING")
    actual = Schema(
        (
            Column("b", parse("INT32")),
            Column("a", parse("INT64")),
            Column("c", parse("BOOLEAN")),
            Column("d", parse("DATE"), True),
            Column("e", parse("STRING"), None),
        )
    )
    assert listed(expected, actual) == [
        ("widened", "a", "INT32", "INT64"),
        ("narrowed", "b", "INT64", "INT32"),
        ("type_changed", "c", "STRING", "BOOLEAN"),
        ("nullability_loosened", "d", "NOT NULL", "NULL"),
        ("reordered", "a", "0", "1"),
    ]
    tightened = changes(
        Schema((Column("n", parse("INT64"), True),)),
        Schema((Column("n", parse("INT64"), False),)),
        positions=True,
    )
    assert [c.change for c in tightened] == ["nullability_tightened"]


@pytest.mark.parametrize(
    ("expected", "actual", "pairs"),
    [
        (FLIGHT, schema(origin="STRING", distance="INT64", dest_code="STRING", x="STRING"),
         {"dest": "dest_code"}),
        (FLIGHT, schema(origin="STRING", ziel="STRING", distance="INT64", x="STRING"),
         {"dest": "ziel"}),
        (FLIGHT, schema(distance="INT64", origin="STRING", ziel="STRING"), {"dest": "ziel"}),
        (FLIGHT, schema(x="STRING", origin="STRING", distance="INT64", y="STRING"), {}),
        (FLIGHT, schema(origin="STRING", destination="INT64", distance="INT64"), {}),
        (schema(id="ANY"), schema(ident="STRING"), {"id": "ident"}),
        (schema(first_name="STRING", last_name="STRING"),
         schema(lastname="STRING", firstname="STRING"),
         {"first_name": "firstname", "last_name": "lastname"}),
    ],
)  # fmt: skip
def test_a_rename_needs_one_type_and_a_like_name_or_the_same_place(
    expected: Schema, actual: Schema, pairs: dict[str, str]
) -> None:
    assert renamed(expected.columns, actual.columns) == pairs


NAMES = st.lists(
    st.sampled_from([f"c{i}" for i in range(9)] + ["dest", "destination"]), unique=True
)
SCHEMAS = NAMES.flatmap(
    lambda names: st.tuples(
        *(st.sampled_from(["INT32", "INT64", "STRING", "ANY"]) for _ in names)
    ).map(lambda kinds: schema(**dict(zip(names, kinds, strict=True))))
)


@given(SCHEMAS, SCHEMAS)
def test_what_went_and_came_is_told_once_and_renames_pair_only_these(
    expected: Schema, actual: Schema
) -> None:
    found = changes(expected, actual, positions=True)
    gone = [c.field for c in found if c.change == "removed"]
    came = [c.field for c in found if c.change == "added"]
    assert gone == [name for name in expected.names if name not in actual]
    assert came == [name for name in actual.names if name not in expected]
    renames = [c for c in found if c.change == "possible_rename"]
    assert {c.before for c in renames} <= set(gone)
    assert len({c.after for c in renames}) == len(renames)
    assert {c.after for c in renames} <= set(came)


@given(SCHEMAS)
def test_a_schema_does_not_differ_from_itself(one: Schema) -> None:
    assert changes(one, one, positions=True) == ()


def test_people_read_what_went_and_what_may_be_it() -> None:
    now = schema(origin="STRING", destination="STRING")
    found = [c.as_json() for c in changes(FLIGHT, now, positions=False)]
    assert told(found) == "dest is missing, destination is new: renamed?; distance is missing"
    assert told([]) == ""


def test_columns_of_the_partition_neither_came_nor_are_what_went() -> None:
    now = schema(origin="STRING", distance="INT64", dt="STRING", note="STRING")
    rows: list[object] = [c.as_json() for c in changes(FLIGHT, now, positions=False)]
    assert without(rows, ("dt",)) == [
        {"change": "removed", "field": "dest", "from": "STRING", "to": None},
        {"change": "added", "field": "note", "from": None, "to": "STRING"},
    ]

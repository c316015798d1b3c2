"""Texts inside structs and lists are as personal as those in columns."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfctl.model.policy import Detection
from sfctl.runtime.pii import keys, leaves
from sfctl.runtime.pii.actions import advise, apply, find
from sfctl.runtime.pii.kinds import KINDS
from sfctl.runtime.pii.scan import Counts, count_columns
from sfctl.runtime.pii.tokens import Tokenizer

RING = keys.parse(keys.generate(), "test")
PEOPLE = pl.DataFrame(
    {
        "id": [1, 2, 3, 4],
        "who": [
            {"mail": "a@b.org", "n": 1, "phones": ["+1 212 555 0147", None]},
            {"mail": None, "n": 2, "phones": []},
            None,
            {"mail": "ask é@ñandú.es", "n": None, "phones": None},
        ],
        "notes": [["x", "write c@d.org"], [], None, [None]],
        "pairs": pl.Series(
            [["a@b.org", "x"], ["y", None], None, ["z", "z"]], dtype=pl.Array(pl.String, 2)
        ),
        "deep": [[{"to": ["e@f.org"]}], [{"to": None}, None], [], None],
    }
)


def test_an_entry_without_columns_reaches_every_text() -> None:
    after, findings = apply(
        PEOPLE, [Detection("EMAIL", "redact"), Detection("PHONE", "mask")], ring
    )
    assert after.to_dicts() == [
        {
            "id": 1, "who": {"mail": None, "n": 1, "phones": ["***-***-0147", None]},
            "notes": ["x", "write [EMAIL]"], "pairs": [None, "x"], "deep": [{"to": [None]}],
        },
        {
            "id": 2, "who": {"mail": None, "n": 2, "phones": []}, "notes": [], "pairs": ["y", None],
            "deep": [{"to": None}, None],
        },
        {"id": 3, "who": None, "notes": None, "pairs": None, "deep": []},
        {
            "id": 4, "who": {"mail": "ask [EMAIL]", "n": None, "phones": None}, "notes": [None],
            "pairs": ["z", "z"], "deep": None,
        },
    ]  # fmt: skip
    assert after.schema == PEOPLE.schema
    counted = {(f.column, f.kind): (f.matches, f.evaluated) for f in findings}
    assert counted == {
        ("who.mail", "EMAIL"): (2, 2), ("notes", "EMAIL"): (1, 2), ("pairs", "EMAIL"): (1, 5),
        ("deep.to", "EMAIL"): (1, 1), ("who.phones", "PHONE"): (1, 1),
    }  # fmt: skip
    found = find(PEOPLE, [Detection("EMAIL", "redact"), Detection("PHONE", "mask")])
    assert {(f.column, f.kind): (f.matches, f.evaluated) for f in found} == counted


def ring() -> keys.KeyRing:
    return RING


def test_columns_narrow_to_a_struct_or_to_a_field_of_it() -> None:
    for columns in (("who",), ("who.mail",)):
        after, findings = apply(PEOPLE, [Detection("EMAIL", "tokenize", columns)], ring)
        assert [f.column for f in findings] == ["who.mail"]
        token = after["who"].struct.field("mail")[0]
        assert Tokenizer(RING).value(token, "EMAIL") == "a@b.org"
        assert after.drop("who").equals(PEOPLE.drop("who"))


def test_nothing_found_changes_nothing() -> None:
    after, findings = apply(PEOPLE, [Detection("SSN", "redact")], ring)
    assert findings == ()
    assert after.equals(PEOPLE)
    empty = PEOPLE.clear()
    assert apply(empty, [Detection("EMAIL", "redact")], ring)[0].schema == empty.schema


def test_undeclared_kinds_are_advised_wherever_they_stand() -> None:
    found = advise(PEOPLE, [Detection("EMAIL", "mask", ("who", "notes"))])
    assert {(f.column, f.kind) for f in found} == {
        ("who.phones", "PHONE"), ("pairs", "EMAIL"), ("deep.to", "EMAIL"),
    }  # fmt: skip
    assert all(f.advised and f.action == "none" for f in found)


WORDS = st.one_of(st.none(), st.sampled_from(["a@b.org", "", "x y", "é@ü.de", "日本 a@b.org 語"]))
NESTED = st.lists(
    st.one_of(
        st.none(),
        st.fixed_dictionaries({"t": WORDS, "l": st.one_of(st.none(), st.lists(WORDS, max_size=3))}),
    ),
    max_size=6,
)
SHAPE = pl.Struct({"t": pl.String, "l": pl.List(pl.String)})


def shouted(value: Any) -> Any:
    if isinstance(value, str):
        return value.upper()
    if isinstance(value, dict):
        return {name: shouted(each) for name, each in value.items()}
    return [shouted(each) for each in value] if isinstance(value, list) else value


@settings(deadline=None, max_examples=60)
@given(st.lists(st.one_of(st.none(), NESTED), max_size=5))
def test_a_change_of_every_text_is_the_change_of_each(rows: list[Any]) -> None:
    series = pl.Series("c", rows, dtype=pl.List(SHAPE))
    after = leaves.changed("c", series, lambda _path, text: text.str.to_uppercase())
    assert after is not None
    assert after.to_list() == shouted(rows)
    assert after.dtype == series.dtype


@pytest.mark.parametrize("action", ["mask", "redact", "tokenize"])
@pytest.mark.parametrize(
    "value",
    ["a@b.org", "Ünïcode é@ñandú.es ✓", "\u202ea@b.org\u202c", "a@b.org\x00a@b.org", "😀a@b.org😀"],
)
def test_no_address_stays_beside_strange_characters(value: str, action: Any) -> None:
    frame = pl.DataFrame({"c": [value, None, ""]})
    after, _ = apply(frame, [Detection("EMAIL", action, ("c",))], ring)
    text = after["c"][0] or ""
    assert "@b.org" not in text.replace("***@b.org", "")
    assert "é@" not in text
    assert after["c"].to_list()[1:] == [None, ""]
    assert find(after, [Detection("EMAIL")]) == ()


def mapped(*rows: dict[str, str | None] | None) -> pl.DataFrame:
    return pl.DataFrame({"m": pl.Series(rows, dtype=pl.Map(pl.String, pl.String))})


def test_maps_are_as_personal_as_lists() -> None:
    frame = mapped({"a@b.org": "x"}, None, {}, {"k": "c@d.org", "z": None})
    after, findings = apply(frame, [Detection("EMAIL", "mask", columns=("m",))], ring)
    masked = [{"***@b.org": "x"}, None, {}, {"k": "***@d.org", "z": None}]
    assert after["m"].to_list() == masked
    assert after.schema == frame.schema
    counted = {f.column: (f.matches, f.evaluated) for f in findings}
    assert counted == {"m.key": (1, 3), "m.value": (1, 2)}
    assert {f.column for f in find(frame, [Detection("EMAIL")])} == {"m.key", "m.value"}


@pytest.mark.parametrize("action", ["mask", "redact"])
def test_an_action_that_would_lose_an_entry_of_a_map_is_not_done(action: Any) -> None:
    frame = mapped({"a@b.org": "x", "c@b.org": "y"})
    with pytest.raises((ValueError, pl.exceptions.PolarsError)):
        apply(frame, [Detection("EMAIL", action)], ring)


def test_a_scan_looks_into_maps() -> None:
    counts: dict[str, Counts] = {}
    count_columns([mapped({"k": "a@b.org"}, None)], [KINDS["EMAIL"]], counts)
    assert counts["m.value"].matches == {"EMAIL": 1}

"""A function of the user's says what no pattern can; what it gets wrong stays its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sfctl.commands.pii import scan
from sfctl.errors import SfctlError, UsageError
from sfctl.runtime.pii import classifier

NAMES = """
import re
def people(texts):
    assert isinstance(texts, list)
    return [[(*m.span(), "PERSON") for m in re.finditer("Ann|Bob|a@b.org", t)] for t in texts]
def raises(texts):
    raise ValueError(texts[0])
def short(texts):
    return []
nothing = None
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "my_names.py").write_text(NAMES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_spans_are_those_of_detectors_first(folder: Path) -> None:
    texts = ["Ann wrote to a@b.org", "nobody", "Bob, Ann"] * 200
    (folder / "texts.jsonl").write_text("".join(json.dumps({"text": t}) + "\n" for t in texts))
    off = scan("texts.jsonl").payload["spans"]
    assert {span["kind"] for span in off} == {"EMAIL"}
    found = scan("texts.jsonl", classifier="my_names:people").payload["spans"]
    assert [(s["line"], s["start"], s["end"], s["kind"]) for s in found[:4]] == [
        (1, 0, 3, "PERSON"), (1, 13, 20, "EMAIL"), (3, 0, 3, "PERSON"), (3, 5, 8, "PERSON"),
    ]  # fmt: skip
    assert len(found) == 800


def test_columns_may_be_of_its_kinds(folder: Path) -> None:
    frame = pl.DataFrame({"who": ["Ann", "Bob", None], "mail": ["a@b.org"] * 3, "n": [1, 2, 3]})
    frame.write_parquet("rows.parquet")
    found = scan("rows.parquet", classifier="my_names:people").payload["columns"]
    assert [(c["name"], c["kind"], c["matches"]) for c in found] == [
        ("who", "PERSON", 2), ("mail", "EMAIL", 3), ("n", None, 0),
    ]  # fmt: skip


@pytest.mark.parametrize("path", ["my_names:nothing", "my_names:absent", "no_such_module:x", "x"])
def test_a_name_that_leads_nowhere_is_told(path: str, folder: Path) -> None:
    with pytest.raises(UsageError) as caught:
        classifier.load(path, folder)
    assert caught.value.code == "SF886"


@pytest.mark.parametrize(
    "answer",
    [
        lambda texts: [[(0, 99, "PERSON")]], lambda texts: [[(2, 2, "PERSON")]],
        lambda texts: [[(0, 1, "jane doe")]], lambda texts: [], lambda texts: None,
        lambda texts: [[("a", "b", "PERSON")]], lambda texts: 1 / 0,
    ],
)  # fmt: skip
def test_what_it_answers_wrongly_shows_no_text(answer: Any) -> None:
    with pytest.raises(SfctlError) as caught:
        classifier.places(answer, ["jane"])
    assert caught.value.code == "SF887"
    assert "jane" not in str(caught.value)


def test_places_that_overlap_count_once() -> None:
    found = classifier.places(lambda texts: [[(0, 4, "A"), (2, 6, "B"), (4, 6, "C")]], ["abcdef"])
    assert found == [[(0, 4, "A"), (4, 6, "C")]]

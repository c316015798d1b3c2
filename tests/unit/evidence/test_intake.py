"""Files of events in whatever form people keep them."""

from __future__ import annotations

import io
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sfctl.errors import SourceError
from sfctl.evidence.intake import documents
from sfctl.evidence.port import DeadLetter

NOW = datetime(2024, 1, 15, tzinfo=UTC)


def read(path: Path, text: bytes) -> list[tuple[int, Any]]:
    path.write_bytes(text)
    return [
        (line, item.reason if isinstance(item, DeadLetter) else item)
        for line, item in documents(str(path), NOW, path.name)
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"", []),
        (b'{"a": 1}\n\n{"a": 2}', [(1, {"a": 1}), (3, {"a": 2})]),
        (b'{\n  "a": 1\n}\n', [(1, {"a": 1})]),
        (b'[\n{"a": 1},\n{"a": 2}]', [(1, {"a": 1}), (1, {"a": 2})]),
        (b'[{"a": 1}, 7]', [(1, {"a": 1}), (1, "NOT_JSON")]),
        (b'{"a": 1}\nnonsense\n{"a": 3}\n', [(1, {"a": 1}), (2, "NOT_JSON"), (3, {"a": 3})]),
        (b'{broken\n{"a": 2}\n\n{"a": 4}', [(1, "NOT_JSON"), (2, {"a": 2}), (4, {"a": 4})]),
        (b'nonsense\n{"a": 2}\n', [(1, "NOT_JSON"), (2, {"a": 2})]),
        (b"\xff\xfe\n", [(1, "NOT_JSON")]),
    ],
)
def test_forms(tmp_path: Path, text: bytes, found: list[Any]) -> None:
    assert read(tmp_path / "x.jsonl", text) == found


def test_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b'{"a": 1}\n')))
    assert list(documents("-", NOW, "stdin")) == [(1, {"a": 1})]


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot read"):
        list(documents(str(tmp_path / "nothing"), NOW, "nothing"))

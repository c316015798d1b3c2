"""The cases of `writes/*.yaml`: whole writes into datasets of their own, and what comes of them.

Nothing here knows an engine. A case's dataset is called `<file>-<case>`; all of them make one
project, which is compiled once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from sfctl.model.types import DataType
from sfctl.model.types import parse as parse_type
from sfctl.spec.yaml import parse
from tests.conformance.runtime.casebook import HERE, Rows, made, value
from tests.shop_rig import PROJECT, compile_project

ZONE = "cases"
_PLACES = ("table", "stored", "tokens", "quarantine", "kept")


@dataclass(frozen=True, slots=True)
class Step:
    """One write: the rows, how they are written, and what the answer must say.

    `gates` are those that neither pass nor skip. `schema` says whether its fingerprint is that of
    the write before. `findings` count personal data by column, kind and action.
    """

    dataset: str
    rows: Rows
    how: Mapping[str, Any]
    answer: Mapping[str, Any]
    gates: Mapping[str, str]
    signatures: Mapping[str, int] | None
    findings: Mapping[str, int]
    schema: str


@dataclass(frozen=True, slots=True)
class WriteCase:
    """One case: writes in order, and what lies in table and quarantine after the last.

    Rows are told by their column `id`. `stored` and `kept` are values of columns in its order,
    `tokens` the originals of values that must be tokens, equal where these are.
    """

    file: str
    id: str
    says: str
    steps: tuple[Step, ...]
    table: tuple[int, ...] | None
    quarantine: Mapping[int, tuple[str, ...]]
    stored: Mapping[str, list[Any]] = field(default_factory=dict)
    kept: Mapping[str, list[Any]] = field(default_factory=dict)
    tokens: Mapping[str, list[str]] = field(default_factory=dict)

    @property
    def dataset(self) -> str:
        return f"{self.file}-{self.id}"


@cache
def files() -> Mapping[str, Mapping[str, Any]]:
    """Return every file as plain values, by its stem."""
    found = sorted(HERE.glob("writes/*.yaml"))
    return {path.stem: _plain(path) for path in found}


@cache
def cases() -> tuple[WriteCase, ...]:
    """Return every case that writes something."""
    return tuple(
        _case(stem, file, name, case)
        for stem, file in files().items()
        for name, case in file["cases"].items()
        if case["writes"]
    )


def make_project(root: Path) -> None:
    """Make a project with a dataset for each case in `root`, with keys, and compile it."""
    (root / "sfctl.yml").write_text(PROJECT)
    for stem, file in files().items():
        for name, case in file["cases"].items():
            folder = root / "datasets" / f"{stem}-{name}"
            folder.mkdir(parents=True)
            dataset = {
                "urn": f"ds://{ZONE}/{stem}-{name}",
                "owner_team": "cases",
                "tier": "TIER_2",
                "storage": {"gold": f"gold/{stem}-{name}"},
                **file.get("dataset", {}),
                **case.get("dataset", {}),
            }
            policy = {"version": 1, **file["policy"], **case.get("policy", {})}
            (folder / "dataset.yaml").write_text(json.dumps(dataset))
            (folder / "policy_bundle.yaml").write_text(json.dumps(policy))
            if "baseline" in file:
                columns = [{"name": n, "type": k} for n, k in file["baseline"].items()]
                (folder / "baseline.json").write_text(json.dumps({"schema": columns}))
    compile_project(root)


def _plain(path: Path) -> dict[str, Any]:
    document, problems = parse(path.read_text(encoding="utf-8"), path.name)
    assert document is not None
    assert not problems, problems
    found = document.plain()
    assert isinstance(found, dict)
    return found


def _case(stem: str, file: Mapping[str, Any], name: str, case: Mapping[str, Any]) -> WriteCase:
    known = {**file["rows"], **case.get("rows", {})}
    unknown = {*case} - {"says", "dataset", "policy", "rows", "writes", *_PLACES}
    assert not unknown, f"{stem} {name}: {unknown}"
    quarantine = case.get("quarantine", {})
    return WriteCase(
        stem,
        name,
        case["says"],
        tuple(_step(stem, file["columns"], name, known, dict(each)) for each in case["writes"]),
        None if "table" not in case else tuple(case["table"]),
        {int(number): tuple(rules) for number, rules in quarantine.items()},
        case.get("stored", {}),
        case.get("kept", {}),
        case.get("tokens", {}),
    )


def _step(
    stem: str, columns: Mapping[str, str], name: str, known: Mapping[str, Any], node: dict[str, Any]
) -> Step:
    given = known[node.pop("rows")]
    shape = given["columns"] if isinstance(given, dict) else columns
    listed = given["rows"] if isinstance(given, dict) else given
    kinds = {column: parse_type(kind) for column, kind in shape.items()}
    step = Step(
        f"{stem}-{node.pop('dataset', name)}",
        Rows(kinds, tuple(_row(kinds, row) for row in listed)),
        {key: node.pop(key) for key in ("mode", "partition") if key in node},
        {
            "verdict": node.pop("verdict"),
            "certification": node.pop("certification"),
            "blocked": node.pop("blocked", False),
            "rows_published": node.pop("published", 0),
            "rows_quarantined": node.pop("held", 0),
        },
        node.pop("gates", {}),
        node.pop("signatures", None),
        node.pop("pii", {}),
        node.pop("schema", ""),
    )
    assert not node, f"{stem} {name}: {node}"
    return step


def _row(kinds: Mapping[str, DataType], row: list[Any]) -> dict[str, Any]:
    pairs = zip(kinds.items(), row, strict=True)
    return {name: value(made(each), kind) for (name, kind), each in pairs}

"""Our tables accept what the official JSON Schemas accept, and nothing else."""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import open_data_contract_standard
import pytest
from jsonschema import Draft201909Validator

from sfctl.odcs.standard import contract
from sfctl.spec.shape import Report
from sfctl.spec.yaml import parse
from tests.unit.odcs import mutations

OLDER = Path(sys.prefix) / "odcs-3.0.2" / "open_data_contract_standard"
ROUNDS = int(os.environ.get("SFCTL_ODCS_ROUNDS", "1"))
"""How much of the long run is done: 1 is over 1,000 documents a version, 20 over 20,000."""


@pytest.fixture(scope="module")
def official() -> dict[bool, Any]:
    """The schemas as they are published: 3.1 by the package, 3.0.2 by an older one beside it."""
    newer = Path(open_data_contract_standard.__file__).parent
    found = {True: newer / "schema.json", False: OLDER / "schema.json"}
    assert found[False].is_file(), "`make .venv/.dev` installs the schema of 3.0.2"
    schemas = {strict: json.loads(path.read_text()) for strict, path in found.items()}
    versions = {k: s["properties"]["apiVersion"]["default"] for k, s in schemas.items()}
    assert versions == {True: "v3.1.0", False: "v3.0.2"}
    return {strict: Draft201909Validator(schema) for strict, schema in schemas.items()}


def accepted(document: Any, strict: bool) -> bool:
    node, problems = parse(mutations.text_of(document), "contract.yaml")
    assert node is not None
    assert not problems
    report = Report()
    contract(strict).check(node, "", report)
    return not report.problems


@pytest.mark.parametrize("name", sorted(mutations.documents()))
def test_real_documents_are_accepted_by_their_version(name: str, official: dict[bool, Any]) -> None:
    document = mutations.documents()[name]
    strict = document["apiVersion"] == "v3.1.0"
    assert official[strict].is_valid(document)
    assert accepted(document, strict)


@pytest.mark.parametrize("strict", [True, False], ids=["3.1", "3.0.2"])
def test_changed_documents_are_judged_as_the_official_schema_judges_them(
    strict: bool, official: dict[bool, Any]
) -> None:
    chance = random.Random(20250201)
    judged = passed = 0
    for document in _changed(chance, strict):
        expected = official[strict].is_valid(document)
        assert accepted(document, strict) is expected, (
            mutations.text_of(document),
            [error.message for error in official[strict].iter_errors(document)],
        )
        judged += 1
        passed += expected
    assert judged > 1_000
    assert 0.1 < passed / judged < 0.9, "both outcomes must be met often"


def _changed(chance: random.Random, strict: bool) -> Iterator[Any]:
    corpus = mutations.documents()
    version = "v3.1.0" if strict else "v3.0.2"
    everything = list(corpus.values())
    for name, document in sorted(corpus.items()):
        own = document["apiVersion"] == version
        for part in mutations.slices(document):
            part = {**part, "apiVersion": version}
            if own:
                yield from mutations.single(part)
            rounds = ROUNDS if own or ROUNDS > 1 else 0
            yield from mutations.retyped(part, chance, rounds)
            yield from mutations.grafted(part, everything, chance, 5 * ROUNDS)
        if name.startswith("smallest"):
            yield from mutations.grafted(document, everything, chance, 60 * ROUNDS)
    yield from chain([None, [], "text", 5, {}])

from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from sfctl.spec.publish import DOCUMENTS, FOLDER, json_schema, render_schemas, write_schemas


def test_the_published_schemas_are_up_to_date() -> None:
    published = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.iterdir()}
    assert published == render_schemas(), "run `python -m sfctl.spec.publish`"


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_each_schema_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(json_schema(DOCUMENTS[name]))


def test_every_key_is_described() -> None:
    def walk(value: object, path: str) -> None:
        if isinstance(value, dict):
            properties = value.get("properties", {})
            for key, child in properties.items():
                described = "description" in child or "const" in child or "enum" in child
                assert described, f"{path}.{key}"
            for key, child in value.items():
                walk(child, f"{path}.{key}")
        elif isinstance(value, list):
            for child in value:
                walk(child, path)

    for name, shape in DOCUMENTS.items():
        walk(json_schema(shape), name)


def test_schemas_are_written_where_asked(tmp_path: Path) -> None:
    write_schemas(tmp_path / "new")
    assert {file.name for file in (tmp_path / "new").iterdir()} == set(render_schemas())

"""Writes the published JSON Schemas of a data repo's files: `python -m sfctl.spec.publish`."""

from __future__ import annotations

import json
from pathlib import Path

from sfctl.spec.documents.dataset import DATASET, FRESHNESS_POLICY
from sfctl.spec.documents.expectations import EXPECTATIONS
from sfctl.spec.documents.job import JOB
from sfctl.spec.documents.lineage import LINEAGE
from sfctl.spec.documents.minimum import MINIMUM
from sfctl.spec.documents.pack import PACK
from sfctl.spec.documents.policy import POLICY
from sfctl.spec.documents.project import PROJECT
from sfctl.spec.shape import Fields, JsonSchema

FOLDER = Path(__file__).parent.parent / "schemas" / "files"
DOCUMENTS: dict[str, Fields] = {
    "dataset": DATASET,
    "expectations": EXPECTATIONS,
    "freshness_policy": FRESHNESS_POLICY,
    "job": JOB,
    "lineage": LINEAGE,
    "minimum": MINIMUM,
    "pack": PACK,
    "policy_bundle": POLICY,
    "sfctl": PROJECT,
}
_TEMPLATE = {
    "description": "A template that is rendered when the file is read.",
    "type": "string",
    "pattern": r"\{\{|\{%",
}


def json_schema(shape: Fields) -> JsonSchema:
    """Return the JSON Schema (draft 2020-12) that accepts what `shape` accepts."""
    defs: JsonSchema = {"template": _TEMPLATE}
    body = shape.schema(defs)
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, "title": shape.noun, **body, "$defs": defs}


def render_schemas() -> dict[str, str]:
    """Return every schema as the text of its file, by file name."""
    return {f"{name}.schema.json": _text(name, shape) for name, shape in DOCUMENTS.items()}


def _text(name: str, shape: Fields) -> str:
    identified = {"$id": f"urn:schema:sfctl:file:{name}:1", **json_schema(shape)}
    return json.dumps(identified, indent=2, ensure_ascii=False) + "\n"


def write_schemas(folder: Path = FOLDER) -> None:
    """Write every schema into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in render_schemas().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_schemas()

"""Which Delta tables take files as they lie, and what such a commit says of them.

A commit of files does nothing that a writer of rows does: it checks no constraint, computes no
column, assigns no row id. Where a table asks for any of that, rows go in by an engine that does it.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from sfctl.errors import StoreError
from sfctl.runtime.tables.port import StagedFile, Unadoptable, Write

if TYPE_CHECKING:
    from deltalake import CommitProperties, DeltaTable, Schema

Field = dict[str, Any]
"""A column as the log's schema has it: `name`, `type`, `nullable`, `metadata`."""

HONOURED = frozenset(
    [
        "appendOnly", "invariants", "checkConstraints", "changeDataFeed", "generatedColumns",
        "columnMapping", "identityColumns", "deletionVectors", "timestampNtz", "domainMetadata",
        "vacuumProtocolCheck",
    ]
)  # fmt: skip
"""Writer features that ask nothing of a commit of files, or say in the metadata where they do."""


_PLAIN = re.compile(
    r"string|long|integer|short|byte|float|double|boolean|binary|date|timestamp|timestamp_ntz"
    r"|decimal\(\d+,\s*-?\d+\)"
)


_WIDTH = "__CHAR_VARCHAR_TYPE_STRING"
"""What marks a text of limited length: writers fill it up, cut blanks off it, or refuse it."""
_AS_TEXT = {"string", "long", "integer", "short", "byte", "boolean", "date"}
"""Types whose values every writer names alike."""


def fields_of(schema: str) -> list[Field]:
    """Return the columns of a schema in the log's JSON, which is Spark's too."""
    return [dict(field) for field in json.loads(schema)["fields"]]


def plain(fields: Sequence[Field]) -> list[Field]:
    """Return columns as a new table has them: any may be null, nothing else is said of them."""
    return [{**f, "type": _loose(f["type"]), "nullable": True, "metadata": {}} for f in fields]


def objection(table: DeltaTable) -> str:
    """Return what a table asks of its writers that a commit of files does not do, else nothing."""
    strange = sorted(set(table.protocol().writer_features or ()) - HONOURED)
    if strange:
        return f"feature {strange[0]}"
    settings = table.metadata().configuration
    for name, value in sorted(settings.items()):
        if name.startswith("delta.constraints."):
            return "CHECK constraints"
        if name == "delta.columnMapping.mode" and value != "none":
            return "column mapping"
    for key in _marks(fields_of(table.schema().to_json())):
        if key == _WIDTH:
            return "CHAR or VARCHAR"
        if key.startswith("delta."):
            return key
    return ""


def limited(table: DeltaTable) -> dict[str, str]:
    """Return the kind of each column of texts of limited length: `char(5)`, `varchar(9)`."""
    fields = fields_of(table.schema().to_json())
    return {f["name"]: f["metadata"][_WIDTH] for f in fields if _WIDTH in f["metadata"]}


def evolved(
    table: DeltaTable, given: Sequence[Field], files: Sequence[StagedFile], request: Write
) -> list[Field]:
    """Return the table's columns after a write of files with the `given` ones.

    Raises Unadoptable where the files do not hold what the table's columns are.
    """
    present = fields_of(table.schema().to_json())
    known = {field["name"]: field for field in present}
    if request.mode == "overwrite" and [f["name"] for f in given] != list(known):
        return _allowed(plain(given), present)
    alike = {name.lower() for name in known}
    for field in given:
        own = known.get(field["name"])
        if own is None and field["name"].lower() in alike:
            raise Unadoptable(f"column {field['name']} differs from the table's in case only")
        if own is not None and _loose(own["type"]) != _loose(field["type"]):
            raise Unadoptable(f"column {field['name']} is of another type in the table")
    for field in present:
        if _strict(field["type"]):
            raise Unadoptable(f"column {field['name']} may not hold nulls inside")
        if not field["nullable"] and not all(_full(file, field["name"]) for file in files):
            raise Unadoptable(f"column {field['name']} may not be null")
    fresh = plain([field for field in given if field["name"] not in known])
    return [*present, *_allowed(fresh, present)]


def commit(
    table: DeltaTable,
    files: Sequence[StagedFile],
    given: Sequence[Field],
    request: Write,
    properties: CommitProperties,
) -> None:
    """Add files to a table in one commit, and take out what they replace."""
    if why := objection(table):
        raise Unadoptable(why)
    names = list(table.metadata().partition_columns)
    if any(set(file.partition) != set(names) for file in files):
        raise Unadoptable("the table is partitioned by other columns")
    fields = evolved(table, given, files, request)
    grown = len(fields) > len(table.schema().fields)
    mode, filters = "append", None
    if request.mode == "overwrite":
        mode = "overwrite"
    elif request.mode == "overwrite_partitions":
        filters = _replaced(files, names, request)
        kinds = {field["name"]: str(field["type"]) for field in fields}
        if odd := [name for name, _, _ in filters or () if kinds[name] not in _AS_TEXT]:
            raise Unadoptable(f"partitions of {odd[0]} have more than one name")
        mode = "append" if filters is None else "overwrite"
    if mode == "overwrite" and table.metadata().configuration.get("delta.appendOnly") == "true":
        raise Unadoptable("a table to be appended to only")
    if mode == "append" and grown:
        # only an overwrite may say what the columns are; this one takes out nothing
        mode, filters = "overwrite", [(fields[0]["name"], "in", [])]
    table.create_write_transaction(
        [*additions(files, fields), *_removals(table, names, request)],
        mode,
        schema_of(fields),
        names,
        partition_filters=filters,
        commit_properties=properties,
    )


def additions(files: Sequence[StagedFile], fields: Sequence[Field]) -> list[Any]:
    """Return the log's entries for files."""
    from deltalake.transaction import AddAction

    instants = {field["name"] for field in fields if field["type"] == "timestamp"}
    return [
        AddAction(
            file.path,
            file.size,
            {
                name: f"{value.replace(' ', 'T')}Z" if value and name in instants else value
                for name, value in file.partition.items()
            },
            file.written_at,
            True,
            file.stats,
        )
        for file in files
    ]


def schema_of(fields: Sequence[Field]) -> Schema:
    """Return columns as delta-rs has them. Raises Unadoptable for a type that readers may lack."""
    from deltalake import Schema

    for field in fields:
        if not _common(field["type"]):
            raise Unadoptable(f"column {field['name']} has a type that only its engine writes")
    return Schema.from_json(json.dumps({"type": "struct", "fields": list(fields)}))


def require_files(root: str, files: Sequence[StagedFile]) -> None:
    """Raise StoreError where a file is not what it was when it was put there."""
    for file in files if "://" not in root else ():
        try:
            whole = os.path.getsize(f"{root}/{file.path}") == file.size  # noqa: PTH202  many
        except OSError:
            whole = False
        if not whole:
            raise StoreError(
                "a file that was to become part of the table is gone or was altered",
                hint="run the job again; keep other programs out of the table's folder",
                code="SF631",
            )


def _removals(table: DeltaTable, names: Sequence[str], request: Write) -> list[Any]:
    """Return the log's entries for files whose rows go.

    Raises Unadoptable where such rows lie in a file among others, or nobody knows whether they do.
    """
    import polars as pl
    from deltalake.transaction import RemoveAction

    if not request.takes_out:
        return []
    found = []
    for row in pl.DataFrame(table.get_add_actions(flatten=True)).iter_rows(named=True):
        within = [
            _within(row.get(f"min.{column}"), row.get(f"max.{column}"), values)
            for column, values in request.takes_out.items()
        ]
        if False in within:
            continue
        if None in within:
            raise Unadoptable("rows that are to go lie in a file among others")
        values = {name: _text(row[f"partition.{name}"]) or None for name in names}
        now = time.time_ns() // 1_000_000
        found.append(RemoveAction(unquote(row["path"]), True, now, row["size_bytes"], values))
    return found


def _within(least: str | None, most: str | None, values: Collection[str]) -> bool | None:
    """Tell whether all rows, or none, hold one of some values; None where that is not known."""
    if least is None or most is None:
        return None
    if least == most:
        return least in values
    return None if any(least <= value <= most for value in values) else False


def _replaced(
    files: Sequence[StagedFile], names: Sequence[str], request: Write
) -> list[tuple[str, str, Any]] | None:
    """Return the filters of the partitions that a write replaces, None where it replaces none."""
    if request.partition:
        if not set(request.partition) <= set(names):
            raise Unadoptable("the partition is no folder of the table")
        return [(name, "=", _text(value)) for name, value in request.partition.items()]
    wanted = {tuple(_text(file.partition[name]) for name in names) for file in files}
    if not names or not wanted:
        return None
    if len(wanted) == 1:
        return [(name, "=", value) for name, value in zip(names, *wanted, strict=True)]
    if len(names) > 1 or any(not value for (value,) in wanted):
        raise Unadoptable("several partitions of several columns are replaced at once")
    return [(names[0], "in", sorted(value for (value,) in wanted))]


def _text(value: object) -> str:
    """Return a partition's value as filters have it: empty for null."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _common(kind: Any) -> bool:
    """Tell whether every reader of Delta knows a type."""
    if isinstance(kind, str):
        return _PLAIN.fullmatch(kind) is not None
    if kind["type"] == "struct":
        return all(_common(field["type"]) for field in kind["fields"])
    inner = {"array": ("elementType",), "map": ("keyType", "valueType")}.get(kind["type"], ())
    return bool(inner) and all(_common(kind[name]) for name in inner)


def _allowed(fresh: list[Field], present: Sequence[Field]) -> list[Field]:
    """Return new columns. Raises Unadoptable where the table's protocol would have to rise."""
    if any(_naive(f["type"]) for f in fresh) and not any(_naive(f["type"]) for f in present):
        raise Unadoptable("the table's protocol knows no TIMESTAMP_NTZ yet")
    return fresh


def _naive(kind: Any) -> bool:
    return "timestamp_ntz" in json.dumps(kind)


def _full(file: StagedFile, name: str) -> bool:
    """Tell whether a file surely holds no null in a column."""
    if name in file.partition:
        return file.partition[name] is not None
    return bool(json.loads(file.stats).get("nullCount", {}).get(name) == 0)


def _marks(fields: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for field in fields:
        yield from field["metadata"]
        kind = field["type"]
        while isinstance(kind, dict) and kind["type"] == "array":
            kind = kind["elementType"]
        if isinstance(kind, dict) and kind["type"] == "struct":
            yield from _marks(kind["fields"])


def _loose(kind: Any) -> Any:
    """Return a type without what it says of nulls, and without remarks."""
    if not isinstance(kind, dict):
        return kind
    if kind["type"] == "array":
        return {**kind, "elementType": _loose(kind["elementType"]), "containsNull": True}
    if kind["type"] == "map":
        inner = {"keyType": _loose(kind["keyType"]), "valueType": _loose(kind["valueType"])}
        return {**kind, **inner, "valueContainsNull": True}
    if kind["type"] == "struct":
        return {**kind, "fields": plain(kind["fields"])}
    return kind


def _strict(kind: Any) -> bool:
    """Tell whether a type forbids nulls somewhere inside."""
    return bool(_loose(kind) != _unmarked(kind))


def _unmarked(kind: Any) -> Any:
    if isinstance(kind, dict) and kind["type"] == "struct":
        fields = [{**f, "type": _unmarked(f["type"]), "metadata": {}} for f in kind["fields"]]
        return {**kind, "fields": fields}
    if isinstance(kind, dict):
        return {k: _unmarked(v) if isinstance(v, dict) else v for k, v in kind.items()}
    return kind

"""What each type of server is described by in ODCS: its keys, and which of them must be there."""

from __future__ import annotations

from collections.abc import Iterable

from sfctl.odcs.grammar import Anything, Grammar, Keys, Number, OneOf, Text
from sfctl.spec.tree import Node

_HOST = "host port! database"
_SCHEMA = "host port! database schema"
_SOURCES = {
    "api": ("location", ""),
    "athena": ("stagingDir schema", "catalog regionName"),
    "azure": ("location format", "delimiter"),
    "bigquery": ("project dataset", ""),
    "clickhouse": (_HOST, ""),
    "cloudsql": (_SCHEMA, ""),
    "custom": (
        "",
        "account catalog database dataset delimiter endpointUrl format host location path port! "
        "project region regionName schema serviceName stagingDir stream warehouse",
    ),
    "databricks": ("catalog schema", "host"),
    "db2": (_HOST, "schema"),
    "denodo": ("host port!", "database"),
    "dremio": ("host port!", "schema"),
    "duckdb": ("database", "schema"),
    "glue": ("account database", "format location"),
    "hive": ("host database", "port!"),
    "impala": ("host database", "port!"),
    "informix": ("host database", "port!"),
    "kafka": ("host", "format"),
    "kinesis": ("", "format region"),
    "local": ("path format", ""),
    "mysql": (_HOST, ""),
    "oracle": ("host port! serviceName", ""),
    "postgres": (_SCHEMA, ""),
    "postgresql": (_SCHEMA, ""),
    "presto": ("host", "catalog schema"),
    "pubsub": ("project", ""),
    "redshift": ("database schema", "account host region"),
    "s3": ("location", "delimiter endpointUrl format"),
    "sftp": ("location", "delimiter format"),
    "snowflake": ("account database schema", "host port! warehouse"),
    "sqlserver": ("host database schema", "port!"),
    "synapse": (_HOST, ""),
    "trino": ("host port! catalog schema", ""),
    "vertica": (_SCHEMA, ""),
    "zen": ("host database", "port!"),
}
"""Type → (keys it needs, keys it may have); `!` marks whole numbers, all else is text."""
_SINCE_3_1 = ("hive", "impala", "zen")
_FILES = ("azure", "s3", "sftp")


def types(strict: bool) -> tuple[str, ...]:
    """Return the types of servers; `strict` for version 3.1, which knows more of them."""
    return tuple(name for name in _SOURCES if strict or name not in _SINCE_3_1)


def sources(strict: bool) -> dict[str, Keys]:
    """Return what each type of server adds to the keys that all servers have."""
    return {name: _source(name, strict) for name in types(strict)}


def source_of(node: Node, known: dict[str, Keys]) -> Iterable[Keys]:
    """Return the keys of the type that a server says it is."""
    said = node.value.get("type") if isinstance(node.value, dict) else None
    found = known.get(said.value) if said is not None and isinstance(said.value, str) else None
    return () if found is None else (found,)


def _source(name: str, strict: bool) -> Keys:
    needs, may = (words.split() for words in _SOURCES[name])
    fields: dict[str, Grammar] = {
        word.rstrip("!"): Number(whole=True) if word.endswith("!") else Text()
        for word in [*needs, *may]
    }
    if name == "sftp":
        fields["location"] = Text("a URL that starts with sftp://", "^sftp://.*")
    if not strict:
        fields |= _before_3_1(name)
    return Keys(
        f"a server of type {name}", fields, needs=[word.rstrip("!") for word in needs], open=True
    )


def _before_3_1(name: str) -> dict[str, Grammar]:
    if name in _FILES:
        return {
            "format": OneOf("parquet", "delta", "json", "csv"),
            "delimiter": OneOf("new_line", "array"),
        }
    if name == "duckdb":
        return {"schema": Number(whole=True)}
    if name == "custom":
        return {"stream": Anything()}
    return {}

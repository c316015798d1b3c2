"""Certified versions as views of Spark SQL: `gold_certified.<name>`, moved by ALTER VIEW alone.

The pin is the authority and is moved first: a view may lag behind it, to an older version, and is
brought up by the next session that looks. Readers see one version or the other, never neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from sfctl.errors import StoreError
from sfctl.model.manifest import DatasetEntry

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

CERTIFIED, LATEST = "gold_certified", "gold_latest"
CATALOG = "spark_catalog"
_OURS = "sfctl.dataset"
_VERSION = re.compile(r"VERSION AS OF (\d+)\s*\Z")
_ATTEMPTS = 3


class Pinned(NamedTuple):
    """What the pin of a dataset says. `generation` grows with each of its moves.

    Generations of one `table` have an order; a table made anew begins again.
    """

    version: int
    generation: int
    certified_at: str = ""
    status: str = ""
    table: str = ""


class Shown(NamedTuple):
    """What a view shows: a version, None for the newest, and whether it was changed just now."""

    view: str
    version: int | None
    moved: bool


def follow(
    spark: SparkSession, entry: DatasetEntry, path: str, pinned: Any, names: Mapping[str, str]
) -> list[Shown]:
    """Bring the views of a dataset to its pin; `pinned` is asked for it, before and after.

    `names` maps what views are called to the dataset that has the name. Raises StoreError SF895
    where the catalog refuses, or somebody else's view has the name.
    """
    name = view_name(entry.name)
    if names.get(name, entry.urn) != entry.urn:
        raise StoreError(
            f"two datasets would be {CERTIFIED}.{name} in Spark SQL: {entry.urn}, {names[name]}",
            hint="rename one of them: Spark takes letters, digits and _ alone for one name",
            code="SF895",
        )
    found: list[Shown] = []
    pin = pinned()
    for _ in range(_ATTEMPTS):
        if pin is None:
            break
        found = [_show(spark, entry, CERTIFIED, name, path, pin)]
        later = pinned()
        if later is None or later.generation <= pin.generation:
            break
        pin = later
    if entry.on_stale == "serve_uncertified":
        found.append(_show(spark, entry, LATEST, name, path, None))
    return found


def withdraw(spark: SparkSession, entry: DatasetEntry) -> None:
    """Drop the certified view of a dataset of which nothing is certified any more."""
    view = f"{CERTIFIED}.{view_name(entry.name)}"
    state = _state(spark, view)
    if state is not None and state.owner == entry.urn:
        spark.sql(f"DROP VIEW IF EXISTS {CATALOG}.{view}")


def view_name(name: str) -> str:
    """Return a dataset's name as Spark's catalog takes it."""
    return re.sub(r"\W", "_", name, flags=re.ASCII)


def names_of(entries: Iterable[DatasetEntry]) -> dict[str, str]:
    """Return the dataset that has each view's name; of several the first by URN."""
    return {view_name(entry.name): entry.urn for entry in sorted(entries, key=_urn, reverse=True)}


def shown(spark: SparkSession, name: str, database: str = CERTIFIED) -> int | None:
    """Return the version that a certified view of ours shows, None without one."""
    state = _state(spark, f"{database}.{view_name(name)}")
    return state.version if state is not None else None


class _State(NamedTuple):
    owner: str
    version: int | None
    generation: int
    table: str
    select: str

    def is_newer(self, pin: Pinned) -> bool:
        return self.table == pin.table and self.generation > pin.generation


def _show(
    spark: SparkSession,
    entry: DatasetEntry,
    database: str,
    name: str,
    path: str,
    pin: Pinned | None,
) -> Shown:
    view = f"{database}.{name}"
    select = f"SELECT * FROM delta.`{path.replace('`', '``')}`"  # noqa: S608
    select += f" VERSION AS OF {pin.version}" if pin else ""
    state = _state(spark, view)
    version = pin.version if pin else None
    if state is not None and state.owner != entry.urn:
        raise StoreError(
            f"{view} is not a view of ours",
            hint=f"rename it, and call sf.certified_views(spark): the name is {entry.name}'s",
            code="SF895",
        )
    if state is not None and pin is not None and state.is_newer(pin):
        return Shown(view, state.version, False)
    properties = _properties(entry, pin)
    if state is None:
        spark.sql(f"CREATE DATABASE IF NOT EXISTS {CATALOG}.{database}")
        evolving = "" if pin else "WITH SCHEMA EVOLUTION "
        spark.sql(
            f"CREATE VIEW IF NOT EXISTS {CATALOG}.{view} TBLPROPERTIES ({properties}) "
            f"{evolving}AS {select}"
        )
        return Shown(view, version, True)
    moved = state.select != select
    if moved:
        spark.sql(f"ALTER VIEW {CATALOG}.{view} AS {select}")
    told = (pin.generation, pin.table) if pin else (state.generation, state.table)
    if moved or told != (state.generation, state.table):
        spark.sql(f"ALTER VIEW {CATALOG}.{view} SET TBLPROPERTIES ({properties})")
    return Shown(view, version, moved)


def _properties(entry: DatasetEntry, pin: Pinned | None) -> str:
    told = {_OURS: entry.urn}
    if pin is not None:
        told |= {
            "sfctl.certified_version": str(pin.version),
            "sfctl.certified_at": pin.certified_at,
            "sfctl.status": pin.status,
            "sfctl.generation": str(pin.generation),
            "sfctl.table": pin.table,
        }
    return ", ".join(f"'{name}' = '{_text(value)}'" for name, value in told.items())


def _state(spark: SparkSession, view: str) -> _State | None:
    """Return what the catalog says of a view, None where there is none."""
    catalog: Any = spark._jsparkSession.sessionState().catalog()
    parser: Any = spark._jsparkSession.sessionState().sqlParser()
    name = parser.parseTableIdentifier(view)
    if not catalog.databaseExists(name.database().get()) or not catalog.tableExists(name):
        return None
    meta = catalog.getTableMetadata(name)
    properties = meta.properties()
    text = str(meta.viewText().get()) if meta.viewText().isDefined() else ""
    match = _VERSION.search(text)
    generation = _property(properties, "sfctl.generation")
    return _State(
        _property(properties, _OURS),
        int(match[1]) if match else None,
        int(generation) if generation.isdigit() else 0,
        _property(properties, "sfctl.table"),
        text,
    )


def _property(properties: Any, name: str) -> str:
    found = properties.get(name)
    return str(found.get()) if found.isDefined() else ""


def _text(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")


def _urn(entry: DatasetEntry) -> str:
    return entry.urn

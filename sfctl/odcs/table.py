"""A schema object of a contract as the facts of one dataset."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sfctl.odcs.account import Account, Path
from sfctl.odcs.columns import column_name, own_property, take_checks, take_column
from sfctl.odcs.facts import REQUIRED, Facts, Key
from sfctl.odcs.taking import Taking

_SECONDS = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hr", "hour", "hours"), 3600),
    **dict.fromkeys(("d", "day", "days"), 86400),
    **dict.fromkeys(("w", "wk", "week", "weeks"), 604800),
}
_LATE = ("latency", "ly", "freshness", "fr")
_PATHLIKE = {"local": "path", "s3": "location", "azure": "location"}
_STEPS = re.compile(r"/?schema/([^/]+)/properties/([^/]+)")


@dataclass(frozen=True, slots=True)
class Table:
    """What one schema object came to: the facts, and where in the document each came from."""

    index: int
    name: str
    facts: Facts
    origins: Mapping[Key, tuple[Path, ...]]


def slug(text: str) -> str:
    """Return a name that a dataset and its folder may have."""
    return re.sub(r"[^a-z0-9_]+", "_", text.lower()).strip("_") or "data"


def take_table(
    document: dict[str, Any],
    index: int,
    account: Account,
    *,
    server: str = "",
    dataset_of: Callable[[str], str] = str,
) -> Table:
    """Return the facts of one schema object; what is not taken stays in `account`.

    `dataset_of` gives the dataset that a table is known as here, "" for none. `server` names the
    server whose place becomes the dataset's storage.
    """
    taking = Taking(account)
    table = document["schema"][index]
    path: Path = ("schema", index)
    columns = table.get("properties") or []
    for column in columns:
        for key in ("id", "name"):
            if column.get(key):
                taking.names[str(column[key])] = column_name(column)
    _contract(document, taking)
    account.take((*path, "name"), (*path, "physicalName"), (*path, "logicalType"))
    if table.get("description"):
        described = (*path, "description")
        taking.fact(("dataset", "description"), table["description"], described)
    if table.get("tags"):
        taking.fact(("dataset", "tags"), list(table["tags"]), (*path, "tags"))
    for at, column in enumerate(columns):
        take_column(column, (*path, "properties", at), taking)
    _primary_key(columns, path, taking)
    take_checks(table.get("quality"), "", path, taking)
    _relationships(document, table, path, taking, dataset_of)
    _freshness(document, index, taking)
    _storage(document, index, server, taking)
    _own(table, path, taking)
    origins = {key: tuple(paths) for key, paths in taking.origins.items()}
    return Table(index, slug(str(table["name"])), taking.facts, origins)


def _contract(document: Mapping[str, Any], taking: Taking) -> None:
    version = str(document["version"])
    whole = re.fullmatch(r"[1-9][0-9]{0,8}", version)
    taking.fact(("policy", "contract", "id"), str(document["id"]), ("id",))
    number = int(version) if whole else version
    if version:
        taking.fact(("policy", "contract", "version"), number, ("version",))
    purpose = (document.get("description") or {}).get("purpose")
    if purpose:
        place = ("description", "purpose")
        taking.fact(("policy", "contract", "description"), purpose, place)
    team = document.get("team")
    if isinstance(team, dict) and team.get("name"):
        taking.fact(("dataset", "owner_team"), team["name"], ("team", "name"))


def _primary_key(columns: list[dict[str, Any]], path: Path, taking: Taking) -> None:
    def position(at: int) -> tuple[float, int]:
        said = columns[at].get("primaryKeyPosition", -1)
        return (said if said > 0 else float("inf"), at)

    for at, column in enumerate(columns):
        place = (*path, "properties", at)
        said = [(*place, key) for key in ("primaryKey", "primaryKeyPosition") if key in column]
        if not column.get("primaryKey"):
            taking.account.take(*said)
    keys = [at for at, c in enumerate(columns) if c.get("primaryKey") and column_name(c)]
    if not keys:
        return
    keys.sort(key=position)
    names = [column_name(columns[at]) for at in keys]
    said = [
        (*path, "properties", at, key)
        for at in keys
        for key in ("primaryKey", "primaryKeyPosition")
        if key in columns[at]
    ]
    taking.fact(("dataset", "primary_key"), names, *said)
    for name in names:
        taking.entry(REQUIRED, name, *said)
    one = {"field": names[0]} if len(names) == 1 else {"fields": names}
    taking.rule({"kind": "unique", **one}, *said)


def _relationships(
    document: Mapping[str, Any],
    table: Mapping[str, Any],
    path: Path,
    taking: Taking,
    dataset_of: Callable[[str], str],
) -> None:
    found = [
        ((*path, "relationships", at), each.get("from"), each)
        for at, each in enumerate(table.get("relationships") or ())
    ]
    for index, column in enumerate(table.get("properties") or ()):
        place = (*path, "properties", index, "relationships")
        for at, each in enumerate(column.get("relationships") or ()):
            found.append(((*place, at), f"{table['name']}.{column['name']}", each))
    for place, source, each in found:
        rule = _foreign_key(document, source, each["to"], dataset_of)
        if isinstance(rule, str):
            taking.account.leave(place, rule)
        else:
            taking.rule(rule, *((*place, key) for key in ("type", "from", "to") if key in each))


def _foreign_key(
    document: Mapping[str, Any], source: Any, target: Any, dataset_of: Callable[[str], str]
) -> dict[str, Any] | str:
    here = [_column(document, each) for each in _listed(source)]
    there = [_column(document, each) for each in _listed(target)]
    tables = {table for table, _ in there}
    if len(here) != len(there) or len(tables) != 1:
        return "its two sides do not pair up, or lead to several tables"
    named = dataset_of(tables.pop())
    if not named:
        return "the table it refers to is no dataset here"
    if len(here) == 1:
        column, other = here[0][1], there[0][1]
        return {
            "kind": "foreign_key",
            "field": column,
            "references": {"dataset": named, "field": other},
        }
    ends = {"dataset": named, "fields": [column for _, column in there]}
    return {"kind": "foreign_key", "fields": [column for _, column in here], "references": ends}


def _listed(value: Any) -> list[str]:
    return list(value) if isinstance(value, list) else [str(value)]


def _column(document: Mapping[str, Any], reference: str) -> tuple[str, str]:
    """Return table and column of a reference: by name, or by the ids of a path."""
    steps = _STEPS.fullmatch(reference)
    named, column = steps.groups() if steps else reference.rpartition(".")[::2]
    for table in document.get("schema") or ():
        if named in (table.get("id"), table["name"]):
            for each in table.get("properties") or ():
                if column in (each.get("id"), each.get("name")):
                    return str(table["name"]), column_name(each)
            return str(table["name"]), column
    return named, column


def _freshness(document: Mapping[str, Any], index: int, taking: Taking) -> None:
    tables = document["schema"]
    for at, promise in enumerate(document.get("slaProperties") or ()):
        if str(promise["property"]).lower() not in _LATE:
            continue
        path: Path = ("slaProperties", at)
        element = promise.get("element") or document.get("slaDefaultElement") or ""
        table, _, column = str(element).rpartition(".")
        own = tables[index]
        if (table and table not in (own["name"], own.get("physicalName"), own.get("id"))) or (
            not table and len(tables) > 1
        ):
            continue
        value, unit = promise["value"], str(promise.get("unit") or "").lower()
        seconds = _SECONDS.get(unit, 0) * value if _is_number(value) else 0
        if seconds < 1 or seconds != int(seconds):
            taking.account.leave((*path, "value"), "it is no number of a unit of time we know")
            continue
        if ("dataset", "slo", "freshness") in taking.facts:
            taking.account.leave((*path, "value"), "freshness is stated once for a dataset")
            continue
        policy: dict[str, Any] = {"max_delay_seconds": int(seconds)}
        if column:
            policy["partition_key"] = taking.names.get(column, column)
        said = [(*path, key) for key in ("property", "value", "unit", "element") if key in promise]
        default = [("slaDefaultElement",)] if "element" not in promise and element else []
        taking.fact(("dataset", "slo", "freshness"), policy, *said, *default)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _storage(document: Mapping[str, Any], index: int, server: str, taking: Taking) -> None:
    table = document["schema"][index]
    cut = [
        (each.get("partitionKeyPosition", -1), at)
        for at, each in enumerate(table.get("properties") or ())
        if each.get("partitioned")
    ]
    for at, each in enumerate(table.get("properties") or ()):
        if not each.get("partitioned"):
            for key in ("partitioned", "partitionKeyPosition"):
                taking.account.take(("schema", index, "properties", at, key))
    for at, each in enumerate(document.get("servers") or ()):
        path: Path = ("servers", at)
        if not server or each.get("server") != server:
            taking.account.leave(path, "--server NAME makes a server the dataset's storage")
            continue
        key = _PATHLIKE.get(each["type"], "")
        place, form = str(each.get(key) or ""), each.get("format")
        if not place or form not in ("delta", "parquet") or "*" in place:
            reason = "storage is a folder of format delta or parquet, local or in a bucket"
            taking.account.leave(path, reason)
            continue
        for word in ("{model}", "{table}", "{schema}"):
            place = place.replace(word, str(table.get("physicalName") or table["name"]))
        gold: dict[str, Any] = {"path": place, "format": form}
        columns = [table["properties"][at] for _, at in sorted(cut)]
        if columns:
            gold["partition_by"] = [column_name(column) for column in columns]
        said = [(*path, name) for name in ("server", "type", key, "format")]
        for _, column in cut:
            for name in ("partitioned", "partitionKeyPosition"):
                said.append(("schema", index, "properties", column, name))
        taking.fact(("dataset", "storage"), {"gold": gold}, *said)


def _own(table: Mapping[str, Any], path: Path, taking: Taking) -> None:
    """Take the facts that the standard cannot say and that an export put beside it."""
    held, places = own_property(table, path)
    for each in held.get("without") or ():
        key = tuple(str(part) for part in each)
        taking.facts.pop(key, None)
        taking.origins.pop(key, None)
    for each in held.get("facts") or ():
        at = tuple(str(part) for part in each["at"])
        if at[:1] in (("dataset",), ("policy",)) and len(at) > 1:
            taking.fact(at, each["value"], *places)
    taking.account.take(*places)

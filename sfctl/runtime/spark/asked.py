"""What a batch writer of Spark was asked to do, read off the calls that were made on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

Call: TypeAlias = tuple[str, tuple[Any, ...], Mapping[str, Any]]
_HARMLESS = {("mergeschema", "false"), ("overwriteschema", "false")}
_V1 = {
    "save": ("path", "format", "mode", "partitionBy"),
    "saveAsTable": ("name", "format", "mode", "partitionBy"),
    "insertInto": ("tableName", "overwrite"),
}
_V2 = {
    "append": "append",
    "overwritePartitions": "overwrite_partitions",
    "createOrReplace": "replace",
}
_MODES = {
    "append": "append", "overwrite": "overwrite", "ignore": "ignore", "error": "error",
    "errorifexists": "error", "default": "error",
}  # fmt: skip


class Asked(NamedTuple):
    """One write. `path` or `table` says where to; `form` is empty where none was named.

    `mode` is append, overwrite, overwrite_partitions, replace, error or ignore. `partition_by` is
    None where no columns were named, `dynamic` where the session says whether an overwrite
    replaces only partitions that occur. `unfit` says what of it a gated write could not repeat.
    """

    method: str
    mode: str
    form: str = ""
    path: str = ""
    table: str = ""
    partition_by: tuple[str, ...] | None = None
    dynamic: bool | None = None
    unfit: str = ""


def asked(
    method: str, args: Sequence[Any], kwargs: Mapping[str, Any], calls: Sequence[Call]
) -> Asked:
    """Return what a writer is to do."""
    if method in _V1:
        return _of_v1(method, args, kwargs, calls)
    return _of_v2(method, args, kwargs, calls)


def _of_v1(
    method: str, args: Sequence[Any], kwargs: Mapping[str, Any], calls: Sequence[Call]
) -> Asked:
    given = {**dict(zip(_V1[method], args, strict=False)), **kwargs}
    own = {name: given.pop(name, None) for name in _V1[method]}
    form, mode, options, unfit = "", "default", dict[str, str](), list[str]()
    columns: Any = own.get("partitionBy")
    for name, values, named in calls:
        if name == "format":
            form = str(_only(values, named))
        elif name == "mode":
            mode = str(_only(values, named) or mode)
        elif name == "partitionBy":
            columns = columns if own.get("partitionBy") is not None else values
        elif name in ("option", "options"):
            options |= _options(name, values, named)
        else:
            unfit.append(name)
    options |= _options("options", (), given)
    mode = str(own.get("mode") or mode).lower()
    names = None if columns is None else _names(columns)
    if method == "insertInto":
        if own["overwrite"] is not None:
            mode = "overwrite" if own["overwrite"] else "append"
        mode = "overwrite" if mode == "overwrite" else "append"
        unfit += ["partitionBy with insertInto"] if names is not None else []
    path = options.pop("path", "")
    where = str(own[_V1[method][0]] or "")
    if method != "save" and path:
        unfit.append("path")
    dynamic = _dynamic(options, unfit)
    if mode not in _MODES:
        unfit.append("mode")
    if names is not None and not all(isinstance(name, str) for name in names):
        unfit.append("partitionBy")
    return Asked(
        method, _MODES.get(mode, ""), str(own.get("format") or form).lower(),
        path=(where or path) if method == "save" else "", table="" if method == "save" else where,
        partition_by=names, dynamic=dynamic, unfit=unfit[0] if unfit else "",
    )  # fmt: skip


def _of_v2(
    method: str, args: Sequence[Any], kwargs: Mapping[str, Any], calls: Sequence[Call]
) -> Asked:
    unfit = [] if method in _V2 and not args and not kwargs else [method]
    form, table, options = "", "", dict[str, str]()
    for name, values, named in calls:
        if name == "__init__":
            table = str({**dict(zip(("df", "table"), values, strict=False)), **named}["table"])
        elif name == "using":
            form = str(_only(values, named)).lower()
        elif name in ("option", "options"):
            options |= _options(name, values, named)
        else:
            unfit.append(name)
    _dynamic(options, unfit)
    return Asked(method, _V2.get(method, ""), form, table=table, unfit=unfit[0] if unfit else "")


def _only(values: Sequence[Any], named: Mapping[str, Any]) -> Any:
    return values[0] if values else next(iter(named.values()), None)


def _names(columns: Any) -> tuple[Any, ...]:
    """Return columns that were given as one text, as several, or as one list."""
    if isinstance(columns, str):
        return (columns,)
    if len(columns) == 1 and isinstance(columns[0], list | tuple):
        return tuple(columns[0])
    return tuple(columns)


def _options(name: str, values: Sequence[Any], named: Mapping[str, Any]) -> dict[str, str]:
    """Return options by their names in small letters, as Spark compares them."""
    if name == "option":
        both = {**dict(zip(("key", "value"), values, strict=False)), **named}
        named = {both["key"]: both.get("value")}
    return {
        key.lower(): str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in named.items()
        if value is not None
    }


def _dynamic(options: dict[str, str], unfit: list[str]) -> bool | None:
    """Return what options say of dynamic overwrites; any other option is unfit."""
    overwrite = options.pop("partitionoverwritemode", "").lower()
    unfit += [f"option {n}" for n, v in options.items() if (n, v.lower()) not in _HARMLESS]
    return overwrite == "dynamic" if overwrite else None

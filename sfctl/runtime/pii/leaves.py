"""Texts wherever they stand in a frame: in columns, in fields of structs, in lists and maps.

A field inside a struct has the path `a.b`; what stands in a list has the list's. A map is a list of
structs: `m.key`, `m.value`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import polars as pl

Change = Callable[[str, pl.Series], "pl.Series | None"]
"""Gets a path and its texts; returns them changed, in number and order the same, or None."""


def holds_text(dtype: pl.DataType) -> bool:
    """Tell whether values of a type are texts, or may hold some."""
    if isinstance(dtype, pl.Struct):
        return any(holds_text(_instance(field.dtype)) for field in dtype.fields)
    if isinstance(dtype, pl.List | pl.Array):
        return holds_text(_instance(dtype.inner))
    if isinstance(dtype, pl.Map):
        return holds_text(_instance(dtype.key)) or holds_text(_instance(dtype.value))
    return dtype == pl.String or isinstance(dtype, pl.Categorical | pl.Enum)


def texts(frame: pl.DataFrame) -> Iterator[tuple[str, pl.Series]]:
    """Yield the path and the values of every text in a frame, of lists one value an element."""
    for series in frame:
        if holds_text(series.dtype):
            yield from _texts(series.name, series)


def _texts(path: str, series: pl.Series) -> Iterator[tuple[str, pl.Series]]:
    if isinstance(series.dtype, pl.Struct):
        for field in series.dtype.fields:
            if holds_text(_instance(field.dtype)):
                yield from _texts(f"{path}.{field.name}", series.struct.field(field.name))
    elif isinstance(series.dtype, pl.List | pl.Array | pl.Map):
        yield from _texts(path, _listed(series).explode(empty_as_null=False, keep_nulls=False))
    else:
        yield path, as_text(series)


def changed(path: str, series: pl.Series, change: Change) -> pl.Series | None:
    """Return a column with every text in it changed; None where none was."""
    dtype = series.dtype
    if not holds_text(dtype):
        return None
    if isinstance(dtype, pl.Struct):
        return _struct(path, series, dtype, change)
    if isinstance(dtype, pl.List | pl.Array | pl.Map):
        return _list(path, series, change)
    return change(path, as_text(series))


def as_text(series: pl.Series) -> pl.Series:
    """Return dictionary values as the texts they stand for."""
    return series if series.dtype == pl.String else series.cast(pl.String)


def _struct(path: str, series: pl.Series, dtype: pl.Struct, change: Change) -> pl.Series | None:
    fields, any_changed = [], False
    for field in dtype.fields:
        old = series.struct.field(field.name)
        new = changed(f"{path}.{field.name}", old, change)
        any_changed = any_changed or new is not None
        fields.append((old if new is None else new).alias(field.name))
    if not any_changed:
        return None
    whole = pl.DataFrame(fields).to_struct(series.name)
    return _where(series.is_not_null(), whole, pl.lit(None, dtype=whole.dtype))


def _list(path: str, series: pl.Series, change: Change) -> pl.Series | None:
    lists = _listed(series)
    flat = lists.explode(empty_as_null=False, keep_nulls=False)
    new = changed(path, flat.alias(series.name), change)
    if new is None:
        return None
    rows = pl.int_range(lists.len(), dtype=pl.Int64, eager=True).alias("row")
    owner = rows.repeat_by(lists.list.len().fill_null(0))
    owner = owner.explode(empty_as_null=False, keep_nulls=False)
    filled = (
        pl.DataFrame({"row": owner, "new": new}).group_by("row", maintain_order=True).agg("new")
    )
    # lists that are null or empty have no elements and stay what they are
    kept = pl.DataFrame({"row": rows, "kept": lists.cast(pl.List(new.dtype))})
    joined = kept.join(filled, on="row", how="left", maintain_order="left")
    whole = joined.select(pl.coalesce("new", "kept")).to_series()
    if isinstance(series.dtype, pl.Array):
        whole = whole.list.to_array(series.dtype.size)
    if isinstance(series.dtype, pl.Map):
        whole = _mapped(whole)
    return whole.alias(series.name)


def _mapped(listed: pl.Series) -> pl.Series:
    """Return lists of pairs as maps. Raises where a key became null, or two became one."""
    entry = listed.dtype.inner  # type: ignore[attr-defined]
    key, value = (_instance(field.dtype) for field in entry.fields)
    maps = listed.cast(pl.Map(key, value))
    if pairs(maps).list.len().sum() != listed.list.len().sum():
        raise ValueError("an action made one key of two")
    return maps


def pairs(maps: pl.Series) -> pl.Series:
    """Return maps as lists of structs `key`, `value`."""
    dtype = maps.dtype
    assert isinstance(dtype, pl.Map)
    return maps.cast(pl.List(pl.Struct({"key": dtype.key, "value": dtype.value})))


def _listed(series: pl.Series) -> pl.Series:
    if isinstance(series.dtype, pl.Map):
        return pairs(series)
    return series.arr.to_list() if isinstance(series.dtype, pl.Array) else series


def _where(mask: pl.Series, yes: pl.Series, no: pl.Expr) -> pl.Series:
    frame = pl.DataFrame({"mask": mask, "yes": yes})
    return frame.select(pl.when("mask").then("yes").otherwise(no)).to_series().alias(yes.name)


def _instance(dtype: Any) -> pl.DataType:
    """Return a type that a nested one may hold as a class."""
    found: pl.DataType = dtype if isinstance(dtype, pl.DataType) else dtype()
    return found

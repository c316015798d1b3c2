"""Uniqueness by 64-bit hashes of the key, confirmed on the key where a hash occurs twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from sfctl.runtime.polars import columns

BUCKETS = 16
SMALL = 2_000_000
"""Hashes up to this many are looked through at once, more in buckets one after the other."""
_SEED = 20


@dataclass(slots=True)
class Hashes:
    """The hashes of all keys seen so far, in any order: a state that merges by appending."""

    chunks: list[pl.Series] = field(default_factory=list)

    def add(self, chunk: pl.DataFrame, keys: Sequence[pl.Expr], covered: pl.Expr | None) -> int:
        """Remember the keys of a chunk's rows that are `covered`, and return how many they are."""
        seen = hashes(chunk, keys, covered)
        self.chunks.append(seen)
        return len(seen)

    def suspects(self) -> pl.Series:
        """Return the hashes that occur more than once, each once."""
        total = sum(len(chunk) for chunk in self.chunks)
        if total <= SMALL:
            return _repeated(self.chunks)
        found = []
        for bucket in range(BUCKETS):
            low, high = bucket << 60, ((bucket + 1) << 60) - 1
            inside = [chunk.filter(chunk.is_between(low, high)) for chunk in self.chunks]
            found.append(_repeated(inside))
        return pl.concat(found)


def key_of(
    fields: Sequence[str], schema: Mapping[str, pl.DataType], nulls: str
) -> tuple[list[pl.Expr], pl.Expr | None]:
    """Return the parts of a key, and which rows have one where null is not equal to null.

    NaN is null, -0.0 is 0.0, dictionaries are their values, instants are compared in UTC.
    """
    parts: list[pl.Expr] = []
    for name in fields:
        value, dtype = columns.named(name, schema)
        parts.append(_part(value, dtype).alias(name))
    if nulls == "equal":
        return parts, None
    return parts, pl.all_horizontal(part.is_not_null() for part in parts)


def alike(rows: pl.LazyFrame, wanted: Mapping[str, pl.DataType]) -> pl.LazyFrame:
    """Return rows with columns read as other types, so that equal keys look the same.

    Rows with a value that is not of such a type are left out, for they equal none. A column of
    another kind altogether stays as it is.
    """
    schema = rows.collect_schema()
    for name, dtype in wanted.items():
        own = schema.get(name, dtype)
        if own == pl.Null():
            rows = rows.with_columns(pl.col(name).cast(dtype))
        if own == dtype or _kin(own) != _kin(dtype) or _kin(own) == "other":
            continue
        value = pl.col(name)
        found = _cast(value, own, dtype)
        same = _cast(found, dtype, own).eq_missing(value)
        if own.is_float():
            same = same | value.is_nan()
        rows = rows.filter(same).with_columns(found)
    return rows


def _cast(value: pl.Expr, own: pl.DataType, dtype: pl.DataType) -> pl.Expr:
    if own.is_float() and isinstance(dtype, pl.Decimal):
        value = columns.as_decimal(value, dtype.scale)
    return value.cast(dtype, strict=False)


def _kin(dtype: pl.DataType) -> str:
    family = columns.as_found(pl.lit(None), dtype).family
    return "number" if family in ("exact", "float") else family


def _part(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Return a value in the form in which equal ones look the same; the kernel knows of -0.0."""
    if not _holds_floats(dtype):
        return columns.as_found(value, dtype).value
    if isinstance(dtype, pl.Struct):
        inside = [_part(value.struct.field(f.name), f.dtype).alias(f.name) for f in dtype.fields]  # type: ignore[arg-type]
        return pl.when(value.is_not_null()).then(pl.struct(inside))
    if isinstance(dtype, pl.List | pl.Array):
        listed = value.arr.to_list() if isinstance(dtype, pl.Array) else value
        return listed.list.eval(_part(pl.element(), dtype.inner))  # type: ignore[arg-type]
    return columns.as_found(value, dtype).value


def _holds_floats(dtype: object) -> bool:
    if isinstance(dtype, pl.Struct):
        return any(_holds_floats(each.dtype) for each in dtype.fields)
    if isinstance(dtype, pl.List | pl.Array):
        return _holds_floats(dtype.inner)
    return dtype in (pl.Float32(), pl.Float64(), pl.Float16())


def hashes(chunk: pl.DataFrame, keys: Sequence[pl.Expr], covered: pl.Expr | None) -> pl.Series:
    """Return one hash per covered row, in the chunk's order."""
    if covered is not None:
        chunk = chunk.filter(covered)
    value = keys[0].hash(_SEED) if len(keys) == 1 else pl.struct(keys).hash(_SEED)
    return chunk.select(value.alias("hash")).to_series()


def _repeated(chunks: Sequence[pl.Series]) -> pl.Series:
    together = pl.concat(chunks) if chunks else pl.Series("hash", [], dtype=pl.UInt64)
    ordered = together.sort()
    again = ordered.filter(ordered == ordered.shift(1))
    return again.unique() if len(again) else again


def repeats(
    frame: pl.DataFrame,
    keys: Sequence[pl.Expr],
    covered: pl.Expr | None,
    background: pl.DataFrame | None = None,
) -> pl.Series:
    """Return for every row whether its key occurs again, in the frame or in the background."""
    row = "_sfctl_row"
    inside = (
        frame.with_row_index(row) if covered is None else frame.with_row_index(row).filter(covered)
    )
    seen = [hashes(inside, keys, None)]
    if background is not None:
        seen.append(hashes(background, keys, None))
    suspects = _repeated(seen)
    found = pl.repeat(value=False, n=frame.height, dtype=pl.Boolean, eager=True)
    if not len(suspects):
        return found
    own = inside.filter(seen[0].is_in(suspects.implode())).select(row, *keys)
    others = [] if background is None else [background.filter(seen[1].is_in(suspects.implode()))]
    together = pl.concat(
        [own, *(o.select(pl.lit(None, pl.UInt32).alias(row), *keys) for o in others)]
    )
    names = [name for name in together.columns if name != row]
    bad = together.filter(pl.struct(names).is_duplicated()).get_column(row).drop_nulls()
    return found.scatter(bad, True) if len(bad) else found

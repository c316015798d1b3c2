"""Whether rows keep their values in a table whose columns are of other types.

Writers cast without a word: what was judged as 0.4 would be stored as 0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sfctl.errors import StoreError

if TYPE_CHECKING:
    import polars as pl

_WHOLE = {"byte": 3, "short": 5, "integer": 10, "long": 19}
"""Whole numbers in the log's words, narrow ones first, with the digits that all of them have."""
_HELD = {"float": {"byte", "short"}, "double": {"byte", "short", "integer", "float"}}
_DECIMAL = re.compile(r"decimal\((\d+),\s*(-?\d+)\)")


def keeps(given: Any, own: Any) -> bool:
    """Tell whether every value of a type in the log's JSON is the same in another type."""
    if isinstance(given, Mapping) and isinstance(own, Mapping):
        return given["type"] == own["type"] and _keeps_inside(given, own)
    if not isinstance(given, str) or not isinstance(own, str):
        return False
    if given == own:
        return True
    if given in _WHOLE and own in _WHOLE:
        return _WHOLE[given] < _WHOLE[own]
    before, after = _digits(given), _digits(own)
    if before is not None and after is not None:
        return before[0] <= after[0] and before[1] <= after[1]
    return given in _HELD.get(own, ())


def altered(given: Sequence[Mapping[str, Any]], own: Sequence[Mapping[str, Any]]) -> str:
    """Return the first of some columns that a table's columns would not keep, else nothing."""
    kinds = {field["name"].lower(): field["type"] for field in own}
    for field in given:
        kind = kinds.get(field["name"].lower())
        if kind is not None and not keeps(field["type"], kind):
            return str(field["name"])
    return ""


def require_kept(frame: pl.DataFrame, own: pl.Schema, limited: Mapping[str, str]) -> None:
    """Raise StoreError SF335 where a table's types would store other values than the rows have.

    Parts of a moment that no table keeps are not looked at. `limited` has the kind of each column
    of texts of limited length, `char(5)`: delta-rs lets longer ones in.
    """
    for name, kind in own.items():
        if name in frame.columns and not _same(frame[name], kind):
            number = kind.is_integer() or kind.is_float()
            raise other_values(name, str(kind).lower() if number else "")
    for name, limit in limited.items():
        if name in frame.columns and _longest(frame[name]) > int(limit.strip("varch()")):
            raise other_values(name)


def _longest(texts: pl.Series) -> int:
    """Return the length of the longest of some texts, in characters."""
    import polars as pl

    found: Any = texts.cast(pl.String).str.len_chars().max()
    return found or 0


def _same(values: pl.Series, own: pl.DataType) -> bool:
    """Tell whether values are the same in another type, those inside of them included."""
    import polars as pl

    given = values.dtype
    if given == own or (given.is_temporal() and given.base_type() == own.base_type()):
        return True
    if isinstance(given, pl.Struct) and isinstance(own, pl.Struct):
        kinds = dict(own)
        fields = [name for name, _ in given]
        return {*fields} <= {*kinds} and all(
            _same(values.struct.field(name), _type(kinds[name])) for name in fields
        )
    if isinstance(given, pl.List | pl.Array) and isinstance(own, pl.List):
        return _same(values.explode(), _type(own.inner))
    try:
        return values.cast(own).cast(given).eq_missing(values).all()
    except pl.exceptions.PolarsError:
        return False


def _type(dtype: object) -> pl.DataType:
    """Return a type as a value, where Polars may also have it as a class."""
    made: pl.DataType = dtype() if isinstance(dtype, type) else dtype  # type: ignore[assignment]
    return made


def other_values(name: str, kind: str = "") -> StoreError:
    """Return what tells the caller that a table's column cannot hold the values of the rows.

    `kind` is the type of numbers that it can hold, as pandas and NumPy call it.
    """
    how = f', as by pandas\' df["{name}"].astype("{kind}")' if kind else ""
    return StoreError(
        f"the table's column {name} is of a type that would store other values than were judged",
        hint=f"cast {name} to the table's type before the write{how}; or change the table's column",
        code="SF335",
    )


def _keeps_inside(given: Mapping[str, Any], own: Mapping[str, Any]) -> bool:
    if given["type"] == "struct":
        return not altered(given["fields"], own["fields"])
    inner = {"array": ("elementType",), "map": ("keyType", "valueType")}.get(given["type"])
    if inner is None:
        return dict(given) == dict(own)
    return all(keeps(given[name], own[name]) for name in inner)


def _digits(kind: str) -> tuple[int, int] | None:
    """Return the digits before and after the point that all values of a type may have."""
    if kind in _WHOLE:
        return _WHOLE[kind], 0
    found = _DECIMAL.fullmatch(kind)
    if found is None:
        return None
    return int(found[1]) - int(found[2]), int(found[2])

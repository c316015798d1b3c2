"""The canonical schema of a pandas frame, whatever its columns are kept in."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from sfctl.dialects.naming import schema_from
from sfctl.dialects.place import Place
from sfctl.errors import MissingExtra
from sfctl.model.schema import Schema
from sfctl.model.types import DataType
from sfctl.runtime.core.arrow_schema import of_arrow


def of_pandas(frame: Any) -> Schema:
    """Return the schema of a pandas frame; nullability is unknown, for no dtype declares it.

    Columns of objects are what their values are, of any type where these do not agree. Raises
    MissingExtra without pyarrow, NotASchema for names that no table can hold.
    """
    try:
        import pyarrow as pa
    except ImportError:
        raise MissingExtra("pyarrow", "pandas") from None

    fields = []
    for position, name in enumerate(frame.columns):
        column = frame.iloc[:, position]
        try:
            kind = pa.array(column if column.dtype == object else column[:0], from_pandas=True).type
        except (pa.ArrowException, TypeError, ValueError, NotImplementedError):
            kind = None
        found = DataType("ANY")
        if kind is not None:
            (one,) = of_arrow(pa.schema([pa.field("column", kind)])).columns
            found = unknowing(one.type)
        fields.append((str(name), found, None))
    return schema_from(fields, Place("frame"))


def unknowing(kind: DataType) -> DataType:
    """Return a type that says nothing of what may be null inside."""
    return replace(kind, args=tuple(map(unknowing, kind.args)), nullables=())

"""The schema of whatever speaks Arrow, read from the C data interface: no Arrow library needed.

What pyarrow, Polars, nanoarrow, arro3 or DuckDB export is one struct in memory; it says what they
all know: types, what may be null, what is a dictionary.
"""

from __future__ import annotations

import ctypes
import re
import struct
from collections.abc import Iterator
from typing import Any

from sfctl.dialects.naming import schema_from, struct_from
from sfctl.dialects.place import Place
from sfctl.model.schema import Schema
from sfctl.model.types import DataType, array_of, decimal_of, map_of
from sfctl.runtime.core.schema_of import EXTENSIONS

_NULLABLE = 2
_FORMATS = {
    "n": "NULL", "b": "BOOLEAN", "c": "INT8", "C": "UINT8", "s": "INT16", "S": "UINT16",
    "i": "INT32", "I": "UINT32", "l": "INT64", "L": "UINT64", "e": "HALF", "f": "FLOAT",
    "g": "DOUBLE", "z": "BINARY", "Z": "BINARY", "vz": "BINARY", "u": "STRING", "U": "STRING",
    "vu": "STRING", "tdD": "DATE", "tdm": "DATE", "tiD": "DURATION",
}  # fmt: skip
_PREFIXES = (("w:", "BINARY"), ("tt", "TIME"), ("tD", "DURATION"))
_DECIMAL = re.compile(r"d:(\d+),(-?\d+)(?:,\d+)?\Z")
_LISTS = ("+l", "+L", "+vl", "+vL")


class _Node(ctypes.Structure):
    """`struct ArrowSchema` of the C data interface."""


_Node._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_void_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(ctypes.POINTER(_Node))),
    ("dictionary", ctypes.POINTER(_Node)),
    ("release", ctypes.c_void_p),
    ("private_data", ctypes.c_void_p),
]


def of_arrow(exporter: Any) -> Schema:
    """Return the schema of an object with `__arrow_c_schema__`: an Arrow or a Polars schema.

    Raises NotASchema for what is no struct of columns, is nested too deeply, or names two alike.
    """
    capsule = exporter.__arrow_c_schema__()
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    node = _Node.from_address(pointer(capsule, b"arrow_schema"))
    place = Place("schema")
    if node.format != b"+s":
        raise place.wrong("not a struct of columns")
    # the capsule owns the memory: it must live until the last node was read
    found = schema_from(list(_fields(node, place)), place)
    del capsule
    return found


def _fields(node: _Node, at: Place) -> Iterator[tuple[str, DataType, bool | None]]:
    for child in _children(node):
        name = _text(child.name)
        yield name, _type(child, at.inside(name)), bool(child.flags & _NULLABLE)


def _children(node: _Node) -> Iterator[_Node]:
    for position in range(node.n_children):
        yield node.children[position].contents


def _type(node: _Node, at: Place) -> DataType:
    if node.dictionary:
        return _type(node.dictionary.contents, at)
    extension = EXTENSIONS.get(_metadata(node).get("ARROW:extension:name", ""))
    if extension is not None:
        return DataType(extension)
    form = _text(node.format)
    if form == "+s":
        return struct_from(_fields(node, at), at)
    if form in _LISTS or form.startswith("+w:"):
        (child,) = _children(node)
        return array_of(_type(child, at.inside("element")), bool(child.flags & _NULLABLE))
    if form == "+m":
        key, value = _children(next(_children(node)))
        kinds = _type(key, at.inside("key")), _type(value, at.inside("value"))
        return map_of(*kinds, bool(value.flags & _NULLABLE))
    if form == "+r":
        _, values = _children(node)
        return _type(values, at)
    return _flat(form)


def _flat(form: str) -> DataType:
    if form in _FORMATS:
        return DataType(_FORMATS[form])
    decimal = _DECIMAL.match(form)
    if decimal is not None:
        precision, scale = int(decimal[1]), int(decimal[2])
        fits = 1 <= precision <= 38 and 0 <= scale <= precision
        return decimal_of(precision, scale) if fits else DataType("ANY")
    if form.startswith("ts"):
        return DataType("TIMESTAMP" if form.partition(":")[2] else "TIMESTAMP_NTZ")
    return DataType(next((kind for start, kind in _PREFIXES if form.startswith(start)), "ANY"))


def _metadata(node: _Node) -> dict[str, str]:
    """Return key and value texts; the format is a count, then lengths with bytes behind each."""
    if not node.metadata:
        return {}
    at = int(node.metadata)

    def taken(size: int) -> bytes:
        nonlocal at
        at += size
        return ctypes.string_at(at - size, size)

    def text() -> str:
        (size,) = struct.unpack("=i", taken(4))
        return taken(size).decode(errors="replace")

    (count,) = struct.unpack("=i", taken(4))
    return {text(): text() for _ in range(count)}


def _text(value: bytes | None) -> str:
    return (value or b"").decode(errors="replace")

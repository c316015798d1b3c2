"""Canonical types: one name for what every engine, file format and registry calls differently."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Literal

import msgspec

SCALARS = frozenset(
    [
        "BOOLEAN", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64",
        "HALF", "FLOAT", "DOUBLE", "STRING", "BINARY", "DATE", "TIME", "TIMESTAMP",
        "TIMESTAMP_NTZ", "DURATION", "JSON", "NULL", "ANY",
    ]
)  # fmt: skip
SYNONYMS = {
    "BOOL": "BOOLEAN", "BYTE": "INT8", "TINYINT": "INT8", "SHORT": "INT16", "SMALLINT": "INT16",
    "INT": "INT32", "INTEGER": "INT32", "LONG": "INT64", "BIGINT": "INT64", "REAL": "FLOAT",
    "FLOAT16": "HALF", "FLOAT32": "FLOAT", "FLOAT64": "DOUBLE", "VARCHAR": "STRING",
    "CHAR": "STRING", "TEXT": "STRING", "STR": "STRING", "UTF8": "STRING", "BYTES": "BINARY",
    "DATETIME": "TIMESTAMP", "TIMESTAMPTZ": "TIMESTAMP", "TIMESTAMP_TZ": "TIMESTAMP",
    "TIMESTAMP_LTZ": "TIMESTAMP", "NUMERIC": "DECIMAL", "LIST": "ARRAY", "RECORD": "STRUCT",
    "INTERVAL": "DURATION",
}  # fmt: skip
_INTEGERS = {"INT8": 1, "INT16": 2, "INT32": 4, "INT64": 8}
_UNSIGNED = {"UINT8": 1, "UINT16": 2, "UINT32": 4, "UINT64": 8}
_FLOATS = {"HALF": 2, "FLOAT": 4, "DOUBLE": 8}
DEEPEST = 32
"""Levels of nesting that a type may have; no engine and no person goes deeper."""
Nulls = Literal["all", "required", "none"]
_TOKEN = re.compile(r"\s*(?:([A-Za-z_][\w.-]*|\d+|[<>(),:])|(`(?:[^`]|``)*`))")
_BARE = re.compile(r"[A-Za-z_][\w.-]*\Z")


class DataType(msgspec.Struct, frozen=True, omit_defaults=True):
    """One canonical type. A bare DECIMAL, ARRAY, MAP or STRUCT (nothing inside) matches any.

    `nullables` says of each of `args` whether it may be null, None where nobody knows; it is
    empty where nothing is known of any. Keys of a map are never null and are always None.
    """

    kind: str
    precision: int | None = None
    scale: int | None = None
    args: tuple[DataType, ...] = ()
    names: tuple[str, ...] = ()
    nullables: tuple[bool | None, ...] = ()

    def __str__(self) -> str:
        return self.written("all")

    def written(self, nulls: Nulls) -> str:
        """Return the canonical text; `parse` reads it back.

        `nulls` says which words on nullability inside stand in it: all that is known, only
        `NOT NULL`, or none.
        """
        if self.kind == "DECIMAL" and self.precision is not None:
            return f"DECIMAL({self.precision},{self.scale})"
        if not self.args:
            return self.kind
        texts = [
            argument.written(nulls) + self._null(i, nulls) for i, argument in enumerate(self.args)
        ]
        if self.kind == "STRUCT":
            names = map(_quoted, self.names)
            texts = [f"{name}:{text}" for name, text in zip(names, texts, strict=True)]
        return f"{self.kind}<{','.join(texts)}>"

    def _null(self, position: int, nulls: Nulls) -> str:
        may = self.nullable_at(position)
        if may is None or nulls == "none" or (may and nulls == "required"):
            return ""
        return " NULL" if may else " NOT NULL"

    def nullable_at(self, position: int) -> bool | None:
        """Return whether the argument at a position may be null, None where nobody knows."""
        return self.nullables[position] if self.nullables else None

    def shape(self) -> DataType:
        """Return the type without nullability, the fields of structs in order of name."""
        inner = [argument.shape() for argument in self.args]
        if self.kind != "STRUCT":
            return DataType(self.kind, self.precision, self.scale, tuple(inner))
        ordered = sorted(zip(self.names, inner, strict=True), key=lambda field: field[0])
        return struct_of((name, kind, None) for name, kind in ordered)

    @property
    def is_integer(self) -> bool:
        return self.kind in _INTEGERS or self.kind in _UNSIGNED

    @property
    def is_float(self) -> bool:
        return self.kind in _FLOATS

    @property
    def is_exact(self) -> bool:
        """Integers and decimals: numbers that are never rounded in silence."""
        return self.is_integer or self.kind == "DECIMAL"

    @property
    def is_numeric(self) -> bool:
        return self.is_exact or self.is_float

    @property
    def is_temporal(self) -> bool:
        return self.kind in ("DATE", "TIME", "TIMESTAMP", "TIMESTAMP_NTZ")

    def accepts(self, other: DataType) -> bool:
        """Tell whether a column of type `other` satisfies this declared type exactly.

        ANY and bare parametric types match any of their kind.
        """
        if self.kind == "ANY" or self == other:
            return True
        if self.kind != other.kind:
            return False
        if self.kind == "DECIMAL":
            return self.precision is None
        if not self.args:
            return self.kind in ("ARRAY", "MAP", "STRUCT")
        if self.kind == "STRUCT" and self.names != other.names:
            return False
        return len(self.args) == len(other.args) and all(
            a.accepts(b) for a, b in zip(self.args, other.args, strict=True)
        )

    def widens(self, other: DataType) -> bool:
        """Tell whether every value of `other` is a value of this type (a safe widening)."""
        if self.accepts(other) or other.kind == "NULL":
            return True
        if self.kind in _INTEGERS and other.kind in _INTEGERS:
            return _INTEGERS[self.kind] > _INTEGERS[other.kind]
        if self.kind in _UNSIGNED and other.kind in _UNSIGNED:
            return _UNSIGNED[self.kind] > _UNSIGNED[other.kind]
        if self.kind in _INTEGERS and other.kind in _UNSIGNED:
            return _INTEGERS[self.kind] > _UNSIGNED[other.kind]
        if self.is_float and other.is_float:
            return _FLOATS[self.kind] > _FLOATS[other.kind]
        if self.is_float and other.is_integer:
            width = _INTEGERS.get(other.kind) or _UNSIGNED[other.kind]
            return _FLOATS[self.kind] > width
        if self.kind == "DECIMAL" and self.precision is not None and self.scale is not None:
            if other.kind == "DECIMAL" and other.precision is not None:
                assert other.scale is not None
                return (
                    self.scale >= other.scale
                    and self.precision - self.scale >= other.precision - other.scale
                )
            if other.is_integer:
                digits = {1: 3, 2: 5, 4: 10, 8: 20 if other.kind == "UINT64" else 19}
                width = _INTEGERS.get(other.kind) or _UNSIGNED[other.kind]
                return self.precision - self.scale >= digits[width]
        if self.kind == "TIMESTAMP_NTZ" and other.kind == "DATE":
            return True
        if self.kind == other.kind and self.args and other.args:
            if self.kind == "STRUCT":
                have = dict(zip(self.names, self.args, strict=True))
                return all(
                    n in have and have[n].widens(t)
                    for n, t in zip(other.names, other.args, strict=True)
                )
            return all(a.widens(b) for a, b in zip(self.args, other.args, strict=True))
        return False


def array_of(element: DataType, nullable: bool | None = None) -> DataType:
    """Return ARRAY<element>."""
    return DataType("ARRAY", args=(element,), nullables=() if nullable is None else (nullable,))


def map_of(key: DataType, value: DataType, nullable: bool | None = None) -> DataType:
    """Return MAP<key,value>; `nullable` speaks of the values."""
    known = () if nullable is None else (None, nullable)
    return DataType("MAP", args=(key, value), nullables=known)


def struct_of(fields: Iterable[tuple[str, DataType, bool | None]]) -> DataType:
    """Return STRUCT<…> of (name, type, nullable). Raises ValueError for a name given twice."""
    listed = list(fields)
    names = tuple(name for name, _, _ in listed)
    if len(set(names)) != len(names):
        ((twice, _),) = Counter(names).most_common(1)
        raise ValueError(f"field {twice!r} stands twice in a STRUCT")
    nullables = tuple(nullable for _, _, nullable in listed)
    known = () if all(nullable is None for nullable in nullables) else nullables
    return DataType("STRUCT", args=tuple(t for _, t, _ in listed), names=names, nullables=known)


def decimal_of(precision: int, scale: int) -> DataType:
    """Return DECIMAL(p,s). Raises ValueError outside 1..38 and 0..p."""
    if not 1 <= precision <= 38 or not 0 <= scale <= precision:
        raise ValueError(f"DECIMAL({precision},{scale}) is outside 1..38 and scale ≤ precision")
    return DataType("DECIMAL", precision, scale)


def parse(text: str) -> DataType:
    """Parse a type as people write it. Raises ValueError with what is wrong."""
    words = _Words(text)
    found = _parse(words, 0)
    if words.next:
        raise ValueError(f"unexpected {words.next!r} in type {words.shown}")
    return found


class _Words:
    """The words of a type from left to right; `next` is empty at the end."""

    def __init__(self, text: str) -> None:
        self._text = text.strip()
        self._at = 0
        self.shown = repr(text if len(text) <= 80 else f"{text[:79]}…")
        self.next = ""
        self.advance()

    def advance(self) -> str:
        """Return the present word and go on."""
        present = self.next
        if self._at >= len(self._text):
            self.next = ""
            return present
        match = _TOKEN.match(self._text, self._at)
        if match is None:
            raise ValueError(f"unexpected {self._text[self._at]!r} in type {self.shown}")
        self.next, self._at = match[1] or match[2], match.end()
        return present

    def took(self, word: str) -> bool:
        """Go past the present word if it is this one, in any case."""
        if self.next.upper() != word:
            return False
        self.advance()
        return True


def _parse(words: _Words, depth: int) -> DataType:
    if depth > DEEPEST:
        raise ValueError(f"type {words.shown} is nested too deeply")
    if not words.next:
        raise ValueError(f"type {words.shown} ends too early")
    written = words.advance()
    kind = SYNONYMS.get(written.upper(), written.upper())
    if kind == "DECIMAL":
        return _decimal(words)
    if kind in ("ARRAY", "MAP", "STRUCT"):
        return _nested(kind, words, depth)
    if kind == "STRING" and words.took("(") and not _length(words):
        raise ValueError(f"{written} takes (length) in type {words.shown}")
    if kind not in SCALARS:
        raise ValueError(f"unknown type {written!r}")
    return DataType(kind)


def _length(words: _Words) -> bool:
    return words.advance().isdigit() and words.took(")")


def _decimal(words: _Words) -> DataType:
    if not words.took("("):
        return DataType("DECIMAL")
    precision, scale = words.advance(), "0"
    if words.took(","):
        scale = words.advance()
    if not (precision.isdigit() and scale.isdigit() and words.took(")")):
        raise ValueError(f"DECIMAL takes (precision,scale) in type {words.shown}")
    return decimal_of(int(precision[:4]), int(scale[:4]))


def _nested(kind: str, words: _Words, depth: int) -> DataType:
    if not words.took("<"):
        return DataType(kind)
    inner: list[tuple[str, DataType, bool | None]] = []
    while True:
        name = ""
        if kind == "STRUCT":
            name = words.advance()
            if not words.took(":"):
                raise ValueError(f"STRUCT takes <name:type,…> in type {words.shown}")
        found = _parse(words, depth + 1)
        inner.append((_unquoted(name), found, _nullable(words)))
        if words.took(","):
            continue
        if words.took(">"):
            break
        raise ValueError(f"missing '>' in type {words.shown}")
    if kind == "STRUCT":
        return struct_of(inner)
    if len(inner) != (1 if kind == "ARRAY" else 2):
        raise ValueError(f"{kind} takes {1 if kind == 'ARRAY' else 2} types in {words.shown}")
    types = [found for _, found, _ in inner]
    last = inner[-1][2]
    return array_of(types[0], last) if kind == "ARRAY" else map_of(types[0], types[1], last)


def _nullable(words: _Words) -> bool | None:
    if words.took("NULL"):
        return True
    if not words.took("NOT"):
        return None
    if not words.took("NULL"):
        raise ValueError(f"NOT needs NULL behind it in type {words.shown}")
    return False


def _quoted(name: str) -> str:
    return name if _BARE.match(name) else "`" + name.replace("`", "``") + "`"


def _unquoted(name: str) -> str:
    return name[1:-1].replace("``", "`") if name.startswith("`") else name

"""Canonical types: one name for what every engine, file format and registry calls differently."""

from __future__ import annotations

import re

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
_TOKEN = re.compile(r"\s*([A-Za-z_][\w.-]*|\d+|[<>(),:])")


class DataType(msgspec.Struct, frozen=True, omit_defaults=True):
    """One canonical type. A bare DECIMAL, ARRAY, MAP or STRUCT (nothing inside) matches any."""

    kind: str
    precision: int | None = None
    scale: int | None = None
    args: tuple[DataType, ...] = ()
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.kind == "DECIMAL" and self.precision is not None:
            return f"DECIMAL({self.precision},{self.scale})"
        if self.kind == "STRUCT" and self.args:
            inner = ",".join(f"{n}:{t}" for n, t in zip(self.names, self.args, strict=True))
            return f"STRUCT<{inner}>"
        if self.args:
            return f"{self.kind}<{','.join(map(str, self.args))}>"
        return self.kind

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


def parse(text: str) -> DataType:
    """Parse a type as people write it. Raises ValueError with what is wrong."""
    tokens: list[str] = []
    position = 0
    stripped = text.strip()
    while position < len(stripped):
        match = _TOKEN.match(stripped, position)
        if match is None:
            raise ValueError(f"unexpected {stripped[position]!r} in type {text!r}")
        tokens.append(match[1])
        position = match.end()
    found, rest = _parse(tokens, text, 0)
    if rest:
        raise ValueError(f"unexpected {rest[0]!r} in type {text!r}")
    return found


def _parse(tokens: list[str], text: str, depth: int) -> tuple[DataType, list[str]]:
    if depth > 32:
        raise ValueError(f"type {text[:40]!r}… is nested too deeply")
    if not tokens:
        raise ValueError(f"type {text!r} ends too early")
    name = tokens[0].upper()
    kind = SYNONYMS.get(name, name)
    rest = tokens[1:]
    if kind == "DECIMAL":
        if rest[:1] != ["("]:
            return DataType(kind), rest
        if len(rest) >= 3 and rest[1].isdigit() and rest[2] == ")":
            precision, scale, rest = int(rest[1]), 0, rest[3:]
        elif (
            len(rest) >= 5
            and rest[1].isdigit()
            and rest[2] == ","
            and rest[3].isdigit()
            and rest[4] == ")"
        ):
            precision, scale, rest = int(rest[1]), int(rest[3]), rest[5:]
        else:
            raise ValueError(f"DECIMAL takes (precision,scale) in type {text!r}")
        if not 1 <= precision <= 38 or scale > precision:
            raise ValueError(f"DECIMAL({precision},{scale}) is outside 1..38 and scale ≤ precision")
        return DataType(kind, precision, scale), rest
    if kind in ("ARRAY", "MAP", "STRUCT"):
        if rest[:1] != ["<"]:
            return DataType(kind), rest
        rest = rest[1:]
        names: list[str] = []
        args: list[DataType] = []
        while True:
            if kind == "STRUCT":
                if len(rest) < 2 or rest[1] != ":":
                    raise ValueError(f"STRUCT takes <name:type,…> in type {text!r}")
                names.append(rest[0])
                rest = rest[2:]
            found, rest = _parse(rest, text, depth + 1)
            args.append(found)
            if rest[:1] == [","]:
                rest = rest[1:]
                continue
            if rest[:1] == [">"]:
                rest = rest[1:]
                break
            raise ValueError(f"missing '>' in type {text!r}")
        if len(args) != {"ARRAY": 1, "MAP": 2}.get(kind, len(args)):
            raise ValueError(f"{kind} takes {1 if kind == 'ARRAY' else 2} types in {text!r}")
        if len(set(names)) != len(names):
            raise ValueError(f"a field stands twice in type {text!r}")
        return DataType(kind, args=tuple(args), names=tuple(names)), rest
    if kind == "VARCHAR" or kind == "STRING":
        if rest[:1] == ["("] and len(rest) >= 3 and rest[2] == ")":
            rest = rest[3:]
        return DataType("STRING"), rest
    if kind not in SCALARS:
        raise ValueError(f"unknown type {tokens[0]!r}")
    return DataType(kind), rest

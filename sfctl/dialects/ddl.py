"""Columns as SQL writes them: `id BIGINT NOT NULL, tags ARRAY<STRING>`. Spark's and Hive's."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sfctl.dialects.naming import schema_from, struct_from
from sfctl.dialects.place import NotASchema, Place
from sfctl.dialects.spark_json import primitive
from sfctl.model.schema import Schema
from sfctl.model.types import DataType, array_of, map_of

_BLANK = re.compile(r"\s*")
_WORD = re.compile(
    r"(?P<word>\w[\w.-]*)|`(?P<quoted>(?:[^`]|``)*)`"
    r"|(?P<text>'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.)*\")|(?P<sign>[<>(),:])"
)
_SPARK = {
    "TINYINT": "byte", "SMALLINT": "short", "INT": "integer", "BIGINT": "long", "REAL": "float",
    "BOOL": "boolean", "DEC": "decimal", "NUMERIC": "decimal",
}  # fmt: skip
_HINT = "a column is `name TYPE [NOT NULL] [COMMENT 'text']`"
Fields = Iterator[tuple[str, DataType, bool | None]]


def of_ddl(text: str, *, zoneless: bool = False) -> Schema:
    """Return the columns of a DDL string, `STRUCT<…>` around them or not. Raises NotASchema.

    What is not `NOT NULL` may be null. `zoneless` says that TIMESTAMP has no zone, as in Hive;
    Spark's has one.
    """
    reader = _Reader(text, zoneless)
    wrapped = reader.took("STRUCT", "<")
    schema = schema_from(reader.fields(">" if wrapped else "", Place("ddl")), Place("ddl"))
    if reader.next:
        raise reader.wrong(f"unexpected {reader.next!r}")
    return schema


def type_of(text: str, place: Place, *, zoneless: bool = False) -> DataType:
    """Return the type that a SQL type names. Raises NotASchema."""
    reader = _Reader(text, zoneless, place.path)
    found = reader.type(place)
    if reader.next:
        raise reader.wrong(f"unexpected {reader.next!r}")
    return found


class _Reader:
    """A text from left to right; `next` is the word ahead, empty at the end."""

    def __init__(self, text: str, zoneless: bool, name: str = "ddl") -> None:
        self._text, self._at, self._start = text.rstrip().removesuffix(";"), 0, 0
        self._zoneless, self._name = zoneless, name
        self.next, self._quoted = "", False
        self.advance()

    def wrong(self, message: str) -> NotASchema:
        return NotASchema(f"{self._name}:{self._start + 1}: {message}", hint=_HINT)

    def advance(self) -> str:
        """Return the word ahead and go past it."""
        present = self.next
        blank = _BLANK.match(self._text, self._at)
        self._start = self._at = blank.end() if blank else self._at
        if self._at == len(self._text):
            self.next, self._quoted = "", False
            return present
        match = _WORD.match(self._text, self._at)
        if match is None:
            raise self.wrong(f"unexpected {self._text[self._at]!r}")
        group = match.lastgroup or "word"
        self._at, self._quoted = match.end(), group == "quoted"
        self.next = match[group].replace("``", "`") if self._quoted else match[group]
        return present

    def took(self, *words: str) -> bool:
        """Go past the words ahead if they are these, in any case; nothing moves otherwise."""
        kept = self._at, self._start, self.next, self._quoted
        for word in words:
            if self._quoted or self.next.upper() != word:
                self._at, self._start, self.next, self._quoted = kept
                return False
            self.advance()
        return True

    def fields(self, end: str, place: Place) -> Fields:
        while True:
            if not self.next or (not self._quoted and self.next in "<>(),:'\""):
                raise self.wrong("a column name is missing")
            name = self.advance()
            here = place.inside(name)
            self.took(":")
            kind = self.type(here)
            yield name, kind, not self._not_null()
            if self.took("COMMENT"):
                if not self.next.startswith(("'", '"')):
                    raise self.wrong("COMMENT needs a quoted text")
                self.advance()
            if self.took(","):
                continue
            if end and not self.took(end):
                raise self.wrong(f"missing {end!r}")
            return

    def _not_null(self) -> bool:
        return self.took("NOT", "NULL")

    def type(self, place: Place) -> DataType:
        """Return the type ahead."""
        if not self.next or self._quoted:
            raise self.wrong("a type is missing")
        name = self.advance().upper()
        if name == "STRUCT" and self.took("<"):
            return struct_from(self.fields(">", place), place)
        if name == "ARRAY" and self.took("<"):
            element = self.type(place.inside("element"))
            return self._closed(array_of(element, not self._not_null()))
        if name == "MAP" and self.took("<"):
            key = self.type(place.inside("key"))
            if not self.took(","):
                raise self.wrong("MAP takes <key, value>")
            value = self.type(place.inside("value"))
            return self._closed(map_of(key, value, not self._not_null()))
        if name in ("STRUCT", "ARRAY", "MAP"):
            raise self.wrong(f"{name} needs <…>")
        if name == "TIMESTAMP" and self._zoneless:
            name = "TIMESTAMP_NTZ"
        return self._primitive(name, place)

    def _primitive(self, name: str, place: Place) -> DataType:
        words = [_SPARK.get(name, name.lower())]
        if name == "INTERVAL" and self.next.upper() in _UNITS:
            words.append(self.advance().lower())
            if self.took("TO"):
                words += ["to", self.advance().lower()]
        text = " ".join(words)
        if self.took("("):
            numbers = [self.advance()]
            while self.took(","):
                numbers.append(self.advance())
            if not self.took(")"):
                raise self.wrong("missing ')'")
            if text == "decimal" and len(numbers) == 1:
                numbers.append("0")
            text += f"({','.join(numbers)})"
        elif text == "decimal":
            text = "decimal(10,0)"
        return primitive(text, place)

    def _closed(self, kind: DataType) -> DataType:
        if not self.took(">"):
            raise self.wrong("missing '>'")
        return kind


_UNITS = frozenset({"YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"})

"""The closed list of functions, each with one meaning on every engine.

A null argument gives null, except for `coalesce`. Text is counted and cut by code point.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Function:
    """A function: how many arguments, of which families, and what comes out.

    `takes` names a family for each argument, the last one repeating. `gives` is a type's name,
    `same` for the first argument's, `common` for what all arguments share. Arguments from
    `literals` on must be literals.
    """

    arity: tuple[int, int]
    takes: tuple[str, ...]
    gives: str
    meaning: str
    literals: int = 99


FUNCTIONS: dict[str, Function] = {
    "length": Function((1, 1), ("text",), "INT64", "Number of code points."),
    "lower": Function((1, 1), ("text",), "STRING", "Unicode lower case, without locale."),
    "upper": Function((1, 1), ("text",), "STRING", "Unicode upper case, without locale."),
    "trim": Function((1, 1), ("text",), "STRING", "Without spaces (U+0020) at both ends."),
    "substring": Function(
        (2, 3), ("text", "number"), "STRING",
        "From the character at `start`, counted from 1, `length` characters or to the end.", 1,
    ),
    "starts_with": Function((2, 2), ("text",), "BOOLEAN", "Begins with the second text."),
    "ends_with": Function((2, 2), ("text",), "BOOLEAN", "Ends with the second text."),
    "contains": Function((2, 2), ("text",), "BOOLEAN", "Holds the second text."),
    "concat": Function((2, 16), ("text",), "STRING", "One after the other; null if any is null."),
    "abs": Function((1, 1), ("number",), "same", "Without sign."),
    "coalesce": Function((2, 16), ("any",), "common", "The first that is not null."),
    "year": Function((1, 1), ("day",), "INT32", "Year, of an instant in UTC."),
    "month": Function((1, 1), ("day",), "INT32", "Month from 1, of an instant in UTC."),
    "day": Function((1, 1), ("day",), "INT32", "Day of the month, of an instant in UTC."),
    "hour": Function((1, 1), ("clock",), "INT32", "Hour from 0, of an instant in UTC."),
    "minute": Function((1, 1), ("clock",), "INT32", "Minute from 0."),
    "date": Function((1, 1), ("day",), "DATE", "The date, of an instant in UTC."),
}  # fmt: skip

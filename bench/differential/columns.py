"""The generated columns: per type what is ordinary, and what tools are known to differ on."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

SEED = 20130101
VARIANTS = 2
ROWS = 40

TYPES = {
    "ints": "INT64",
    "floats": "DOUBLE",
    "decimals": "DECIMAL(12,2)",
    "texts": "STRING",
    "days": "DATE",
    "naives": "TIMESTAMP_NTZ",
    "instants": "TIMESTAMP",
    "zoned": "TIMESTAMP",
    "flags": "BOOLEAN",
}
"""The declared type of a family's columns. The table `mixed` holds several, see `family_of`."""

Values = list[Any]
Maker = Callable[[random.Random], Any]


def tables() -> dict[str, dict[str, Values]]:
    """Return all tables by name, each a mapping of columns of equal length; always the same.

    The prefix of a column's name up to the underscore is its family, a key of `TYPES`.
    """
    found: dict[str, dict[str, Values]] = {}
    for variant in range(VARIANTS):
        for family, makers in _MAKERS.items():
            dice = random.Random(f"{SEED} {variant} {family}")
            found[f"{family}{variant}"] = {
                f"{family}_{name}": _column(dice, name, maker) for name, maker in makers.items()
            }
        dice = random.Random(f"{SEED} {variant} mixed")
        found[f"mixed{variant}"] = _mixed(dice)
        found[f"whole{variant}"] = {
            name: values + values[:3] for name, values in found[f"mixed{variant}"].items()
        }
    found["empty"] = {f"{family}_empty": [] for family in TYPES}
    found["single"] = {
        name: values[1:2] for name, values in found["mixed0"].items() if values[1] is not None
    }
    return found


def family_of(column: str) -> str:
    """Return the family a column belongs to, by its name."""
    return column.partition("_")[0]


def frame_of(table: Mapping[str, Values]) -> pl.DataFrame:
    """Return a table as the frame that everybody is given as Parquet."""
    import polars as pl

    dtypes: dict[str, Any] = {
        "ints": pl.Int64,
        "floats": pl.Float64,
        "decimals": pl.Decimal(12, 2),
        "texts": pl.String,
        "days": pl.Date,
        "naives": pl.Datetime("us"),
        "instants": pl.Datetime("us", "UTC"),
        "zoned": pl.Datetime("us", "America/New_York"),
        "flags": pl.Boolean,
    }
    return pl.DataFrame(
        [pl.Series(name, table[name], dtype=dtypes[family_of(name)]) for name in table]
    )


def write(folder: Path) -> None:
    """Write every table as one Parquet file."""
    for name, table in tables().items():
        frame_of(table).write_parquet(folder / f"{name}.parquet")


def _column(dice: random.Random, name: str, maker: Maker) -> Values:
    if name == "void":
        return [None] * ROWS
    values = [maker(dice) for _ in range(ROWS)]
    if name.endswith("null"):
        for row in dice.sample(range(ROWS), 6):
            values[row] = None
    return values


def _of(*values: Any) -> Maker:
    return lambda dice: dice.choice(values)


_DAY = date(2024, 1, 1)
_NOON = datetime(2024, 3, 10, 6, 30)
_NAN = float("nan")
_INF = float("inf")


def _day(dice: random.Random) -> date:
    return _DAY + timedelta(days=dice.randrange(60))


def _naive(dice: random.Random) -> datetime:
    return _NOON + timedelta(minutes=dice.randrange(3000))


def _instant(dice: random.Random) -> datetime:
    return _naive(dice).replace(tzinfo=UTC)


def _money(dice: random.Random) -> Decimal:
    return Decimal(dice.randrange(-5000, 100000)) / 100


_CODES = ("AA", "BB", "CC", "DD", "E1")
_ODD = (
    "AA",
    "BB",
    "aa",
    "",
    " ",
    "AA ",
    "BB\n",
    "AA\nBB",
    "Ä",
    "é",
    "e\u0301",
    "😀😀",
    "\u0661\u0662",
)
_WRITTEN_DAYS = ("2024-01-31", "2024-02-30", "2024-2-1", "31.01.2024", "2024-12-31", "", "tomorrow")
_BIG = (2**53, 2**53 + 1, 2**62, 2**63 - 1, -(2**63) + 1, 0)
_WRITTEN = ("1", "2", "-3", "4.5", "x", "1e3", " 7", "0x1")
_UUIDS = (
    "6f1c2a9e-1b7d-4c7e-9a51-0d5a3b1c9f10",
    "6F1C2A9E-1B7D-4C7E-9A51-0D5A3B1C9F10",
    "6f1c2a9e1b7d4c7e9a510d5a3b1c9f10",
    "not-a-uuid",
)

_MAKERS: dict[str, dict[str, Maker]] = {
    "ints": {
        "plain": lambda dice: dice.randrange(20),
        "null": lambda dice: dice.randrange(20),
        "negative": lambda dice: dice.randrange(-10, 10),
        "big": _of(*_BIG),
        "big_null": _of(*_BIG),
        "void": _of(None),
    },
    "floats": {
        "plain": lambda dice: dice.randrange(100) / 4,
        "null": lambda dice: dice.randrange(100) / 4,
        "nan": lambda dice: _NAN if dice.random() < 0.2 else dice.randrange(100) / 4,
        "nan_null": lambda dice: _NAN if dice.random() < 0.2 else dice.randrange(100) / 4,
        "edge": _of(0.0, -0.0, 0.1, 0.30000000000000004, _INF, -_INF, 5e-324, 1e300),
        "void": _of(None),
    },
    "decimals": {"plain": _money, "null": _money, "void": _of(None)},
    "texts": {
        "code": _of(*_CODES),
        "code_null": _of(*_CODES),
        "newline": _of("AA", "BB", "AA\n", "B\nB", "CC\n"),
        "odd": _of(*_ODD),
        "odd_null": _of(*_ODD),
        "days": _of(*_WRITTEN_DAYS),
        "days_null": _of(*_WRITTEN_DAYS),
        "numbers": _of(*_WRITTEN),
        "uuids": _of(*_UUIDS),
        "void": _of(None),
    },
    "days": {"plain": _day, "null": _day, "void": _of(None)},
    "naives": {"plain": _naive, "null": _naive},
    "instants": {"plain": _instant, "null": _instant},
    "zoned": {"plain": _instant, "null": _instant},
    "flags": {"plain": _of(True, False), "null": _of(True, False), "void": _of(None)},
}


def _mixed(dice: random.Random) -> dict[str, Values]:
    """Return a table for rules on several columns: keys, pairs, nulls in either."""
    table: dict[str, Values] = {
        "ints_id": list(range(ROWS)),
        "ints_a": [dice.randrange(6) for _ in range(ROWS)],
        "ints_b": [dice.choice([None, 0, 1, 2, 3]) for _ in range(ROWS)],
        "texts_c": [dice.choice(["AA", "BB", None]) for _ in range(ROWS)],
        "floats_x": [dice.choice([None, _NAN, 0.0, -0.0, 1.5, 2.5]) for _ in range(ROWS)],
        "floats_y": [dice.randrange(12) / 4 for _ in range(ROWS)],
        "days_from": [_day(dice) for _ in range(ROWS)],
        "days_to": [dice.choice([None, _day(dice)]) for _ in range(ROWS)],
    }
    table["ints_key"] = list(table["ints_id"])
    table["ints_key"][7] = table["ints_key"][3]
    return table

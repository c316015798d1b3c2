"""Rows of any schema as two pieces of text each: one in the clear, one sealed; and back, exactly.

Every value becomes text that its type reads back without loss, so that a replay judges the very
row that was held. Types without such a text travel as one-value Arrow streams.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sfctl.runtime.seal import Opener, Sealer

if TYPE_CHECKING:
    import polars as pl


def schema_text(frame: pl.DataFrame) -> str:
    """Return the frame's schema as text that `schema_of` reads back."""
    buffer = io.BytesIO()
    frame.clear().write_ipc(buffer)
    return base64.b64encode(buffer.getvalue()).decode()


def schema_of(text: str) -> pl.Schema:
    """Return what `schema_text` wrote down."""
    import polars as pl

    return pl.read_ipc(io.BytesIO(base64.b64decode(text))).schema


def pack(
    frame: pl.DataFrame, flagged: Sequence[str], sealer: Sealer
) -> tuple[pl.Series, pl.Series]:
    """Return per row the unflagged values as JSON, and the flagged ones as sealed JSON."""
    import polars as pl

    texts = frame.select(_to_text(frame[name]) for name in frame.columns)
    clear = _json(texts.drop(flagged), frame.height)
    secret = _json(texts.select(flagged), frame.height)
    sealed = [sealer.encrypt(text.encode()) for text in secret]
    return clear, pl.Series(sealed, dtype=pl.Binary)


def unpack(
    clear: pl.Series, sealed: pl.Series | None, schema: pl.Schema, flagged: Sequence[str],
    opener: Opener | None,
) -> pl.DataFrame:  # fmt: skip
    """Return the rows `pack` took; without an opener flagged columns read `<sealed>`.

    Raises SfctlError SF454 when a sealed value was altered or is not of this batch.
    """
    import polars as pl

    open_names = [name for name in schema if name not in flagged]
    frame = _from_json(clear, open_names)
    parts = [_from_text(frame[name], schema[name]) for name in open_names]
    if opener is not None and sealed is not None:
        secret = pl.Series([opener.decrypt(value).decode() for value in sealed], dtype=pl.String)
        texts = _from_json(secret, list(flagged))
        parts += [_from_text(texts[name], schema[name]) for name in flagged]
    else:
        parts += [
            pl.repeat("<sealed>", clear.len(), dtype=pl.String, eager=True).alias(name)
            for name in flagged
        ]
    return pl.DataFrame(parts).select(schema.names())


def _json(texts: pl.DataFrame, rows: int) -> pl.Series:
    """Return each row as JSON; a frame without columns has forgotten how many there were."""
    import polars as pl

    if not texts.columns:
        return pl.repeat("{}", rows, dtype=pl.String, eager=True)
    return texts.select(pl.struct(pl.all()).struct.json_encode()).to_series()


def _from_json(texts: pl.Series, names: Sequence[str]) -> pl.DataFrame:
    import polars as pl

    if not names:
        return pl.DataFrame()
    shape = pl.Struct(dict.fromkeys(names, pl.String))
    return texts.alias("row").str.json_decode(shape).struct.unnest()


def _to_text(series: pl.Series) -> pl.Series:
    import polars as pl

    kind = series.dtype
    if kind == pl.String:
        return series
    if kind.is_temporal():
        return series.to_physical().cast(pl.String)
    if kind == pl.Binary:
        return series.bin.encode("base64")
    if _plain(kind):
        return series.cast(pl.String)
    return pl.Series(series.name, [_stream(series, i) for i in range(series.len())], pl.String)


def _from_text(texts: pl.Series, kind: pl.DataType) -> pl.Series:
    import polars as pl

    if kind == pl.String:
        return texts
    if kind.is_temporal():
        physical = pl.Int32 if kind == pl.Date else pl.Int64
        return texts.cast(physical).cast(kind)
    if kind == pl.Binary:
        return texts.str.decode("base64")
    if kind == pl.Boolean:
        return texts == "true"
    if isinstance(kind, pl.Decimal):
        return texts.str.to_decimal(scale=kind.scale or 0).cast(kind)
    if _plain(kind):
        return texts.cast(kind)
    if texts.is_empty():
        return pl.Series(texts.name, [], kind)
    return pl.concat([_value(text, texts.name, kind) for text in texts])


def _plain(kind: pl.DataType) -> bool:
    import polars as pl

    if kind in (pl.Boolean, pl.Null) or kind.is_numeric():
        return True
    return isinstance(kind, pl.Categorical | pl.Enum)


def _stream(series: pl.Series, index: int) -> str:
    buffer = io.BytesIO()
    series.slice(index, 1).to_frame().write_ipc_stream(buffer)
    return base64.b64encode(buffer.getvalue()).decode()


def _value(text: str, name: str, kind: pl.DataType) -> pl.Series:
    import polars as pl

    frame = pl.read_ipc_stream(io.BytesIO(base64.b64decode(text)))
    return frame.to_series().alias(name).cast(kind)

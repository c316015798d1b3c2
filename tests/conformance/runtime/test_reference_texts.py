"""Texts read as typed values: engine and interpreter agree on which can be read."""

from __future__ import annotations

from random import Random

import polars as pl
import pytest

from sfctl.model.expr import CastsTo, Field
from sfctl.model.types import parse
from sfctl.runtime.polars.emit import Emitter
from tests.reference.interpreter import casts

WRITTEN = (
    "", "0", "-0", "+1", "1.", "1.0", ".5", "1e3", "1e18", "1E18", "1e-3", "100e-2", "1.5e1",
    "1e19", "1e400", "-1e3", "00012", "1e+05", "074783338", "12.3400000000000000000000000000000001",
    "9223372036854775807", "9223372036854775807.0", "-9223372036854775809", "18446744073709551615",
    "9" * 38, "9" * 39, "NaN", "nan", "inf", "Infinity", "true", "FALSE", "True ", "2024-02-29",
    "2023-02-29", "0001-01-01", "9999-12-31", "10000-01-01", "0000-01-01", "2024-02-29T10:00",
    "2024-02-29 10:00:00", "2024-02-29t10:00:00Z", "2024-02-29T10:00:00+02",
    "2024-02-29T10:00:00+0200", "2024-02-29T10:00:00+02:00", "2024-02-29T24:00:00Z",
    "2024-02-29T10:00:60Z", "2024-02-29T10:00:00.1234567Z", "2024-02-29T10:00:00.123456789",
    "2024-02-29T10:00:00 Z", "2024-02-29Z", "2024-02-29T10:00:00-25:00", "2024-02-29T10Z",
    "0001-01-01T00:00:00+02:00", "9999-12-31T23:00:00-05:00", "10:30", "10:30:00", "24:00",
    "10:30:60", "10:30:00.5", "10:30:00.1234567", "1:30", " 1", "1 ", "1\n", "\u0663", "0x10",
)  # fmt: skip
TYPES = (
    "INT8", "INT64", "UINT64", "DOUBLE", "FLOAT", "DECIMAL(10,2)", "DECIMAL(38,0)",
    "DECIMAL(38,38)", "BOOLEAN", "DATE", "TIME", "TIMESTAMP", "TIMESTAMP_NTZ", "STRING",
)  # fmt: skip


@pytest.mark.parametrize("kind", TYPES)
def test_the_same_texts_can_be_read(kind: str) -> None:
    random = Random(kind)
    drawn = ["".join(random.choices("0123456789+-.eE:TZz \n", k=random.randint(1, 12)))
             for _ in range(300)]  # fmt: skip
    frame = pl.DataFrame({"s": [*WRITTEN, *drawn]})
    wanted = parse(kind)
    read = CastsTo(Field(("s",), parse("STRING")), wanted)
    found = frame.select(Emitter(frame.schema).condition(read).value).to_series()
    own = parse("STRING")
    wrong = [
        text
        for text, good in zip(frame["s"], found, strict=True)
        if good != casts(text, wanted, own)
    ]
    assert wrong == []

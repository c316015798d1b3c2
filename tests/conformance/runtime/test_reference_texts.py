"""Texts read as typed values: engine and interpreter agree on which can be read."""

from __future__ import annotations

from random import Random

import polars as pl

from sfctl.model.expr import CastsTo, Constant, Expr, Field, Within
from sfctl.model.types import parse
from tests.conformance.runtime.engines import Engine
from tests.reference.interpreter import casts, rounded

WRITTEN = (
    "", "0", "-0", "+1", "1.", "1.0", ".5", "1e3", "1e18", "1E18", "1e-3", "100e-2", "1.5e1",
    "1e19", "1e400", "1e39", "-3.5e38", "65519.9", "65520", "1e-50", "-1e3", "00012", "1e+05",
    "074783338", "12.3400000000000000000000000000000001",
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
    "INT8", "INT64", "UINT64", "DOUBLE", "FLOAT", "HALF", "DECIMAL(10,2)", "DECIMAL(38,0)",
    "DECIMAL(38,38)", "BOOLEAN", "DATE", "TIME", "TIMESTAMP", "TIMESTAMP_NTZ", "STRING",
)  # fmt: skip


def texts_for(kind: str) -> list[str]:
    random = Random(kind)
    drawn = ["".join(random.choices("0123456789+-.eE:TZz \n", k=random.randint(1, 12)))
             for _ in range(300)]  # fmt: skip
    return [*WRITTEN, *drawn]


def test_the_same_texts_can_be_read(engine: Engine) -> None:
    own = parse("STRING")
    frame = pl.DataFrame({kind: texts_for(kind) for kind in TYPES})
    read = [CastsTo(Field((kind,), own), parse(kind)) for kind in TYPES]
    wrong = {
        kind: [
            text
            for text, good in zip(frame[kind], found, strict=True)
            if good != casts(text, parse(kind), own)
        ]
        for kind, found in zip(TYPES, engine.holds(frame, read), strict=True)
    }
    assert wrong == {kind: [] for kind in TYPES}


def test_narrow_floats_are_rounded_as_they_are_read(engine: Engine) -> None:
    texts = ["0.1", "65519.9", "-1.00049", "1.0005", "6e-8", "2.9e-8", "0", "-0", "2049", "2051",
             "0.00006103515625", "1e-7", "1023.75", "16777217"]  # fmt: skip
    trees: list[Expr] = []
    for kind in map(parse, ("HALF", "FLOAT")):
        nearest = [str(v) for text in texts if (v := rounded(float(text), kind)) is not None]
        listed = tuple(Constant(text, parse("DOUBLE")) for text in nearest)
        trees.append(Within(Field(("s",), kind), listed))
    found = engine.holds(pl.DataFrame({"s": texts}), trees)
    assert found == [[True] * 13 + [None], [True] * 14]
